"""Which certificate is trusted of a platform on the local network: the one seen at pairing, and no other.

Such a platform signs its own certificate. At pairing the console reads it, shows its
fingerprint (the seller's console shows the same), and from then on speaks to that
address under that certificate only. An address without a kept certificate is trusted
the way the system trusts any site.
"""

from __future__ import annotations

import hashlib
import os
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from .. import places

ANSWER_S = 5.0
SAID_DIGITS = 32
"""Hexadecimal digits of a fingerprint that travel with an invitation: 128 bits."""


def seen(url: str) -> str:
    """The certificate (PEM) the address shows now, "" without TLS. OSError when nobody answers. Blocks."""
    parts = urlsplit(url)
    if parts.scheme != "https":
        return ""
    return ssl.get_server_certificate((parts.hostname or "", parts.port or 443), timeout=ANSWER_S)


def fingerprint(pem: str) -> str:
    """SHA-256 of the certificate, hexadecimal, as far as it is said; "" of none."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()[:SAID_DIGITS] if pem else ""


def readable(said: str) -> str:
    """3FA2 9B10 … for two people to compare."""
    short = said[:16].upper()
    return " ".join(short[i : i + 4] for i in range(0, len(short), 4))


def keep(url: str, pem: str) -> None:
    path = _path(url)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(pem)


def context(url: str) -> ssl.SSLContext | bool:
    """What httpx verifies by."""
    try:
        pem = _path(url).read_text("ascii") if urlsplit(url).scheme == "https" else ""
    except FileNotFoundError:
        pem = ""
    return only(pem) if pem else True


def only(pem: str) -> ssl.SSLContext:
    """Trusts this certificate, for the names it says, and nothing else."""
    made = ssl.create_default_context(cadata=pem)
    made.verify_flags &= ~ssl.VERIFY_X509_STRICT
    made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return made


def _path(url: str) -> Path:
    parts = urlsplit(url)
    host = "".join(c if c.isalnum() or c in ".-" else "_" for c in parts.hostname or "")
    return places.home() / "trusted" / f"{host}_{parts.port or 443}.pem"

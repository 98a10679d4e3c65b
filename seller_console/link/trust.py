"""Which certificate is trusted of a platform on the local network: the one seen at pairing, and no other.

Such a platform signs its own certificate. At pairing the console reads it, shows its
fingerprint (the seller's console shows the same), and from then on speaks to that
address under that certificate only (trusted.py, which the engine reads too). An address
without a kept certificate is trusted the way the system trusts any site.
"""

from __future__ import annotations

import hashlib
import os
import ssl
from urllib.parse import urlsplit

from ..trusted import context, kept_at, only

__all__ = ["context", "fingerprint", "keep", "only", "readable", "seen"]

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
    path = kept_at(url)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(pem)

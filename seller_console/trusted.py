"""Which certificate an address must show: the one kept of it at pairing, else one the system trusts.

Read by the console (link/trust.py keeps them) and by the engine, so that the picture goes
wherever the words go. A context is made once for each certificate: making one costs 20 ms.
"""

from __future__ import annotations

import functools
import os
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from . import places


def context(url: str) -> ssl.SSLContext | bool:
    """What httpx verifies by."""
    try:
        pem = kept_at(url).read_text("ascii") if urlsplit(url).scheme == "https" else ""
    except FileNotFoundError:
        pem = ""
    return only(pem) if pem else _the_systems(os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", ""))


@functools.lru_cache(maxsize=8)
def only(pem: str) -> ssl.SSLContext:
    """Trusts this certificate, for the names it says, and nothing else."""
    made = ssl.create_default_context(cadata=pem)
    made.verify_flags &= ~ssl.VERIFY_X509_STRICT
    made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return made


@functools.lru_cache(maxsize=2)
def _the_systems(_file: str, _folder: str) -> ssl.SSLContext:
    return httpx.create_ssl_context()


def kept_at(url: str) -> Path:
    parts = urlsplit(url)
    host = "".join(c if c.isalnum() or c in ".-" else "_" for c in parts.hostname or "")
    return places.home() / "trusted" / f"{host}_{parts.port or 443}.pem"

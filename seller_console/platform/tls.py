"""The key of the door to the local network: a certificate signed by nobody but itself.

Made once, renewed when it nears its end or the machine's addresses have changed.
Phones will ask once whether to trust it; its fingerprint is in the log.
"""

from __future__ import annotations

import datetime
import ipaddress
import logging
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import psutil
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .keys import write_private

logger = logging.getLogger(__name__)

LASTS_DAYS = 397
RENEWED_DAYS_BEFORE = 30


class Certificate(NamedTuple):
    cert_path: Path
    key_path: Path
    fingerprint: str
    """SHA-256, hex."""


def lan_addresses() -> list[str]:
    """This machine's addresses on its networks, IPv4 first; loopback and link-local left out."""
    found: list[str] = []
    for addresses in psutil.net_if_addrs().values():
        for address in addresses:
            if address.family not in {socket.AF_INET, socket.AF_INET6}:
                continue
            ip = ipaddress.ip_address(address.address.partition("%")[0])
            if not (ip.is_loopback or ip.is_link_local or ip.is_unspecified):
                found.append(str(ip))
    return sorted(set(found), key=lambda text: (ipaddress.ip_address(text).version, text))


def certificate(folder: Path, names: Sequence[str]) -> Certificate:
    """The certificate in `folder` for these names and addresses; made when it does not fit."""
    folder.mkdir(exist_ok=True, mode=0o700)
    cert_path, key_path = folder / "cert.pem", folder / "key.pem"
    wanted = [_general(name) for name in sorted({*names, "localhost", "127.0.0.1"})]
    found = _read(cert_path, wanted) if key_path.exists() else None
    if found is None:
        found = _make(cert_path, key_path, wanted)
        logger.info("certificate_made names=%d", len(wanted))
    return Certificate(cert_path, key_path, found.fingerprint(hashes.SHA256()).hex())


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _read(path: Path, wanted: Sequence[x509.GeneralName]) -> x509.Certificate | None:
    try:
        found = x509.load_pem_x509_certificate(path.read_bytes())
        names = set(found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except (OSError, ValueError, x509.ExtensionNotFound):
        return None
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=RENEWED_DAYS_BEFORE)
    return found if set(wanted) <= names and found.not_valid_after_utc > soon else None


def _make(cert_path: Path, key_path: Path, wanted: Sequence[x509.GeneralName]) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "seller-console")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=LASTS_DAYS))
        .add_extension(x509.SubjectAlternativeName(wanted), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    write_private(
        key_path,
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )
    write_private(cert_path, made.public_bytes(serialization.Encoding.PEM))
    return made

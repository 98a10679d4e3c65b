"""Which snapshots this very code may trust: those made by the same rules and the same state.

A snapshot is only a saved fold. When the fold's source or the state's shape has
changed the fingerprint differs, and the show is folded from its first row.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from pathlib import Path

import msgspec

from ..contract import VERSION
from ..sale.state import ShowState

_DIGEST_BYTES = 16


class BadSnapshot(ValueError):
    """Not what was saved: the disk gave back something else."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(ShowState)


def _fingerprint() -> str:
    made = hashlib.sha256(f"contract {VERSION}".encode())
    made.update(json.dumps(msgspec.json.schema(ShowState), sort_keys=True).encode())
    package = importlib.util.find_spec("seller_console.sale")
    folders = list(package.submodule_search_locations or ()) if package else []
    for folder in folders:
        # A frozen bundle has no sources: there the version of the program stands for them.
        for source in sorted(Path(folder).glob("*.py")):
            made.update(source.read_bytes())
    from .. import __version__

    made.update(__version__.encode())
    return made.hexdigest()[:16]


FINGERPRINT = _fingerprint()


def encode_state(state: ShowState) -> bytes:
    encoded = _encoder.encode(state)
    return _digest(encoded) + encoded


def decode_state(raw: bytes) -> ShowState:
    """Raises BadSnapshot."""
    encoded = raw[_DIGEST_BYTES:]
    if raw[:_DIGEST_BYTES] != _digest(encoded):
        raise BadSnapshot(f"{len(raw)} bytes that do not add up")
    try:
        return _decoder.decode(encoded)
    except msgspec.DecodeError as error:
        raise BadSnapshot(str(error)) from error


def _digest(encoded: bytes) -> bytes:
    return hashlib.blake2b(encoded, digest_size=_DIGEST_BYTES).digest()

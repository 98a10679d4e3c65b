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
    return _encoder.encode(state)


def decode_state(raw: bytes) -> ShowState:
    return _decoder.decode(raw)

"""What of a platform must be the same after it was killed: port, passes, the open show.

One file in the home, mode 0600, replaced whole. The owner's pass is kept in the
clear there, beside the logs it opens: whoever reads that folder has the shop.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from .passes import new_token


class Keys(msgspec.Struct, kw_only=True):
    owner_pass: str
    stream_key: str
    port: int = 0
    lan_port: int = 0
    current_show: str = ""


def write_private(path: Path, content: bytes) -> None:
    """Whole or not at all, readable by its owner only."""
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def keys_path(home: Path) -> Path:
    return home / "platform-keys.json"


def read_keys(home: Path) -> Keys:
    """The home's keys; new ones when there are none (or they cannot be read: old passes then end)."""
    try:
        return msgspec.json.decode(keys_path(home).read_bytes(), type=Keys)
    except (FileNotFoundError, msgspec.DecodeError):
        keys = Keys(owner_pass=new_token(), stream_key=new_token())
        keep_keys(home, keys)
        return keys


def keep_keys(home: Path, keys: Keys) -> None:
    write_private(keys_path(home), msgspec.json.encode(keys))

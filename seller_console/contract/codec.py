"""Bytes to words and back: JSON by msgspec, one decoder a union, made once.

Promises: `decode_*` raises Unreadable with a plain reason for anything that is
not a word of this contract, and nothing else.
"""

from __future__ import annotations

from typing import Any

import msgspec

from .commands import Command
from .events import Brief, Event, Passing, Stamped
from .media import EngineCommand, EngineNote, RuntimeFile
from .words import Accepted, Refusal

_encoder = msgspec.json.Encoder()
_command: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Command)
_event: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Event)
_passing: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Passing)
_stamped = msgspec.json.Decoder(Stamped)
_brief = msgspec.json.Decoder(Brief)
_accepted = msgspec.json.Decoder(Accepted)
_refusal = msgspec.json.Decoder(Refusal)
_engine_command: msgspec.json.Decoder[Any] = msgspec.json.Decoder(EngineCommand)
_engine_note: msgspec.json.Decoder[Any] = msgspec.json.Decoder(EngineNote)
_runtime = msgspec.json.Decoder(RuntimeFile)


class Unreadable(ValueError):
    """The bytes are not a word of this contract; str() says why."""


def encode(word: Any) -> bytes:
    """Compact JSON (UTF-8), fields in the order of their declaration."""
    return _encoder.encode(word)


def _decode(decoder: msgspec.json.Decoder[Any], raw: bytes | str) -> Any:
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(str(error)) from error


def decode_command(raw: bytes | str) -> Command:
    return _decode(_command, raw)  # type: ignore[no-any-return]


def decode_event(raw: bytes | str) -> Event:
    return _decode(_event, raw)  # type: ignore[no-any-return]


def decode_passing(raw: bytes | str) -> Passing:
    return _decode(_passing, raw)  # type: ignore[no-any-return]


def decode_stamped(raw: bytes | str) -> Stamped:
    return _decode(_stamped, raw)  # type: ignore[no-any-return]


def decode_brief(raw: bytes | str) -> Brief:
    return _decode(_brief, raw)  # type: ignore[no-any-return]


def decode_accepted(raw: bytes | str) -> Accepted:
    return _decode(_accepted, raw)  # type: ignore[no-any-return]


def decode_refusal(raw: bytes | str) -> Refusal:
    return _decode(_refusal, raw)  # type: ignore[no-any-return]


def decode_engine_command(raw: bytes | str) -> EngineCommand:
    return _decode(_engine_command, raw)  # type: ignore[no-any-return]


def decode_engine_note(raw: bytes | str) -> EngineNote:
    return _decode(_engine_note, raw)  # type: ignore[no-any-return]


def decode_runtime(raw: bytes | str) -> RuntimeFile:
    return _decode(_runtime, raw)  # type: ignore[no-any-return]

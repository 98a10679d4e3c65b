"""What `publish --commands` obeys, in writing: made from the contract, so that no command can be missing.

Each command is its line of JSON with every field at its default; what has none stands in capitals.
"""

from __future__ import annotations

from typing import Any, get_args

import msgspec
from msgspec import structs

from ..contract.codec import encode
from ..contract.media import EngineCommand, Greet
from ..language import either

COMMANDS: tuple[type[Any], ...] = tuple(word for word in get_args(EngineCommand) if word is not Greet)
"""Greet is of the socket."""
_MISSING = {str: '"TEXT"', float: "NUMBER", int: "NUMBER", bool: "true|false"}


def line_of(command: type[Any]) -> str:
    """{"type": "set_gain", "gain_db": NUMBER, "second": false}"""
    return _object({"type": f'"{command.__struct_config__.tag}"'}, command)


def _object(first: dict[str, str], struct: type[Any]) -> str:
    shown = first | {field.encode_name: _shown(field) for field in structs.fields(struct)}
    return "{" + ", ".join(f'"{name}": {value}' for name, value in shown.items()) + "}"


def _shown(field: structs.FieldInfo) -> str:
    if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
        return _object({}, field.type)
    if field.default is msgspec.NODEFAULT:
        return _MISSING[field.type]
    return encode(field.default).decode()


def command_list() -> str:
    """For a person, every command with one line of what it does."""
    heading = either(
        "Les commandes que --commands lit sur l’entrée standard, une par ligne. Un champ omis est comme écrit ici ;\n"
        "ce qui est en capitales est à donner. Les explications sont celles du contrat, en anglais.",
        "The commands --commands reads from standard input, one a line. A field left out is as shown here;\n"
        "what is in capitals must be given.",
    )
    example = either("Par exemple :", "For instance:")
    told = "\n\n".join(f"{line_of(word)}\n    {(word.__doc__ or '').splitlines()[0]}" for word in COMMANDS)
    spoken = """echo '{"type": "set_muted", "muted": true}' | seller-console publish --to URL --commands"""
    return f"{heading}\n\n{told}\n\n{example}\n\n    {spoken}"

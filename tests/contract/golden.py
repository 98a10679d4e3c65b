"""The bytes of contract v1, one line a word, kept for ever.

    .venv/bin/python tests/contract/golden.py      adds a line for each new word, changes none
A line that no longer decodes, or encodes to other bytes, is a broken contract: old
logs and old consoles speak it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FILE = Path(__file__).with_name("golden_v1.json")
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from seller_console.contract import codec, commands, events, media, words  # noqa: E402
from seller_console.contract.examples import example, members, tag_of  # noqa: E402

UNIONS: dict[str, Any] = {
    "commands": commands.Command,
    "events": events.Event,
    "passing": events.Passing,
    "engine_commands": media.EngineCommand,
    "engine_notes": media.EngineNote,
}
DECODERS: dict[str, Any] = {
    "commands": codec.decode_command,
    "events": codec.decode_event,
    "passing": codec.decode_passing,
    "engine_commands": codec.decode_engine_command,
    "engine_notes": codec.decode_engine_note,
    "stamped": codec.decode_stamped,
    "brief": codec.decode_brief,
    "accepted": codec.decode_accepted,
    "refusal": codec.decode_refusal,
    "runtime_file": codec.decode_runtime,
}
ALONE: dict[str, Any] = {
    "stamped": events.Stamped,
    "brief": events.Brief,
    "accepted": words.Accepted,
    "refusal": words.Refusal,
    "runtime_file": media.RuntimeFile,
}


def wanted() -> dict[str, Any]:
    """`union/tag` -> the struct, for every word there is."""
    found = {f"{union}/{tag_of(word)}": word for union, whole in UNIONS.items() for word in members(whole)}
    return found | {f"{name}/{name}": word for name, word in ALONE.items()}


def lines() -> dict[str, str]:
    kept: dict[str, str] = json.loads(FILE.read_text("utf-8")) if FILE.is_file() else {}
    return kept


def main() -> None:
    kept = lines()
    for name, word in wanted().items():
        kept.setdefault(name, codec.encode(example(word)).decode())
    FILE.write_text(json.dumps(kept, ensure_ascii=False, indent=0, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    main()

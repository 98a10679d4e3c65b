"""A small real program that lives like ours: describes itself in its runtime file, ends on SIGTERM.

Words: NAME BEHAVIOUR. lives · dies_at_once · taken (exit 3, says which port) · mute (never
describes itself) · other_contract. Each start adds a line to NAME.starts in the home.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading

import psutil

from seller_console import places
from seller_console.contract import VERSION
from seller_console.contract.codec import encode
from seller_console.contract.media import RuntimeFile


def main(name: str, behaviour: str) -> int:
    with (places.home() / f"{name}.starts").open("a", encoding="utf-8") as starts:
        starts.write(f"{os.getpid()} {behaviour}\n")
    if behaviour == "dies_at_once":
        print("the last words", file=sys.stderr)
        return 1
    if behaviour == "taken":
        print(json.dumps({"error": "port_in_use", "detail": "le port 8000 est pris"}), file=sys.stderr)
        return 3
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    if behaviour != "mute":
        described = RuntimeFile(
            program="engine" if name == "engine" else "platform",
            pid=os.getpid(),
            started=psutil.Process().create_time(),
            contract=999 if behaviour == "other_contract" else VERSION,
            port=1,
            secret="s",
        )
        path = places.runtime() / f"{name}.json"
        path.with_suffix(".new").write_bytes(encode(described))
        path.with_suffix(".new").replace(path)
    while not ended.wait(0.2):
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))

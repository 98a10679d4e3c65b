"""What `sounddevice` is to us, without PortAudio: inputs as a file says (FAKE_SOUND), each with a tone of its own.

Like the real one it reads which there are when it is initialised, on import, and never
again; a stream whose device is pulled out ends. `mood`: "hangs" or "rubbish" on import;
"will not list": hangs for whoever lists; "deaf": no stream says or gives anything.
"""

from __future__ import annotations

import array
import json
import math
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_STATE = Path(os.environ["FAKE_SOUND"])


def _read() -> dict[str, Any]:
    return json.loads(_STATE.read_text("utf-8"))


class PortAudioError(Exception):
    pass


class WasapiSettings:
    def __init__(self, auto_convert: bool = False) -> None:
        self.auto_convert = auto_convert


_known = _read()
with _STATE.with_suffix(".starts").open("a", encoding="utf-8") as _starts:
    _starts.write(f"{os.nice(0) if hasattr(os, 'nice') else 0}\n")
if _known["mood"] == "hangs" or (_known["mood"] == "will not list" and "list" in sys.argv):
    threading.Event().wait()
if _known["mood"] == "rubbish":
    os.write(1, b"Expression 'paUnanticipatedHostError' failed\n")
    os._exit(0)


def query_hostapis() -> tuple[dict[str, Any], ...]:
    return tuple({"name": name} for name in _known["hosts"])


def query_devices(device: int | None = None) -> Any:
    return _known["devices"] if device is None else _known["devices"][device]


class RawInputStream:
    latency = 0.03

    def __init__(
        self,
        samplerate: int,
        blocksize: int,
        device: int,
        channels: int,
        dtype: str,
        latency: str,
        extra_settings: WasapiSettings | None,
        callback: Callable[[Any, int, Any, Any], None],
        finished_callback: Callable[[], None],
    ) -> None:
        assert dtype == "float32" and latency == "low"
        self._fact = _known["devices"][device]
        if self._fact["busy"]:
            raise PortAudioError("Error opening RawInputStream: Device unavailable", -9985)
        if self._fact["hz_only"] not in (0, samplerate) and not (extra_settings and extra_settings.auto_convert):
            raise PortAudioError("Error opening RawInputStream: Invalid sample rate", -9997)
        self._rate, self._block, self._channels = samplerate, blocksize, channels
        self._callback, self._finished = callback, finished_callback

    def start(self) -> None:
        if _known["mood"] == "deaf":
            threading.Event().wait()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        began, step = time.monotonic(), 2 * math.pi * self._fact["tone_hz"] / self._rate
        number = 0
        while any(fact["port"] == self._fact["port"] for fact in _read()["devices"]):
            at = range(number * self._block, (number + 1) * self._block)
            wave = array.array("f", (0.5 * math.sin(step * n) for n in at for _ in range(self._channels)))
            self._callback(memoryview(wave).cast("B"), self._block, None, None)
            number += 1
            time.sleep(max(0.0, began + number * self._block / self._rate - time.monotonic()))
        self._finished()

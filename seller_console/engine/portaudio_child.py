"""PortAudio itself, in a program of its own: which inputs there are, or what one of them hears.

`list PATIENCE [calm]` prints the inputs and ends. `hear PATIENCE WANTED TAKEN RATE BLOCK` prints one
line about the stream, then its samples (float32, channels interleaved, BLOCK at a time) until the
device ends or nobody reads; TAKEN of those alike are open already. Either ends by itself when a
driver lets it wait for PATIENCE seconds.
Started often, so it imports next to nothing: numpy alone would cost four times the rest.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import signal
import sys
import threading
from collections.abc import Iterable
from typing import Any, NamedTuple

PREFERRED = ("Windows WASAPI", "Windows DirectSound", "MME")
"""Windows has several roads to each input. WASAPI tells whole names (MME: 31 letters), and is the quickest."""
LOOPBACK = "[Loopback]"
"""So PortAudio calls what a loudspeaker plays: no microphone."""
WAITING = 50
"""Blocks (1 s) that may wait for an engine that takes none; full: the newest are lost."""
UNAVAILABLE = -9985


class Input(NamedTuple):
    name: str
    """The second of two alike is 'NAME (2)'."""
    host: str
    """The road to it: 'Core Audio', 'Windows WASAPI'."""

    @property
    def identity(self) -> str:
        return f"{self.name}@{self.host}"

    @property
    def alike(self) -> tuple[str, str]:
        """The same of all alike."""
        return re.sub(r" \(\d+\)$", "", self.name), self.host

    def answers_to(self, wanted: str) -> bool:
        """By its identity; or by its name alone, as it was saved before there were identities."""
        return wanted in (self.identity, self.name)


def pick(found: Iterable[Input], wanted: str, taken: int = 0) -> Input | None:
    """The first of `found` that answers; None too when no more are alike than are taken: it may be one of those."""
    found = tuple(found)
    one = next((one for one in found if one.answers_to(wanted)), None)
    return one if one and [other.alike for other in found].count(one.alike) > taken else None


def inputs(library: Any) -> dict[Input, int]:
    """Each input and its number with PortAudio, the preferred host first."""
    hosts = [str(host["name"]) for host in library.query_hostapis()]
    found: dict[Input, int] = {}
    for number, fact in enumerate(library.query_devices()):
        name, host = str(fact["name"]), hosts[fact["hostapi"]]
        if fact["max_input_channels"] < 1 or name.endswith(LOOPBACK):
            continue
        one, count = Input(name, host), 1
        while one in found:
            count += 1
            one = Input(f"{name} ({count})", host)
        found[one] = number
    return dict(sorted(found.items(), key=lambda each: _rank(each[0].host)))


def _rank(host: str) -> int:
    return PREFERRED.index(host) if host in PREFERRED else len(PREFERRED)


def _say(said: object) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def _hear(library: Any, wanted: str, taken: int, rate: int, block: int, watchdog: threading.Timer) -> None:
    found = inputs(library)
    one = pick(found, wanted, taken)
    if one is None:
        _say({"error": "not plugged in"})
        return
    number = found[one]
    channels = min(2, int(library.query_devices(number)["max_input_channels"]))
    waiting: queue.Queue[bytes | None] = queue.Queue(WAITING)

    def take(samples: Any, _frames: int, _times: Any, _status: Any) -> None:
        with contextlib.suppress(queue.Full):
            waiting.put_nowait(bytes(samples))

    # Shared, WASAPI gives the rate set in Windows and no other, unless told to convert.
    extra = library.WasapiSettings(auto_convert=True) if one.host == "Windows WASAPI" else None
    stream = library.RawInputStream(
        samplerate=rate,
        blocksize=block,
        device=number,
        channels=channels,
        dtype="float32",
        latency="low",
        extra_settings=extra,
        callback=take,
        finished_callback=lambda: waiting.put(None),
    )
    stream.start()
    watchdog.cancel()
    _say({"channels": channels, "latency_s": stream.latency})
    while (samples := waiting.get(timeout=watchdog.interval)) is not None:
        sys.stdout.buffer.write(samples)
        sys.stdout.buffer.flush()


def main(word: str, patience_s: str, *rest: str) -> None:
    # Not by watching stdin: on Windows whoever reads from a pipe holds up what a driver's library does as it is loaded.
    watchdog = threading.Timer(float(patience_s), os._exit, [1])
    watchdog.daemon = True
    watchdog.start()
    try:
        import sounddevice
    except OSError:
        _say([] if word == "list" else {"error": "PortAudio is not installed"})
        return
    try:
        if word == "list":
            _say([tuple(one) for one in inputs(sounddevice)])
        else:
            wanted, taken, rate, block = rest
            _hear(sounddevice, wanted, int(taken), int(rate), int(block), watchdog)
    except sounddevice.PortAudioError as error:
        code = error.args[1] if len(error.args) > 1 else 0
        _say({"error": str(error.args[0]) if error.args else "PortAudio failed", "busy": code == UNAVAILABLE})
    except (OSError, queue.Empty):
        pass  # the engine has gone; or nothing is heard any more, which it says by itself


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl C in a terminal is for the engine
    if sys.argv[1] == "hear":
        from .priority import come_first

        come_first()
    elif "calm" in sys.argv and sys.platform != "win32":  # there it was born so
        os.nice(10)
    main(*sys.argv[1:])
    os._exit(0)  # at once: PortAudio's own end may hang in a driver, and all that was said is flushed

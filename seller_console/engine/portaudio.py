"""Microphones of Windows, macOS and bare ALSA: PortAudio by `sounddevice`, found by name.

PortAudio reads its list of devices only when it is initialised, and doing so ends open
streams: the list is read anew only while no microphone of ours is open (decision 19).
Without the library there are no microphones, which is said, not raised.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .capture import DeviceBusy, DeviceGone
from .clock import AUDIO_HZ, SECOND_NS
from .encode import BLOCK
from .sound import MicrophoneFacts, Samples

_lock = threading.Lock()
_open = 0
_known: tuple[str, tuple[str, ...]] | None = None
"""What was plugged in when PortAudio was last asked, and what it said."""
_UNAVAILABLE = -9985


@functools.cache
def _library() -> Any:
    try:
        import sounddevice
    except OSError:
        return None
    return sounddevice


def _renew(library: Any) -> None:
    if _open == 0:
        library._terminate()
        library._initialize()


def _plugged() -> str | None:
    """What ALSA has, cheaply; None where that cannot be told."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        return Path("/proc/asound/pcm").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def find_inputs() -> tuple[str, ...]:
    """Names of the inputs there are, each once.

    On Linux PortAudio is asked again only when ALSA has changed: each initialisation
    there keeps 12 kB for good (22 MB an hour, asked every 2 s).
    """
    global _known
    library = _library()
    if library is None:
        return ()
    plugged = _plugged()
    with _lock:
        if _known is not None and plugged is not None and _known[0] == plugged:
            return _known[1]
        names = _ask(library)
        _known = (plugged or "", names)
        return names


def _ask(library: Any) -> tuple[str, ...]:
    try:
        _renew(library)
        facts = library.query_devices()
    except library.PortAudioError:
        return ()
    return tuple(dict.fromkeys(str(fact["name"]) for fact in facts if fact["max_input_channels"] > 0))


class PortAudioMicrophone:
    """The input of exactly this name."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._stream: Any = None
        self._ended = False

    def open(self, on_block: Callable[[Samples], None]) -> None:
        global _open
        library = _library()
        if library is None:
            raise DeviceGone("PortAudio is not installed")

        def take(block: Any, _frames: int, _times: Any, _status: Any) -> None:
            on_block(np.array(block, np.float32))  # PortAudio fills the same memory again

        def end() -> None:
            self._ended = True

        with _lock:
            try:
                _renew(library)
                facts = library.query_devices()
                wanted = [i for i, f in enumerate(facts) if f["name"] == self._name and f["max_input_channels"] > 0]
                if not wanted:
                    raise DeviceGone("not plugged in")
                self._stream = library.InputStream(
                    samplerate=AUDIO_HZ,
                    blocksize=BLOCK,
                    device=wanted[0],
                    channels=min(2, int(facts[wanted[0]]["max_input_channels"])),
                    dtype="float32",
                    latency="low",
                    callback=take,
                    finished_callback=end,
                )
                _open += 1
                self._stream.start()
            except library.PortAudioError as error:
                if len(error.args) > 1 and error.args[1] == _UNAVAILABLE:
                    raise DeviceBusy(str(error.args[0])) from error
                raise DeviceGone(str(error.args[0]) if error.args else "PortAudio failed") from error

    def check(self) -> None:
        if self._ended:
            raise DeviceGone("the stream ended")

    def facts(self) -> MicrophoneFacts:
        """PortAudio tells how old the first sample of a block is; of the system's mute it knows nothing."""
        first_ns = int(self._stream.latency * SECOND_NS) if self._stream is not None else 0
        return MicrophoneFacts(first_ns - BLOCK * SECOND_NS // AUDIO_HZ)

    def close(self) -> None:
        global _open
        stream, self._stream = self._stream, None
        if stream is not None:
            with _lock:
                stream.close()
                _open -= 1

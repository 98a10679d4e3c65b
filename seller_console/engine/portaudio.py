"""Microphones of Windows, macOS and bare ALSA: PortAudio by `sounddevice`, each in a program of its own.

PortAudio reads its list of devices when it is initialised, and doing so again ends every
open stream (and shows nothing new in a macOS program that has no run loop of Apple's). So
it is never initialised here: a short child lists, and each open microphone has a child that
found it for itself and pipes its samples. None disturbs another; a driver that hangs or
crashes takes nothing with it (decision 19).

An input is NAME@HOST; the second of two alike is NAME (2)@HOST. PortAudio knows no port:
of two alike, the one left when the first is unplugged is then the first; while it is open
it is nobody else's, for of those alike no more are opened than there are. Which is which when
one is plugged in again is PortAudio's to say.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import math
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np

from .clock import AUDIO_HZ, SECOND_NS
from .device import DeviceBusy, DeviceGone
from .encode import BLOCK
from .portaudio_child import Input, pick
from .sound import MicrophoneFacts, Samples

log = logging.getLogger("engine.portaudio")

CARDS = Path("/proc/asound/pcm")
"""What ALSA has; gone with the last card."""
SURE_S, MISSING_S, NEW_S = 30.0, 3.0, 1.5
"""How old the list may be: while the system says that nothing has changed; for whoever misses a device; just after
a change, or where the system does not tell (less than the 2 s between two looks)."""
SETTLE_S = 5.0
"""How long a device just plugged in may take until PortAudio can have it."""
ASK_S, REST_S = 5.0, 20.0
"""How long a listing may take, and how long PortAudio is left alone when it has hung or told rubbish."""
OPEN_S, END_S = 5.0, 1.0


def _start(word: str, patience_s: float, *rest: str, flags: int = 0) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "seller_console.engine.portaudio_child", word, str(patience_s), *rest],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl C in a terminal is for us
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0) | flags,
    )  # fmt: skip


def _end(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired, OSError):  # it may hang in a driver for ever
        child.kill()
        child.wait(END_S)


# --- which there are -----------------------------------------------------------------


def _plugged() -> bytes | None:
    """What changes when a device comes or goes, asked of the system for next to nothing.

    Empty: ALSA has no sound card. None: it cannot be told cheaply (macOS: Core Audio tells
    news only to programs with a run loop), and only PortAudio's own list is believed.
    """
    if sys.platform.startswith("linux"):
        try:
            return CARDS.read_bytes()
        except OSError:
            return b""
    elif sys.platform == "win32":
        try:
            winmm = ctypes.WinDLL("winmm")
        except OSError:
            return None
        facts = ctypes.create_string_buffer(80)  # a WAVEINCAPSW
        said = [b"inputs"]
        for number in range(winmm.waveInGetNumDevs()):
            winmm.waveInGetDevCapsW(ctypes.c_size_t(number), facts, ctypes.sizeof(facts))
            said.append(facts.raw)
        return b"".join(said)
    else:
        return None


class Inputs:
    """The list, and when PortAudio was asked for it. From any thread: whoever comes meanwhile waits, and shares it.

    A listing is some 0.1 s of a core: 5 % of one all evening, asked at every look (2 s). So the
    system is asked first whether anything has changed, where it tells.
    """

    def __init__(self) -> None:
        self.sure = False
        """The last listing told which there are."""
        self._lock = threading.Lock()
        self._found: tuple[Input, ...] = ()
        self._plugged: bytes | None = None
        self._changed_s = self._asked_s = self._rest_until_s = -math.inf

    def within(self, seconds: float) -> tuple[Input, ...]:
        """The inputs as they were so long ago at most. Takes as long as a listing, ASK_S at most.

        Without a card (JACK and the like need none) one that found nothing is repeated only for a person.
        """
        calm = self.sure and seconds >= SURE_S  # nobody waits for it
        with self._lock:
            now_s, plugged = time.monotonic(), _plugged()
            bare = plugged == b"" and self.sure and not self._found and seconds > NEW_S
            if plugged != self._plugged:
                self._plugged, self._changed_s, self._asked_s = plugged, now_s, -math.inf
            if bare:
                seconds = math.inf
            elif plugged is None or now_s - self._changed_s < SETTLE_S:
                seconds = min(seconds, NEW_S)
            if now_s - self._asked_s >= seconds and now_s >= self._rest_until_s:
                self._ask(calm)
            return self._found

    def _ask(self, calm: bool) -> None:
        """What hangs or tells rubbish leaves the list as it was."""
        try:
            self._found, self.sure = _listed(calm), True
        except OSError as error:
            self.sure = False
            log.info("inputs_unknown detail=%s", error)
            self._rest_until_s = time.monotonic() + REST_S
        self._asked_s = time.monotonic()


def _listed(calm: bool) -> tuple[Input, ...]:
    """`calm`: when nobody else wants the machine."""
    flags = getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0) if calm else 0
    child = _start("list", ASK_S, *(("calm",) if calm else ()), flags=flags)
    try:
        said = child.communicate(timeout=ASK_S)[0]
        return tuple(Input(*one) for one in msgspec.json.decode(said, type=list[tuple[str, str]]))
    except (subprocess.TimeoutExpired, msgspec.MsgspecError, RuntimeError) as error:  # no thread to read it with
        _end(child)
        raise OSError(str(error)) from error


_inputs = Inputs()


def find_inputs(asked: bool = False) -> tuple[str, ...]:
    """NAME@HOST of each input there is, by the best road. `asked`: by a person, who may just have plugged it in."""
    found = _inputs.within(NEW_S if asked else SURE_S)
    return tuple(one.identity for one in found if one.host == found[0].host)


# --- one of them ---------------------------------------------------------------------


_places: list[tuple[str, str]] = []
"""What each microphone that is open, or being opened, has alikes by."""
_places_lock = threading.Lock()


class _Begun(msgspec.Struct):
    """The first line of a child that hears."""

    error: str = ""
    busy: bool = False
    channels: Annotated[int, msgspec.Meta(ge=1, le=2)] = 1
    latency_s: float = 0.0


class PortAudioMicrophone:
    """`wanted` is NAME@HOST, or NAME alone."""

    def __init__(self, wanted: str) -> None:
        self._wanted = wanted
        self._place: tuple[str, str] | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._reader = threading.Thread()
        self._answered = threading.Event()
        self._begun = _Begun()
        self._ended = False
        self._closed = False

    def open(self, on_block: Callable[[Samples], None]) -> None:
        taken = self._take_place()
        try:
            self._child = _start("hear", OPEN_S, self._wanted, str(taken), str(AUDIO_HZ), str(BLOCK))
        except OSError as error:
            raise DeviceGone(f"PortAudio cannot be started: {error}") from error
        self._reader = threading.Thread(
            target=self._read, args=(self._child.stdout, on_block), name=f"PortAudio {self._wanted}", daemon=True
        )
        self._reader.start()
        if not self._answered.wait(OPEN_S):
            raise DeviceGone("PortAudio does not answer")
        if self._begun.error:
            raise (DeviceBusy if self._begun.busy else DeviceGone)(self._begun.error)

    def _take_place(self) -> int:
        """How many alike are open already.

        Missed for hours, a microphone costs a look at a shared list, not a child a second. Where
        there is no list to go by, the child looks for itself.
        """
        listed = _inputs.within(MISSING_S)
        with _places_lock:
            name, _, host = self._wanted.rpartition("@")
            one = pick(listed, self._wanted) or Input(name or self._wanted, host if name else "")
            taken = _places.count(one.alike)
            if _inputs.sure and pick(listed, self._wanted, taken) is None:
                raise DeviceGone("not plugged in")
            self._place = one.alike
            _places.append(one.alike)
        return taken

    def _read(self, out: Any, on_block: Callable[[Samples], None]) -> None:
        try:
            self._begun = msgspec.json.decode(out.readline(4096), type=_Begun)
        except msgspec.MsgspecError as error:
            self._begun = _Begun(f"PortAudio does not make sense: {error}")
        self._answered.set()
        channels = self._begun.channels
        size = 4 * BLOCK * channels
        while not self._begun.error and len(raw := out.read(size)) == size and not self._closed:
            on_block(np.frombuffer(raw, np.float32).reshape(-1, channels))
        self._ended = True

    def check(self) -> None:
        if self._ended:
            raise DeviceGone("the stream ended")

    def facts(self) -> MicrophoneFacts:
        """PortAudio tells how old the first sample of a block is; of the system's mute it knows nothing."""
        return MicrophoneFacts(int(self._begun.latency_s * SECOND_NS) - BLOCK * SECOND_NS // AUDIO_HZ)

    def close(self) -> None:
        child, self._child = self._child, None
        self._closed = True
        try:
            if child is not None:
                self._end(child)
        finally:
            place, self._place = self._place, None
            if place is not None:
                with _places_lock:
                    _places.remove(place)

    def _end(self, child: subprocess.Popen[bytes]) -> None:
        _end(child)
        if self._reader.is_alive():  # it may not have been started
            self._reader.join(END_S)
        if child.stdout is not None and not self._reader.is_alive():
            child.stdout.close()

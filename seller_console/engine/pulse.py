"""Microphones of a Linux desktop: libpulse (PulseAudio, or PipeWire's stand-in for it), spoken to directly.

PortAudio in Debian knows only ALSA: it sees one nameless `pulse` device, and the server
moves its stream silently when the microphone is unplugged. Here a stream is bound to its
source (DONT_MOVE): unplugged means ended, and said. Monitors of loudspeakers are not
listed. `reachable()` is False without the library or the server; then PortAudio is used.
Channels come as the source has them (two at most); once a second it is asked whether it is muted.
"""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import functools
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from .clock import AUDIO_HZ
from .device import DeviceGone
from .encode import BLOCK
from .sound import MicrophoneFacts, Samples

_FLOAT32LE = 5
_READY, _FAILED = 4, 5
_STREAM_READY, _STREAM_FAILED = 2, 3
_NOAUTOSPAWN = 1
_INTERPOLATE_TIMING, _AUTO_TIMING_UPDATE = 0x0002, 0x0008
_DONT_MOVE, _ADJUST_LATENCY = 0x0200, 0x2000
_NO_SINK = _ANY = 0xFFFFFFFF
_CONNECT_S = 2.0
_LOOK_S = 1.0
"""How often a source is asked whether it is muted."""


class _SampleSpec(ctypes.Structure):
    _fields_ = [("format", ctypes.c_int), ("rate", ctypes.c_uint32), ("channels", ctypes.c_uint8)]


class _ChannelMap(ctypes.Structure):
    _fields_ = [("channels", ctypes.c_uint8), ("map", ctypes.c_int * 32)]


class _Volume(ctypes.Structure):
    _fields_ = [("channels", ctypes.c_uint8), ("values", ctypes.c_uint32 * 32)]


class _SourceFacts(ctypes.Structure):
    """The beginning of pa_source_info (pulse/introspect.h)."""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("index", ctypes.c_uint32),
        ("description", ctypes.c_char_p),
        ("sample_spec", _SampleSpec),
        ("channel_map", _ChannelMap),
        ("owner_module", ctypes.c_uint32),
        ("volume", _Volume),
        ("mute", ctypes.c_int),
        ("monitor_of_sink", ctypes.c_uint32),
    ]


class _BufferAttr(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32) for name in ("maxlength", "tlength", "prebuf", "minreq", "fragsize")]


_Notify = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
_OnSource = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.POINTER(_SourceFacts), ctypes.c_int, ctypes.c_void_p)
_OnRead = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p)
_POINTERS = (
    "pa_threaded_mainloop_new", "pa_threaded_mainloop_get_api", "pa_context_new", "pa_stream_new",
    "pa_context_get_source_info_list", "pa_context_get_source_info_by_name",
)  # fmt: skip


@functools.cache
def _library() -> Any:
    """libpulse, or None where there is none."""
    if not sys.platform.startswith("linux"):
        return None
    for name in ("libpulse.so.0", ctypes.util.find_library("pulse")):
        if name:
            try:
                library = ctypes.CDLL(name)
            except OSError:
                continue
            for function in _POINTERS:
                getattr(library, function).restype = ctypes.c_void_p
            library.pa_strerror.restype = ctypes.c_char_p
            return library
    return None


class _Source(NamedTuple):
    name: str
    description: str
    channels: int


class _Session:
    """One connection to the sound server, on a thread of libpulse's. Raises DeviceGone."""

    def __init__(self) -> None:
        self.pa = _library()
        if self.pa is None:
            raise DeviceGone("libpulse is not installed")
        self._loop = ctypes.c_void_p(self.pa.pa_threaded_mainloop_new())
        api = ctypes.c_void_p(self.pa.pa_threaded_mainloop_get_api(self._loop))
        self.context = ctypes.c_void_p(self.pa.pa_context_new(api, b"seller-console"))
        self.changed = threading.Event()
        self._on_state = _Notify(lambda _context, _user: self.changed.set())
        self.pa.pa_context_set_state_callback(self.context, self._on_state, None)
        self.pa.pa_threaded_mainloop_start(self._loop)
        with self.locked():
            self.pa.pa_context_connect(self.context, None, _NOAUTOSPAWN, None)
        try:
            self.wait(lambda: self.state() == _READY)
        except DeviceGone:
            self.close()
            raise

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Every call from outside libpulse's thread is made in here."""
        self.pa.pa_threaded_mainloop_lock(self._loop)
        try:
            yield
        finally:
            self.pa.pa_threaded_mainloop_unlock(self._loop)

    def state(self) -> int:
        with self.locked():
            return int(self.pa.pa_context_get_state(self.context))

    def wait(self, done: Callable[[], bool]) -> None:
        """Until `done`, woken by callbacks; DeviceGone when the server goes or 2 s pass."""
        deadline = time.monotonic() + _CONNECT_S
        while not done():
            if self.state() >= _FAILED:
                raise DeviceGone(f"the sound server does not answer: {self.why()}")
            if time.monotonic() > deadline:
                raise DeviceGone("the sound server does not answer")
            self.changed.wait(0.05)
            self.changed.clear()

    def why(self) -> str:
        with self.locked():
            return str(self.pa.pa_strerror(self.pa.pa_context_errno(self.context)).decode())

    def sources(self) -> list[_Source]:
        """Every microphone, monitors left out."""
        found: list[_Source] = []
        ended = threading.Event()

        def on_source(_context: int, facts: Any, end: int, _user: int) -> None:
            if end:
                ended.set()
                self.changed.set()
            elif facts.contents.monitor_of_sink == _NO_SINK:
                name = facts.contents.name.decode()
                description = (facts.contents.description or b"").decode() or name
                found.append(_Source(name, description, facts.contents.sample_spec.channels))

        callback = _OnSource(on_source)
        with self.locked():
            operation = ctypes.c_void_p(self.pa.pa_context_get_source_info_list(self.context, callback, None))
            self.pa.pa_operation_unref(operation)
        self.wait(ended.is_set)
        return found

    def close(self) -> None:
        with self.locked():
            self.pa.pa_context_disconnect(self.context)
        self.pa.pa_threaded_mainloop_stop(self._loop)
        self.pa.pa_context_unref(self.context)
        self.pa.pa_threaded_mainloop_free(self._loop)


def reachable() -> bool:
    """Is there a sound server to ask?"""
    try:
        _Session().close()
    except DeviceGone:
        return False
    return True


def find_sources() -> tuple[str, ...]:
    """'DESCRIPTION@NAME' of each microphone; empty when there is no server."""
    try:
        session = _Session()
    except DeviceGone:
        return ()
    try:
        return tuple(f"{source.description}@{source.name}" for source in session.sources())
    except DeviceGone:
        return ()
    finally:
        session.close()


class PulseMicrophone:
    """`wanted` is DESCRIPTION@NAME, or either alone. Bound to that source: it never becomes another."""

    def __init__(self, wanted: str) -> None:
        self._description, _, self._name = wanted.rpartition("@")
        self._session: _Session | None = None
        self._stream: Any = None
        self._on_block: Callable[[Samples], None] = lambda _block: None
        self._on_state = _Notify(lambda _stream, _user: self._woken())
        self._on_read = _OnRead(self._read)
        self._on_source = _OnSource(self._take_source)
        self._source = _Source("", "", 1)
        self._channels = 1
        self._latency_ns = 0
        self._muted = False
        self._looked_s = 0.0

    def _woken(self) -> None:
        if self._session is not None:
            self._session.changed.set()

    def open(self, on_block: Callable[[Samples], None]) -> None:
        session = self._session = _Session()
        self._on_block = on_block
        found = [one for one in session.sources() if self._name in (one.name, one.description)]
        if not found:
            raise DeviceGone("not plugged in")
        self._source = found[0]
        self._channels = min(2, self._source.channels)
        pa = session.pa
        spec = _SampleSpec(_FLOAT32LE, AUDIO_HZ, self._channels)
        wish = _BufferAttr(_ANY, _ANY, _ANY, _ANY, BLOCK * 4 * self._channels)
        with session.locked():
            self._stream = ctypes.c_void_p(pa.pa_stream_new(session.context, b"microphone", ctypes.byref(spec), None))
            pa.pa_stream_set_state_callback(self._stream, self._on_state, None)
            pa.pa_stream_set_read_callback(self._stream, self._on_read, None)
            flags = _DONT_MOVE | _ADJUST_LATENCY | _INTERPOLATE_TIMING | _AUTO_TIMING_UPDATE
            pa.pa_stream_connect_record(self._stream, self._source.name.encode(), ctypes.byref(wish), flags)
        session.wait(lambda: self._stream_state() >= _STREAM_READY)
        self.check()

    def _stream_state(self) -> int:
        if self._session is None or self._stream is None:
            return _STREAM_FAILED
        with self._session.locked():
            return int(self._session.pa.pa_stream_get_state(self._stream))

    def check(self) -> None:
        if self._stream_state() >= _STREAM_FAILED:
            raise DeviceGone("unplugged, or the sound server ended")
        self._look()

    def facts(self) -> MicrophoneFacts:
        return MicrophoneFacts(self._latency_ns, self._muted)

    def _look(self) -> None:
        """Ask whether it is muted; the answer comes on libpulse's thread."""
        session, now_s = self._session, time.monotonic()
        if session is None or now_s - self._looked_s < _LOOK_S:
            return
        self._looked_s = now_s
        with session.locked():
            asked = session.pa.pa_context_get_source_info_by_name(
                session.context, self._source.name.encode(), self._on_source, None
            )
            if asked:
                session.pa.pa_operation_unref(ctypes.c_void_p(asked))

    def _take_source(self, _context: int, facts: Any, end: int, _user: int) -> None:
        if not end:
            self._muted = bool(facts.contents.mute)

    def _ask_latency(self, stream: ctypes.c_void_p) -> None:
        """How old the next sample is, which is not here yet: as old as the last one that is."""
        pa, latency_us, negative = _library(), ctypes.c_uint64(), ctypes.c_int()
        if pa.pa_stream_get_latency(stream, ctypes.byref(latency_us), ctypes.byref(negative)) == 0:
            self._latency_ns = 0 if negative.value else latency_us.value * 1000

    def _read(self, stream: int, _count: int, _user: int) -> None:
        session = self._session
        if session is None:
            return
        handle = ctypes.c_void_p(stream)
        data, size = ctypes.c_void_p(), ctypes.c_size_t()
        while session.pa.pa_stream_peek(handle, ctypes.byref(data), ctypes.byref(size)) == 0 and size.value:
            if data.value:
                samples = np.frombuffer(ctypes.string_at(data.value, size.value), np.float32)
            else:
                samples = np.zeros(size.value // 4, np.float32)
            session.pa.pa_stream_drop(handle)
            self._ask_latency(handle)
            self._on_block(samples.reshape(-1, self._channels))

    def close(self) -> None:
        session, self._session = self._session, None
        stream, self._stream = self._stream, None
        if session is None:
            return
        if stream is not None:
            with session.locked():
                session.pa.pa_stream_set_read_callback(stream, None, None)
                session.pa.pa_stream_set_state_callback(stream, None, None)
                session.pa.pa_stream_disconnect(stream)
                session.pa.pa_stream_unref(stream)
        session.close()

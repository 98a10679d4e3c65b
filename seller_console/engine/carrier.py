"""The carrier: one further destination's connection, in a program of its own.

FFmpeg connects, sends and says goodbye holding Python's lock: a server that never answers would stop
everything else there is. So it stops nobody but this child, which ends itself when a call has not come back
after PATIENCE_S, and when its parent has gone. It makes AAC there, too. The address holds a stream key: it goes
in through the pipe, never onto the command line, and never comes out.
"""

from __future__ import annotations

import contextlib
import errno
import faulthandler
import json
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Literal

import av
import numpy as np

from ..rtc.payload import Codec
from .clock import AUDIO_BASE, AUDIO_HZ
from .muxing import Muxer, Unit
from .sound import Samples

PATIENCE_S = 10.0
"""Nothing FFmpeg does may take longer: a name, a connection, a handshake, one packet."""
END_S = 2.0
"""The goodbye to the server may take so long when we leave."""

Kind = Literal["open", "key", "picture", "sound"]
_KINDS: tuple[Kind, ...] = ("open", "key", "picture", "sound")
_HEAD = struct.Struct("!BIq")
"""Kind, length of what follows, pts."""
_AWAY = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EIO)
"""EIO: what FFmpeg says of a name nobody knows."""


def code_of(error: Exception, went: bool) -> str:
    """What a screen has words for. `went`: it was on air before."""
    number = getattr(error, "errno", 0)
    if isinstance(error, EOFError):  # the child ended itself
        return "silence" if went else "timeout"
    if number in (errno.ENOSPC, errno.EDQUOT):
        return "disk_full"
    if number in (errno.EACCES, errno.EROFS, errno.ENOENT, errno.ENOTDIR):
        return "not_writable"
    if went:
        return "lost"
    if number in _AWAY:
        return "unreachable"
    if number == errno.ETIMEDOUT:
        return "timeout"
    if isinstance(error, ValueError):
        return "offer_rejected"
    return "bad_url" if number == errno.EINVAL else "refused"


class Carrier:
    """The engine's end. `on_word` is called on a thread of the carrier's.

    Its words: `went N`: the Nth key picture since `open` is with the server, and what followed it;
    `failed CODE`: the connection is over, the child waits for the next `open`; `gone`: the child has ended.
    """

    def __init__(
        self, url: str, format_name: str, size: tuple[int, int], fps: int, codec: Codec, on_word: Callable[[str], None]
    ) -> None:
        self._on_word = on_word
        self._child = subprocess.Popen(
            [sys.executable, "-m", "seller_console.engine.carrier"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl C in a terminal is for us
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )  # fmt: skip
        assert self._child.stdin is not None and self._child.stdout is not None
        self._in, self._out = self._child.stdin, self._child.stdout
        wanted = {"url": url, "format": format_name, "size": size, "fps": fps, "codec": codec, "patience": PATIENCE_S}
        self._wanted = json.dumps(wanted).encode() + b"\n"
        self._listener = threading.Thread(target=self._listen, name="carrier", daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        for line in self._out:
            self._on_word(line.decode("ascii", "replace").strip())
        self._on_word("gone")

    def give(self, kind: Kind, payload: bytes = b"", pts: int = 0) -> None:
        """Blocks while the child takes nothing. Raises OSError when it has ended."""
        self._in.write(self._wanted + _HEAD.pack(_KINDS.index(kind), len(payload), pts) + payload)
        self._in.flush()
        self._wanted = b""

    def kill(self) -> None:
        """From any thread: whoever is in `give` comes back."""
        self._child.kill()

    def end(self) -> None:
        """Blocks for END_S at most, and a little. Not while somebody is in `give`."""
        with contextlib.suppress(OSError):
            self._in.close()
        try:
            self._child.wait(END_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._listener.join()
        self._out.close()


# --- the child -------------------------------------------------------------------------------------------


class AacMaker:
    """20 ms blocks to AAC frames of 1024 samples, on the media clock."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._fifo = np.zeros(0, np.float32)
        self._at: int | None = None

    def make(self, block: Samples, pts: int) -> list[Unit]:
        if self._at is None or abs(pts - self._at - len(self._fifo)) >= AUDIO_HZ // 50:
            self._fifo, self._at = np.zeros(0, np.float32), pts
        self._fifo = np.concatenate((self._fifo, block))
        units: list[Unit] = []
        while len(self._fifo) >= 1024:
            frame = av.AudioFrame.from_ndarray(self._fifo[:1024].reshape(1, -1), "fltp", "mono")
            frame.sample_rate, frame.pts, frame.time_base = AUDIO_HZ, self._at, AUDIO_BASE
            self._fifo, self._at = self._fifo[1024:], self._at + 1024
            units += [
                Unit("audio", bytes(p), int(p.pts), False) for p in self._stream.encode(frame) if p.pts is not None
            ]
        return units


@contextlib.contextmanager
def _patience(seconds: float) -> Iterator[None]:
    """Not back in time: this program ends. By a clock in C, for no Python runs meanwhile."""
    faulthandler.dump_traceback_later(seconds, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


class _Connection:
    """Opened by the first key picture. Raises OSError or ValueError when it is over."""

    def __init__(self, wanted: dict[str, Any], say: Callable[[str], None]) -> None:
        width, height = wanted["size"]
        options = {"flush_packets": "1"}
        self._muxer = Muxer(
            wanted["url"], wanted["format"], (width, height), wanted["fps"], options, "aac", wanted["codec"]
        )
        self._sound = AacMaker(self._muxer.sound)
        self._say = say
        self._keys = self.went = 0

    def take(self, kind: Kind, payload: bytes, pts: int) -> None:
        if kind == "sound":
            sent = [self._muxer.write(unit) for unit in self._sound.make(np.frombuffer(payload, np.float32), pts)]
            if any(sent) and self._keys > self.went:  # FFmpeg held the picture back until there was sound beside it
                self.went = self._keys
                self._say(f"went {self.went}")
        elif self._muxer.write(Unit("video", payload, pts, kind == "key")):
            self._keys += kind == "key"

    def close(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._muxer.close()


def carry(pipe: BinaryIO, say: Callable[[str], None]) -> None:
    """Until the pipe is closed."""
    wanted = json.loads(pipe.readline() or b"{}")
    connection: _Connection | None = None
    while len(head := pipe.read(_HEAD.size)) == _HEAD.size:
        number, length, pts = _HEAD.unpack(head)
        kind, payload = _KINDS[number], pipe.read(length)
        if connection is None and kind != "open":
            continue
        with _patience(wanted["patience"]):
            try:
                if connection is None:
                    connection = _Connection(wanted, say)
                elif kind != "open":
                    connection.take(kind, payload, pts)
            except (OSError, ValueError) as error:
                say(f"failed {code_of(error, connection is not None and connection.went > 0)}")
                if connection is not None:
                    connection.close()
                connection = None
    if connection is not None:
        with _patience(wanted["patience"]):
            connection.close()


def _say(word: str) -> None:
    with contextlib.suppress(OSError):
        os.write(1, word.encode() + b"\n")


if __name__ == "__main__":
    carry(sys.stdin.buffer, _say)
    os._exit(0)  # nothing of FFmpeg's is left that could still wait for a server

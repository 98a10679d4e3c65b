"""A network camera that speaks RTSP: H.264 in MPEG-TS over RTP, interleaved in the TCP connection (RFC 2326, RFC 2250).

`start()` listens (again on the same port), `vanish()` closes everything, `stalled` stops the pictures (the
sound, with `voice`, goes on), `late_s` is how long a picture is on its way. With `joined_late` the first key
frame of a connection is not sent: whoever joins waits for the next, `gop` pictures later.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import av
import numpy as np

from seller_console.engine.picture import Pixels

TS_IN_RTP = 7 * 188
SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\nm=video 0 RTP/AVP 33\r\na=control:track1\r\n"


class _RtpSink:
    """What the muxer writes, cut into RTP packets on the connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._held = b""
        self._sequence = 0

    def write(self, data: bytes) -> int:
        self._held += bytes(data)
        while len(self._held) >= TS_IN_RTP:
            payload, self._held = self._held[:TS_IN_RTP], self._held[TS_IN_RTP:]
            header = struct.pack(
                ">BBHII", 0x80, 33, self._sequence & 0xFFFF, int(time.monotonic() * 90_000) & 0xFFFFFFFF, 7
            )
            self._sequence += 1
            self._connection.sendall(b"$\0" + struct.pack(">H", len(header) + len(payload)) + header + payload)
        return len(data)


class RtspCamera:
    def __init__(
        self,
        picture: Callable[[int], Pixels],
        size: tuple[int, int],
        gop: int = 15,
        voice: bool = False,
        joined_late: bool = False,
    ) -> None:
        self._picture, self._size = picture, size
        self._gop, self._voice, self._joined_late = gop, voice, joined_late
        self.stalled = threading.Event()
        self.late_s = 0.0
        self.connections = 0
        self._port = 0
        self._listener: socket.socket | None = None
        self._gone = threading.Event()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    @property
    def address(self) -> str:
        return f"rtsp://127.0.0.1:{self._port}/live"

    def start(self) -> None:
        self._gone.clear()
        self._listener = socket.create_server(("127.0.0.1", self._port), reuse_port=False)
        self._port = self._listener.getsockname()[1]
        self._spawn(self._accept, self._listener)

    def _spawn(self, what: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=what, args=arguments, name="rtsp camera", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while not self._gone.is_set():
                connection, _ = listener.accept()
                self._open.add(connection)
                self._spawn(self._converse, connection)

    def _converse(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as lines:
            while request := lines.readline().decode():
                headers = {}
                while (line := lines.readline().decode().strip()) != "":
                    name, _, value = line.partition(":")
                    headers[name.lower()] = value.strip()
                method, address = request.split()[:2]
                self._answer(connection, method, address, headers.get("cseq", "0"))
                if method == "PLAY":
                    self._spawn(self._pour, connection)
                if method == "TEARDOWN":
                    return

    def _answer(self, connection: socket.socket, method: str, address: str, sequence: str) -> None:
        body = SDP if method == "DESCRIBE" else ""
        lines = ["RTSP/1.0 200 OK", f"CSeq: {sequence}", "Session: 1"]
        if method == "OPTIONS":
            lines.append("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN")
        if method == "DESCRIBE":
            lines += ["Content-Type: application/sdp", f"Content-Base: {address}/"]
        if method == "SETUP":
            lines.append("Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
        lines += [f"Content-Length: {len(body)}", "", body]
        connection.sendall("\r\n".join(lines).encode())

    def _pour(self, connection: socket.socket) -> None:
        sink = _RtpSink(connection)
        self.connections += 1
        began = time.monotonic()
        with contextlib.suppress(OSError, av.FFmpegError):
            haste = {"flush_packets": "1", "max_interleave_delta": "1"}  # sound does not wait for a picture
            container = av.open(sink, "w", format="mpegts", options=haste)
            stream: Any = container.add_stream(
                "libx264", rate=30, options={"preset": "ultrafast", "tune": "zerolatency"}
            )
            stream.width, stream.height = self._size
            stream.pix_fmt, stream.gop_size = "yuv420p", self._gop
            sound: Any = container.add_stream("aac", rate=48_000, layout="mono") if self._voice else None
            for number in range(1_000_000):
                if self._gone.wait(max(0.0, began + number / 30 + self.late_s - time.monotonic())):
                    return
                if sound is not None:
                    silence = av.AudioFrame.from_ndarray(np.zeros((1, 1600), np.float32), "fltp", "mono")
                    silence.sample_rate, silence.pts = 48_000, number * 1600
                    container.mux(sound.encode(silence))
                if self.stalled.is_set():
                    continue
                frame = av.VideoFrame.from_ndarray(self._picture(number), "yuv420p")
                frame.pts, frame.time_base = number, Fraction(1, 30)
                packets = stream.encode(frame)
                if number or not self._joined_late:
                    container.mux(packets)

    def vanish(self) -> None:
        self._gone.set()
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._open.clear()
        for thread in self._threads:
            thread.join(5)
        self._threads.clear()

"""A network camera: MJPEG over HTTP, a real server that can vanish, stall, and come back on its port."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import cv2
import numpy as np


class NetworkCamera:
    """`start()` listens (again on the same port), `vanish()` closes everything, `stall_open()` stops the pictures of

    the connections there are; every `broken_every`th picture is none (0: all are whole).
    """

    def __init__(self, picture: Callable[[int], Any], fps: float = 30.0) -> None:
        self._picture = picture
        self._fps = fps
        self._port = 0
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None
        self._open: set[socket.socket] = set()
        self._gone = threading.Event()
        self._stalled_before = 0
        self.connections = 0
        self.broken_every = 0
        self.served = 0

    @property
    def address(self) -> str:
        return f"http://user:secret-word@127.0.0.1:{self._port}/video"

    def stall_open(self) -> None:
        """The lines stay open and nothing comes on them any more; a new one is served."""
        self._stalled_before = self.connections

    def start(self) -> None:
        camera = self
        self._gone.clear()

        class Door(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera._open.add(self.connection)
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                with contextlib.suppress(OSError):
                    camera._pour(self.wfile)
                camera._open.discard(self.connection)

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        class Server(ThreadingHTTPServer):
            allow_reuse_address = True
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A client that went away is no news."""

        self._server = Server(("127.0.0.1", self._port), Door)
        self._port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="network camera")
        self._thread.start()

    def _pour(self, out: Any) -> None:
        connection = self.connections
        self.connections += 1
        began = time.monotonic()
        for number in range(1_000_000):
            wait_s = began + number / self._fps - time.monotonic()
            if self._gone.wait(max(0.0, wait_s)):
                return
            if connection < self._stalled_before:
                continue
            _, coded = cv2.imencode(".jpg", np.ascontiguousarray(self._picture(number)))
            jpeg = coded.tobytes()
            if self.broken_every and number % self.broken_every == self.broken_every - 1:
                jpeg = jpeg[:2] + bytes(len(jpeg) - 2)
            out.write(b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg))
            out.write(jpeg + b"\r\n")
            self.served += 1

    def vanish(self) -> None:
        self._gone.set()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        if self._thread is not None:
            self._thread.join(5)

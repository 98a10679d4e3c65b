"""A viewer without a screen: WHEP in, figures out.

`seller-console watch --url WHEP --token PASS --seconds N [--decode] [--json]` prints a
line a second and a last one for the whole time. Gaps are measured where a viewer feels
them: between whole access units as they arrive. With --decode every picture is decoded
and compared with the one before, to prove that it moves. When the platform goes away
the viewer joins again (counted in `rejoins`), first at once, then every 0.5 s.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import math
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

import av
import httpx
import numpy as np

from ..ending import when_asked
from ..language import either
from ..rtc.peer import PeerState
from ..rtc.receiving import Received, Receiving
from .whip import client_for

log = logging.getLogger(__name__)

FREEZE_MS = 200.0
SILENCE_S = 3.0
ANSWER_WITHIN_S = 5.0
REJOIN_S = 0.5


class Tally:
    """What the viewer has seen; one for the whole time, one a second."""

    def __init__(self, started_s: float) -> None:
        self.started_s = started_s
        self.frames = self.keyframes = self.decoded = self.changed = 0
        self.sound_packets = 0
        self.bytes = 0
        self.largest_gap_ms = 0.0
        self.freezes = 0
        self.level_db = -120.0

    def line(self, now_s: float) -> dict[str, Any]:
        span_s = max(1e-6, now_s - self.started_s)
        return {
            "frames": self.frames,
            "fps": round(self.frames / span_s, 2),
            "bps": int(self.bytes * 8 / span_s),
            "largest_frame_gap_ms": round(self.largest_gap_ms, 1),
            "audio_packets": self.sound_packets,
            "audio_level_db": round(self.level_db, 1),
        }


class Viewer:
    """One WHEP viewer that stays until told to stop. `on_access_unit` hears every frame and sound packet."""

    def __init__(
        self,
        url: str,
        token: str = "",
        *,
        decode: bool = False,
        on_access_unit: Callable[[Received], None] | None = None,
    ) -> None:
        self._url, self._token, self._decode = url, token, decode
        self._on_access_unit = on_access_unit
        self.rejoins = 0
        self.joined = 0
        self.first_frame_ms = -1.0
        self.errors: list[str] = []
        self.total = Tally(time.monotonic())
        self.second = Tally(time.monotonic())
        self.width = self.height = 0
        self._last_frame_s: float | None = None
        self._first_frame_s: float | None = None
        self._joined_at_s = 0.0
        self._pictures: Any = None
        self._sounds: Any = None
        self._codec = ""
        self._thumb: Any = None
        self._power = 0.0
        self._samples = 0
        self._receiving: Receiving | None = None
        self._over: asyncio.Event = asyncio.Event()

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            try:
                async with client_for(self._url, ANSWER_WITHIN_S) as client:
                    await self._visit(client)
            except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as trouble:
                self._note(f"{type(trouble).__name__} {trouble}")
            if self.joined:
                self.rejoins += 1
            await asyncio.sleep(REJOIN_S)

    def _note(self, error: str) -> None:
        if len(self.errors) < 100:
            self.errors.append(error.strip())

    async def _visit(self, client: httpx.AsyncClient) -> None:
        self._over = asyncio.Event()
        receiving = Receiving(on_received=self._received, on_state=self._changed)
        self._receiving = receiving
        self._joined_at_s = time.monotonic()
        resource = ""
        headers = {"Content-Type": "application/sdp"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            response = await client.post(self._url, content=await receiving.offer(), headers=headers)
            if response.status_code != 201:
                self._note(f"HTTP {response.status_code}")
                return
            location = response.headers.get("location", "")
            resource = urljoin(self._url, location) if location else ""
            receiving.accept(response.text)
            while not self._over.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.25):
                        await self._over.wait()
                quiet_s = time.monotonic() - receiving.peer.heard_at_s
                if receiving.peer.state == "connected" and quiet_s > SILENCE_S:
                    break
        finally:
            with contextlib.suppress(httpx.HTTPError, TimeoutError):
                async with asyncio.timeout(2.0):
                    await receiving.close()
                    if resource:
                        await client.delete(resource, headers={k: v for k, v in headers.items() if k[0] == "A"})

    def _changed(self, state: PeerState) -> None:
        if state == "connected":
            self.joined += 1
        elif state in ("failed", "closed"):
            if state == "failed" and self._receiving is not None:
                self._note(self._receiving.peer.reason)
            self._over.set()

    # --- what is seen ---------------------------------------------------------------------------

    def _received(self, received: Received) -> None:
        for tally in (self.total, self.second):
            tally.bytes += len(received.data)
        if received.kind == "audio":
            self._hear(received)
        else:
            self._see(received)
        if self._on_access_unit is not None:
            self._on_access_unit(received)

    def _see(self, received: Received) -> None:
        at_s = received.arrived_s
        if self._first_frame_s is None:
            self._first_frame_s = at_s
            self.first_frame_ms = (at_s - self._joined_at_s) * 1000
        gap_ms = (at_s - self._last_frame_s) * 1000 if self._last_frame_s is not None else 0.0
        self._last_frame_s = at_s
        for tally in (self.total, self.second):
            tally.frames += 1
            tally.keyframes += received.keyframe
            tally.largest_gap_ms = max(tally.largest_gap_ms, gap_ms)
            tally.freezes += gap_ms > FREEZE_MS
        if self._decode:
            self._picture(received)

    def _picture(self, received: Received) -> None:
        if self._pictures is None or self._codec != received.codec:
            if not received.keyframe:  # what was sent before a key frame that got lost is no error, and no picture
                if self._receiving is not None:
                    self._receiving.ask_keyframe()
                return
            self._codec = received.codec
            self._pictures = av.CodecContext.create("vp8" if received.codec == "VP8" else "h264", "r")
        try:
            frames = self._pictures.decode(av.Packet(received.data))
        except av.FFmpegError as trouble:
            self._note(f"decode {trouble}")
            if self._receiving is not None:
                self._receiving.ask_keyframe()
            return
        for frame in frames:
            self.width, self.height = frame.width, frame.height
            plane = frame.planes[0]
            rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: frame.height : 8, : frame.width : 2]
            thumb = rows.astype(np.int16)
            moved = (
                self._thumb is None or self._thumb.shape != thumb.shape or bool(np.abs(thumb - self._thumb).max() > 4)
            )
            self._thumb = thumb
            for tally in (self.total, self.second):
                tally.decoded += 1
                tally.changed += moved

    def _hear(self, received: Received) -> None:
        for tally in (self.total, self.second):
            tally.sound_packets += 1
        if self._sounds is None:
            self._sounds = av.CodecContext.create("libopus", "r")
            self._sounds.sample_rate = 48_000
            self._sounds.layout = "stereo"
        try:
            frames = self._sounds.decode(av.Packet(received.data))
        except av.FFmpegError as trouble:
            self._note(f"sound {trouble}")
            return
        for frame in frames:
            samples = frame.to_ndarray().astype(np.float64)
            if frame.format.name.startswith("s16"):
                samples /= 32768.0
            power = float(np.mean(samples**2))
            self._power += power * frame.samples
            self._samples += frame.samples
            level = 10 * math.log10(power) if power > 1e-12 else -120.0
            self.second.level_db = max(self.second.level_db, level)
            mean = self._power / max(1, self._samples)
            self.total.level_db = 10 * math.log10(mean) if mean > 1e-12 else -120.0

    def tick(self) -> dict[str, Any]:
        """The line of the last second; begins another."""
        now_s = time.monotonic()
        waiting_ms = (now_s - self._last_frame_s) * 1000 if self._last_frame_s is not None else 0.0
        line = {"at_s": round(now_s - self.total.started_s, 2), **self.second.line(now_s)}
        line["rejoins"] = self.rejoins
        line["waiting_ms"] = round(waiting_ms, 1)
        self.second = Tally(now_s)
        return line

    def summary(self) -> dict[str, Any]:
        """Of the whole time. fps_mean counts from the first frame."""
        now_s = time.monotonic()
        since_s = self._first_frame_s if self._first_frame_s is not None else now_s
        open_gap_ms = (now_s - self._last_frame_s) * 1000 if self._last_frame_s is not None else -1.0
        return {
            "final": True,
            "seconds": round(now_s - self.total.started_s, 2),
            "frames": self.total.frames,
            "keyframes": self.total.keyframes,
            "fps_mean": round(self.total.frames / max(1e-6, now_s - since_s), 2) if self.total.frames else 0.0,
            "largest_frame_gap_ms": round(max(self.total.largest_gap_ms, open_gap_ms), 1),
            "first_frame_ms": round(self.first_frame_ms, 1),
            "freezes": self.total.freezes,
            "decoded": self.total.decoded,
            "changed": self.total.changed,
            "width": self.width,
            "height": self.height,
            "audio_packets": self.total.sound_packets,
            "audio_level_db": round(self.total.level_db, 1),
            "packets_lost": self._receiving.packets_lost if self._receiving is not None else 0,
            "joined": self.joined,
            "rejoins": self.rejoins,
            "errors": self.errors[-5:],
        }


async def _watch(args: argparse.Namespace) -> int:
    viewer = Viewer(args.url, args.token, decode=args.decode)
    stopped = asyncio.Event()
    when_asked(stopped.set)
    watching = asyncio.create_task(viewer.run())
    until_s = time.monotonic() + args.seconds if args.seconds else math.inf
    while time.monotonic() < until_s and not stopped.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, min(1.0, until_s - time.monotonic()))):
                await stopped.wait()
        _say(viewer.tick(), args.json)
    summary = viewer.summary()
    watching.cancel()
    await asyncio.wait([watching])
    _say(summary, args.json)
    return 0 if summary["frames"] else 1


def _say(line: dict[str, Any], as_json: bool) -> None:
    text = json.dumps(line) if as_json else "  ".join(f"{name}={value}" for name, value in line.items())
    print(text, flush=True)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="seller-console watch",
        description=either("Regarder un flux WHEP, sans écran.", "Watch a WHEP stream without a screen."),
    )
    parser.add_argument("--url", required=True, help=either("l’adresse WHEP", "the WHEP address"))
    parser.add_argument("--token", default="", help=either("sa clé (bearer token)", "its bearer token"))
    parser.add_argument("--seconds", type=float, default=0.0, help=either("0 : jusqu’à Ctrl C", "0: until interrupted"))
    parser.add_argument(
        "--decode",
        action="store_true",
        help=either("décode chaque image et vérifie qu’elle bouge", "decode every picture and see that it moves"),
    )
    parser.add_argument("--json", action="store_true", help=either("le résultat en JSON", "the outcome as JSON"))
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    return asyncio.run(_watch(args))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

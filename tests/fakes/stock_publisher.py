"""aiortc as it comes, publishing a file by WHIP in real time: what our own encoder and RTP are measured against.

python -m tests.fakes.stock_publisher WHIP_URL FILE BPS
"""

from __future__ import annotations

import asyncio
import fractions
import sys
import time
from typing import Any

import av
import httpx
import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription

from seller_console.engine.sound import Tone


class Pictures(MediaStreamTrack):
    kind = "video"

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path
        self._frames = self._play()
        self._began = time.monotonic()
        self._number = 0

    def _play(self) -> Any:
        while True:
            with av.open(self._path) as container:
                yield from container.decode(video=0)

    async def recv(self) -> Any:
        number = max(self._number, int((time.monotonic() - self._began) * 30))
        for _ in range(number - self._number + 1):
            frame = next(self._frames)
        self._number = number + 1
        await asyncio.sleep(max(0.0, self._began + number / 30 - time.monotonic()))
        frame.pts, frame.time_base = number * 3000, fractions.Fraction(1, 90_000)
        return frame


class Sound(MediaStreamTrack):
    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._tone = Tone("tone", "tone", 0)
        self._began = time.monotonic()
        self._number = 0

    async def recv(self) -> Any:
        await asyncio.sleep(max(0.0, self._began + self._number * 0.02 - time.monotonic()))
        block = (self._tone.pull(self._number * 20_000_000) * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), "s16", "mono")
        frame.sample_rate, frame.pts = 48_000, self._number * 960
        frame.time_base = fractions.Fraction(1, 48_000)
        self._number += 1
        return frame


async def publish(url: str, path: str, bps: int) -> None:
    from aiortc.codecs import h264

    h264.DEFAULT_BITRATE = h264.MAX_BITRATE = h264.MIN_BITRATE = bps  # the same forced rate as the others
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    video = peer.addTransceiver(Pictures(path), direction="sendonly")
    peer.addTransceiver(Sound(), direction="sendonly")
    codecs = [c for c in RTCRtpSender.getCapabilities("video").codecs if c.mimeType in ("video/H264", "video/rtx")]
    video.setCodecPreferences(codecs)
    await peer.setLocalDescription(await peer.createOffer())
    async with httpx.AsyncClient() as client:
        headers = {"Content-Type": "application/sdp"}
        answer = await client.post(url, content=peer.localDescription.sdp, headers=headers, timeout=10)
        answer.raise_for_status()
    await peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(publish(sys.argv[1], sys.argv[2], int(sys.argv[3])))

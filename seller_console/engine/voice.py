"""What is done to a real microphone before it goes out: rumble off, peaks held; nothing else.

High-pass at 80 Hz (tables are knocked, cards are dropped) and a limiter at -1 dBFS with
5 ms of look-ahead, so that a shout never clips after gain. FFmpeg's filters, 20 ms in,
20 ms out, 5 ms late. Not for the tone and the like: they are what they are.
"""

from __future__ import annotations

from typing import Any

import av
import numpy as np

from .clock import AUDIO_BASE, AUDIO_HZ
from .sound import Samples

HIGH_PASS_HZ = 80
LIMIT = 0.891
_CHAIN = (
    ("highpass", f"f={HIGH_PASS_HZ}:p=2"),
    ("alimiter", f"limit={LIMIT}:attack=5:release=80:level=false"),
    ("aformat", "sample_fmts=flt:channel_layouts=mono"),
)


class Voice:
    """One microphone's chain; blocks in order, from one thread."""

    def __init__(self) -> None:
        self._graph = av.filter.Graph()
        source: Any = self._graph.add_abuffer(sample_rate=AUDIO_HZ, format="flt", layout="mono", time_base=AUDIO_BASE)
        last = source
        for name, arguments in _CHAIN:
            step = self._graph.add(name, arguments)
            last.link_to(step)
            last = step
        sink = self._graph.add("abuffersink")
        last.link_to(sink)
        self._graph.configure()
        self._source, self._sink = source, sink
        self._at = 0

    def shape(self, block: Samples) -> Samples:
        """The same number of samples, 5 ms later."""
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block, np.float32).reshape(1, -1), "flt", "mono")
        frame.sample_rate, frame.pts, frame.time_base = AUDIO_HZ, self._at, AUDIO_BASE
        self._at += len(block)
        self._source.push(frame)
        pulled: Any = self._sink.pull()
        shaped: Samples = pulled.to_ndarray()[0]
        return shaped

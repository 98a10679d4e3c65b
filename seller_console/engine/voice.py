"""What is done to the sound before it goes out: rumble off each real microphone, peaks of the whole held; nothing else.

High-pass at 80 Hz (tables are knocked, cards are dropped) for each real microphone, not for
the tone and the like: they are what they are. Then, on the sum of all there is, a limiter at
-1 dBFS with 5 ms of look-ahead: neither a shout nor two who speak at once ever clip.
FFmpeg's filters, 20 ms in, 20 ms out.
"""

from __future__ import annotations

from typing import Any

import av
import numpy as np

from .clock import AUDIO_BASE, AUDIO_HZ
from .sound import Samples

HIGH_PASS_HZ = 80
LIMIT = 0.891
LOOK_AHEAD = AUDIO_HZ * 5 // 1000 - 1
"""By so many samples the limiter gives later what it takes."""


class _Chain:
    """Blocks in order, from one thread."""

    def __init__(self, filter_name: str, arguments: str) -> None:
        self._graph = av.filter.Graph()
        source: Any = self._graph.add_abuffer(sample_rate=AUDIO_HZ, format="flt", layout="mono", time_base=AUDIO_BASE)
        last = source
        for name, words in ((filter_name, arguments), ("aformat", "sample_fmts=flt:channel_layouts=mono")):
            step = self._graph.add(name, words)
            last.link_to(step)
            last = step
        sink = self._graph.add("abuffersink")
        last.link_to(sink)
        self._graph.configure()
        self._source, self._sink = source, sink
        self._at = 0

    def through(self, block: Samples) -> Samples:
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block, np.float32).reshape(1, -1), "flt", "mono")
        frame.sample_rate, frame.pts, frame.time_base = AUDIO_HZ, self._at, AUDIO_BASE
        self._at += len(block)
        self._source.push(frame)
        pulled: Any = self._sink.pull()
        out: Samples = pulled.to_ndarray()[0]
        return out


class Voice:
    """One microphone, without its rumble: the same number of samples, at once."""

    def __init__(self) -> None:
        self._chain = _Chain("highpass", f"f={HIGH_PASS_HZ}:p=2")

    def shape(self, block: Samples) -> Samples:
        return self._chain.through(block)


class Limiter:
    """All there is to hear, held: the same number of samples, LOOK_AHEAD later."""

    def __init__(self) -> None:
        self._chain = _Chain("alimiter", f"limit={LIMIT}:attack=5:release=80:level=false")

    def hold(self, block: Samples) -> Samples:
        return self._chain.through(block)

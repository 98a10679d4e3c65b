"""What the engine says of itself once a second: totals as they are, rates of the last second."""

from __future__ import annotations

import time

import psutil

from ..contract.media import AirState, EngineStats
from .clock import SECOND_NS
from .program import Counts, Programme
from .publish import PublishStats


class StatsTaker:
    """Call `take` once a second."""

    def __init__(self) -> None:
        self._began_ns = self._last_ns = time.monotonic_ns()
        self._last = Counts()
        self._process = psutil.Process()
        times = self._process.cpu_times()
        self._cpu_s = times.user + times.system

    def take(self, programme: Programme, published: PublishStats, air: AirState) -> EngineStats:
        now_ns = time.monotonic_ns()
        span_s = max(0.001, (now_ns - self._last_ns) / SECOND_NS)
        counts, last, sound = programme.counts(), self._last, programme.sound.totals()
        times = self._process.cpu_times()
        cpu_s = times.user + times.system
        encoded = counts.encoded - last.encoded
        stats = EngineStats(
            uptime_s=round((now_ns - self._began_ns) / SECOND_NS, 3),
            captured=counts.captured,
            composed=counts.composed,
            encoded=counts.encoded,
            sent=published.sent_frames,
            replaced=counts.replaced,
            dropped=counts.dropped + published.dropped_frames,
            late=programme.late,
            fps=round((counts.composed - last.composed) / span_s, 2),
            video_bps=published.video_bps,
            audio_bps=published.audio_bps,
            target_bps=programme.target_bps,
            encode_ms=round((counts.busy_ns - last.busy_ns) / encoded / 1e6, 2) if encoded > 0 else 0.0,
            rtt_ms=round(published.rtt_ms, 1),
            loss=round(published.loss, 4),
            nacks=published.nacks,
            plis=published.plis,
            cpu=round((cpu_s - self._cpu_s) / span_s, 3),
            rss_mb=round(self._process.memory_info().rss / 1e6, 1),
            air=air,
            width=programme.settings.width,
            height=programme.settings.height,
            encoder=programme.encoder,
            sound_dropped=sound.dropped,
            sound_starved=sound.starved,
            sound_late=sound.late,
        )
        self._last_ns, self._last, self._cpu_s = now_ns, counts, cpu_s
        return stats

"""Twelve hours of the engine on a clock that runs fast: does sound stay with the picture, does memory stay flat?

    python packaging/dev.py soak twelve_hours [--hours 12] [sound] [memory]

sound   a microphone whose clock is 100 ppm fast, then slow, through the soft resampler: how far its sound has
        moved against the picture's clock (bar 40 ms), samples dropped, times it starved
memory  a minute of real packets of both encoders, said again with later times, through the recorder (segments
        of 30 minutes, rewrapped), the ring of 60 s and the RTP lines, across the wrap of their 32 bits:
        resident memory at each hour (bar 2 MB/h after the first: below three hours there is no slope), and
        every hour in the recording, without which nothing was tried
Prints a line an hour and one JSON object; exit code 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from seller_console.engine.clock import AUDIO_HZ
from seller_console.engine.encode import BLOCK, SoundEncoder, VideoEncoder
from seller_console.engine.muxing import copy_of
from seller_console.engine.picture import blank
from seller_console.engine.record import Recorder
from seller_console.engine.ring import Ring
from seller_console.engine.sound import SoftResampler, Tone
from seller_console.rtc.payload import pack_h264
from seller_console.rtc.sending import new_lines
from tests.bench import _bars

SKEW_BAR_MS = 40.0
SLOPE_BAR_MB = 2.0
SIZE = (360, 640)
MINUTE_S = 60
START_S = 2**32 / 90_000 - 3600
"""The picture's 32 bits wrap after an hour, the sound's in another."""


# --- sound ---------------------------------------------------------------------------------


def drift(ppm: float, hours: float) -> dict[str, float]:
    """A device `ppm` fast, jittering by 3 ms, read every 20 ms of our clock."""
    ring = SoftResampler()
    rate = AUDIO_HZ * (1 + ppm / 1e6)
    late_s = np.abs(np.random.default_rng(7).normal(0, 0.003, 4096))
    silence = np.zeros(BLOCK, np.float32)
    pushed = 0
    waits_ms: list[float] = []
    for tick in range(int(hours * 3600 * 50)):
        now_s = tick * 0.02 + 0.013
        while pushed + BLOCK <= now_s * rate:
            pushed += BLOCK
            ring.push(silence, int(min(now_s, pushed / rate + late_s[tick % 4096]) * 1e9))
        ring.pull(int(now_s * 1e9))
        if tick % 50 == 49:
            waits_ms.append(ring.waiting / AUDIO_HZ * 1000)
    # The wait in the ring saws by a block as the two clocks pass each other: a mean of ten minutes hides that.
    start, end = np.mean(waits_ms[60:660]), np.mean(waits_ms[-600:])
    skew_ms = max(abs(np.mean(waits_ms[at : at + 600]) - start) for at in range(60, len(waits_ms) - 600, 600))
    return {
        "ppm": ppm,
        "skew_after_ms": round(float(end - start), 2),
        "skew_worst_ms": round(float(skew_ms), 2),
        "dropped": ring.dropped,
        "starved": ring.starved,
        "stretch_ppm": round(ring.stretch * 1e6, 1),
        "uncorrected_ms": round(ppm * hours * 3.6, 1),
    }


# --- memory ---------------------------------------------------------------------------------


def a_minute() -> list[tuple[str, Any]]:
    """(kind, packet) of a minute, in order of time: an IDR every two seconds, a block that moves over noise."""
    video, sound, tone = VideoEncoder(*SIZE, 30, 400_000), SoundEncoder(), Tone("tone", "tone", 0)
    noise = np.random.default_rng(1).integers(90, 110, (SIZE[1] * 3 // 2, SIZE[0]), np.uint8)
    made: list[tuple[str, Any]] = []
    block = 0
    for frame in range(MINUTE_S * 30):
        picture = blank(*SIZE)
        picture[:] = np.roll(noise, frame, axis=0)
        at = frame * 7 % (SIZE[1] - 80)
        picture[at : at + 80, 40:120] = 200
        made.append(("video", video.encode(picture, frame * 3000, frame % 60 == 0)))
        while block * BLOCK < (frame + 1) * 1600:
            packet = sound.encode(tone.pull(block * 20_000_000), block * BLOCK)
            if packet is not None:
                made.append(("audio", packet))
            block += 1
    return made


class Again:
    """A packet as an encoder would give it much later. Its bytes are copied by who keeps them."""

    def __init__(self, packet: Any, pts: int) -> None:
        self._packet, self.pts = packet, pts
        self.time_base, self.is_keyframe = packet.time_base, packet.is_keyframe
        self.data = bytes(packet)

    def __bytes__(self) -> bytes:
        return self.data


def memory(hours: float) -> dict[str, Any]:
    minute = a_minute()
    lines = new_lines("soak")
    rss_mb: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        recording = Recorder(Path(folder), "show", SIZE, 30, lambda: None, reserve_bytes=1)
        ring = Ring()
        segments = 0
        for n in range(int(hours * 60)):
            for kind, packet in minute:
                hz, line = (90_000, lines.video) if kind == "video" else (AUDIO_HZ, lines.audio)
                again = Again(packet, packet.pts + round((START_S + n * MINUTE_S) * hz))
                for sink in (recording, ring):
                    sink._put(copy_of(kind, again))  # type: ignore[arg-type]
                payloads = pack_h264(again.data) if kind == "video" else [again.data]
                for index, payload in enumerate(payloads):
                    line.serialise(line.add(again.pts, int(index == len(payloads) - 1), payload), b"")
                while len(recording._units) > 60:
                    with recording._wake:
                        recording._wake.notify()  # by itself it wakes four times a second: here that is a minute
                    time.sleep(0.001)
            if recording.facts().state == "failed":
                raise SystemExit(f"the recording failed: {recording.facts().error}")
            for whole in Path(folder).glob("*.mp4"):
                whole.unlink()
                segments += 1
            if n % 60 == 59:
                gc.collect()
                rss_mb.append(round(psutil.Process().memory_info().rss / 2**20, 1))
                print(f"  hour {n // 60 + 1:2d}  {rss_mb[-1]:.1f} MB  {ring.seconds:.0f} s in the ring", flush=True)
        facts = recording.stop()
    slope = float(np.polyfit(range(1, len(rss_mb)), rss_mb[1:], 1)[0]) if len(rss_mb) > 2 else float("nan")
    return {
        "rss_mb": rss_mb,
        "slope_mb_per_hour": round(slope, 3),
        "recorded_hours": round(facts.seconds / 3600, 3),
        "segments_rewrapped": segments,
    }


def missed(report: dict[str, Any]) -> list[str]:
    """The bars that were not reached, of the parts that were played."""
    late: list[str] = []
    for one in report.get("sound", ()):
        name = f"{one['ppm']:+.0f} ppm:"
        late += _bars.over(f"{name} skew_worst_ms", one["skew_worst_ms"], SKEW_BAR_MS)
        late += _bars.over(f"{name} dropped", one["dropped"], 0)
        late += _bars.over(f"{name} starved", one["starved"], 0)
    if "memory" in report:
        slope, recorded = report["memory"]["slope_mb_per_hour"], report["memory"]["recorded_hours"]
        if not slope < SLOPE_BAR_MB:
            late.append(f"slope_mb_per_hour {slope}, not < {SLOPE_BAR_MB}")
        if recorded < report["hours"] * 0.999:
            late.append(f"recorded_hours {recorded} of {report['hours']}")
    return late


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=["sound", "memory", []], help="both when none is named")
    parser.add_argument("--hours", type=float, default=12.0)
    words = parser.parse_args(argv)
    parts = words.parts or ["sound", "memory"]
    report: dict[str, Any] = {"hours": words.hours}
    if "sound" in parts:
        report["sound"] = [drift(ppm, words.hours) for ppm in (100.0, -100.0)]
    if "memory" in parts:
        report["memory"] = memory(words.hours)
    print(json.dumps(report, indent=1))
    return _bars.verdict(missed(report))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""How the programme leaves the house: WHIP (RFC 9725), our own RTP, and coming back after every failure.

`Publisher` takes encoded access units and Opus packets and keeps one WHIP session
alive: first retry at once, then 0.5, 1, 2, 5, 5 ... s; `retry_now()` skips the wait.
Queue of 8 video packets; full: drop all until the next IDR and ask for one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import av

from ..contract.media import AirChanged


@dataclass(frozen=True)
class PublishStats:
    """Counters are totals since the Publisher was made; *_bps of the last second."""

    sent_frames: int = 0
    dropped_frames: int = 0
    video_bps: int = 0
    audio_bps: int = 0
    target_bps: int = 0
    rtt_ms: float = -1.0
    loss: float = 0.0
    nacks: int = 0
    plis: int = 0
    sessions: int = 0
    """How many times a session was opened; 1 = never had to come back."""


class Publisher:
    """All methods but send_* belong to the event loop; send_* may be called from any thread.

    Packets: `packet.pts` and `packet.time_base` on the one media clock (same zero for
    video and audio). H.264 in Annex B, IDRs with SPS/PPS in band; Opus, one packet a frame.
    Before `start` and while reconnecting, packets are dropped (counted).
    Callbacks run on the event loop.
    """

    def __init__(
        self,
        *,
        on_air: Callable[[AirChanged], None],
        on_keyframe_wanted: Callable[[], None],
        on_target_bps: Callable[[int], None] | None = None,
        min_bps: int = 150_000,
        start_bps: int = 2_500_000,
        max_bps: int = 2_500_000,
    ) -> None:
        """`on_target_bps`: what the video encoder should aim at; called when it moves by more than 3 %."""

    def start(self, url: str, token: str = "") -> None:
        """Begin publishing. Calling it again with another URL moves there."""

    async def stop(self) -> None:
        """Leave the air: DELETE, then close. Returns within 2 s whatever the network does."""

    def retry_now(self) -> None:
        """Skip the wait before the next attempt; on air: nothing."""

    def set_bounds(self, *, min_bps: int, max_bps: int) -> None:
        """The range the uplink estimate may move in (encoder's, audio excluded)."""

    def send_video(self, packet: av.Packet) -> None:
        """An H.264 access unit. Thread-safe, never blocks."""

    def send_audio(self, packet: av.Packet) -> None:
        """An Opus packet. Thread-safe, never blocks."""

    def stats(self) -> PublishStats:
        return PublishStats()

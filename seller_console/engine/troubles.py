"""Which troubles there are now, and the words to say when one comes or goes.

Promises: a lost device or connection is said within 3 s; the same trouble is raised
once and cured once, and said again when its detail changes. `look` is given the time; it reads counters, it
measures nothing itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..contract.media import AirChanged, TroubleCode, TroubleCured, TroubleRaised
from .capture import CameraFeed
from .clock import SECOND_NS
from .outputs import Outputs
from .program import Programme
from .sentinel import Cure
from .sound import SoundFeed

WINDOW_NS = 2 * SECOND_NS
FEW_HOURS = 2.0
LATE_SHARE = 0.1
"""More than this share of the frames of a window lost before the encoder: `encoder_late`."""
_PUBLISH: dict[str, TroubleCode] = {
    "refused": "publish_refused",
    "unreachable": "publish_unreachable",
    "lost": "publish_lost",
}
"""AirChanged.reason (see publish.py) to the trouble it is."""


def of_outputs(outputs: Outputs) -> list[TroubleRaised]:
    """What is wrong with the recording and the further destinations."""
    troubles = [
        TroubleRaised(code="destination_failed", subject=name, detail=why, cure="open_destinations")
        for name, why in outputs.failing.items()
    ]
    recording = outputs.recording
    if recording.state == "failed":
        troubles.append(
            TroubleRaised(code="recording_failed", subject=Path(recording.path).stem, detail=recording.error)
        )
    elif 0 <= recording.hours_left < FEW_HOURS and recording.state == "recording":
        troubles.append(TroubleRaised(code="disk_filling", detail=f"{recording.hours_left:.1f}"))
    return troubles


def of_seams(broken: tuple[str, ...] | None) -> list[TroubleRaised]:
    """Our way into aiortc does not hold on this version: stock aiortc sends, and is worse at it."""
    return [TroubleRaised(code="aiortc_seams", detail=", ".join(broken))] if broken else []


def _of_device(code: TroubleCode, feed: CameraFeed | SoundFeed, cure: Cure, detail: str = "") -> TroubleRaised:
    """`detail` "beside": buyers hear another one."""
    return TroubleRaised(code=code, subject=feed.name, detail=detail or feed.detail, cure=cure, device=feed.spec)


class TroubleWatch:
    """Ask `look` a few times a second."""

    def __init__(self) -> None:
        self._raised: dict[tuple[str, str, str], TroubleRaised] = {}
        self._window_ns = 0
        self._lost = self._made = 0
        self._late = False
        self._away: TroubleRaised | None = None

    def raised(self) -> tuple[TroubleRaised, ...]:
        return tuple(self._raised.values())

    def look(
        self, programme: Programme, air: AirChanged, now_ns: int, further: Iterable[TroubleRaised] = ()
    ) -> list[TroubleRaised | TroubleCured]:
        """What came and went since the last look; `further`: troubles others have found."""
        found = (*self._now(programme, air, now_ns), *further)
        now: dict[tuple[str, str, str], TroubleRaised] = {(t.code, t.subject, t.device): t for t in found}
        notes: list[TroubleRaised | TroubleCured] = []
        notes += [trouble for key, trouble in now.items() if self._raised.get(key) != trouble]
        notes += [
            TroubleCured(code=t.code, subject=t.subject, device=t.device)
            for key, t in self._raised.items()
            if key not in now
        ]
        self._raised = now
        return notes

    def _now(self, programme: Programme, air: AirChanged, now_ns: int) -> list[TroubleRaised]:
        troubles = []
        for camera in programme.cameras:
            if camera.state == "gone":
                troubles.append(_of_device("camera_gone", camera, "choose_camera"))
            elif camera.state == "busy":
                troubles.append(_of_device("camera_busy", camera, "retry"))
        microphones = programme.sound.microphones
        heard = any(one.state == "live" and one.spec not in ("silence", "none") for one in microphones)
        for microphone in microphones:
            if microphone.state in ("gone", "busy"):
                code: TroubleCode = "microphone_gone" if microphone.state == "gone" else "microphone_busy"
                troubles.append(_of_device(code, microphone, "choose_microphone", "beside" if heard else ""))
        if self._encoder_late(programme, now_ns):
            troubles.append(TroubleRaised(code="encoder_late", detail=programme.encoder_failure))
        if (away := self._publishing(air)) is not None:
            troubles.append(away)
        return troubles

    def _publishing(self, air: AirChanged) -> TroubleRaised | None:
        """Kept through the attempts (which say `connecting` and no reason) until on air or off."""
        if air.state in ("on_air", "off"):
            self._away = None
        elif air.reason in _PUBLISH:
            self._away = TroubleRaised(code=_PUBLISH[air.reason], subject=air.url, detail=air.detail, cure="retry")
        return self._away

    def _encoder_late(self, programme: Programme, now_ns: int) -> bool:
        if now_ns - self._window_ns >= WINDOW_NS:
            counts = programme.counts()
            lost, made = counts.dropped + programme.late, counts.composed
            if self._window_ns:
                share = (lost - self._lost) / max(1, made - self._made + lost - self._lost)
                self._late = share > LATE_SHARE
            self._window_ns, self._lost, self._made = now_ns, lost, made
        return self._late or bool(programme.encoder_failure)

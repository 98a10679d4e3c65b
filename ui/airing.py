"""What the engine's notes come to: health of the air, programme, devices, and what is wrong.

Pure but for its own memory; `take` gives the values that changed, ready to `put`.
"""

from __future__ import annotations

import shutil
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Any

from seller_console.contract import media as m

from . import naming
from .values import Devices, Health, Level, PreviewPlace, Programme, Recording, Trouble

BAD: frozenset[str] = frozenset(
    {
        "camera_gone", "camera_busy", "camera_frozen", "microphone_gone", "microphone_busy", "publish_refused",
        "publish_unreachable", "publish_lost", "picture_black", "picture_frozen", "sound_silent", "disk_full",
        "recording_failed", "platform_away", "engine_failed", "platform_failed", "picture_lost",
    }
)  # fmt: skip
LOSS_WARNING, LOSS_BAD = 0.02, 0.08
RATE_LOOKS = 4
"""A camera's rate is measured over three seconds."""
SLOW_SHARE = 0.8
SHOWN_BYTES = 100_000_000
"""Free space is shown in steps of this: a figure that stands still."""


def trouble_of(
    code: str, since_mono: float, *, subject: str = "", detail: str = "", cure: str = "", device: str = ""
) -> Trouble:
    return Trouble(code, subject, detail, since_mono, cure, "bad" if code in BAD else "warning", device)


class Airing:
    def __init__(self) -> None:
        self.programme = m.ProgrammeSet(
            camera="testcard", microphone="tone", width=720, height=1280, fps=30, target_bps=0, muted=False
        )
        self.air = m.AirChanged(state="off")
        self.stats: m.EngineStats | None = None
        self._captured: deque[tuple[float, int]] = deque(maxlen=RATE_LOOKS)
        """(the engine's seconds, pictures of the first camera until then), of one camera."""
        self.devices: m.DevicesFound | None = None
        self._cameras: dict[str, m.CameraSet] = {}
        self.engine = "none"
        self.engine_here = False
        self.air_known = False
        """The engine we are connected to has said whether it is on air."""
        self._troubles: dict[tuple[str, str, str], Trouble] = {}

    # --- what is heard ------------------------------------------------------------------

    def take(self, note: m.EngineNote, now_mono: float) -> dict[str, Any]:
        """Values that this note changes."""
        if isinstance(note, m.MicrophoneLevel):
            return {"level": Level(note.peak_db, note.rms_db, note.clipped)}
        if isinstance(note, m.EngineStats):
            self.stats = note
            self._count(note)
            if not self.air_known or note.air != self.air.state:
                self.air_known = True
                if note.air != self.air.state:
                    self.air = m.AirChanged(state=note.air, url=self.air.url)
            return {"health": self.health()}
        if isinstance(note, m.AirChanged):
            self.air = note
            self.air_known = True
            return {"health": self.health()}
        if isinstance(note, m.ProgrammeSet):
            if note.camera != self.programme.camera:
                self._captured.clear()
            self.programme = note
            return {"programme": self.programme_view(), "cameras": self.cameras(), "health": self.health()}
        if isinstance(note, m.CameraSet):
            self._cameras[note.camera] = note
            return {"programme": self.programme_view(), "cameras": self.cameras()}
        if isinstance(note, m.EncoderChosen):
            return {"encoder": note}
        if isinstance(note, m.DevicesFound):
            self.devices = note
            return {
                "devices": Devices(note.cameras, note.microphones, asked=True),
                "programme": self.programme_view(),
            }
        if isinstance(note, m.RecordingChanged):
            return {"recording": _recording(note)}
        if isinstance(note, m.Ready):
            self.air_known = False
            self._troubles.clear()  # it says anew what is wrong
            return {"preview_path": note.preview_path}
        if isinstance(note, m.TroubleRaised):
            key = (note.code, note.subject, note.device)
            before = self._troubles.get(key)
            since = before.since_mono if before is not None else now_mono
            cure = "record_again" if note.code == "recording_failed" else note.cure
            self._troubles[key] = trouble_of(
                note.code, since, subject=note.subject, detail=note.detail, cure=cure, device=note.device
            )
        elif isinstance(note, m.TroubleCured):
            self._troubles.pop((note.code, note.subject, note.device), None)
        return {}

    def road(self, state: str) -> dict[str, Any]:
        """The engine is there, or not."""
        self.engine_here = state == "connected"
        if state != "connected":
            self.stats = None
            self._captured.clear()
            self.air_known = False
            self._troubles.clear()
        return {"health": self.health()}

    def _count(self, stats: m.EngineStats) -> None:
        counted = self._captured
        now = (stats.uptime_s, stats.captured)
        if counted and (now[0] <= counted[-1][0] or now[1] < counted[-1][1]):
            counted.clear()  # another engine
        if len(counted) == 1 and counted[0][1] == now[1]:
            counted.clear()  # it gave nothing yet: the measure begins with its first picture
        counted.append(now)

    def camera_fps(self) -> float:
        """-1: not known yet."""
        if len(self._captured) < 2:
            return -1.0
        (began, first), (ended, last) = self._captured[0], self._captured[-1]
        return round((last - first) / (ended - began), 1)

    def _camera_slow(self) -> bool:
        """Measured long enough, moving, and clearly under what it was asked for."""
        asked = min(self.programme.fps, self.camera(self.programme.camera).settings.fps or self.programme.fps)
        return len(self._captured) == RATE_LOOKS and 0 < self.camera_fps() < SLOW_SHARE * asked

    # --- what is shown ------------------------------------------------------------------

    def troubles(self) -> list[Trouble]:
        """A device is called as it is everywhere on screen."""
        names = self._names()
        return [
            replace(one, subject=naming.subject_of(one.device, self.programme, names)) if one.device else one
            for one in self._troubles.values()
        ]

    def dismiss(self, trouble: Trouble) -> None:
        """Not shown any more, until the engine says it anew."""
        said = [key for key, one in self._troubles.items() if (one.code, one.device) == (trouble.code, trouble.device)]
        for key in said:
            del self._troubles[key]

    def _names(self) -> dict[str, str]:
        if self.devices is None:
            return {}
        cameras = {one.spec: one.name for one in self.devices.cameras}
        return cameras | {one.spec: one.name for one in self.devices.microphones}

    def health(self) -> Health:
        stats, air = self.stats, self.air
        state = air.state if self.engine == "running" or self.air_known else "off"
        return Health(
            engine=self.engine,  # type: ignore[arg-type]
            air=state,
            reason=air.reason,
            attempt=air.attempt,
            next_try_ms=air.next_try_ms,
            width=stats.width if stats else self.programme.width,
            height=stats.height if stats else self.programme.height,
            fps=stats.fps if stats else 0.0,
            camera_fps=self.camera_fps(),
            camera_slow=self._camera_slow(),
            video_bps=stats.video_bps if stats else 0,
            loss=stats.loss if stats else 0.0,
            rtt_ms=stats.rtt_ms if stats else -1.0,
            verdict=self._verdict(state),
        )

    def _verdict(self, state: m.AirState) -> Any:
        if state == "off":
            return "off"
        if state != "on_air" or self.stats is None or self.stats.air != "on_air":
            return "bad" if state == "reconnecting" else "warning"
        if self.stats.loss >= LOSS_BAD or self.stats.fps < 0.6 * self.programme.fps:
            return "bad"
        if self.stats.loss >= LOSS_WARNING or self.stats.fps < 0.9 * self.programme.fps:
            return "warning"
        return "good"

    def cameras(self) -> tuple[m.CameraSet, ...]:
        """Those of the programme, as they are used; the first first."""
        chosen = (self.programme.camera, self.programme.second_camera)
        return tuple(self.camera(spec) for spec in chosen if spec and spec != "none")

    def camera(self, spec: str) -> m.CameraSet:
        """As the engine last said it is used."""
        return self._cameras.get(spec) or m.CameraSet(camera=spec, settings=m.CameraSettings())

    def programme_view(self) -> Programme:
        note = self.programme
        cameras = {camera.spec: camera for camera in self.devices.cameras} if self.devices else {}
        camera, names = cameras.get(note.camera), self._names()
        return Programme(
            camera=note.camera,
            microphone=note.microphone,
            width=note.width,
            height=note.height,
            fps=note.fps,
            target_bps=note.target_bps,
            muted=note.muted,
            mirror=note.mirror != self.camera(note.camera).settings.mirror,
            scene=note.scene,
            scenes=note.scenes,
            second_camera=note.second_camera,
            second_microphone=note.second_microphone,
            shaped=note.shaped,
            still=note.still,
            camera_name=naming.plain(note.camera, names.get(note.camera, "")),
            microphone_name=naming.plain(note.microphone, names.get(note.microphone, "")),
            stand_in=camera.stand_in if camera else note.camera in naming.STAND_INS,
        )

    def preview(self, path: str) -> PreviewPlace:
        return PreviewPlace(path, self.programme.width, self.programme.height)


def _recording(note: m.RecordingChanged) -> Recording:
    try:
        free_bytes = shutil.disk_usage(Path(note.path).parent).free if note.path else -1
    except OSError:
        free_bytes = -1
    return Recording(
        active=note.state in {"recording", "waiting"},
        free_bytes=free_bytes // 100_000_000 * 100_000_000
        if free_bytes > 0
        else free_bytes,  # a figure that stands still
        state=note.state,
        path=note.path,
        seconds=int(note.seconds),
        bytes=note.bytes // 1_000_000 * 1_000_000,
        hours_left=round(note.hours_left, 1),
        error=note.error,
    )

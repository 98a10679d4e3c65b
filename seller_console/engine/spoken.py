"""What `publish` says to a person: the engine's notes in the words of the language, with the option that cures.

Promises: no stable code is read at a terminal; `tests/engine/test_publish_said.py` reads them all from the
engine's source. `--json` says the codes themselves, and nothing of this.
"""

from __future__ import annotations

from ..catalogue import decimal, first_of, sentence, trouble, with_cost
from ..contract.media import (
    AirChanged,
    CameraSet,
    ClipSaved,
    DestinationChanged,
    DevicesFound,
    EncoderChosen,
    EngineNote,
    EngineRefused,
    EngineStats,
    MicrophoneLevel,
    ProgrammeSet,
    RecordingChanged,
    SnapshotTaken,
    TroubleCured,
    TroubleRaised,
)
from ..language import Language, language
from .devices import plain

_SCENE_WANTS = {"face": "camera", "both": "camera", "split": "camera", "still": "picture"}


def say(key: str, /, **values: object) -> str:
    return sentence(language(), key, **values)


def refused(note: EngineRefused) -> str:
    special = ""
    if note.code == "unknown_scene":
        special = _SCENE_WANTS.get(note.detail, "")
    elif note.command == "SetCamera":
        special = "camera"
    key = first_of(
        language(),
        f"publish.refused.{note.code}.{special}",
        f"publish.refused.{note.code}",
        f"engine_refused.{note.code}",
        "publish.refused.failed",
    )
    detail = note.detail.rpartition(": ")[2] if note.code == "unknown_device" else note.detail  # the spec alone
    return say("publish.refused", why=say(key, detail=detail))


def why(*codes: str) -> str:
    """The first of these details of the air, a recording or a destination that has words; "" when none has."""
    key = first_of(language(), *(f"detail.{code}" for code in codes))
    return say(key) if key else ""


def not_recorded(error: str) -> str:
    return say("publish.not_recorded", why=why(error, "disk_error"))


def not_on_air(name: str, code: str) -> str:
    """Of any code: the end of a broadcast is no place to fail for want of a word."""
    key = first_of(language(), f"detail.{code}", f"publish.air.{code}", "publish.air.off")
    return say("publish.not_on_air", name=name, why=say(key))


def figures(stats: EngineStats, loudest: MicrophoneLevel, hours_left: float) -> str:
    """A second in one line. `hours_left`: of the disk, while it records; -1: not known."""
    spoken: Language = language()
    line = say(
        "publish.stats",
        uptime=f"{decimal(spoken, stats.uptime_s):>7}",
        air=f"{say(f'publish.air.{stats.air}'):<13}",
        fps=f"{decimal(spoken, stats.fps):>5}",
        rate=f"{decimal(spoken, stats.video_bps / 1e6, 2):>5}",
        encode=f"{decimal(spoken, stats.encode_ms):>4}",
        dropped=stats.dropped,
        late=stats.late,
        cpu=decimal(spoken, stats.cpu, 2),
        peak=f"{loudest.peak_db:5.0f}",
        rms=f"{loudest.rms_db:.0f}",
    )
    clips = say("publish.clips") if loudest.clipped else ""
    room = say("publish.disk", hours=decimal(spoken, hours_left)) if hours_left >= 0 else ""
    return "  ".join(filter(None, (line, clips, room)))


def told(note: EngineNote, programme: ProgrammeSet | None = None) -> str:
    """A line for this note, "" when there is nothing to say. `programme`: as it was last set."""
    match note:
        case DevicesFound():
            specs = [camera.spec for camera in note.cameras] + [found.spec for found in note.microphones]
            return "\n".join(say("publish.device", spec=spec) for spec in specs)
        case EncoderChosen():
            tried = "; ".join(f"{one.name}: {one.why or say('publish.encoder_works')}" for one in note.tried)
            return _because(say("publish.encoder", name=note.encoder), tried)
        case CameraSet():
            return _ignored(note) if note.ignored else ""
        case AirChanged():
            return _because(
                say("publish.air_is", state=say(f"publish.air.{note.state}")), why(note.detail, note.reason)
            )
        case RecordingChanged():
            if note.state == "recording":
                return ""
            failed = why(note.error, "disk_error") if note.error else ""
            return _because(f"{say(f'publish.recording.{note.state}')} {note.path}".rstrip(), failed)
        case DestinationChanged():
            return _because(f"{note.name} — {say(f'publish.air.{note.state}')}", why(note.detail))
        case TroubleRaised():
            what = with_cost(language(), _wrong(note, note.detail), note.code, note.detail)
            cure = _cure(note, programme)
            return say("publish.trouble_cure", what=what, cure=cure) if cure else say("publish.trouble", what=what)
        case TroubleCured():
            return say("publish.cured", what=_wrong(note))
        case SnapshotTaken() | ClipSaved():
            return say("publish.unkept", why=_unkept(note.error)) if note.error else note.path
        case EngineRefused():
            return refused(note)
        case _:
            return ""


def _because(said: str, reason: str) -> str:
    return f"{said} ({reason})" if reason else said


def _wrong(note: TroubleRaised | TroubleCured, detail: str = "") -> str:
    stand_in = first_of(language(), f"device.{note.device}")
    return trouble(language(), note.code, say(stand_in) if stand_in else note.subject, detail, note.device)


def _cure(note: TroubleRaised, programme: ProgrammeSet | None) -> str:
    """The option of the device it is about, or of what failed; "" when there is none."""
    key = first_of(
        language(),
        f"publish.cure.{note.code}.{note.detail}",
        f"publish.cure.{note.code}",
        f"publish.cure.{note.cure}",
    )
    second = "--second-" if programme is not None and note.device in _seconds(programme) else "--"
    return say(key, camera=f"{second}camera", microphone=f"{second}microphone") if key else ""


def _seconds(programme: ProgrammeSet) -> set[str]:
    """The devices that are nothing but second."""
    return {programme.second_camera, programme.second_microphone} - {programme.camera, programme.microphone, ""}


def _ignored(note: CameraSet) -> str:
    keys = ("camera.picture_size" if name == "size" else f"camera.{name}" for name in note.ignored)
    return say("publish.camera_ignored", camera=plain(note.camera), names=", ".join(say(key) for key in keys))


def _unkept(code: str) -> str:
    """Why there is no picture or clip; `busy` is a word of destinations too, and means something else there."""
    return say("clip.busy") if code == "busy" else why(code, "disk_error")

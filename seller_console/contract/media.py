"""The engine's words: what a console asks of it, what it says back, how the preview lies in memory.

Wire: TCP on 127.0.0.1, one JSON object a line (UTF-8, at most 1 MiB). The first
line a console sends is Greet with the secret of the runtime file; the engine
answers Ready or closes. Several consoles may be connected; each hears every note.

Device specs: "testcard", "tone", "silence", "none", "file:PATH", "url:ADDRESS",
"screen:DISPLAY", "camera:NAME@PATH", "microphone:NAME". A spec names one device
for ever: a device that is gone is reported by that name, never replaced.
"""

from __future__ import annotations

import struct
from typing import ClassVar, Literal

from .events import snake
from .words import Currency, Struct


class MediaBase(Struct, frozen=True, tag_field="type", tag=snake):
    pass


# --- console -> engine ---------------------------------------------------------------


class Greet(MediaBase, frozen=True):
    secret: str
    contract: int


class FindDevices(MediaBase, frozen=True):
    """Look at once for cameras and microphones; DevicesFound lists them."""


class SetProgramme(MediaBase, frozen=True):
    """What is captured and how it is composed. May be said on air; size and fps only off air.

    width x height in pixels (even), crop to fill. target_bps 0: automatic.
    """

    camera: str = "testcard"
    microphone: str = "tone"
    width: int = 720
    height: int = 1280
    fps: int = 30
    target_bps: int = 0
    mirror: bool = False
    second_camera: str = ""
    """For the scenes face, both and split; "": there is none."""
    still: str = ""
    """The picture file of the scene still."""
    second_microphone: str = ""
    """Mixed with the first; "": there is none."""


class CameraSettings(Struct, frozen=True):
    """How one camera is used. Kept by the engine under its spec, for every later show.

    A part of the picture is cut out by `zoom` (1: all of it) around a centre, in shares of
    the picture as it is seen: turned (`rotation`, clockwise) and mirrored.
    """

    width: int = 0
    """Asked of the device; 0: what fits the programme."""
    height: int = 0
    fps: int = 0
    rotation: Literal[0, 90, 180, 270] = 0
    mirror: bool = False
    zoom: float = 1.0
    centre_x: float = 0.5
    centre_y: float = 0.5
    focus: float | None = None
    """This and the next three in the device's own measure; None: by itself."""
    exposure: float | None = None
    white_balance: float | None = None
    gain: float | None = None


class SetCamera(MediaBase, frozen=True):
    """Use this camera so from now on, whether it is plugged in or not. CameraSet says what came of it."""

    camera: str
    settings: CameraSettings = CameraSettings()


class SetEncoder(MediaBase, frozen=True):
    """x264, auto (the first of the graphics card that proves itself), or one by FFmpeg's name; EncoderChosen says."""

    encoder: str = "x264"


class SetOverlay(MediaBase, frozen=True):
    """The lot on the block, drawn into the programme: every output and the preview show it, for they share one encode.

    Facts that are left out are not drawn. A picture taken (TakeSnapshot) has none of it.
    """

    shown: bool = False
    number: int = 0
    title: str = ""
    price_cents: int = -1
    """-1: none."""
    currency: Currency = "EUR"
    ends_at_ms: int = 0
    """On the platform's clock; 0: no clock."""
    offset_ms: float = 0.0
    """The platform's clock less this machine's monotonic one."""
    remaining_ms: int = -1
    """A clock that stands, while paused; -1: it runs."""
    winner: str = ""
    logo: str = ""
    """A picture file."""
    language: Literal["fr", "en"] = "fr"


class SetMuted(MediaBase, frozen=True):
    """Every microphone, on air and in what is recorded."""

    muted: bool


class SetGain(MediaBase, frozen=True):
    """Of the first microphone, or the second, in decibels."""

    gain_db: float
    second: bool = False
    """Of the second microphone."""


class SetSound(MediaBase, frozen=True):
    """What is done to real microphones: rumble below 80 Hz taken off. Peaks of the whole are always held at -1 dBFS."""

    shaped: bool = True


class SetScene(MediaBase, frozen=True):
    """One of ProgrammeSet.scenes; by a 200 ms fade, or a cut."""

    scene: str
    words: str = ""
    """On the pause card, in the seller's language."""
    cut: bool = False


class GoOnAir(MediaBase, frozen=True):
    """Publish by WHIP (RFC 9725) to `url` with the bearer `token`."""

    url: str
    token: str = ""


class LeaveAir(MediaBase, frozen=True):
    """Publish no more; what is recorded and sent elsewhere goes on."""


class RetryNow(MediaBase, frozen=True):
    """Try the lost device or connection at once, without waiting for the next attempt.

    A camera whose picture is frozen is opened again; one that is blurred looks for its focus.
    """


class TakeSnapshot(MediaBase, frozen=True):
    """The programme, full size, as a JPEG at `path`."""

    request: str
    path: str
    camera: str = ""
    """This open camera's picture at its own size, turned and cut as it is used; "": the programme."""


class StartRecording(MediaBase, frozen=True):
    """The programme to disk, on air or not. `folder` "": the shop's recordings."""

    folder: str = ""


class StopRecording(MediaBase, frozen=True):
    """Ends the file; Matroska is then rewrapped as MP4."""


class SaveClip(MediaBase, frozen=True):
    """The last `seconds` (60 at most) as an MP4 at `path`; a little more, from a whole picture on."""

    request: str
    path: str
    seconds: float = 30.0


class AddDestination(MediaBase, frozen=True):
    """A further place for the same pictures: http(s) is WHIP (with `token`), rtmp(s), or what this FFmpeg knows."""

    name: str
    url: str
    token: str = ""


class RemoveDestination(MediaBase, frozen=True):
    """Send nothing more to the destination of this name."""

    name: str


class Quit(MediaBase, frozen=True):
    """Leave the air, finish the files and end."""


EngineCommand = (
    Greet | FindDevices | SetProgramme | SetCamera | SetEncoder | SetMuted | SetGain | SetSound | SetScene
    | SetOverlay | GoOnAir | LeaveAir | RetryNow | TakeSnapshot
    | StartRecording | StopRecording | SaveClip | AddDestination | RemoveDestination | Quit
)  # fmt: skip

# --- engine -> console ---------------------------------------------------------------


class Ready(MediaBase, frozen=True):
    pid: int
    contract: int
    preview_path: str
    """The mmap file, see PREVIEW below."""


class Camera(Struct, frozen=True):
    spec: str
    name: str
    stand_in: bool = False
    """A labelled stand-in (test card, file), not a device."""


class Microphone(Struct, frozen=True):
    spec: str
    name: str
    stand_in: bool = False


class DevicesFound(MediaBase, frozen=True):
    cameras: tuple[Camera, ...]
    microphones: tuple[Microphone, ...]


class ProgrammeSet(MediaBase, frozen=True):
    """The programme as it now is (after SetProgramme, and on connecting)."""

    camera: str
    microphone: str
    width: int
    height: int
    fps: int
    target_bps: int
    muted: bool
    mirror: bool = False
    scene: str = "table"
    second_camera: str = ""
    still: str = ""
    second_microphone: str = ""
    shaped: bool = True
    scenes: tuple[str, ...] = ("table", "pause")
    """Those that can be shown now: table, face, both, split, still, pause."""


CameraKnob = Literal["focus", "exposure", "white_balance", "gain"]


class CameraOffer(Struct, frozen=True):
    """Something this device lets be set."""

    name: CameraKnob
    lowest: float
    highest: float
    step: float = 1.0
    value: float = 0.0
    """As it is now."""
    automatic: bool = False
    """It can find the value by itself."""


class CameraSet(MediaBase, frozen=True):
    """An open camera as it is used: when anything of it changes, and on connecting."""

    camera: str
    settings: CameraSettings
    width: int = 0
    """What it gives; 0: not known yet."""
    height: int = 0
    fps: float = 0.0
    offers: tuple[CameraOffer, ...] = ()
    ignored: tuple[str, ...] = ()
    """What was asked and is not done: size, fps, or a knob."""


class EncoderTried(Struct, frozen=True):
    name: str
    works: bool = False
    why: str = ""
    """Why not."""


class EncoderChosen(MediaBase, frozen=True):
    """Which encoder makes the pictures, and what was tried before: in the order it was tried."""

    wanted: str
    encoder: str
    tried: tuple[EncoderTried, ...] = ()


class MicrophoneLevel(MediaBase, frozen=True):
    """Ten a second. dBFS, 0 = full scale, -120 = silence."""

    peak_db: float
    rms_db: float
    clipped: bool = False
    """Before the limiter, which hides it: a microphone at its rail, or more gain than there is room for."""


AirState = Literal["off", "connecting", "on_air", "reconnecting"]


class AirChanged(MediaBase, frozen=True):
    """`reason` is a stable code for a screen to word; `attempt` counts since the picture was last on air."""

    state: AirState
    reason: str = ""
    detail: str = ""
    attempt: int = 0
    next_try_ms: int = 0
    """How long until the next attempt, when reconnecting."""
    url: str = ""


class EngineStats(MediaBase, frozen=True):
    """Once a second; the same line `seller-console publish --json` prints.

    Counters are totals since the programme started; *_bps, fps and *_ms are of the last second.
    """

    uptime_s: float
    captured: int
    """Frames from the camera."""
    composed: int
    """Ticks of the programme clock that made a frame."""
    encoded: int
    sent: int
    """Frames handed to RTP."""
    replaced: int
    """Camera frames overwritten before a tick took them."""
    dropped: int
    """Encoded frames thrown away before RTP."""
    late: int
    """Ticks missed by more than one frame period."""
    fps: float
    video_bps: int
    audio_bps: int
    target_bps: int
    encode_ms: float
    """Mean per frame."""
    rtt_ms: float = -1.0
    """-1: not known."""
    loss: float = 0.0
    """Fraction lost, of the last receiver report."""
    nacks: int = 0
    plis: int = 0
    cpu: float = 0.0
    """Cores used by the engine."""
    rss_mb: float = 0.0
    air: AirState = "off"
    width: int = 0
    height: int = 0
    encoder: str = "libx264"
    sound_dropped: int = 0
    """Samples of the microphones thrown away because nobody took them in time."""
    sound_starved: int = 0
    """Times a microphone had nothing to give when its turn came."""
    sound_late: int = 0
    """20 ms of the programme's sound that were never made: the beat came too late."""


TroubleCode = Literal[
    "camera_gone", "camera_busy", "camera_frozen", "microphone_gone", "microphone_busy", "encoder_late",
    "publish_refused", "publish_unreachable", "publish_lost", "aiortc_seams", "disk_full",
    "picture_black", "picture_frozen", "picture_blurred", "picture_overexposed", "picture_mirrored", "picture_slow",
    "sound_silent", "sound_clipping", "sound_wrong_microphone", "sound_stuttering", "av_skew", "disk_filling",
    "machine_hot", "on_battery", "recording_failed", "destination_failed", "encoder_fallback",
]  # fmt: skip


class TroubleRaised(MediaBase, frozen=True):
    """Something is wrong with `subject` (a device's name, a URL), until TroubleCured says the same three.

    The three are code, subject and `device`: the spec of the camera or microphone it is about, "" for anything
    else (two cameras may have one name). Said again when its detail or its cure has changed.
    """

    code: TroubleCode
    subject: str = ""
    detail: str = ""
    cure: Literal[
        "",
        "retry",
        "choose_camera",
        "choose_microphone",
        "refocus",
        "unmute",
        "unmirror",
        "set_up_camera",
        "open_destinations",
    ] = ""
    device: str = ""


class TroubleCured(MediaBase, frozen=True):
    code: TroubleCode
    subject: str = ""
    device: str = ""


class SnapshotTaken(MediaBase, frozen=True):
    request: str
    path: str = ""
    error: str = ""


RecordState = Literal["off", "waiting", "recording", "finishing", "failed"]


class RecordingChanged(MediaBase, frozen=True):
    """When the state changes, and once a second while recording."""

    state: RecordState
    path: str = ""
    """Being written, or written last."""
    seconds: float = 0.0
    bytes: int = 0
    hours_left: float = -1.0
    """On this disk at this rate; -1: not known yet."""
    error: str = ""


class ClipSaved(MediaBase, frozen=True):
    request: str
    path: str = ""
    seconds: float = 0.0
    error: str = ""


class DestinationChanged(MediaBase, frozen=True):
    """`state` off: it was removed. The name is the console's; the address may hold a secret and is not said."""

    name: str
    state: AirState
    detail: str = ""


class EngineRefused(MediaBase, frozen=True):
    command: str
    code: str
    detail: str = ""


EngineNote = (
    Ready | DevicesFound | ProgrammeSet | CameraSet | EncoderChosen | MicrophoneLevel | AirChanged | EngineStats
    | TroubleRaised | TroubleCured | SnapshotTaken | RecordingChanged | ClipSaved | DestinationChanged | EngineRefused
)  # fmt: skip

# --- the preview ------------------------------------------------------------------------


class Preview:
    """Layout of the preview file: a header, then `SLOTS` slots of a slot header and BGRA pixels.

    Header (little-endian, 64 bytes): magic 8s, version u32, slots u32, width u32, height u32,
    stride u32 (bytes a row), generation u32 (changes with the geometry: reopen), slot_bytes u64
    (slot header included), latest u32 (index of the newest whole slot), pad.
    Slot header (32 bytes): sequence u64 (odd while being written), frame u64, captured_ns u64
    (monotonic), pad. Reader: read `latest`, read sequence (even), copy, read it again: same = whole.
    """

    MAGIC: ClassVar[bytes] = b"SCPREVW\0"
    VERSION: ClassVar[int] = 1
    SLOTS: ClassVar[int] = 3
    HEADER: ClassVar[struct.Struct] = struct.Struct("<8sIIIIIIQI20x")
    LATEST_OFFSET: ClassVar[int] = 40
    HEADER_BYTES: ClassVar[int] = 64
    SLOT_HEADER: ClassVar[struct.Struct] = struct.Struct("<QQQ8x")
    SLOT_HEADER_BYTES: ClassVar[int] = 32


# --- the runtime file ---------------------------------------------------------------------


class RuntimeFile(Struct, frozen=True):
    """How a program describes itself to the next console: JSON, mode 0600, in the runtime folder."""

    program: Literal["engine", "platform"]
    pid: int
    started: float
    """Start time of the process (psutil create_time), to tell a recycled pid."""
    contract: int
    port: int
    secret: str
    """Engine: the greeting's secret. Platform: the owner pass."""
    url: str = ""
    show_id: str = ""
    whip_url: str = ""
    whep_url: str = ""
    stream_key: str = ""
    log_path: str = ""

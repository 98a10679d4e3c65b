"""The programme: what goes out, one frame a tick, one block of sound every 20 ms, on one media clock.

Two threads beat it, so neither the network nor a console can hold it up. A tick that
comes late is skipped and counted, and so is one in which something goes wrong. Buffers
come from a pool of 6; empty: the tick composes nothing and counts `late`. Packets go to
every output in `outputs`, encoded once, only while there is one.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial

import cv2

from ..contract.media import CameraSet, CameraSettings, SetProgramme
from ..language import language
from ..rtc.payload import Codec
from . import framing
from .capture import CameraFeed, CapturedCamera
from .clock import SECOND_NS, MediaClock, Metronome
from .devices import CameraWish, Devices, UnknownDevice, plain, split
from .encode import EncodeThread, Output, Packet, PictureEncoder, Thinner, VideoEncoder, usual_bps
from .hardware import KINDS, SOFTWARE, VP8, HardwareEncoder, Shape, Verdict
from .overlay import Overlay, Under, lift
from .picture import Picture, Pixels, blank
from .preview import PreviewWriter
from .scenes import PAUSE_WORDS, Cast, Stage, lost_mark
from .sound import SoundFeed
from .sounddesk import SoundDesk
from .stumbles import Stumbles

log = logging.getLogger("engine.program")

POOL = 6
PATIENCE = 1
"""Frames that may be made late: one stumble of the machine costs no frame, two in a row do."""
STUCK_NS = 2 * SECOND_NS
MOST_AGE_NS = SECOND_NS // 5
"""No webcam takes longer; what does is told (`av_skew`), for sound that waits makes every buyer wait."""
ANEW_NS = 2 * SECOND_NS
"""Between two beginnings of an encoder that fails and has no other in its place."""


@dataclass(slots=True)
class Counts:
    """Totals since the programme started. Each is written by one thread."""

    captured: int = 0
    replaced: int = 0
    composed: int = 0
    encoded: int = 0
    dropped: int = 0
    busy_ns: int = 0


class Programme:
    """Starts off air with a test card. All methods are the event loop's; none waits long except `stop`."""

    def __init__(
        self,
        devices: Devices,
        preview: PreviewWriter | None,
        codec: Codec = "H264",
        clock: MediaClock | None = None,
    ) -> None:
        self.clock = clock or MediaClock()
        self._devices = devices
        self._preview = preview
        self._set = SetProgramme()
        self._outputs: tuple[Output, ...] = ()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._started = False
        self._camera = self._open_camera(self._set, self._set.camera)
        self._second: CameraFeed | None = None
        self._picture_age_ns = 0
        self.sound = SoundDesk(
            devices, self.clock, self._set.microphone, lambda: self._outputs, lambda: self.picture_age_ns
        )
        self._encode: EncodeThread | None = None
        self._thinner = Thinner(self._set.width * self._set.height * self._set.fps)
        self._target_bps = 0
        self.codec: Codec = codec
        self._encoder = SOFTWARE if codec == "H264" else VP8.name
        self._encoder_after = ""
        """To be used when the recording is over."""
        self._encoder_lost: Verdict | None = None
        self._failed, self._anew_ns = "", 0
        self._ticks, self._sinks = Stumbles(log, "tick_failed"), Stumbles(log, "output_failed")
        self._past = Counts()
        self._past_late = 0
        self._composed = 0
        self._starved = 0
        self._latest: tuple[Pixels, Under] | None = None
        self.overlay = Overlay()
        self._pool: list[Pixels] = []
        self._language = language()
        self._metronome = Metronome(Fraction(self._set.fps), time.monotonic_ns(), PATIENCE)
        self._resize(self._new_stage(self._set))
        self._threads = [
            threading.Thread(target=self._run_pictures, name="programme tick", daemon=True),
            threading.Thread(target=self.sound.run, args=(self._stopping,), name="sound tick", daemon=True),
        ]

    # --- what the loop says --------------------------------------------------------------

    @property
    def settings(self) -> SetProgramme:
        return self._set

    @property
    def camera(self) -> CameraFeed:
        return self._camera

    @property
    def cameras(self) -> tuple[CameraFeed, ...]:
        """All that are open, each once."""
        return tuple(dict.fromkeys(self._cast().cameras()))

    @property
    def picture_age_ns(self) -> int:
        """Of the camera that shows the lips: the second, where there is one. The sound is sent so much later.

        What it was, while nothing is known of the cameras there are.
        """
        second = self._second
        ages = (second.age_ns if second is not None else None, self._camera.age_ns)
        known = next((age for age in ages if age is not None), self._picture_age_ns)
        self._picture_age_ns = min(known, MOST_AGE_NS)
        return self._picture_age_ns

    @property
    def scene(self) -> str:
        return self._stage.scene

    @property
    def scenes(self) -> tuple[str, ...]:
        """Those that can be shown."""
        return self._cast().offered()

    def show(self, scene: str, words: str = "", cut: bool = False) -> bool:
        """Change the scene; False: it cannot be shown, nothing changed. Draws its card: not for the loop."""
        if scene not in self.scenes:
            return False
        words = words or PAUSE_WORDS[self._language]
        card = self._stage.card(scene, words, self._set.still)
        with self._lock:
            self._stage.show(scene, words, time.monotonic_ns(), fade=not cut, card=card)
        return True

    @property
    def target_bps(self) -> int:
        """What the encoder aims at now."""
        return self._target_bps or self.ceiling_bps

    @property
    def ceiling_bps(self) -> int:
        """The most this programme spends on pictures."""
        wanted = self._set
        return wanted.target_bps or usual_bps(wanted.width, wanted.height, wanted.fps)

    def start(self) -> None:
        self._started = self.sound.started = True
        for feed in self._feeds():
            feed.start()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends the threads and lets go of the devices; 3 s at most."""
        self._stopping.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=2)
        self.set_outputs(())
        for feed in self._feeds():
            feed.stop()

    def change(self, wanted: SetProgramme) -> None:
        """Switch devices, size, rate. Raises UnknownDevice and changes nothing. Size and fps: off air only."""
        before = self._set
        reshaped = (wanted.width, wanted.height, wanted.fps) != (before.width, before.height, before.fps)
        open_before = self.cameras
        camera, second = self._cast_of(wanted, reshaped)
        fresh = [feed for feed in dict.fromkeys((camera, second)) if feed is not None and feed not in open_before]
        stage, showing = self._new_stage(wanted) if reshaped else self._stage, self._stage
        if wanted.still:
            stage.card("still", "", wanted.still)  # read before it is shown
        card = stage.card(showing.scene, showing.words, wanted.still or before.still)
        old = list[CameraFeed | SoundFeed](self.sound.change(wanted.microphone, wanted.second_microphone))
        old += [feed for feed in open_before if feed not in (camera, second)]
        with self._lock:
            self._set = wanted
            self._past.captured += self._camera.captured - camera.captured
            self._past.replaced += self._camera.replaced - camera.replaced
            mirrors = (before.mirror, False)
            stills = {
                id(new): showing.still_of(old, mirror, time.monotonic_ns())
                for new, old, mirror in zip((camera, second), (self._camera, self._second), mirrors, strict=True)
                if isinstance(new, CapturedCamera) and new in fresh and old is not None and old not in (camera, second)
            }
            self._camera, self._second = camera, second
            if self._started:
                for feed in fresh:
                    feed.start()
            stage.show(showing.scene, showing.words, 0, fade=False, card=card)
            if reshaped:
                self._resize(stage)
            awaited = {key: still for key, still in showing.held.items() if key in (id(camera), id(second))}
            stage.hold(awaited | {key: still for key, still in stills.items() if still is not None})
            if self._stage.scene not in self._cast().offered():
                self._stage.show("table", "", time.monotonic_ns())
        if reshaped:
            for kept in self.cameras:
                if kept not in fresh and not self._devices.book.of(kept.spec).width:
                    self._devices.adjust(kept, self._wish(wanted), anew=kept.spec.startswith("camera:"))
        for gone in old:
            threading.Thread(target=gone.stop, name="device close", daemon=True).start()
        if wanted.target_bps != before.target_bps:
            self._target_bps = 0
            if self._encode is not None:
                self._restart_encoder()

    def set_outputs(self, outputs: tuple[Output, ...]) -> None:
        """Who gets packets from now on; the first packet of a new one is an IDR within 500 ms."""
        added = {output.name for output in outputs} - {output.name for output in self._outputs}
        self._outputs = outputs
        put_off = self._encoder_after if not self._recording else ""
        if put_off:
            self._encoder, self._encoder_after = put_off, ""
        if outputs and (self._encode is None or put_off):
            self._restart_encoder()
        elif not outputs:
            self._end_encoder()
        elif added:
            self.ask_idr()

    @property
    def outputs(self) -> tuple[Output, ...]:
        return self._outputs

    def ask_idr(self) -> None:
        if self._encode is not None:
            self._encode.ask_idr()

    def set_bps(self, bps: int) -> None:
        """What the uplink allows; kept under the ceiling."""
        self._target_bps = min(bps, self.ceiling_bps)
        if self._encode is not None:
            self._encode.set_bps(self._target_bps)

    def retry_now(self) -> None:
        for feed in self._feeds():
            feed.retry_now()

    def cure_camera(self, spec: str, reopen: bool) -> None:
        """Open that camera again, or let it look for its focus. Nothing where it is not open."""
        for feed in self.cameras:
            if feed.spec == spec and isinstance(feed, CapturedCamera):
                feed.cure(reopen)

    def set_camera(self, spec: str, settings: CameraSettings) -> None:
        """Kept, and obeyed by that camera wherever it is open. Raises UnknownDevice."""
        if not self._devices.knows(spec):
            raise UnknownDevice(f"no such kind of camera: {plain(spec)!r}")
        before = self._devices.book.of(spec)
        self._devices.book.put(spec, settings)
        anew = (before.width, before.height, before.fps) != (settings.width, settings.height, settings.fps)
        for feed in self.cameras:
            if feed.spec == spec:
                self._devices.adjust(feed, self._wish(self._set), anew)

    def used(self, camera: CameraFeed) -> CameraSettings:
        """How it is set up."""
        return self._devices.book.of(camera.spec)

    def way_of(self, camera: CameraFeed) -> tuple[int | None, bool]:
        """(cv2's word for the quarter turn it is shown by, None: upright or upside down; whether it is mirrored)."""
        used = self._devices.book.of(camera.spec)
        turn = framing.TURNS[used.rotation] if used.rotation in (90, 270) else None
        return turn, used.mirror != (self._set.mirror and camera is self._camera)

    def camera_reports(self) -> tuple[CameraSet, ...]:
        """Of each open camera."""
        return tuple(self._devices.report(feed) for feed in self.cameras)

    def keep_cameras(self) -> None:
        """Their settings to disk, when they changed. Not for the loop."""
        self._devices.book.save()

    def snapshot(self, spec: str = "") -> Pixels | None:
        """A copy of the newest frame without its overlay, or of this camera's whole picture as it is used.

        None: there is none yet, or the camera is lost.
        """
        if spec:
            feed = next((one for one in self.cameras if one.spec == spec), None)
            if feed is None or feed.state != "live":  # its last picture is of something else by now
                return None
            picture = next((seen for camera, seen in self.seen() if camera is feed), None)
            if picture is None and isinstance(feed, CapturedCamera):  # open, and not in this scene
                picture = feed.take(time.monotonic_ns())
            if picture is None:
                return None
            used = self._devices.book.of(spec)
            mirror = used.mirror != (self._set.mirror and feed is self._camera)
            return framing.framed(picture.pixels, used, mirror)
        latest = self._latest
        if latest is None:
            return None
        copy = latest[0].copy()
        lift(copy, latest[1])
        return copy

    @property
    def overlaid(self) -> bool:
        """The newest frame has something drawn on it."""
        latest = self._latest
        return latest is not None and latest[1] != ()

    def seen(self) -> list[tuple[CameraFeed, Picture]]:
        """The pictures of the newest frame, each with its camera."""
        return [(camera, picture) for camera, picture in list(self._stage.seen.values()) if picture is not None]

    def counts(self) -> Counts:
        """Totals, all programmes since the start together."""
        past, encode = self._past, self._encode
        return replace(
            past,
            captured=past.captured + self._camera.captured,
            replaced=past.replaced + self._camera.replaced,
            composed=self._composed,
            encoded=past.encoded + (encode.encoded if encode else 0),
            dropped=past.dropped + (encode.dropped if encode else 0),
            busy_ns=past.busy_ns + (encode.busy_ns if encode else 0),
        )

    @property
    def late(self) -> int:
        return self._past_late + self._metronome.late + self._starved + self._ticks.count

    @property
    def encoder(self) -> str:
        """Its name and preset."""
        return f"{self._encoder} {self._encode.preset}".rstrip() if self._encode else self._encoder

    @property
    def shape(self) -> Shape:
        """What an encoder of this programme makes."""
        wanted = self._set
        return Shape(wanted.width, wanted.height, wanted.fps, self.ceiling_bps)

    def use_encoder(self, name: str) -> None:
        """One that has given its proof. On air it changes over at once; while a file is written, after it."""
        self.forget_lost()
        if self.codec != "H264":
            return
        self._encoder_after = ""
        if name == self._encoder:
            return
        if self._encode is not None and self._recording:
            self._encoder_after = name
            return
        self._encoder = name
        if self._encode is not None:
            self._restart_encoder()

    def forget_lost(self) -> None:
        """Another encoder is being chosen: what became of the last one is told no more."""
        self._encoder_lost = None

    def mind_encoder(self, now_ns: int) -> Verdict | None:
        """An encoder of the card that fails or hangs on air is left for x264: which, and why; None: all is well.

        One of ours that fails is begun anew, again and again.
        """
        encode = self._encode
        if encode is None:
            return self._encoder_lost
        why = encode.failure
        if self._encoder in (SOFTWARE, VP8.name):
            if why and now_ns >= self._anew_ns:
                log.warning("encoder_anew name=%s why=%s", self._encoder, why)
                self._failed, self._anew_ns = why, now_ns + ANEW_NS
                self._restart_encoder()
            return self._encoder_lost
        if not why and encode.stuck_ns(now_ns) > STUCK_NS:
            why = f"no picture for {STUCK_NS // SECOND_NS} s"
        if why:
            log.info("encoder_lost name=%s why=%s", self._encoder, why)
            self._encoder_lost = Verdict(self._encoder, False, why)
            self._encoder = SOFTWARE
            self._restart_encoder(abandon=True)
        return self._encoder_lost

    @property
    def encoder_failure(self) -> str:
        """Why there are no pictures from it; told until a new one has made one."""
        encode = self._encode
        if encode is None:
            return ""
        return encode.failure or ("" if encode.encoded else self._failed)

    # --- inside -----------------------------------------------------------------------------

    def _wish(self, wanted: SetProgramme) -> CameraWish:
        return CameraWish(wanted.width, wanted.height, wanted.fps, self.clock.origin_ns)

    def _cast_of(self, wanted: SetProgramme, reshaped: bool) -> tuple[CameraFeed, CameraFeed | None]:
        """First and second camera; a device is opened once, whichever roles it has, and one that is open goes on."""
        known = {split(feed.spec): feed for feed in self.cameras if not (reshaped and feed.spec == "testcard")}
        for spec in filter(None, (wanted.camera, wanted.second_camera)):
            if split(spec) not in known:
                known[split(spec)] = self._open_camera(wanted, spec)
        return known[split(wanted.camera)], known[split(wanted.second_camera)] if wanted.second_camera else None

    def _open_camera(self, wanted: SetProgramme, spec: str) -> CameraFeed:
        return self._devices.open_camera(spec, self._wish(wanted))

    @property
    def _recording(self) -> bool:
        return any(output.name == "recording" for output in self._outputs)

    def _feeds(self) -> list[CameraFeed | SoundFeed]:
        return [*self.cameras, *self.sound.microphones]

    def _cast(self) -> Cast:
        return Cast(self._camera, self._second, self._set.still, self._set.mirror)

    def _new_stage(self, wanted: SetProgramme) -> Stage:
        mark = partial(lost_mark, language=self._language)
        return Stage(wanted.width, wanted.height, mark, self._devices.book.of)

    def _resize(self, stage: Stage) -> None:
        wanted = self._set
        self._stage = stage
        self._pool = [blank(wanted.width, wanted.height) for _ in range(POOL)]
        self._past_late += self._metronome.late
        self._metronome = Metronome(Fraction(wanted.fps), time.monotonic_ns(), PATIENCE)

    def _restart_encoder(self, abandon: bool = False) -> None:
        self._end_encoder(abandon)
        shape, name = self.shape, self._encoder

        def make(preset: str) -> PictureEncoder:
            if name != SOFTWARE:
                return HardwareEncoder(VP8 if name == VP8.name else KINDS[name], shape)
            return VideoEncoder(shape.width, shape.height, shape.fps, shape.ceiling_bps, preset)

        presets = ("",) if name != SOFTWARE else ()
        self._encode = EncodeThread(make, self._send_video, self._give_back, presets)
        self._encode.set_bps(self.target_bps)
        self._thinner = Thinner(shape.width * shape.height * shape.fps)

    def _end_encoder(self, abandon: bool = False) -> None:
        encode, self._encode = self._encode, None
        if encode is not None:
            if abandon:
                encode.abandon()
                self._pool += [blank(self._set.width, self._set.height) for _ in range(POOL - len(self._pool))]
            else:
                encode.stop()
            self._past.encoded += encode.encoded
            self._past.dropped += encode.dropped
            self._past.busy_ns += encode.busy_ns

    def _send_video(self, packet: Packet) -> None:
        for output in self._outputs:
            try:
                output.video(packet)
            except Exception:  # one output's trouble is not the others'
                self._sinks.say(output.name)

    def _give_back(self, pixels: Pixels) -> None:
        self._pool.append(pixels)

    def _run_pictures(self) -> None:
        while not self._stopping.is_set():
            metronome = self._metronome
            beat = metronome.wait(self._stopping)
            if beat is None:
                return
            with self._lock:
                if metronome is self._metronome:
                    try:
                        self._tick(beat[1])
                    except Exception:  # one picture is lost, not the programme
                        self._ticks.say()

    def _tick(self, due_ns: int) -> None:
        wanted = self._set
        shape = (wanted.height * 3 // 2, wanted.width)
        pixels = None
        while self._pool and pixels is None:
            pixels = self._pool.pop(0)
            if pixels.shape != shape:
                pixels = None
        if pixels is None:
            self._starved += 1
            return
        taken = False
        try:
            self._stage.draw(pixels, self._cast(), due_ns)
            under = self.overlay.draw(pixels, due_ns)
            self._composed += 1
            encode = self._encode
            taken = (
                encode is not None
                and self._thinner.take(self.target_bps, self._composed, due_ns)
                and encode.offer(pixels, self.clock.video_pts(due_ns))
            )
            if self._preview is not None:
                self._preview.set_size(wanted.width, wanted.height)
                self._preview.write(pixels, self._composed, due_ns)
            self._latest = (pixels, under)
        finally:
            if not taken:
                self._give_back(pixels)


def write_jpeg(pixels: Pixels, quality: int = 92) -> bytes:
    """An I420 picture as a JPEG."""
    done, coded = cv2.imencode(
        ".jpg", cv2.cvtColor(pixels, cv2.COLOR_YUV2BGR_I420), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    if not done:
        raise ValueError("the picture could not be written as JPEG")
    return bytes(coded)

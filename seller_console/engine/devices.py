"""Which devices exist and how each kind is opened: the one place that knows a spec.

A spec names one device for ever: an unknown word is refused (UnknownDevice), a device
that is not there becomes a feed that says `gone` and waits for it; it is never
replaced by another. Hot-plug: `find` is asked again every 2 s.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ..contract.media import Camera, CameraSet, CameraSettings, DevicesFound, Microphone
from .camerabook import CameraBook
from .capture import CameraDevice, CameraFeed, CapturedCamera, DrawnCamera, NoCamera, left_undone
from .sound import CapturedMicrophone, MicrophoneDevice, Silence, SoundFeed, Tone


class UnknownDevice(ValueError):
    """The spec is not one this engine understands; str() says why."""


@dataclass(frozen=True, slots=True)
class CameraWish:
    """What a camera is asked for; it gives what it can."""

    width: int
    height: int
    fps: int
    origin_ns: int
    size: tuple[int, int] = (0, 0)
    """What the device itself is to give, when somebody chose; (0, 0): what fits."""
    rotation: int = 0
    """How it lies, which decides what fits."""


ADDRESSES = ("rtsp", "rtsps", "http", "https")
"""An address is the spec of a camera as it stands, with `url:` before it or without."""


def split(spec: str) -> tuple[str, str]:
    """'camera:NAME@PATH' -> ('camera', 'NAME@PATH'); 'rtsp://HOST/PATH' -> ('url', 'rtsp://HOST/PATH')."""
    kind, _, rest = spec.partition(":")
    if kind.lower() in ADDRESSES and rest.startswith("//"):
        return "url", spec
    return kind, rest


def _host(address: str) -> str:
    """Of an address what is surely no secret: how and where, as FFmpeg reads it; no user, password, path or query."""
    scheme, _, rest = address.partition("://")
    place = re.split("[/?#]", rest, maxsplit=1)
    if not rest or "@" in "".join(place[1:]):  # a password with a slash in it
        return f"{scheme.rpartition('@')[2].partition(':')[0]}://…"
    return f"{scheme}://{place[0].rpartition('@')[2]}"


def plain(spec: str) -> str:
    """How a spec is written in what people read: by its name; of what is no spec only the first word."""
    kind, rest = split(spec)
    if kind == "camera":
        return rest.rpartition("@")[0] or rest
    if kind == "file":
        return Path(rest).name
    if kind == "url":
        return _host(rest)
    if spec == kind or kind == "screen":
        return spec if "@" not in spec else "…"
    return f"{kind.rpartition('@')[2]}:…"


class Devices:
    """The devices of this machine. Tests pass makers of their own for a kind: same shape, no patching."""

    def __init__(
        self,
        cameras: dict[str, Callable[[str, CameraWish], CameraDevice]] | None = None,
        microphones: dict[str, Callable[[str], MicrophoneDevice]] | None = None,
        book: CameraBook | None = None,
    ) -> None:
        self.book = book or CameraBook()
        """How each camera is used."""
        self._cameras = {"file": _file_camera, "url": _url_camera, "screen": _screen_camera, "camera": _real_camera}
        self._cameras.update(cameras or {})
        self._microphones = {"microphone": _real_microphone}
        self._microphones.update(microphones or {})
        self._labels: dict[str, str] = {}
        """What cameras were called when they were last looked for: two of a name have their port in it."""
        self._heard: tuple[Microphone, ...] = ()
        """The microphones, when they were last looked for."""

    def open_camera(self, spec: str, wish: CameraWish) -> CameraFeed:
        """A feed, not yet started. Raises UnknownDevice."""
        kind, rest = split(spec)
        if spec == "testcard":
            return DrawnCamera(spec, "testcard", wish.width, wish.height, wish.origin_ns)
        if spec == "none":
            return NoCamera()
        if kind not in self._cameras or not rest:
            raise UnknownDevice(f"no such kind of camera: {plain(spec)!r}")
        settings = self.book.of(spec)
        name = self._labels.get(spec) or plain(spec)
        return CapturedCamera(spec, name, self._maker(spec, wish, settings), settings)

    def _maker(self, spec: str, wish: CameraWish, settings: CameraSettings) -> Callable[[], CameraDevice]:
        kind, rest = split(spec)
        make = self._cameras[kind]
        asked = replace(
            wish, fps=settings.fps or wish.fps, size=(settings.width, settings.height), rotation=settings.rotation
        )
        return lambda: make(rest, asked)

    def knows(self, spec: str) -> bool:
        """Could there be a camera of this spec?"""
        kind, rest = split(spec)
        return spec == "testcard" or (kind in self._cameras and bool(rest))

    def adjust(self, feed: CameraFeed, wish: CameraWish, anew: bool = False) -> None:
        """Tell an open camera how it is used now. A device asked for another size or rate is opened again."""
        if isinstance(feed, CapturedCamera):
            settings = self.book.of(feed.spec)
            feed.adjust(settings, self._maker(feed.spec, wish, settings) if anew else None)

    def report(self, feed: CameraFeed) -> CameraSet:
        """How an open camera is used, and what it makes of that."""
        used = self.book.of(feed.spec)
        if not isinstance(feed, CapturedCamera):
            return CameraSet(camera=feed.spec, settings=used, ignored=left_undone(used, 0, 0))
        facts = feed.facts
        return CameraSet(
            camera=feed.spec, settings=used, width=facts.width, height=facts.height, fps=facts.fps,
            offers=facts.offers, ignored=facts.ignored,
        )  # fmt: skip

    def open_microphone(self, spec: str, origin_ns: int) -> SoundFeed:
        """A feed, not yet started. Raises UnknownDevice."""
        kind, rest = split(spec)
        if spec in ("silence", "none"):
            return Silence(spec, spec)
        if spec == "tone":
            return Tone(spec, spec, origin_ns)
        if kind == "file" and rest:
            from .files import FileSound

            return FileSound(spec, Path(rest).name, rest, origin_ns)
        make = self._microphones.get(kind)
        if make is None or not rest:
            raise UnknownDevice(f"no such kind of microphone: {plain(spec)!r}")
        return CapturedMicrophone(spec, rest.rpartition("@")[0] or rest, lambda: make(rest))

    def identity(self, spec: str) -> str:
        """Of a microphone saved by its name alone, before there were identities: the first listed of that name.

        May take as long as `find`.
        """
        kind, name = split(spec)
        if kind != "microphone" or "@" in name:
            return spec
        return next((one.spec for one in self._heard or find_microphones() if one.name == name), spec)

    def find(self, asked: bool = False) -> DevicesFound:
        """What is plugged in now, and the stand-ins. Takes a while (100 ms): not for the loop.

        `asked`: by a person, who will not wait for what is seldom looked at.
        """
        cameras = [Camera(spec="testcard", name="testcard", stand_in=True)]
        microphones = [
            Microphone(spec="tone", name="tone", stand_in=True),
            Microphone(spec="silence", name="silence", stand_in=True),
        ]
        real = find_cameras()
        self._labels = {camera.spec: camera.name for camera in real}
        self._heard = find_microphones(asked)
        return DevicesFound(
            cameras=(*real, *cameras),
            microphones=(*self._heard, *microphones),
        )


def _file_camera(rest: str, wish: CameraWish) -> CameraDevice:
    from .files import FileCamera

    return FileCamera(rest, wish.origin_ns)


def _url_camera(rest: str, wish: CameraWish) -> CameraDevice:
    from .streams import UrlCamera

    return UrlCamera(rest)


def _screen_camera(rest: str, wish: CameraWish) -> CameraDevice:
    from .streams import ScreenCamera

    return ScreenCamera(rest, wish.fps)


def _real_camera(rest: str, wish: CameraWish) -> CameraDevice:
    from .webcam import SMALL, Webcam, fitting

    if wish.size[0]:
        return Webcam(rest, wish.size, wish.fps)
    return Webcam(rest, fitting(wish.width, wish.height, wish.rotation), wish.fps, spare=SMALL)


def _real_microphone(rest: str) -> MicrophoneDevice:
    from . import pulse

    if pulse.reachable():
        return pulse.PulseMicrophone(rest)
    from .portaudio import PortAudioMicrophone

    return PortAudioMicrophone(rest)


def find_cameras() -> tuple[Camera, ...]:
    from .webcam import find_webcams

    return tuple(Camera(spec=f"camera:{name}@{path}", name=label) for name, path, label in find_webcams())


def find_microphones(asked: bool = False) -> tuple[Microphone, ...]:
    from . import pulse

    if sys.platform.startswith("linux") and pulse.reachable():
        names = pulse.find_sources()
    else:
        from .portaudio import find_inputs

        names = find_inputs(asked)
    return tuple(Microphone(spec=f"microphone:{name}", name=name.rpartition("@")[0] or name) for name in names)

"""What the programme shows: one camera, the other, both, or a card; cut or a 200 ms fade.

table: the first camera · face: the second · both: the first, the second set into a
corner · split: the two halves · pause: a card with words · still: a picture file.
A scene needing a camera that was not chosen is not offered (`offered`). A camera that
is lost keeps its last picture, dimmed and named, in whichever part it fills. Cards are
made before they are shown, by whoever shows them: a telephone's photo takes a second to
read, and a tick has 33 ms.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageOps

from ..contract.media import CameraSettings
from ..contract.safe_area import BARE, SEEN
from ..language import Language
from . import framing, lettering
from .camerabook import UNSET
from .capture import CameraFeed
from .clock import SECOND_NS
from .picture import Picture, Pixels, blank, crop_to_fill, fill, fill_planes, from_rgb, planes

log = logging.getLogger("engine.scenes")

FADE_NS = 200_000_000
INSET = 0.36
"""Width of the inset as a share of the programme's short side."""
PAUSE_WORDS: dict[Language, str] = {"fr": "De retour dans un instant", "en": "Back in a moment"}
"""When the console gives none."""
_LOST_WORDS: dict[Language, dict[str, str]] = {
    "fr": {"gone": "{}\u202f: image perdue", "busy": "{}\u202f: caméra prise"},
    "en": {"gone": "{}: picture lost", "busy": "{}: camera in use"},
}
_BACKGROUND = 22
HELD_NS = 5 * SECOND_NS
"""A camera that opens for longer is a hole buyers may see."""


class Held(NamedTuple):
    """The last picture of a camera that is being replaced, as it was shown."""

    picture: Picture
    used: CameraSettings
    mirror: bool
    until_ns: int


Taken = dict[int, tuple[CameraFeed, Picture | None]]
"""Each camera's picture of this frame, taken once."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Who may appear. `mirror` is for the first camera."""

    first: CameraFeed
    second: CameraFeed | None = None
    still: str = ""
    mirror: bool = False

    def offered(self) -> tuple[str, ...]:
        """The scenes this cast can play."""
        scenes = ["table"]
        if self.second is not None:
            scenes += ["face", "both", "split"]
        if self.still:
            scenes.append("still")
        return (*scenes, "pause")

    def cameras(self) -> tuple[CameraFeed, ...]:
        return (self.first,) if self.second is None else (self.first, self.second)


def lost_mark(camera: CameraFeed, language: Language) -> str:
    """What buyers read over a camera that gives no picture; '' while it does. Never where a network camera is."""
    place = camera.name.partition("://")[2].partition("/")[0]
    host = re.sub(r":\d+$", "", place)
    return _LOST_WORDS[language].get(camera.state, "").format(host or camera.name)


def pause_card(width: int, height: int, words: str) -> Pixels:
    """A quiet card: dark, a pause sign, the words wrapped under it."""
    unit = min(width, height) / 720
    image = Image.new("RGB", (width, height), (17, 19, 24))
    draw = ImageDraw.Draw(image)
    middle, top = width / 2, height * 0.40
    for side in (-1, 1):
        left = middle + side * 30 * unit - 14 * unit
        draw.rounded_rectangle(
            (left, top - 62 * unit, left + 28 * unit, top + 62 * unit), radius=8 * unit, fill=(244, 201, 64)
        )
    face = lettering.font("SemiBold", int(52 * unit))
    lines, line = [], ""
    for word in words.split():
        longer = f"{line} {word}".strip()
        if line and face.getlength(longer) > width * 0.84:
            lines.append(line)
            longer = word
        line = longer
    for index, text in enumerate([*lines, line][:6]):
        draw.text((middle, top + (140 + index * 68) * unit), text, font=face, fill=(238, 240, 245), anchor="mm")
    return from_rgb(np.asarray(image))


def still_picture(path: str, width: int, height: int) -> Pixels:
    """A file, cropped to fill; a grey card naming it when it cannot be read. A second for a large photo."""
    out = blank(width, height, _BACKGROUND)
    side = max(width, height)
    try:
        with Image.open(path) as image:
            image.draft("RGB", (side, side))  # a JPEG is read at the size it is used: an eighth of the work
            image.thumbnail((2 * side, 2 * side))
            fill(from_rgb(np.asarray(ImageOps.exif_transpose(image).convert("RGB"))), out)
    except Exception as error:  # a file from anywhere: what Pillow raises for it has no common name
        log.info("still_unreadable error=%s", type(error).__name__)
        out = blank(width, height, _BACKGROUND)
        lettering.stamp(out, Path(path).name, 0.5)
    return out


def _written_ns(path: str) -> int:
    try:
        return Path(path).stat().st_mtime_ns
    except OSError:
        return 0


class Stage:
    """Draws the scene of now into a programme's frame. `draw` is the tick's; `show` is called under its lock."""

    def __init__(
        self,
        width: int,
        height: int,
        mark: Callable[[CameraFeed], str],
        used: Callable[[str], CameraSettings] = lambda _spec: UNSET,
    ) -> None:
        """`used`: how the camera of a spec is turned, cut and mirrored."""
        self._width, self._height = width, height
        self._mark, self._used = mark, used
        self.scene, self.words = "table", ""
        self._card: Pixels | None = None
        self._from: tuple[str, Pixels | None] | None = None
        self._since_ns = 0
        self._made: dict[str, tuple[tuple[str, int], Pixels]] = {}
        """The newest card of each kind, and of what it was made."""
        self.held: dict[int, Held] = {}
        """What stands in for a camera that opens: the picture of the one before it."""
        self._other = blank(width, height)
        self.seen: Taken = {}
        """The cameras of the newest frame, whole: another thread looks at it."""

    def card(self, scene: str, words: str, still: str) -> Pixels | None:
        """What `show` is to be given for this scene; None where there are only cameras. Slow: never on the tick."""
        if scene not in ("pause", "still"):
            return None
        of = (words, 0) if scene == "pause" else (still, _written_ns(still))
        made = self._made.get(scene)
        if made is None or made[0] != of:
            size = (self._width, self._height)
            made = (of, pause_card(*size, words) if scene == "pause" else still_picture(still, *size))
            self._made[scene] = made
        return made[1]

    def show(self, scene: str, words: str, now_ns: int, fade: bool = True, card: Pixels | None = None) -> None:
        """Change over; by a cut when `fade` is False."""
        if (scene, words) == (self.scene, self.words):
            self._card = card
            return
        self._from = (self.scene, self._card) if fade else None
        self.scene, self.words, self._card = scene, words, card
        self._since_ns = now_ns

    def still_of(self, camera: CameraFeed, mirror: bool, now_ns: int) -> Held | None:
        """What is shown of this camera, which is about to go; None while it is lost, or buyers see a card."""
        if self.scene in ("pause", "still") or camera.state in ("gone", "busy"):
            return None
        _, picture = self.seen.get(id(camera), (camera, None))
        if picture is None:
            return self.held.get(id(camera))
        return Held(picture, self._used(camera.spec), mirror, now_ns + HELD_NS)

    def hold(self, held: dict[int, Held]) -> None:
        """Until these cameras (by id) give their first picture, buyers see the last of those before, not a hole."""
        self.held = held

    def draw(self, out: Pixels, cast: Cast, due_ns: int) -> None:
        """One frame."""
        taken: Taken = {}
        self._draw_scene(out, self.scene, self._card, cast, due_ns, taken)
        share = (due_ns - self._since_ns) / FADE_NS
        if self._from is not None and share < 1:
            self._draw_scene(self._other, *self._from, cast, due_ns, taken)
            cv2.addWeighted(out, max(0.0, share), self._other, 1 - max(0.0, share), 0, dst=out)
        else:
            self._from = None
        self.seen = taken

    def _draw_scene(self, out: Pixels, scene: str, card: Pixels | None, cast: Cast, due_ns: int, taken: Taken) -> None:
        whole = (0, 0, self._width, self._height)
        second = cast.second or cast.first
        match scene:
            case "pause" | "still":
                if card is None:
                    self._paint(out, whole, _BACKGROUND)
                else:
                    fill(card, out)
            case "face":
                self._draw_camera(out, whole, second, False, due_ns, taken)
            case "both":
                self._draw_camera(out, whole, cast.first, cast.mirror, due_ns, taken)
                box = self._inset()
                frame = (box[0] - 4, box[1] - 4, box[2] + 8, box[3] + 8)
                self._paint(out, frame, 200)
                self._draw_camera(out, box, second, False, due_ns, taken)
            case "split":
                for part, camera, mirror in zip(
                    self._halves(), (cast.first, second), (cast.mirror, False), strict=True
                ):
                    self._draw_camera(out, part, camera, mirror, due_ns, taken)
            case _:
                self._draw_camera(out, whole, cast.first, cast.mirror, due_ns, taken)

    def _inset(self) -> tuple[int, int, int, int]:
        wide = int(min(self._width, self._height) * INSET) & ~1
        high = wide * 4 // 3 & ~1
        # its frame is 4 wide, and 2 may go to an even number
        edge = int(max(min(self._width, self._height) * 0.04, self._width * BARE.right + 6)) & ~1
        # upright, as low as the lot's card on the smallest phone allows
        below = self._height * SEEN.bottom + 6 if self._height > self._width else self._height * 0.16
        return self._width - wide - edge, int(self._height - high - below) & ~1, wide, high

    def _halves(self) -> tuple[tuple[int, int, int, int], tuple[int, int, int, int]]:
        if self._height >= self._width:
            half = self._height // 2 & ~1
            return (0, 0, self._width, half), (0, half, self._width, self._height - half)
        half = self._width // 2 & ~1
        return (0, 0, half, self._height), (half, 0, self._width - half, self._height)

    @staticmethod
    def _paint(out: Pixels, box: tuple[int, int, int, int], luma: int) -> None:
        for plane, value, half in zip(planes(out), (luma, 128, 128), (0, 1, 1), strict=True):
            plane[_part(box, half)] = value

    def _draw_camera(
        self,
        out: Pixels,
        box: tuple[int, int, int, int],
        camera: CameraFeed,
        mirror: bool,
        due_ns: int,
        taken: Taken,
    ) -> None:
        key = id(camera)
        if key not in taken:
            taken[key] = (camera, camera.take(due_ns))
        picture = taken[key][1]
        mark, used = self._mark(camera), self._used(camera.spec)
        held = self.held.get(key)
        if held is not None and picture is None and due_ns < held.until_ns:
            picture, used, mirror, _ = held
        else:
            self.held.pop(key, None)
        pixels = None if picture is None else picture.pixels
        mirror = mirror != used.mirror
        if pixels is None:
            self._paint(out, box, _BACKGROUND)
        elif box == (0, 0, self._width, self._height) and framing.untouched(used):
            fill(pixels, out, mirror)
        else:
            targets = tuple(p[_part(box, half)] for p, half in zip(planes(out), (0, 1, 1), strict=True))
            if framing.untouched(used):
                height, width = int(pixels.shape[0]) * 2 // 3, int(pixels.shape[1])
                fill_planes(planes(pixels), targets, crop_to_fill(width, height, box[2], box[3]), mirror)
            else:
                framing.place(pixels, targets, used, mirror)
        if mark:
            if pixels is not None:
                lettering.dim(out, box)
            lettering.stamp(out, mark, (box[1] + box[3] / 2) / self._height, box)


def _part(box: tuple[int, int, int, int], half: int) -> tuple[slice, slice]:
    x, y, wide, high = (side >> half for side in box)
    return slice(y, y + high), slice(x, x + wide)

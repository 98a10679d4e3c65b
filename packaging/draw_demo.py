"""The pictures of the demo inventory, drawn: no photograph, no rights, the same bytes every time.

    .venv/bin/python packaging/draw_demo.py
writes resources/demo/images/*.jpg (480 x 600, a few kB each).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

IMAGES = Path(__file__).resolve().parent.parent / "resources" / "demo" / "images"
WIDTH, HEIGHT, SCALE = 480, 600, 2

Colour = tuple[int, int, int]
Point = tuple[float, float]
INK: Colour = (38, 36, 44)
PAPER: Colour = (250, 247, 240)


class Sheet:
    """A canvas in points of 480 x 600, drawn twice as large and scaled down."""

    def __init__(self, light: Colour, dark: Colour) -> None:
        column = Image.new("RGB", (1, HEIGHT))
        for y in range(HEIGHT):
            part = y / HEIGHT
            column.putpixel((0, y), tuple(round(a + (b - a) * part) for a, b in zip(light, dark, strict=True)))
        self.image = column.resize((WIDTH * SCALE, HEIGHT * SCALE))
        self._shadow()
        self.pen = ImageDraw.Draw(self.image)

    def _shadow(self) -> None:
        mask = Image.new("L", self.image.size, 0)
        box = [c * SCALE for c in (70, 485, 410, 545)]
        ImageDraw.Draw(mask).ellipse(box, fill=110)
        mask = mask.filter(ImageFilter.GaussianBlur(18 * SCALE))
        self.image.paste((20, 18, 26), (0, 0), mask)

    def box(
        self, x: float, y: float, w: float, h: float, fill: Colour, r: float = 0, line: Colour | None = None
    ) -> None:
        at = [c * SCALE for c in (x, y, x + w, y + h)]
        self.pen.rounded_rectangle(at, r * SCALE, fill=fill, outline=line, width=3 * SCALE if line else 0)

    def oval(
        self, x: float, y: float, rx: float, ry: float, fill: Colour | None, line: Colour | None = None, width: int = 4
    ) -> None:
        at = [c * SCALE for c in (x - rx, y - ry, x + rx, y + ry)]
        self.pen.ellipse(at, fill=fill, outline=line, width=width * SCALE)

    def shape(self, points: list[Point], fill: Colour) -> None:
        self.pen.polygon([(x * SCALE, y * SCALE) for x, y in points], fill=fill)

    def line(self, points: list[Point], fill: Colour, width: float = 4) -> None:
        self.pen.line([(x * SCALE, y * SCALE) for x, y in points], fill=fill, width=round(width * SCALE), joint="curve")

    def arc(self, x: float, y: float, rx: float, ry: float, start: int, end: int, fill: Colour, width: int) -> None:
        at = [c * SCALE for c in (x - rx, y - ry, x + rx, y + ry)]
        self.pen.arc(at, start, end, fill=fill, width=width * SCALE)

    def star(self, x: float, y: float, r: float, points: int, fill: Colour, inner: float = 0.45) -> None:
        corners = []
        for n in range(2 * points):
            reach = r if n % 2 == 0 else r * inner
            angle = math.pi * n / points - math.pi / 2
            corners.append((x + reach * math.cos(angle), y + reach * math.sin(angle)))
        self.shape(corners, fill)

    def save(self, name: str) -> None:
        self.image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).save(
            IMAGES / f"{name}.jpg", quality=82, optimize=True, progressive=True
        )


def card(frame: Colour, sky: Colour, being: Callable[[Sheet], None]) -> Callable[[Sheet], None]:
    def draw(s: Sheet) -> None:
        s.box(110, 90, 260, 400, (245, 245, 248), 18, (205, 205, 214))
        s.box(128, 112, 224, 356, frame, 12)
        s.box(142, 150, 196, 160, sky, 6)
        being(s)
        s.box(142, 124, 120, 16, PAPER, 6)
        s.star(322, 132, 11, 5, (255, 221, 87))
        for n, w in enumerate((180, 150, 168, 96)):
            s.box(150, 330 + 30 * n, w, 12, PAPER, 6)

    return draw


def fox(s: Sheet) -> None:
    s.shape([(240, 290), (178, 220), (190, 165), (225, 195), (255, 195), (290, 165), (302, 220)], (232, 106, 44))
    s.shape([(240, 290), (205, 235), (240, 246), (275, 235)], PAPER)
    s.oval(216, 226, 7, 9, INK)
    s.oval(264, 226, 7, 9, INK)
    s.oval(240, 284, 9, 7, INK)


def turtle(s: Sheet) -> None:
    s.oval(240, 240, 72, 46, (60, 128, 92))
    for x in (205, 240, 275):
        s.oval(x, 234, 15, 18, (96, 170, 120))
    s.oval(318, 240, 20, 17, (126, 196, 150))
    s.oval(323, 236, 4, 4, INK)
    for x in (188, 292):
        s.oval(x, 282, 17, 10, (126, 196, 150))


def dragon(s: Sheet) -> None:
    s.shape(
        [(170, 300), (190, 200), (150, 170), (215, 175), (250, 158), (310, 200), (290, 230), (255, 228), (270, 300)],
        (70, 96, 190),
    )
    s.shape([(205, 220), (160, 250), (215, 260)], (118, 148, 232))
    s.oval(268, 192, 7, 8, PAPER)
    s.oval(269, 193, 4, 5, INK)


def sneaker(s: Sheet) -> None:
    s.shape(
        [(95, 430), (95, 330), (130, 250), (205, 250), (235, 320), (300, 352), (378, 376), (388, 430)], (214, 62, 74)
    )
    s.shape([(95, 330), (130, 250), (205, 250), (212, 268), (150, 300)], (168, 40, 56))
    s.box(85, 424, 312, 38, PAPER, 18)
    s.box(85, 446, 312, 16, (190, 190, 200), 8)
    for n in range(4):
        s.line([(206 + 24 * n, 286 + 18 * n), (176 + 26 * n, 326 + 12 * n)], PAPER, 8)
    s.star(160, 380, 26, 5, PAPER)


def bag(s: Sheet) -> None:
    s.arc(240, 250, 80, 120, 180, 360, (92, 58, 34), 14)
    s.shape([(110, 250), (370, 250), (396, 490), (84, 490)], (172, 112, 62))
    s.shape([(110, 250), (370, 250), (374, 290), (106, 290)], (140, 86, 46))
    s.box(212, 282, 56, 44, (224, 190, 110), 8)
    s.box(232, 296, 16, 18, (120, 90, 40), 4)
    s.line([(106, 468), (374, 468)], (214, 160, 104), 3)


def watch(s: Sheet) -> None:
    s.box(196, 90, 88, 160, (58, 52, 60), 16)
    s.box(196, 380, 88, 140, (58, 52, 60), 16)
    s.oval(240, 312, 118, 118, (206, 206, 214))
    s.oval(240, 312, 100, 100, (24, 44, 72))
    for n in range(12):
        a = math.pi * n / 6
        s.line(
            [(240 + 82 * math.sin(a), 312 - 82 * math.cos(a)), (240 + 92 * math.sin(a), 312 - 92 * math.cos(a))],
            PAPER,
            5,
        )
    s.line([(240, 312), (240, 250)], PAPER, 7)
    s.line([(240, 312), (290, 336)], PAPER, 5)
    s.oval(240, 312, 8, 8, (224, 190, 110))
    s.box(354, 300, 18, 26, (206, 206, 214), 6)


def perfume(s: Sheet) -> None:
    s.box(206, 130, 68, 70, (224, 190, 110), 10)
    s.box(218, 198, 44, 30, (236, 222, 190))
    s.box(140, 222, 200, 270, (246, 214, 222), 34)
    s.box(156, 330, 168, 146, (232, 150, 176), 24)
    s.box(180, 300, 120, 92, PAPER, 10)
    s.star(240, 346, 28, 8, (200, 96, 132), 0.6)


def headphones(s: Sheet) -> None:
    s.arc(240, 320, 140, 170, 180, 360, (44, 48, 60), 26)
    for x in (82, 322):
        s.box(x, 300, 76, 140, (44, 48, 60), 32)
        s.box(x + 14, 318, 48, 104, (90, 196, 214), 22)


def mug(s: Sheet) -> None:
    s.arc(340, 350, 62, 74, 270, 90, (50, 110, 150), 24)
    s.box(130, 240, 210, 240, (68, 140, 184), 26)
    s.oval(235, 246, 105, 22, (52, 40, 34))
    s.star(235, 370, 54, 6, PAPER, 0.55)
    for n in range(3):
        s.arc(190 + 46 * n, 190, 18, 34, 100, 260, PAPER, 5)


def puzzle(s: Sheet) -> None:
    colours = ((246, 196, 84), (92, 178, 140), (84, 132, 210), (224, 98, 92))
    for n, colour in enumerate(colours):
        x, y = 110 + 132 * (n % 2), 190 + 132 * (n // 2)
        s.box(x, y, 126, 126, colour, 8)
    for x, y, colour in (
        (242, 253, colours[0]),
        (173, 322, colours[0]),
        (305, 316, colours[1]),
        (242, 385, colours[2]),
    ):
        s.oval(x, y, 22, 22, colour)


def lamp(s: Sheet) -> None:
    s.shape([(170, 120), (310, 120), (362, 290), (118, 290)], (252, 222, 140))
    s.shape([(170, 120), (200, 120), (170, 290), (118, 290)], (255, 240, 190))
    s.box(230, 290, 20, 170, (120, 92, 70))
    s.box(160, 452, 160, 38, (120, 92, 70), 16)


def booster(s: Sheet) -> None:
    s.shape([(140, 120), (340, 120), (350, 500), (130, 500)], (92, 62, 168))
    s.shape([(140, 120), (340, 120), (341, 156), (139, 156)], (206, 206, 214))
    s.shape([(131, 466), (349, 466), (350, 500), (130, 500)], (206, 206, 214))
    s.star(240, 300, 92, 9, (255, 221, 87), 0.62)
    s.star(240, 300, 48, 5, (232, 106, 44))


def drill(s: Sheet) -> None:
    s.box(110, 230, 200, 90, (244, 168, 36), 26)
    s.box(300, 250, 56, 50, INK, 8)
    s.shape([(356, 268), (420, 274), (356, 282)], (170, 170, 180))
    s.shape([(150, 310), (226, 310), (204, 440), (128, 440)], (60, 60, 70))
    s.box(104, 436, 124, 50, (244, 168, 36), 12)
    s.box(214, 326, 20, 40, (214, 62, 74), 8)


def scarf(s: Sheet) -> None:
    s.shape([(130, 160), (350, 160), (330, 250), (150, 250)], (150, 40, 70))
    s.shape([(160, 240), (250, 240), (232, 500), (130, 500)], (186, 54, 88))
    s.shape([(236, 240), (322, 240), (352, 460), (256, 460)], (168, 46, 78))
    for n in range(4):
        s.line([(156 - 4 * n, 280 + 52 * n), (246 - 3 * n, 280 + 52 * n)], (240, 200, 120), 7)
    for n in range(8):
        s.line([(136 + 13 * n, 498), (134 + 13 * n, 524)], (186, 54, 88), 4)


def present(s: Sheet) -> None:
    s.box(110, 270, 260, 220, (74, 158, 110), 10)
    s.box(96, 230, 288, 62, (92, 178, 128), 10)
    s.box(220, 230, 40, 260, (250, 214, 90))
    s.oval(196, 204, 48, 30, None, (250, 214, 90), 14)
    s.oval(284, 204, 48, 30, None, (250, 214, 90), 14)


def cap(s: Sheet) -> None:
    s.shape([(120, 380), (130, 290), (180, 230), (260, 220), (320, 260), (346, 340), (348, 380)], (48, 92, 160))
    s.shape([(200, 372), (430, 404), (424, 428), (250, 430), (180, 396)], (34, 66, 120))
    s.line([(238, 224), (230, 376)], (34, 66, 120), 4)
    s.oval(238, 222, 12, 8, (250, 214, 90))
    s.star(180, 320, 24, 5, PAPER)


WARM: tuple[Colour, Colour] = ((252, 238, 214), (232, 200, 160))
COOL: tuple[Colour, Colour] = ((226, 238, 250), (168, 194, 222))
ROSE: tuple[Colour, Colour] = ((252, 230, 232), (226, 178, 190))
MINT: tuple[Colour, Colour] = ((228, 246, 234), (168, 208, 186))

PICTURES: dict[str, tuple[tuple[Colour, Colour], Callable[[Sheet], None]]] = {
    "demo-01": (WARM, card((214, 84, 46), (255, 220, 170), fox)),
    "demo-02": (MINT, card((52, 120, 150), (190, 228, 244), turtle)),
    "demo-03": (COOL, card((84, 60, 150), (206, 196, 244), dragon)),
    "demo-04": (ROSE, booster),
    "demo-05": (COOL, sneaker),
    "demo-06": (WARM, bag),
    "demo-07": (COOL, watch),
    "demo-08": (ROSE, perfume),
    "demo-09": (MINT, headphones),
    "demo-10": (WARM, mug),
    "demo-11": (COOL, puzzle),
    "demo-12": (MINT, lamp),
    "demo-13": (COOL, drill),
    "demo-14": (WARM, scarf),
    "demo-15": (ROSE, present),
    "demo-16": (MINT, cap),
}


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name, ((light, dark), draw) in PICTURES.items():
        sheet = Sheet(light, dark)
        draw(sheet)
        sheet.save(name)


if __name__ == "__main__":
    main()

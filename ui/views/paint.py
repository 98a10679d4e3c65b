"""Painting by hand: text that is fitted, elided or reported, chips, key caps, dots, rings.

Promises: text that does not fit its box is elided when the caller says so, made
smaller when it may be, and otherwise told to `witness` (the tests fail on it).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QPainter, QPainterPath, QPen, QPixmap

from .. import theme

LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
CENTRE = Qt.AlignmentFlag.AlignCenter

witness: Callable[[str, float, float], None] | None = None
"""Told (text, needed width, given width) when something is clipped."""


def text(
    painter: QPainter,
    box: QRectF,
    words: str,
    px: float,
    colour: str,
    weight: QFont.Weight = theme.REGULAR,
    align: Qt.AlignmentFlag = LEFT,
    spacing: float = 0.0,
    elide: bool = False,
    least: float = 0.0,
    tabular: bool = True,
) -> float:
    """Draws one line and returns its width. `least`: the smallest size it may shrink to."""
    if not words:
        return 0.0
    measure = theme.metrics(px, weight, spacing, tabular)
    wide = measure.horizontalAdvance(words)
    if wide > box.width() + 0.5 and least:
        px = max(least, px * box.width() / max(1.0, wide))
        measure = theme.metrics(int(px), weight, spacing, tabular)
        px = int(px)
        wide = measure.horizontalAdvance(words)
    if wide > box.width() + 0.5:
        if elide:
            words = measure.elidedText(words, Qt.TextElideMode.ElideRight, max(0.0, box.width()))
            wide = measure.horizontalAdvance(words)
        elif witness is not None:
            witness(words, wide, box.width())
    painter.setFont(theme.font(px, weight, spacing, tabular))
    painter.setPen(theme.colour(colour))
    if align & Qt.AlignmentFlag.AlignRight:
        x = box.right() - wide
    elif align & Qt.AlignmentFlag.AlignHCenter:
        x = box.x() + (box.width() - wide) / 2
    else:
        x = box.x()
    y = box.y() + (box.height() + measure.capHeight()) / 2
    if not align & Qt.AlignmentFlag.AlignVCenter:
        y = box.y() + measure.ascent()
    painter.drawText(QPointF(x, y), words)
    return wide


def advance(words: str, px: float, weight: QFont.Weight = theme.REGULAR, spacing: float = 0.0) -> float:
    return theme.metrics(px, weight, spacing).horizontalAdvance(words)


def rounded(
    painter: QPainter, box: QRectF, radius: float, fill: str | None, line: str = "", width: float = 1.0
) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if line:
        painter.setPen(QPen(theme.colour(line), width))
        inset = width / 2
        box = box.adjusted(inset, inset, -inset, -inset)
    else:
        painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour(fill) if fill else Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(box, radius, radius)


def chip_width(words: str, px: float = 12, weight: QFont.Weight = theme.BOLD, pad: float = 7) -> float:
    return advance(words, px, weight) + 2 * pad


def chip(
    painter: QPainter,
    right: float,
    middle: float,
    words: str,
    fill: str,
    colour: str,
    px: float = 12,
    weight: QFont.Weight = theme.BOLD,
    pad: float = 7,
    height: float = 22,
    line: str = "",
) -> float:
    """A small rounded word ending at `right`; returns its left edge."""
    wide = chip_width(words, px, weight, pad)
    box = QRectF(right - wide, middle - height / 2, wide, height)
    rounded(painter, box, 6, fill, line)
    text(painter, box, words, px, colour, weight, CENTRE)
    return box.x()


def key_cap_width(key: str) -> float:
    return max(18.0, advance(key, 11, theme.SEMI) + 9)


def key_cap(painter: QPainter, right: float, middle: float, key: str, on_picture: bool = False) -> float:
    """The name of a key in its cap; returns its left edge."""
    c = theme.colours()
    wide = key_cap_width(key)
    box = QRectF(right - wide, middle - 8.5, wide, 17)
    if on_picture:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(QColor(0, 0, 0, 190))
        painter.setPen(QPen(QColor(255, 255, 255, 60), 1))
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        text(painter, box, key, 11, "#ffffff", theme.SEMI, CENTRE)
    else:
        rounded(painter, box, 4, c.key_cap, c.key_line)
        text(painter, box, key, 11, c.text, theme.SEMI, CENTRE)
    return box.x()


def dot(painter: QPainter, x: float, middle: float, colour: str, radius: float = 5) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour(colour))
    painter.drawEllipse(QPointF(x + radius, middle), radius, radius)


def ring(painter: QPainter, box: QRectF, done: float, colour: str, ground: str, width: float = 4) -> None:
    """`done` 0…1, clockwise from the top."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    inner = box.adjusted(width / 2, width / 2, -width / 2, -width / 2)
    painter.setPen(QPen(theme.colour(ground), width))
    painter.drawEllipse(inner)
    pen = QPen(theme.colour(colour), width)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setPen(pen)
    painter.drawArc(inner, 90 * 16, -round(360 * 16 * max(0.0, min(1.0, done))))


def outline_part(painter: QPainter, box: QRectF, radius: float, done: float, colour: str, width: float) -> None:
    """The outline of a rounded box drawn up to `done`, clockwise from the top middle."""
    inner = box.adjusted(width / 2, width / 2, -width / 2, -width / 2)
    path = QPainterPath(QPointF(inner.center().x(), inner.top()))
    r = min(radius, inner.width() / 2, inner.height() / 2)
    path.lineTo(inner.right() - r, inner.top())
    path.arcTo(QRectF(inner.right() - 2 * r, inner.top(), 2 * r, 2 * r), 90, -90)
    path.lineTo(inner.right(), inner.bottom() - r)
    path.arcTo(QRectF(inner.right() - 2 * r, inner.bottom() - 2 * r, 2 * r, 2 * r), 0, -90)
    path.lineTo(inner.left() + r, inner.bottom())
    path.arcTo(QRectF(inner.left(), inner.bottom() - 2 * r, 2 * r, 2 * r), 270, -90)
    path.lineTo(inner.left(), inner.top() + r)
    path.arcTo(QRectF(inner.left(), inner.top(), 2 * r, 2 * r), 180, -90)
    path.lineTo(inner.center().x(), inner.top())
    length = path.length() / width
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    pen = QPen(theme.colour(colour), width)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    pen.setDashPattern([max(0.001, length * max(0.0, min(1.0, done))), length + 10])
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPath(path)


_tiles: OrderedDict[tuple[object, ...], QPixmap] = OrderedDict()
TILES_KEPT = 400


def picture(painter: QPainter, box: QRectF, pixmap: QPixmap | None, number: int, radius: float = 6) -> None:
    """A lot's picture cropped to fill, or a quiet ground of its own with a frame drawn on it. Drawn once a size."""
    device = painter.device()
    scale = device.devicePixelRatio() if device is not None else 1.0
    found = pixmap is not None and not pixmap.isNull()
    shown: object = pixmap.cacheKey() if found and pixmap is not None else (number, theme.colours().name)
    key = (shown, round(box.width() * scale), round(box.height() * scale), radius)
    tile = _tiles.get(key)
    if tile is None:
        tile = QPixmap(max(1, round(box.width() * scale)), max(1, round(box.height() * scale)))
        tile.setDevicePixelRatio(scale)
        tile.fill(Qt.GlobalColor.transparent)
        inner = QPainter(tile)
        inner.setRenderHint(QPainter.RenderHint.Antialiasing)
        whole = QRectF(0, 0, box.width(), box.height())
        if found and pixmap is not None:
            _draw_picture(inner, whole, pixmap, radius)
        else:
            _draw_stand_in(inner, whole, number, radius)
        inner.end()
        _tiles[key] = tile
        while len(_tiles) > TILES_KEPT:
            _tiles.popitem(last=False)
    else:
        _tiles.move_to_end(key)
    painter.drawPixmap(box.topLeft(), tile)


def _draw_picture(painter: QPainter, box: QRectF, pixmap: QPixmap, radius: float) -> None:
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    path = QPainterPath()
    path.addRoundedRect(box, radius, radius)
    painter.setClipPath(path)
    scale = max(box.width() / pixmap.width(), box.height() / pixmap.height())
    source = QRectF(0, 0, box.width() / scale, box.height() / scale)
    source.moveCenter(QPointF(pixmap.width() / 2, pixmap.height() / 2))
    painter.drawPixmap(box, pixmap, source)


def _draw_stand_in(painter: QPainter, box: QRectF, number: int, radius: float) -> None:
    path = QPainterPath()
    path.addRoundedRect(box, radius, radius)
    dark = theme.colours().name == "dark"
    ground = QColor.fromHsl((number * 47) % 360, 62, 92 if dark else 168)
    painter.fillPath(path, QBrush(ground))
    painter.setPen(QPen(QColor(255, 255, 255, 120), max(1.0, box.width() / 36)))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    side = box.width() * 0.36
    middle = box.center()
    frame = QRectF(middle.x() - side / 2, middle.y() - side * 0.39, side, side * 0.78)
    painter.drawRoundedRect(frame, 2, 2)
    hill = QPainterPath(QPointF(frame.left() + side * 0.12, frame.bottom() - side * 0.1))
    hill.lineTo(frame.left() + side * 0.38, frame.top() + side * 0.34)
    hill.lineTo(frame.left() + side * 0.6, frame.bottom() - side * 0.18)
    hill.lineTo(frame.left() + side * 0.72, frame.top() + side * 0.46)
    hill.lineTo(frame.right() - side * 0.1, frame.bottom() - side * 0.1)
    painter.drawPath(hill)

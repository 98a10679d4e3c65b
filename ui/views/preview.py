"""The programme as buyers see it, never mirrored, with what must be known written over it.

Promises: paints the engine's newest frame, fitted whole; says plainly when there
is no engine, no camera, or when the test card is what goes out; a picture that
stopped moving is marked within two seconds. Guides (by choice) show what the buyers'
page lays over it; they are drawn here, never in the programme.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QImage,
    QLinearGradient,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from seller_console.contract import safe_area

from .. import theme, words
from ..actions import Action
from ..desk import Desk
from ..frames import Frames
from ..words import known, t
from . import paint

FRAME_MS = 33
STALE_S = 2.0
LABELLED = 200
"""Guides of a picture less tall than this have no words."""
SCENES = ("scene_1", "scene_2", "scene_3", "scene_5", "scene_6", "scene_4")
SCENE_NAMES = ("table", "face", "both", "split", "still", "pause")


class Preview(QWidget):
    frame_shown = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None, *, overlays: bool = True, radius: float = 0) -> None:
        super().__init__(parent)
        self._desk = desk
        self._frames = Frames()
        self._image: QImage | None = None
        self._overlays = overlays
        self._radius = radius
        self._still = False
        self.setMinimumSize(120, 120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._timer = QTimer(self)
        self._timer.setInterval(FRAME_MS)
        self._timer.timeout.connect(self._look)
        self.scenes: list[SceneButton] = []
        if overlays:
            for action_id, name in zip(SCENES, SCENE_NAMES, strict=True):
                self.scenes.append(SceneButton(desk, desk.actions[action_id], name, self))
        desk.preview_changed.connect(lambda place: self._frames.watch(place.path))
        for signal in (desk.programme_changed, desk.devices_changed, desk.health_changed, desk.troubles_changed,
                       desk.show_changed, desk.refusals_changed):  # fmt: skip
            signal.connect(lambda _value: self._refresh())
        desk.guides_changed.connect(lambda _on: self.update())
        self._frames.watch(desk.preview.path)
        if overlays:
            self.setToolTip(t("sources.hint"))
        self._refresh()

    def show_image(self, image: QImage | None) -> None:
        """For a picture that does not come from the engine's file."""
        self._image = image
        self.update()

    def _refresh(self) -> None:
        for button in self.scenes:
            button.setVisible(button.action.enabled and button.scene in self._desk.programme.scenes)
        self._place_scenes()
        self.setAccessibleName(t("a11y.preview"))
        self.setAccessibleDescription(self._missing() or self._state_words())
        self.update()

    def showEvent(self, event: object) -> None:
        self._timer.start()

    def hideEvent(self, event: object) -> None:
        self._timer.stop()

    def _look(self) -> None:
        image = self._frames.newest()
        still = self._image is not None and STALE_S < self._frames.age_s < float("inf")
        if image is not None:
            self._image = image
            self.frame_shown.emit()
        if image is not None or still != self._still:
            self._still = still
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(452, 800)

    def resizeEvent(self, event: object) -> None:
        self._place_scenes()

    def _place_scenes(self) -> None:
        """A column from the bottom, of those that can be shown."""
        shown = [button for button in self.scenes if not button.isHidden()]
        tall = max(52, min(100, (self.height() - 120) // max(5, len(shown) + 1)))
        y = self.height() - 12 - tall
        for button in reversed(shown):
            button.setGeometry(12, y, 64, tall)
            y -= tall + 8

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Which camera, which picture: for the scenes."""
        if self._overlays:
            self._desk.actions.open_scenes.press()

    # --- words -----------------------------------------------------------------------------

    def _missing(self) -> str:
        """A sentence when there is nothing to show."""
        if self._image is not None:
            return ""
        engine = self._desk.health.engine
        if engine == "failed":
            return t("preview.engine_failed")
        if engine == "restarting":
            return t("preview.engine_restarting")
        return t("preview.starting")

    def _state_words(self) -> str:
        """The word at the top right: what is known of the picture now."""
        seen = self._desk.programme.seen
        codes = {one.code for one in self._desk.troubles if not one.device or one.device in seen}
        for code in ("picture_black", "picture_frozen", "camera_frozen", "camera_gone", "picture_blurred",
                     "picture_overexposed", "picture_mirrored"):  # fmt: skip
            if code in codes and known(f"preview.{code}"):
                return t(f"preview.{code}")
        if self._image is None:
            return t("preview.no_picture")
        if self._still:
            return t("preview.still", age=words.since(self._frames.age_s * 1000))
        if self._desk.programme.stand_in:
            return t("preview.stand_in")
        health = self._desk.health
        if health.camera_fps <= 0 or self._desk.programme.camera not in seen:
            return t("preview.moving")
        return t("preview.slow" if health.camera_slow else "preview.fps", fps=round(health.camera_fps))

    # --- painting --------------------------------------------------------------------------

    def picture_box(self) -> QRectF:
        """Where the programme lies: whole, in the middle."""
        box = QRectF(self.rect())
        wide, tall = 9.0, 16.0
        if self._image is not None:
            wide, tall = float(self._image.width()), float(self._image.height())
        elif self._desk.programme.width > 0 and self._desk.programme.height > 0:
            wide, tall = float(self._desk.programme.width), float(self._desk.programme.height)
        scale = min(box.width() / wide, box.height() / tall)
        size = QRectF(0, 0, wide * scale, tall * scale)
        size.moveCenter(box.center())
        return size

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            if self._radius:
                paint.rounded(painter, QRectF(self.rect()), self._radius, theme.colours().panel)
            else:
                painter.fillRect(self.rect(), theme.colour(theme.colours().bg))
            box = self.picture_box()
            if self._image is not None:
                painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
                painter.drawImage(box, self._image)
                if self._still:
                    painter.fillRect(box, QColor(0, 0, 0, 90))
                if self._desk.guides:
                    self._paint_guides(painter, box)
            else:
                ground = QLinearGradient(QPointF(0, 0), QPointF(self.width(), self.height()))
                for at, shade in ((0.0, "#233042"), (0.6, "#3b2f4a"), (1.0, "#52353b")):
                    ground.setColorAt(at, QColor(shade))
                painter.fillRect(self.rect(), ground)
                self._paint_missing(painter)
            if self._overlays:
                self._paint_overlays(painter)
            if self._overlays or self._desk.devices.no_camera:
                self._paint_no_camera(painter)

    def _paint_missing(self, painter: QPainter) -> None:
        box = QRectF(20, self.height() / 2 - 12, self.width() - 40, 24)
        paint.text(painter, box, self._missing(), 15, "#ffffff", theme.REGULAR, paint.CENTRE, least=11, elide=True)

    def _paint_guides(self, painter: QPainter, box: QRectF) -> None:
        """Darker where the page hides the picture; a line where something of it begins."""
        shape = box.width(), box.height()
        clear, seen = (
            QRectF(*area.box(*shape)).translated(box.topLeft()).toAlignedRect()
            for area in (safe_area.clear(*shape), safe_area.seen(*shape))
        )
        whole = box.toAlignedRect()
        line = theme.colour(theme.DARK.info)  # as all that is written on a picture, whatever the theme
        ground = QColor(0, 0, 0, 130)
        hidden = QPainterPath()
        hidden.addRect(whole)
        hidden.addRect(seen)  # odd and even: what is in both is left out
        painter.fillPath(hidden, QColor(0, 0, 0, 80))
        for y, said in ((clear.top(), ""), (clear.bottom(), "chat"), (seen.bottom(), "lot")):
            if y >= whole.bottom():
                continue  # nothing of it lies over a picture of this shape
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            for colour, style in ((ground, Qt.PenStyle.SolidLine), (line, Qt.PenStyle.DashLine)):
                painter.setPen(QPen(colour, 1, style))
                painter.drawLine(whole.left(), y, whole.right(), y)
            if said and box.height() >= LABELLED:
                of_page = t(f"preview.guide_{said}")
                self._tag(painter, box.right() - 30 - paint.advance(of_page, 13), y + 6, of_page, QColor(0, 0, 0, 165))

    def _tag(self, painter: QPainter, x: float, y: float, said: str, fill: QColor, bold: bool = False) -> float:
        weight = theme.BOLD if bold else theme.REGULAR
        wide = paint.advance(said, 13, weight) + 18
        box = QRectF(x, y, wide, 26)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.drawRoundedRect(box, 6, 6)
        paint.text(painter, box, said, 13, "#ffffff", weight, paint.CENTRE)
        return box.right()

    def _paint_overlays(self, painter: QPainter) -> None:
        shade = QColor(0, 0, 0, 165)
        x = 12.0
        air = self._desk.health.air
        if self._desk.show.status == "live":
            on = air == "on_air"
            fill = QColor(theme.colours().air_fill) if on else shade
            x = self._tag(painter, x, 12, t("preview.live") if on else t("preview.not_on_air"), fill, True) + 6
        else:
            x = self._tag(painter, x, 12, t("preview.off_air"), shade) + 6
        if any(not button.isHidden() for button in self.scenes):
            scene = self._desk.programme.scene
            self._tag(painter, x, 12, t(f"scene.{scene}") if known(f"scene.{scene}") else scene, shade)
        state = self._state_words()
        wide = paint.advance(state, 13) + 18
        y = 12.0 if wide + x + 90 < self.width() else 44.0
        self._tag(painter, self.width() - 12 - wide, y, state, shade)

    def _paint_no_camera(self, painter: QPainter) -> None:
        if not self._desk.programme.stand_in or self._image is None:
            return
        on_air = self._desk.health.air != "off"
        if self._desk.devices.no_camera:
            said = t("preview.no_camera" if on_air else "preview.no_camera_off")
        else:
            said = t("preview.test_card" if on_air else "preview.test_card_off")
        px = 14.0
        wide = min(self.width() - 24.0, paint.advance(said, px, theme.SEMI) + 28)
        box = QRectF((self.width() - wide) / 2, self.height() - 52, wide, 36)
        if any(not button.isHidden() for button in self.scenes):
            box = QRectF(88, self.height() - 52, self.width() - 100, 36)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(0, 0, 0, 190))
        painter.drawRoundedRect(box, 8, 8)
        inner = box.adjusted(10, 0, -10, 0)
        paint.text(painter, inner, said, px, "#ffd58a", theme.SEMI, paint.CENTRE, least=10, elide=True)


class SceneButton(QWidget):
    """A scene of the strip: its name, its key, red outline when it is on air."""

    def __init__(self, desk: Desk, action: Action, scene: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk = desk
        self.action = action
        self.scene = scene
        self._down = False
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName(t(f"scene.{scene}"))
        self.setToolTip(t("scene.hint", name=t(f"scene.{scene}")))
        action.changed.connect(self.update)
        desk.programme_changed.connect(lambda _programme: self.update())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:  # a right click is the menu's, and changes nothing on air
            self._down = True

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if self._down and self.underMouse():
            self.action.press(other_way=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        self._down = False

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colours()
        with QPainter(self) as painter:
            box = QRectF(self.rect())
            on = self._desk.programme.scene == self.scene
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(43, 52, 64, 235))
            painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), 6, 6)
            if on:
                paint.rounded(painter, box, 7, None, c.air if c.name == "dark" else c.air_fill, 2)
            if self.action.key:
                paint.key_cap(painter, box.right() - 5, 14, self.action.key, on_picture=True)
            name = QRectF(6, box.height() - 22, box.width() - 10, 16)
            colour = "#ffffff" if self.action.enabled else "#c4ccd4"
            paint.text(painter, name, t(f"scene.{self.scene}"), 11, colour, elide=True)

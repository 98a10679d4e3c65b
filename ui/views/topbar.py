"""The top bar: on air or not, the show, how long, how many watch, how the stream is, and the way out."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QSizePolicy, QWidget

from .. import theme, words
from ..desk import Desk
from ..values import Health
from ..words import t, tn
from . import paint
from .controls import ActionButton, Badge, plain_button, words_of
from .recording import RecordBadge

TALL = 48
NARROW = 1180
"""Below this width only what matters most is said."""
ROOMY = 1400
"""From this width on a rehearsal is named in full beside the show's title."""


class Title(QWidget):
    """The name of the show: takes what is left, elided when that is little."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._words = ""
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)

    def show_words(self, said: str) -> None:
        self._words = said
        self.setToolTip(said)
        self.setAccessibleName(said)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(round(paint.advance(self._words, 15, theme.BOLD) + 1.5), 26)

    def minimumSizeHint(self) -> QSize:
        return QSize(60, 26)

    def paintEvent(self, event: QPaintEvent) -> None:
        colour = theme.colours().text
        paint.text(QPainter(self), QRectF(self.rect()), self._words, 15, colour, theme.BOLD, elide=True)


class MenuButton(QAbstractButton):
    """Three lines: the settings."""

    def __init__(self, desk: Desk, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(t("topbar.settings"))
        self.setToolTip(t("topbar.settings"))
        self.setFixedSize(30, 30)
        self.clicked.connect(lambda: desk.actions.open_settings.press())

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colours()
        with QPainter(self) as painter:
            box = QRectF(self.rect())
            paint.rounded(painter, box, 8, c.hover if self.underMouse() else None, c.info if self.hasFocus() else "")
            for y in (10, 15, 20):
                paint.rounded(painter, QRectF(8, y - 1, 14, 2), 1, c.text2)


class TopBar(QWidget):
    prepare = Signal()
    """The person asked for the pre-flight screen, or back."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("head")
        self.setAccessibleName(t("a11y.topbar"))
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(TALL)
        self._desk = desk
        self._on_air = Badge(self, filled="air_fill", bold=True)
        self._title = Title(self)
        self._role = Badge(self)
        self._elapsed = Badge(self, least="00:00:00")
        self._viewers = Badge(self)
        self._lots = Badge(self)
        self._health = Badge(self)
        self.recording = RecordBadge(desk, self)
        self._consoles = Badge(self)
        self._prepare = plain_button(t("topbar.prepare"), self.prepare.emit, self)
        self._end = ActionButton(desk.actions.end_show, self, outlined=True)
        line = QHBoxLayout(self)
        line.setContentsMargins(14, 0, 14, 0)
        line.setSpacing(12)
        line.addWidget(self._on_air)
        line.addWidget(self._title)
        line.addWidget(self._role)
        line.addWidget(self._elapsed)
        line.addWidget(self._viewers)
        line.addStretch(1)
        line.addWidget(self._lots)
        line.addWidget(self._health)
        line.addWidget(self.recording)
        line.addWidget(self._consoles)
        line.addWidget(self._prepare)
        line.addWidget(self._end)
        line.addWidget(MenuButton(desk, self))
        self._second = QTimer(self)
        self._second.setInterval(250)
        self._second.timeout.connect(self._pass_time)
        desk.show_changed.connect(lambda _show: self.refresh())
        desk.health_changed.connect(lambda _health: self.refresh())
        desk.recording_changed.connect(lambda _recording: self.refresh())
        desk.viewers_changed.connect(lambda _count: self.refresh())
        desk.crowd_changed.connect(self._crowd_changed)
        desk.consoles_changed.connect(lambda _names: self.refresh())
        desk.connection_changed.connect(lambda _connection: self.refresh())
        desk.figures_changed.connect(lambda _figures: self.refresh())
        self._preparing = False
        self._narrow, self._roomy = False, True
        self.refresh()

    def _crowd_changed(self, state: str) -> None:
        self.refresh()
        if state == "failed":
            self._desk.notice(t("rehearsal.no_crowd"), "trouble")

    def resizeEvent(self, event: QResizeEvent) -> None:
        narrow, roomy = self.width() < NARROW, self.width() >= ROOMY
        if (narrow, roomy) != (self._narrow, self._roomy):
            self._narrow, self._roomy = narrow, roomy
            self.refresh()

    def preparing(self, shown: bool) -> None:
        self._preparing = shown
        self.refresh()

    def refresh(self) -> None:
        desk = self._desk
        show = desk.show
        live = show.status == "live"
        if live:
            name = "topbar.rehearsal" if show.rehearsal else "topbar.on_air"
            if show.rehearsal and desk.crowd == "here":
                name = "topbar.rehearsal_crowd" if self._roomy else "topbar.simulated"
            if desk.health.air == "reconnecting":
                name = "topbar.reconnecting"
            self._on_air.show_words(t(name), "on_air", "air_fill")
        else:
            name = {"ended": "topbar.ended", "none": "topbar.no_show"}.get(show.status, "topbar.off_air")
            self._on_air.show_words(t(name), "", "")
        self._title.show_words(show.title)
        self._elapsed.setVisible(live)
        self._viewers.setVisible(live)
        self._viewers.show_words(tn("topbar.viewers", desk.viewers))
        self._lots.setVisible(not live)
        self._lots.show_words(tn("topbar.lots", desk.figures.queued))
        self._show_health(desk.health)
        away = desk.connection.state == "away"
        self._consoles.setVisible(away or len(desk.consoles) > 1)
        if away:
            self._consoles.show_words(t("topbar.away_short" if self._narrow else "topbar.away"), "air")
        else:
            self._consoles.show_words(t("topbar.consoles", count=max(0, len(desk.consoles) - 1)), "sold")
            self._consoles.setToolTip(" · ".join(desk.consoles))
        mine = show.role == "owner"
        self._role.setVisible(not mine)
        if not mine:
            self._role.show_words(t("topbar.role"))
        self._health.setVisible(mine)
        self.recording.refresh(self._narrow)
        self._prepare.setVisible(not live and mine)
        ready = t("topbar.new_show") if show.status == "ended" else t("topbar.prepare")
        self._prepare.setText(t("topbar.to_queue") if self._preparing else ready)
        self._prepare.setAccessibleName(self._prepare.text())
        self._end.setVisible(live and mine)
        self._second.start() if live else self._second.stop()
        self._pass_time()

    def _show_health(self, health: Health) -> None:
        dots = {"good": "sold", "warning": "warn", "bad": "air", "off": "edge"}
        if health.engine in ("restarting", "failed"):
            self._health.show_words(t(f"topbar.engine.{health.engine}"), "air")
        elif health.air == "off":
            self._health.show_words(t("topbar.stream_off"), "edge")
        elif health.air in ("connecting", "reconnecting"):
            said = t(f"topbar.stream_{health.air}")
            if health.attempt > 1 and not self._narrow:
                said += " · " + t("topbar.attempt", count=health.attempt)
            self._health.show_words(said, "warn")
        else:
            short = min(health.width, health.height)
            parts = [f"{short}p{round(health.fps)}", words.rate(health.video_bps)]
            if not self._narrow:
                parts.append(t("topbar.loss", percent=words.percent(health.loss, 1)))
            if health.rtt_ms >= 0 and not self._narrow:
                parts.append(f"{round(health.rtt_ms)}{words.NARROW}ms")
            self._health.show_words(" · ".join(parts), dots[health.verdict])
        self._health.setToolTip(
            words_of("air", health.reason, "topbar.health") if health.reason else t("topbar.health")
        )

    def _pass_time(self) -> None:
        if self._desk.show.status == "live":
            self._elapsed.show_words(words.elapsed(self._desk.now_ms() - self._desk.show.live_since_ms))

"""A seat for another console: eight digits for two minutes, what to type, and a square code that holds both.

Promises: the square is black on white with its quiet zone in either theme; an
address that only opens on this machine is called so, with the way to open the network.
"""

from __future__ import annotations

import segno
from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QGuiApplication, QHideEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from .. import theme, words
from ..desk import Desk
from ..values_backstage import Invitation
from ..words import t
from . import paint
from .controls import plain_button

QUIET = 4
"""Modules of white around the code (ISO/IEC 18004)."""
SIDE = 188


class Square(QWidget):
    """A QR code of some text, each module a whole number of pixels."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._said = ""
        self._rows: tuple[tuple[bool, ...], ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    @property
    def said(self) -> str:
        return self._said

    def show_text(self, said: str) -> None:
        if said != self._said:
            self._said = said
            code = segno.make(said, error="m", micro=False) if said else None
            self._rows = tuple(tuple(bool(module) for module in row) for row in code.matrix) if code else ()
            self.setAccessibleName(t("invite.qr", address=said))
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(SIDE, SIDE)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._rows:
            return
        with QPainter(self) as painter:
            paint.rounded(painter, QRectF(self.rect()), 8, "#ffffff")
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            count = len(self._rows)
            module = max(1, min(self.width(), self.height()) // (count + 2 * QUIET))
            left, top = (self.width() - module * count) // 2, (self.height() - module * count) // 2
            black = QColor("#000000")
            for y, row in enumerate(self._rows):
                for x, dark in enumerate(row):
                    if dark:
                        painter.fillRect(left + x * module, top + y * module, module, module, black)


class Digits(QWidget):
    """The code in two groups of four, and how much of its time is left."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._invitation = Invitation()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(74)

    def show_invitation(self, invitation: Invitation) -> None:
        self._invitation = invitation
        spoken = " ".join(invitation.code)
        self.setAccessibleName(f"{t('invite.code')} {spoken}")
        self.setAccessibleDescription(self._left())
        self.update()

    @property
    def left_ms(self) -> float:
        return self._invitation.expires_ms - self._desk.now_ms()

    def _left(self) -> str:
        if self.left_ms <= 0:
            return t("invite.expired")
        return t("invite.left", left=words.countdown(self.left_ms))

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colours()
        code = self._invitation.code
        over = self.left_ms <= 0
        with QPainter(self) as painter:
            wide = float(self.width())
            said = f"{code[:4]} {code[4:]}"
            paint.text(painter, QRectF(0, 0, wide, 46), said, 38, c.text3 if over else c.text, theme.BOLD,
                       paint.CENTRE, spacing=0.04, least=20)  # fmt: skip
            paint.text(painter, QRectF(0, 44, wide, 18), self._left(), 13, c.warn if over else c.text2, theme.SEMI,
                       paint.CENTRE)  # fmt: skip
            bar = QRectF(wide / 2 - 94, 66, 188, 4)
            paint.rounded(painter, bar, 2, c.raised)
            bar.setWidth(188 * max(0.0, min(1.0, self.left_ms / 120_000)))
            paint.rounded(painter, bar, 2, c.warn if self.left_ms < 20_000 else c.info)


class InvitePanel(QWidget):
    closed = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("ground")
        self._desk = desk
        self.heading = QLabel(t("invite.heading"), self)
        self.heading.setFont(theme.font(15, theme.BOLD))
        self.said = self._words("")
        self.digits = Digits(desk, self)
        self.how = self._words(t("invite.how"), "second")
        self.command = self._words("")
        self.command.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.square = Square(self)
        self.scan = self._words(t("invite.scan"), "second")
        self.fingerprint = self._words("", "second")
        self.loopback = self._words(f"{t('invite.loopback')} {t('invite.loopback_how')}", "warn")
        self.lan = QCheckBox(t("invite.lan"), self)
        self.lan.setAccessibleName(self.lan.text())
        self.copy = plain_button(t("invite.copy"), self._copy, self)
        self.again = plain_button(t("invite.again"), desk.invite, self)
        self.leave = plain_button(t("invite.close"), self._leave, self)
        head = QHBoxLayout()
        head.addWidget(self.heading, 1)
        head.addWidget(self.leave)
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(self.square)
        middle.addStretch(1)
        buttons = QHBoxLayout()
        buttons.addWidget(self.copy)
        buttons.addWidget(self.again)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 12)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self.said)
        column.addWidget(self.digits)
        column.addWidget(self.how)
        column.addWidget(self.command)
        column.addLayout(buttons)
        column.addLayout(middle)
        column.addWidget(self.scan)
        column.addWidget(self.fingerprint)
        column.addWidget(self.loopback)
        column.addWidget(self.lan)
        column.addStretch(1)
        self._tick = QTimer(self)
        self._tick.setInterval(250)
        self._tick.timeout.connect(self._pass_time)
        self.lan.toggled.connect(desk.set_lan)
        desk.invitation_changed.connect(lambda _invitation: self.refresh())
        self.refresh()

    def _words(self, said: str, tone: str = "") -> QLabel:
        made = QLabel(said, self)
        made.setTextFormat(Qt.TextFormat.PlainText)
        made.setWordWrap(True)
        made.setMinimumWidth(1)
        if tone:
            made.setProperty("tone", tone)
            made.setFont(theme.font(13))
        return made

    def refresh(self) -> None:
        invitation = self._desk.invitation
        is_open = invitation.state == "open"
        over = is_open and self.digits_over(invitation)
        for part in (self.digits, self.how, self.command):
            part.setVisible(is_open)
        reachable = is_open and not invitation.loopback and not over
        self.square.setVisible(reachable)
        self.scan.setVisible(reachable)
        self.copy.setVisible(is_open and not over)
        self.again.setVisible(over or invitation.state in ("failed", "joined"))
        self.fingerprint.setVisible(is_open and bool(invitation.fingerprint))
        self.loopback.setVisible(is_open and invitation.loopback)
        self.lan.setVisible(is_open and invitation.loopback)
        self.lan.blockSignals(True)
        self.lan.setChecked(bool(self._desk.remembered("lan")))
        self.lan.blockSignals(False)
        sentence = {
            "asking": t("invite.asking"),
            "failed": t("invite.failed"),
            "joined": t("invite.joined", name=invitation.name),
        }.get(invitation.state, "")
        self.said.setText(sentence)
        self.said.setVisible(bool(sentence))
        if is_open:
            self.digits.show_invitation(invitation)
            code = invitation.code
            self.command.setText(
                breakable(
                    f"seller-console --platform {invitation.address} --code {code} --name {t('invite.your_name')}"
                )
            )
            self.fingerprint.setText(t("invite.fingerprint", fingerprint=_grouped(invitation.fingerprint)))
            self.square.show_text(self._whole(invitation))

    def digits_over(self, invitation: Invitation) -> bool:
        return invitation.expires_ms <= self._desk.now_ms()

    def _whole(self, invitation: Invitation) -> str:
        tail = f".{invitation.fingerprint}" if invitation.fingerprint else ""
        return f"{invitation.address}#{invitation.code}{tail}"

    def _copy(self) -> None:
        whole = self._whole(self._desk.invitation)
        QGuiApplication.clipboard().setText(f'seller-console --platform "{whole}" --name {t("invite.your_name")}')
        self._desk.notice(t("invite.copied"))

    def _leave(self) -> None:
        self._desk.close_invitation()
        self.closed.emit()

    def _pass_time(self) -> None:
        if self._desk.invitation.state == "open":
            if self.digits_over(self._desk.invitation) == self.again.isHidden():
                self.refresh()
            self.digits.update()

    def showEvent(self, event: QShowEvent) -> None:
        self._tick.start()
        self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        self._tick.stop()


def breakable(said: str, most: int = 18) -> str:
    """The same words, with places where a long one may break (zero width)."""
    out: list[str] = []
    for word in said.split(" "):
        out.append("\u200b".join(word[i : i + most] for i in range(0, len(word), most)) if word else "")
    return " ".join(out)


def _grouped(fingerprint: str) -> str:
    short = fingerprint[:16].upper()
    return " ".join(short[i : i + 4] for i in range(0, len(short), 4))

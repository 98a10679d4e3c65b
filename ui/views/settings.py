"""How the window looks and which keys it obeys, in the place of the list.

Promises: a key is taken by pressing it, and only when the action table accepts it
(a letter, Space or Enter never acts on the sale, but for Space and PDD by choice);
while a key is being chosen it does nothing else.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QKeyCombination, QObject, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from .. import theme
from ..actions import Action
from ..desk import Desk
from ..destinations import count_words
from ..words import decimal, t
from .choice import Choice
from .controls import plain_button
from .fields import cents_of, mark

SCALES = (100, 125, 150, 175, 200)
ALONE = frozenset(
    {Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_Meta, Qt.Key.Key_AltGr, Qt.Key.Key_CapsLock}
)
"""Keys that mean nothing by themselves."""


class KeyButton(QPushButton):
    """The key of an action; pressed, it waits for another."""

    refused = Signal(str)

    def __init__(self, desk: Desk, action: Action, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk = desk
        self._action = action
        self._waiting = False
        self.setAutoDefault(False)
        self.setMinimumWidth(150)
        self.clicked.connect(self._begin)
        action.changed.connect(self._refresh)
        self._refresh()

    @property
    def waiting(self) -> bool:
        return self._waiting

    def _refresh(self) -> None:
        keys = " · ".join(self._action.keys).replace("+", " ") or t("settings.no_key")
        said = t("settings.press_key") if self._waiting else keys
        if said != self.text():
            self.setText(said)
            self.setAccessibleName(f"{t(self._action.words)} : {said}")

    def _begin(self) -> None:
        app = QApplication.instance()
        if app is not None and not self._waiting:
            self._waiting = True
            app.installEventFilter(self)  # before the action table: the key must not act
            self._refresh()

    def _end(self) -> None:
        app = QApplication.instance()
        if app is not None and self._waiting:
            app.removeEventFilter(self)
        self._waiting = False
        self._refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        self._end()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if not self._waiting:
            return False
        if event.type() in (QEvent.Type.MouseButtonPress, QEvent.Type.WindowDeactivate):
            self._end()
            return False
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        if event.type() == QEvent.Type.KeyRelease:
            return True
        if event.type() != QEvent.Type.KeyPress or not isinstance(event, QKeyEvent):
            return False
        if event.key() not in ALONE and not event.isAutoRepeat():
            self._take(event)
        return True

    def _take(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._end()
            return
        if event.key() == Qt.Key.Key_Backspace:
            self._end()
            self._desk.actions.rebind(self._action.id, ())
            self.refused.emit("")
            return
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        text = QKeySequence(QKeyCombination(modifiers, Qt.Key(event.key()))).toString(
            QKeySequence.SequenceFormat.PortableText
        )
        self._end()
        why = self._desk.actions.rebind(self._action.id, (text,))
        self.refused.emit(t(why) if why else "")


class SettingsPanel(QWidget):
    closed = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("ground")
        self._desk = desk
        self._dialog: QFileDialog | None = None
        heading = QLabel(t("settings.heading"), self)
        heading.setFont(theme.font(17, theme.BOLD))
        inside = QWidget(self)
        inside.setObjectName("ground")
        grid = QGridLayout(inside)
        grid.setContentsMargins(16, 10, 16, 12)
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(0, 1)
        self.theme = Choice(t("settings.theme"), inside)
        self.language = Choice(t("settings.language"), inside)
        self.scale = Choice(t("settings.scale"), inside)
        self.fee = QLineEdit(inside)
        self.fee.setMaxLength(6)
        self.fee.setAccessibleName(t("money.fee_field"))
        self._line = 0
        self._add(grid, t("money.fee_field"), self.fee)
        for name, field in (
            ("settings.theme", self.theme),
            ("settings.language", self.language),
            ("settings.scale", self.scale),
        ):
            self._add(grid, t(name), field)
        self._hint(grid, t("settings.next_launch"))
        self.encoder = Choice(t("settings.encoder"), inside)
        self._add(grid, t("settings.encoder"), self.encoder)
        self.encoder_used = self._hint(grid, "")
        self.overlay = QCheckBox(t("settings.overlay"), inside)
        self.overlay.setAccessibleName(self.overlay.text())
        self.logo = plain_button(t("settings.overlay_logo"), self._choose_logo, inside)
        grid.addWidget(self.overlay, self._line, 0)
        grid.addWidget(self.logo, self._line, 1)
        self._line += 1
        self.overlay_hint = self._hint(grid, t("settings.overlay_hint"))
        self.clips = QCheckBox(t("settings.clips"), inside)
        self.shaped = QCheckBox(t("sound.shaped"), inside)
        for box, hint in ((self.clips, "settings.clips_hint"), (self.shaped, "settings.shaped_hint")):
            box.setAccessibleName(box.text())
            grid.addWidget(box, self._line, 0, 1, 2)
            self._line += 1
            self._hint(grid, t(hint))
        self.also = plain_button(t("destinations.open"), lambda: desk.ask("open_destinations"), inside)
        self._add(grid, t("settings.destinations"), self.also)
        keys = QLabel(t("settings.keys"), inside)
        keys.setFont(theme.font(14, theme.BOLD))
        keys.setContentsMargins(0, 8, 0, 0)
        grid.addWidget(keys, self._line, 0)
        self.original = plain_button(t("settings.default_keys"), self._original, inside)
        grid.addWidget(self.original, self._line, 1)
        self._line += 1
        self._hint(grid, t("settings.keys_hint"))
        self.buttons: dict[str, KeyButton] = {}
        for action in desk.actions:
            button = KeyButton(desk, action, inside)
            button.refused.connect(self._say)
            self.buttons[action.id] = button
            self._add(grid, t(action.words), button)
        self.space = QCheckBox(t("settings.space"), inside)
        self.space.setAccessibleName(self.space.text())
        grid.addWidget(self.space, self._line, 0, 1, 2)
        scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setWidget(inside)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.said = QLabel(self)
        self.said.setProperty("tone", "warn")
        self.said.setWordWrap(True)
        head = QWidget(self)
        top = QHBoxLayout(head)
        top.setContentsMargins(16, 10, 16, 0)
        top.addWidget(heading, 1)
        foot = QWidget(self)
        foot.setObjectName("foot")
        under = QHBoxLayout(foot)
        under.setContentsMargins(16, 9, 16, 9)
        under.addWidget(self.said, 1)
        under.addWidget(plain_button(t("settings.close"), self.closed.emit, foot, tone="main"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(head)
        column.addWidget(scroll, 1)
        column.addWidget(foot)
        self.theme.activated.connect(lambda _i: self._wear())
        self.language.activated.connect(lambda _i: desk.remember(language=self.language.currentData()))
        self.scale.activated.connect(lambda _i: desk.remember(scale=self.scale.currentData()))
        self.overlay.toggled.connect(lambda on: desk.set_overlay(on))
        self.clips.toggled.connect(lambda on: desk.remember(keep_clips=on))
        self.shaped.toggled.connect(desk.set_shaped)
        desk.programme_changed.connect(lambda _programme: self._show_outputs())
        desk.destinations.changed.connect(self._show_outputs)
        self.encoder.activated.connect(lambda _i: desk.set_encoder(str(self.encoder.currentData())))
        desk.encoder_changed.connect(lambda _chosen: self._show_encoder())
        self.space.toggled.connect(self._space_toggled)
        self.fee.editingFinished.connect(self._fee_typed)
        desk.show_changed.connect(lambda _show: self._show_fee())
        desk.actions.bindings_changed.connect(self.refresh)
        self.refresh()

    def _add(self, grid: QGridLayout, name: str, field: QWidget) -> None:
        label = QLabel(name, self)
        label.setWordWrap(True)
        label.setBuddy(field)
        grid.addWidget(label, self._line, 0)
        grid.addWidget(field, self._line, 1)
        self._line += 1

    def _hint(self, grid: QGridLayout, words: str) -> QLabel:
        label = QLabel(words, self)
        label.setProperty("tone", "second")
        label.setWordWrap(True)
        grid.addWidget(label, self._line, 0, 1, 2)
        self._line += 1
        return label

    def _show_encoder(self) -> None:
        encoders: list[tuple[str, object]] = [
            (t("settings.encoder.x264"), "x264"), (t("settings.encoder.auto"), "auto"),
        ]  # fmt: skip
        self.encoder.become(encoders, self._desk.remembered("encoder") or "x264")
        used = self._desk.encoder
        said = [t("settings.encoder_not", name=one.name, why=one.why) for one in used.tried if not one.works]
        self.encoder_used.setText(" ".join([t("settings.encoder_used", name=used.encoder), *said]))

    def _show_overlay(self) -> None:
        logo = str(self._desk.remembered("overlay_logo") or "")
        with QSignalBlocker(self.overlay):
            self.overlay.setChecked(bool(self._desk.remembered("overlay")))
        self.logo.setText(t("settings.overlay_logo_off", name=Path(logo).name) if logo else t("settings.overlay_logo"))
        self.logo.setAccessibleName(self.logo.text())

    def _show_outputs(self) -> None:
        for box, on in ((self.clips, self._desk.remembered("keep_clips")), (self.shaped, self._desk.programme.shaped)):
            with QSignalBlocker(box):
                box.setChecked(bool(on))
        self.also.setText(count_words(self._desk.destinations.rows))
        self.also.setAccessibleName(f"{t('action.destinations')} – {self.also.text()}")

    def _choose_logo(self) -> None:
        """A picture file, in a window beside ours; pressed with a logo there, none."""
        if self._desk.remembered("overlay_logo"):
            self._take_logo("")
            return
        if self._dialog is None:
            self._dialog = QFileDialog(self.window(), t("settings.overlay_logo"))
            self._dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
            self._dialog.setWindowModality(Qt.WindowModality.NonModal)
            self._dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
            self._dialog.setNameFilters([f"{t('settings.overlay_pictures')} (*.png *.jpg *.jpeg *.webp *.bmp)"])
            self._dialog.fileSelected.connect(self._take_logo)
        self._dialog.show()
        self._dialog.raise_()

    def _take_logo(self, path: str) -> None:
        self._desk.set_overlay(self.overlay.isChecked(), path)
        self._show_overlay()

    def _show_fee(self) -> None:
        if not self.fee.hasFocus():
            self.fee.setText(_percent(self._desk.show.fee_bps))
            mark(self.fee, False)

    def _fee_typed(self) -> None:
        bps = cents_of(self.fee.text().replace("%", ""))
        wrong = bps is None or bps > 10_000
        mark(self.fee, wrong)
        self._say(t("money.fee_wrong") if wrong else "")
        if bps is not None and not wrong and bps != self._desk.show.fee_bps:
            self._desk.set_fee(bps)

    def refresh(self) -> None:
        self._show_fee()
        self._show_encoder()
        self._show_overlay()
        self._show_outputs()
        desk = self._desk
        themes: list[tuple[str, object]] = [(t(f"settings.theme.{name}"), name) for name in ("dark", "light", "system")]
        self.theme.become(themes, desk.remembered("theme") or theme.colours().name)
        languages: list[tuple[str, object]] = [
            (t("settings.language.system"), ""), (t("settings.language.fr"), "fr"), (t("settings.language.en"), "en"),
        ]  # fmt: skip
        self.language.become(languages, desk.remembered("language") or "")
        scales: list[tuple[str, object]] = [(f"{percent}\u202f%", percent) for percent in SCALES]
        self.scale.become(scales, desk.remembered("scale") or 100)
        self.space.blockSignals(True)
        self.space.setChecked("Space" in desk.actions.start_at_opening_price.keys)
        self.space.blockSignals(False)

    def _wear(self) -> None:
        chosen = self.theme.currentData()
        self._desk.remember(theme=chosen)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            theme.wear(app, "light" if chosen == "light" else "dark" if chosen == "dark" else None)

    def _space_toggled(self, wanted: bool) -> None:
        pdd = self._desk.actions.start_at_opening_price
        keys = tuple(key for key in pdd.keys if key != "Space")
        why = self._desk.actions.rebind(pdd.id, (*keys, "Space") if wanted else keys)
        self._say(t(why) if why else "")

    def _original(self) -> None:
        for action in self._desk.actions:
            self._desk.actions.rebind(action.id, action.spec.keys)
        self._say("")

    def _say(self, sentence: str) -> None:
        self.said.setText(sentence)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)


def _percent(bps: int) -> str:
    """8 · 8,5 · 12,25"""
    return decimal(bps / 100, 0 if bps % 100 == 0 else 2)

"""Which camera is the table, which the face, the picture file of the still, and the two microphones.

Promises: the same choices before the show and on air; a camera is called by its
own name; a file that is gone is said so.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QMenu, QWidget

from .. import naming
from ..desk import Desk
from ..naming import device_words
from ..words import t
from .choice import Choice

NONE, OTHER, NETWORK = "", "other", "network"
PICTURES = "*.jpg *.jpeg *.png *.webp *.bmp"
Choices = list[tuple[str, object]]


def cameras(desk: Desk, chosen: str) -> Choices:
    """Those there are, addresses that were given, the screen, the chosen one should it be away, and another address."""
    devices = desk.devices
    found: Choices = [(device_words(one.spec, one.name), one.spec) for one in devices.cameras if not one.stand_in]
    found += _addresses(desk.network_cameras)
    if screen := naming.screen():
        found.append((device_words(screen), screen))
    found += [(device_words(one.spec, one.name), one.spec) for one in devices.cameras if one.stand_in]
    if chosen and chosen not in [spec for _, spec in found]:
        away = bool(devices.cameras) and chosen.startswith("camera:")  # an address is nowhere to be seen
        found.append((t("sources.away", name=device_words(chosen)) if away else device_words(chosen), chosen))
    return [*found, (t("sources.network"), NETWORK)]


def _addresses(specs: tuple[str, ...]) -> Choices:
    """Two cameras of one computer are numbered, for the rest of an address is not shown."""
    names = [device_words(spec) for spec in specs]
    return [
        (f"{name} · {names[: at + 1].count(name)}" if names.count(name) > 1 else name, spec)
        for at, (name, spec) in enumerate(zip(names, specs, strict=True))
    ]


def take_camera(desk: Desk, role: str, chosen: str) -> None:
    """One of `cameras` was chosen for this place (camera or second_camera)."""
    if chosen == NETWORK:
        desk.ask("network_camera", role)
    elif role == "second_camera":
        desk.choose_second_camera(chosen)
    else:
        desk.choose_camera(chosen)


def microphones(desk: Desk) -> Choices:
    """Those there are, and the chosen one should it be away."""
    programme, there = desk.programme, desk.devices.microphones
    chosen = programme.microphone
    found: Choices = [(device_words(one.spec, one.name), one.spec) for one in there]
    if chosen not in [spec for _, spec in found]:
        name = device_words(chosen, programme.microphone_name)
        away = bool(there) and chosen.startswith("microphone:")
        found.append((t("sources.microphone_away", name=name) if away else name, chosen))
    return found


def second_microphone(desk: Desk) -> str:
    """The one that is mixed with the first; the same device twice is heard once."""
    programme = desk.programme
    return "" if programme.second_microphone == programme.microphone else programme.second_microphone


def second_microphones(desk: Desk) -> Choices:
    """None, those there are but the first, and the chosen one should it be away."""
    first, chosen = desk.programme.microphone, second_microphone(desk)
    found: Choices = [(t("sources.no_microphone"), NONE)]
    found += [(device_words(one.spec, one.name), one.spec) for one in desk.devices.microphones if one.spec != first]
    if chosen and chosen not in [spec for _, spec in found]:
        found.append((t("sources.microphone_away", name=device_words(chosen)), chosen))
    return found


def still_choices(chosen: str) -> Choices:
    """None, and the file that is chosen."""
    if not chosen:
        return [(t("sources.none"), NONE)]
    name = Path(chosen).name
    there = name if Path(chosen).is_file() else t("sources.still_gone", name=name)
    return [(t("sources.none"), NONE), (there, chosen)]


class StillDialog(QObject):
    """Asks for a picture file, in a window beside ours."""

    def __init__(self, desk: Desk, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk, self._parent = desk, parent
        self.dialog: QFileDialog | None = None

    def open(self) -> None:
        if self.dialog is None:
            self.dialog = QFileDialog(self._parent.window(), t("sources.still"))
            self.dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
            self.dialog.setWindowModality(Qt.WindowModality.NonModal)
            self.dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
            self.dialog.setNameFilters([f"{t('sources.pictures')} ({PICTURES})", t("import.all_files") + " (*)"])
            self.dialog.fileSelected.connect(self._desk.choose_still)
        self.dialog.show()
        self.dialog.raise_()


class SourceChoices(QWidget):
    """Before the show: the camera of the face, and the still picture. (That of the table is the camera itself.)"""

    def __init__(self, desk: Desk, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk = desk
        self.face = Choice(t("sources.face"), self)
        self.still = Choice(t("sources.still"), self)
        self.asking = StillDialog(desk, self)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        line.addWidget(self.face, 1)
        line.addWidget(self.still, 1)
        self.face.activated.connect(lambda _i: self._face_chosen())
        self.still.activated.connect(lambda _i: self._still_chosen())
        for signal in (desk.devices_changed, desk.programme_changed):
            signal.connect(lambda _value: self.refresh())
        self.refresh()

    def refresh(self) -> None:
        programme = self._desk.programme
        second = programme.second_camera
        faces: Choices = [(t("sources.none"), NONE), *cameras(self._desk, second)]
        named = [(said if spec == NETWORK else t("sources.face_is", name=said), spec) for said, spec in faces]
        self.face.become(named, second)
        self.face.setToolTip(t("sources.face"))
        stills = [(t("sources.still_is", name=said), path) for said, path in still_choices(programme.still)]
        self.still.become([*stills, (t("sources.still_file"), OTHER)], programme.still)
        self.still.setToolTip(programme.still or t("sources.still"))

    def _face_chosen(self) -> None:
        chosen = str(self.face.currentData())
        self.refresh()
        take_camera(self._desk, "second_camera", chosen)

    def _still_chosen(self) -> None:
        chosen = str(self.still.currentData())
        if chosen == OTHER:
            self.refresh()
            self.asking.open()
        else:
            self._desk.choose_still(chosen)


def sources_menu(desk: Desk, parent: QWidget, asking: StillDialog) -> QMenu:
    """On air: the same choices, in a menu; a picture to keep, and how one scene follows another."""
    menu = QMenu(parent)
    menu.setAccessibleName(t("action.scenes"))
    programme = desk.programme
    take_first, take_second = partial(take_camera, desk, "camera"), partial(take_camera, desk, "second_camera")
    _part(menu, t("sources.table"), cameras(desk, programme.camera), programme.camera, take_first)
    faces: Choices = [(t("sources.none"), NONE), *cameras(desk, programme.second_camera)]
    _part(menu, t("sources.face"), faces, programme.second_camera, take_second)
    _part(menu, t("sources.still"), still_choices(programme.still), programme.still, desk.choose_still)
    menu.addAction(t("sources.still_file"), asking.open)
    microphones_part(menu, desk)
    menu.addSeparator()
    picture = desk.actions.save_picture
    menu.addAction(t(picture.words), lambda: picture.press()).setEnabled(picture.enabled)
    cut = menu.addAction(t("scene.cut"))
    cut.setCheckable(True)
    cut.setChecked(bool(desk.remembered("cut")))
    cut.toggled.connect(desk.set_cut)
    guides = menu.addAction(t("action.guides"), desk.actions.toggle_guides.press)
    guides.setCheckable(True)
    guides.setChecked(desk.guides)
    return menu


def microphones_part(menu: QMenu, desk: Desk) -> None:
    """Which is the first, and which is mixed with it: here and in the menu of the sound."""
    _part(menu, t("sources.first"), microphones(desk), desk.programme.microphone, desk.choose_microphone)
    second = second_microphone(desk)
    _part(menu, t("sources.second"), second_microphones(desk), second, desk.choose_second_microphone)


def device_menu(desk: Desk, parent: QWidget, role: str) -> QMenu:
    """What may take the place of the device in trouble: camera, second_camera, microphone, second_microphone."""
    menu = QMenu(parent)
    if role == "second_microphone":
        choices = second_microphones(desk)
    elif role == "microphone":
        choices = [(device_words(one.spec, one.name), one.spec) for one in desk.devices.microphones]
    else:
        choices = [*([(t("sources.none"), NONE)] if role == "second_camera" else []), *cameras(desk, "")]
    take = {
        "microphone": desk.choose_microphone,
        "second_microphone": desk.choose_second_microphone,
    }.get(role, partial(take_camera, desk, role))
    for said, value in choices:
        menu.addAction(said, partial(take, str(value)))
    if menu.isEmpty():
        menu.addAction(t("strip.no_device")).setEnabled(False)
    return menu


def _part(menu: QMenu, heading: str, choices: Choices, chosen: str, choose: Callable[[str], None]) -> None:
    if not menu.isEmpty():
        menu.addSeparator()
    menu.addAction(heading).setEnabled(False)  # a style need not draw the words of a section
    group = QActionGroup(menu)
    for said, value in choices:
        action = menu.addAction(said, partial(choose, str(value)))
        if value == NETWORK:
            continue
        action.setCheckable(True)
        action.setChecked(value == chosen)
        group.addAction(action)

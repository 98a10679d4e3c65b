"""Which trouble the strip shows, and what F9 does about it.

Promises: F9 acts on the trouble that is read and on the device it is about, and on
nothing else; pressed again before its cure helped, or where there is no cure, it turns
to the next one; what the strip turned to by itself must have stood for a moment. A bad
trouble that comes is shown at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import structs
from PySide6.QtCore import QObject, QTimer, Signal

from seller_console.contract import media as m

from . import naming
from .values import Trouble
from .words import known

if TYPE_CHECKING:
    from .desk import Desk

Key = tuple[str, str]
AGAIN_S = 4.0
"""So soon after its cure, F9 turns to the next trouble; later it tries the cure again."""
READ_S = 0.4
"""What took the place of another trouble by itself has been read after this."""


def key_of(trouble: Trouble) -> Key:
    return (trouble.code, trouble.device or trouble.subject)


class Curing(QObject):
    turned = Signal()
    """Another trouble is shown, or F9 does something else now."""

    def __init__(self, desk: Desk, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__(desk)
        self._desk = desk
        self._monotonic = monotonic
        self._chosen: Key | None = None
        self._tried: Key | None = None
        self._tried_at = -1e9
        self._shown: Key | None = None
        self._shown_at = -1e9
        self._known: frozenset[Key] = frozenset()
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.setInterval(round(AGAIN_S * 1000))
        self._again.timeout.connect(self.turned)
        desk.troubles_changed.connect(self._look)
        self._look(desk.troubles)

    @property
    def shown(self) -> Trouble | None:
        """The one turned to, else the worst and oldest."""
        troubles = self._desk.troubles
        first = troubles[0] if troubles else None
        return next((one for one in troubles if key_of(one) == self._chosen), first)

    @property
    def others(self) -> int:
        return max(0, len(self._desk.troubles) - 1)

    @property
    def words(self) -> str:
        """Words key of what F9 does now; "" when it does nothing."""
        trouble = self.shown
        if trouble is None:
            return ""
        if self._moves_on(trouble):
            return "action.next_trouble"
        if not trouble.cure:
            return ""
        return f"cure.{trouble.cure}" if known(f"cure.{trouble.cure}") else "cure.retry"

    def turn(self) -> None:
        """To the next trouble; after the last the first."""
        troubles, trouble = self._desk.troubles, self.shown
        if trouble is None or not self.others:
            return
        after = troubles[(troubles.index(trouble) + 1) % len(troubles)]
        self._chosen = self._shown = key_of(after)
        self._shown_at = self._tried_at = -1e9
        self.turned.emit()

    def press(self) -> None:
        """F9."""
        trouble = self.shown
        if trouble is None or self._monotonic() - self._shown_at < READ_S:
            return
        if self._moves_on(trouble):
            self.turn()
            return
        self._tried, self._tried_at = key_of(trouble), self._monotonic()
        self._again.start()
        self._cure(trouble)
        self.turned.emit()

    def _moves_on(self, trouble: Trouble) -> bool:
        just_tried = self._tried == key_of(trouble) and self._monotonic() - self._tried_at < AGAIN_S
        return self.others > 0 and (not trouble.cure or just_tried)

    def _look(self, troubles: tuple[Trouble, ...]) -> None:
        """Troubles came or went."""
        now = frozenset(key_of(one) for one in troubles)
        came = [key_of(one) for one in troubles if one.severity == "bad" and key_of(one) not in self._known]
        if self._chosen not in now:
            self._chosen = None
        elif came:
            self._chosen = came[-1]
        self._known = now
        trouble = self.shown
        shown = key_of(trouble) if trouble is not None else None
        if shown != self._shown:
            self._shown_at = self._monotonic() if self._shown is not None else -1e9
            self._shown = shown
        self.turned.emit()

    # --- the cures -------------------------------------------------------------------------------

    def _cure(self, trouble: Trouble) -> None:
        desk = self._desk
        cures: dict[str, Callable[[], None]] = {
            "retry_connection": desk.retry_connection,
            "retry_program": lambda: desk.retry_program(trouble.code.partition("_")[0]),
            "test_card": desk.use_test_card,
            "record_again": desk.record_again,
            "dismiss": lambda: desk.dismiss(trouble),
            "unmute": lambda: desk.set_muted(False),
            "unmirror": lambda: self._unmirror(trouble.device),
            "choose_camera": lambda: desk.ask(self._choice(trouble.device, "camera")),
            "choose_microphone": lambda: desk.ask(self._choice(trouble.device, "microphone")),
            "open_destinations": lambda: desk.ask("open_destinations"),
            "set_up_camera": lambda: desk.ask("open_camera", trouble.device),
            "refocus": lambda: self._refocus(trouble.device),
        }
        cures.get(trouble.cure, desk.retry_devices)()

    def _choice(self, device: str, kind: str) -> str:
        """choose_camera, choose_second_camera, …: for the place that this device has."""
        second = f"second_{kind}"
        role = naming.role_of(self._desk.programme_set, device)
        return f"choose_{second if role == second else kind}"

    def _unmirror(self, device: str) -> None:
        desk = self._desk
        role = naming.role_of(desk.programme_set, device)
        if role == "second_camera":
            used = self._used(device).settings
            desk.set_camera(device, structs.replace(used, mirror=not used.mirror))
        elif role == "camera" or not device:
            desk.set_mirror(not desk.programme.mirror)

    def _refocus(self, device: str) -> None:
        """By itself where this camera can; else its knob is shown."""
        camera = self._used(device)
        if camera.settings.focus is None and any(one.name == "focus" and one.automatic for one in camera.offers):
            self._desk.retry_devices()
        else:
            self._desk.ask("open_camera", device)

    def _used(self, device: str) -> m.CameraSet:
        """How this camera is used; of a trouble that names none, the first one."""
        cameras = self._desk.cameras
        first = cameras[0] if cameras else m.CameraSet(camera=device, settings=m.CameraSettings())
        return next((one for one in cameras if one.camera == device), first)

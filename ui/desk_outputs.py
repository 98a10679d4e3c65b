"""What a person may ask of the engine beside the programme: gains, further destinations, clips of a sale, pictures.

The desk's part of it: how they reach the engine, the settings and the keyring. What is
to be done when is in destinations.py and clips.py.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject

from seller_console import places
from seller_console.contract import media as m
from seller_console.contract.words import Who

from .clips import Clips, picture_name
from .desk_backstage import DeskBackstage
from .destinations import Destinations
from .wires import Wires
from .words import known, t


class DeskOutputs(DeskBackstage):
    def __init__(
        self,
        wires: Wires | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(wires, monotonic=monotonic, parent=parent)
        self.destinations = Destinations(self)
        self.clips = Clips(self)
        self.deck_changed.connect(lambda _deck: self.clips.refresh())
        self.clip_changed.connect(lambda _clip: self._refresh_refusals())

    # --- what is kept -----------------------------------------------------------------------------

    def remember(self, **settings: object) -> None:
        """Keeps choices for the next launch."""
        self._wires.remember(**settings)

    def remembered(self, name: str) -> object:
        """A kept choice ("" or 0 when there is none)."""
        return self._wires.remembered(name)

    # --- the sound -----------------------------------------------------------------------------

    @property
    def _gains(self) -> dict[str, float]:
        kept = self._wires.remembered("gains")
        return dict(kept) if isinstance(kept, dict) else {}

    def gain_db(self, second: bool = False) -> float:
        """Of the first microphone, or of the one mixed with it."""
        return self._gains.get(self._microphone(second), 0.0)

    def set_gain(self, gain_db: float, second: bool = False) -> None:
        """Kept with the microphone."""
        self._wires.tell(m.SetGain(gain_db=gain_db, second=second))
        self._wires.remember(gains={**self._gains, self._microphone(second): gain_db})

    def _microphone(self, second: bool) -> str:
        return self.programme.second_microphone if second else self.programme.microphone

    def _tell_gain(self, spec: str, second: bool = False) -> None:
        """This microphone is taken: the gain that was kept with it."""
        if gains := self._gains:
            self._wires.tell(m.SetGain(gain_db=gains.get(spec, 0.0), second=second))

    def set_shaped(self, shaped: bool) -> None:
        """Rumble off, peaks held; and remembered."""
        self._wires.tell(m.SetSound(shaped=shaped))
        self._wires.remember(shaped=shaped)

    # --- clips ------------------------------------------------------------------------------------

    def save_clip(self) -> None:
        """Of the sale that was hammered last."""
        self.clips.save(self.clips.last())

    def clips_folder(self) -> Path:
        return self.recordings_folder() / "clips"

    def save_picture(self) -> None:
        """The programme as it goes out, but for the lot that is drawn over it; beside the clips, and said where."""
        run = self._fold.state.run
        number = self._fold.state.lots[run.lot_id].lot.number if run is not None else 0
        path = self.recordings_folder() / "images" / picture_name(number, datetime.datetime.now())

        def saved(path: Path, why: str) -> None:
            if not why:
                self.notice(t("picture.saved", path=str(path)), folder=str(path.parent))
                return
            said = "clip.busy" if why == "busy" else f"detail.{why}"
            self.notice(t("picture.failed", why=t(said if known(said) else "detail.disk_error")), "trouble")

        self._wires.save_picture(path, saved)

    def recordings_folder(self) -> Path:
        """Where they are, or will be."""
        if self.recording.path and self.show.status != "prepared":
            return Path(self.recording.path).parent
        kept = str(self.remembered("record_folder"))
        return Path(kept) if kept else places.home() / "recordings"

    def _more_refusals(self) -> dict[str, str]:
        why = self.clips.refusal(self.clips.last())
        return {"save_clip": why} if why else {}

    # --- for destinations and clips --------------------------------------------------------------------

    @property
    def engine_here(self) -> bool:
        return self._airing.engine_here

    def tell_engine(self, command: m.EngineCommand, *, only_keep: bool = False) -> None:
        """`only_keep`: it is so already; the next engine will hear of it."""
        if only_keep:
            self._wires.keep(command)
        else:
            self._wires.tell(command)

    def free_path(self, path: Path, got: Callable[[Path], None]) -> None:
        """This path, or with a number; to be given back once the engine has answered."""
        self._wires.free_path(path, got)

    def give_back(self, path: Path) -> None:
        self._wires.give_back(path)

    def keep_secret(self, name: str, secret: str) -> None:
        """In the keyring; "" forgets it."""
        self._wires.keep_secret(name, secret)

    def secret(self, name: str, got: Callable[[str], None]) -> None:
        self._wires.secret(name, got)

    # --- what is heard -------------------------------------------------------------------------------------

    def take_note(self, note: m.EngineNote) -> None:
        self.destinations.hear(note)
        self.clips.hear(note)
        super().take_note(note)

    def take_engine_road(self, state: str) -> None:
        super().take_engine_road(state)
        if state != "connected":
            self.destinations.engine_left()
            self.clips.engine_left()

    def begin_feed(self, who: Who, buyer_url: str) -> None:
        self.destinations.known_whole(False)
        super().begin_feed(who, buyer_url)

    def feed_whole(self, whole: bool) -> None:
        """Whether the show's past was heard to its end."""
        self.destinations.known_whole(whole)
        self._settle_air()

    def _settle_air(self) -> None:
        super()._settle_air()
        if self._airing.air_known:
            self.destinations.settle()

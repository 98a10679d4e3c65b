"""What is said of the clip of a sale, in its row's menu, in its row and on the deck."""

from __future__ import annotations

from PySide6.QtWidgets import QMenu

from ..desk import Desk
from ..values import ClipOffer, LotRow
from ..words import t


def clip_entries(menu: QMenu, desk: Desk, row: LotRow) -> None:
    """In the menu of a sale: save it, or why not; and where clips lie."""
    if desk.show.role != "owner" or not row.run_id:
        return
    menu.addSeparator()
    clip = desk.clips.of(row.run_id)
    why = desk.clips.refusal(row.run_id)
    again = clip is not None and clip.state == "failed"
    save = menu.addAction(t("clip.again" if again else "clip.save"), lambda: desk.clips.save(row.run_id))
    if why:
        save.setText(t("clip.not", why=why))
        save.setEnabled(False)
    menu.addAction(t("clip.open_folder"), lambda: open_clips(desk, str(desk.clips_folder())))


def open_clips(desk: Desk, folder: str) -> None:
    desk.ask("open_folder", folder)


def mark_of(desk: Desk, run_id: str) -> str:
    """In the row of the sale; "" when nothing was asked."""
    clip = desk.clips.of(run_id)
    if clip is None:
        return ""
    return t({"saved": "clip.row.saved", "failed": "clip.row.failed"}.get(clip.state, "clip.row.saving"))


def deck_words(offer: ClipOffer) -> str:
    """Key of what the button under PDD says."""
    names = {"saved": "deck.clip_saved", "failed": "deck.clip_again", "offered": "deck.clip"}
    return names.get(offer.state, "deck.clip_saving")

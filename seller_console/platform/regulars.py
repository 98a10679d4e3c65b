"""What earlier shows know of a buyer: derived from their logs, never counted up.

A browser keeps a lasting token, a secret that says no more than "the same as last time"; a show's
log keeps its hash beside the pass, in the transaction of the joining (decision 25). Nothing else
is written when a buyer comes, buys, is undone or does not pay: an open show is asked as it stands,
and a show that is put away is folded once.

Promises: what is known after a crash is what the logs say: what is kept in `regulars/` of a show
counts only while its log is the very file it was made from, and may be deleted at any time.
Refuses: to know anything from a rehearsal, or from a show that never went live, but the note.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from ..contract.codec import Unreadable
from ..contract.words import PersonId, Regular, ShowId
from ..sale.state import Person, Sale, ShowState
from .keys import write_private
from .log import Damaged, KeptPass, Log, LogUnwritable, NewerLog
from .passes import new_token, token_hash
from .salesroom import Folded, Salesroom

logger = logging.getLogger(__name__)

_FORM = 2
"""Of what is kept of a show: another number makes it anew."""
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")

Persons = dict[bytes, list[PersonId]]
"""Who somebody was on one show, by the hash of their lasting token."""


class Visit(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one show knows of a buyer."""

    at_ms: int
    nickname: str
    attended: bool = True
    """False: the show was a rehearsal, or never went live."""
    purchases: int = 0
    spent_cents: int = 0
    unpaid: int = 0
    note: str | None = None
    """As the seller wrote it there; None: it was left as it was."""


class _Kept(msgspec.Struct, frozen=True):
    """All visits to a show that is put away, and the file they were read from."""

    form: int
    size: int
    mtime_ns: int
    visits: dict[str, Visit]


class _Open(NamedTuple):
    sales: Salesroom
    persons: Persons


def lasting_token(offered: str) -> str:
    """The one a browser brought, or a new one."""
    return offered if _TOKEN.fullmatch(offered) else new_token()


def persons_of(kept: Iterable[KeptPass]) -> Persons:
    found: Persons = {}
    for one in kept:
        if one.regular_hash and one.role == "buyer":
            known = found.setdefault(one.regular_hash, [])
            if one.person not in known:
                known.append(one.person)
    return found


def visits_of(state: ShowState, persons: Mapping[bytes, list[PersonId]]) -> dict[bytes, Visit]:
    """What this show, as it stands, knows of those buyers."""
    bought: dict[PersonId, list[Sale]] = {}
    for sale in state.sales.values():
        bought.setdefault(sale.buyer, []).append(sale)
    attended = state.live_at > 0 and not state.rehearsal
    found: dict[bytes, Visit] = {}
    for hashed, ids in persons.items():
        known = sorted((state.people[one] for one in ids if one in state.people), key=lambda one: one.joined_at)
        if not known:
            continue
        sales = [sale for one in known for sale in bought.get(one.person, ())] if attended else []
        standing = [sale for sale in sales if sale.status in {"sold", "validated", "paid"}]
        found[hashed] = Visit(
            at_ms=known[-1].joined_at,
            nickname=known[-1].nickname,
            attended=attended,
            purchases=len(standing),
            spent_cents=sum(sale.price_cents * sale.quantity for sale in standing),
            unpaid=sum(map(_went_unpaid, sales)),
            note=next((one.note for one in reversed(known) if one.note != _note_brought(one)), None),
        )
    return found


def _note_brought(person: Person) -> str:
    """Nothing, for who came while earlier shows could not be read: that takes no note back."""
    return person.regular.note if person.regular is not None else ""


def _seen_by(sales: Salesroom, persons: Persons) -> dict[bytes, Visit]:
    return visits_of(sales.state, persons)


def _went_unpaid(sale: Sale) -> bool:
    """Also one that went to a runner-up or was run again: only a failed sale is undone without a reason."""
    return sale.status == "failed" or (sale.status == "voided" and not sale.void_reason)


def regular_of(visits: Iterable[Visit]) -> Regular | None:
    """What several shows know together; None: nothing."""
    in_order = sorted(visits, key=lambda one: one.at_ms)
    attended = [one for one in in_order if one.attended]
    note = next((one.note for one in reversed(in_order) if one.note is not None), "")
    if not attended and not note:
        return None
    last = in_order[-1]
    return Regular(
        shows=len(attended),
        purchases=sum(one.purchases for one in attended),
        spent_cents=sum(one.spent_cents for one in attended),
        last_visit_ms=(attended or in_order)[-1].at_ms,
        note=note,
        nickname=last.nickname,
        unpaid=sum(one.unpaid for one in attended),
    )


class Regulars:
    """Of one home. `read` and `put_away` may take their time, on a thread; the rest is for the loop."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[ShowId, _Open] = {}
        self._closed: dict[ShowId, dict[bytes, Visit]] = {}

    # --- shows that are open ---------------------------------------------------------------

    def opened(self, show: ShowId, sales: Salesroom, kept: Iterable[KeptPass]) -> None:
        self._open[show] = _Open(sales, persons_of(kept))

    def joined(self, show: ShowId, kept: KeptPass) -> None:
        known = self._open.get(show)
        if known is not None:
            for hashed, ids in persons_of([kept]).items():
                known.persons.setdefault(hashed, []).extend(ids)

    # --- shows that are not ------------------------------------------------------------------

    def knows(self, show: ShowId) -> bool:
        return show in self._open or show in self._closed

    def put_away(self, show: ShowId, path: Path) -> None:
        """Once its log, at `path`, is closed."""
        known = self._open[show]
        self._keep(show, path, visits_of(known.sales.state, known.persons))
        del self._open[show]

    def read(self, show: ShowId, path: Path) -> None:
        """A show nobody has open: as it was kept, or else from its log."""
        kept = self._kept(show)
        if kept is not None and _is_of(kept, path):
            self._closed[show] = {bytes.fromhex(hashed): visit for hashed, visit in kept.visits.items()}
            return
        try:
            log = Log(path)
            try:
                persons = persons_of(log.passes())
                visits = visits_of(Folded.of(log).state, persons) if persons else {}
            finally:
                log.close()
        except (Damaged, NewerLog, LogUnwritable, Unreadable, OSError) as error:
            # Whoever opens that show is told; its buyers are strangers until then.
            logger.info("regulars_unread show=%s why=%r", show, str(error))
            return
        self._keep(show, path, visits)

    def _kept_path(self, show: ShowId) -> Path:
        return self._folder / f"{show}.json"

    def _kept(self, show: ShowId) -> _Kept | None:
        try:
            kept = msgspec.json.decode(self._kept_path(show).read_bytes(), type=_Kept)
            return kept if all(len(bytes.fromhex(hashed)) == 32 for hashed in kept.visits) else None
        except (OSError, ValueError):
            return None

    def _keep(self, show: ShowId, path: Path, visits: dict[bytes, Visit]) -> None:
        self._closed[show] = visits
        try:
            self._folder.mkdir(exist_ok=True, mode=0o700)
            log = path.stat()
            by_hash = {hashed.hex(): visit for hashed, visit in visits.items()}
            kept = _Kept(_FORM, log.st_size, log.st_mtime_ns, by_hash)
            write_private(self._kept_path(show), msgspec.json.encode(kept))
        except OSError as error:
            # Made from the log again at the next start.
            logger.info("regulars_not_kept show=%s why=%r", show, str(error))

    # --- a buyer ---------------------------------------------------------------------------------

    async def of(self, token: str, but: ShowId) -> Regular | None:
        """What shows other than `but` know of the holder of this token."""
        hashed = token_hash(token)
        # Copies, in this order: a thread may be putting a show from one into the other.
        opened, closed = self._open.copy(), self._closed.copy()
        visits = [
            known[hashed] for show, known in closed.items() if show != but and show not in opened and hashed in known
        ]
        for show, (sales, persons) in opened.items():
            ids = persons.get(hashed)
            if show != but and ids:
                look = partial(_seen_by, sales, {hashed: ids})
                visits += (await sales.certain(look)).values()
        return regular_of(visits)


def _is_of(kept: _Kept, path: Path) -> bool:
    """The log is the file this was made from, and has nothing beside it that a crash left."""
    try:
        log = path.stat()
        beside = path.with_name(f"{path.name}-wal")
        whole = not beside.exists() or beside.stat().st_size == 0
    except OSError:
        return False
    return kept.form == _FORM and whole and (kept.size, kept.mtime_ns) == (log.st_size, log.st_mtime_ns)

"""Who may see what: the one reading of an event's audience.

`may_see(event.audience(), who)` decides for the feed, the brief and the tests alike.
An audience nobody has written down is shown to nobody.
"""

from __future__ import annotations

from collections.abc import Collection

from ..contract.words import BACKSTAGE, STAFF, SalonId, Who


def may_see(audience: str, who: Who, salons: Collection[SalonId] = ()) -> bool:
    """True if `who` (member of `salons`) belongs to `audience` (words in contract/events.py)."""
    if audience == "everyone":
        return True
    if audience == "staff":
        return who.role in STAFF
    if audience == "backstage":
        return who.role in BACKSTAGE
    kind, _, name = audience.partition(":")
    if kind == "buyer":
        return who.person == name or who.role in BACKSTAGE
    if kind == "person":
        return who.person == name
    if kind == "salon":
        return name in salons
    return False

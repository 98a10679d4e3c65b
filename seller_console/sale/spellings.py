"""How sellers spell things in a spreadsheet: headings in three languages, yes and no, sums of money."""

from __future__ import annotations

import re

from ..contract.words import LotFormat
from .text import folded

COLUMNS: dict[str, str] = {
    folded(header): name
    for name, headers in {
        "category": "Catégorie|Category|Kategorie",
        "subcategory": "Sous-catégorie|Sub Category|Subcategory|Sub-Category|Unterkategorie",
        "title": "Titre|Title|Titel|name|Nom",
        "description": "Description|Beschreibung",
        "quantity": "Quantité|Quantity|Menge",
        "format": "Type|Verkaufsformat|Format",
        "price": "Prix|Price|Preis|startingPrice|Starting Price",
        "instant_price": "instantBuyPrice|Instant Buy Price|Buy It Now Price",
        "shipping": "Profil de livraison|Shipping Profile|Versandprofil",
        "offers": "Offres Acceptées|Offerable|Angebote annehmen",
        "hazmat": "Matières dangereuses|Hazmat|Gefahrgut",
        "condition": "État|Condition|Zustand",
        "cost": "Coût par article|Cost Per Item|Stückpreis",
        "sku": "SKU|Artikelnummer",
        "pictures": "imagesUrls|Images URLs|Image URLs",
        **{f"picture_{n}": f"Image URL {n}|Bild-URL {n}" for n in range(1, 9)},
    }.items()
    for header in headers.split("|")
}
SHOW_COLUMNS: dict[str, str] = {
    folded(header): name
    for name, headers in {
        "sku": "SKU|Artikelnummer",
        "order": "Ordre|Order|Reihenfolge",
        "duration": "Durée s|Duration s|Dauer s",
        "counter_bid": "Contre-enchère s|Counter-bid s|Gegengebot s",
        "sudden_death": "Mort subite|Sudden Death|Plötzlicher Tod",
        "reserve": "Réserve|Reserve|Mindestpreis",
        "host_note": "Note animateur|Host Note|Notiz Moderation",
        "producer_note": "Note régie|Producer Note|Notiz Regie",
        "place": "Emplacement|Place|Lagerplatz",
    }.items()
    for header in headers.split("|")
}
FORMATS: dict[str, LotFormat] = {
    **dict.fromkeys(("auction", "enchere", "encheres", "auktion"), "auction"),
    **dict.fromkeys(("buy it now", "buyitnow", "achat immediat", "sofort kaufen", "sofortkauf"), "buy_it_now"),
    **dict.fromkeys(("giveaway", "cadeau", "verlosung"), "giveaway"),
}
YES = frozenset({"true", "vrai", "oui", "yes", "ja", "wahr", "1", "x"})
NO = frozenset({"", "false", "faux", "non", "no", "nein", "falsch", "0"})
HARMLESS = frozenset({"", "not hazmat", "non hazmat", "non dangereux", "no hazmat", "kein gefahrgut", *NO})

_MONEY = re.compile(r"([+-]?)(\d{1,3}(?:[ .,’']\d{3})+|\d+)?(?:[.,](\d{1,2})|[.,])?")
_CURRENCY = re.compile(r"€|\$|£|\b(?:eur|euros?|usd|gbp)\b", re.IGNORECASE)


def cents_of(text: str) -> int | None:
    """Hundredths of `1`, `1,00`, `1.00`, `1 €`, `1 050,50`, `1,050.50`; None when it is no amount.

    A separator before exactly three digits parts thousands: amounts have two decimals.
    """
    bare = _CURRENCY.sub("", re.sub(r"[\u00a0\u202f\u2009]", " ", text)).strip()
    found = _MONEY.fullmatch(bare)
    if found is None or not bare.isascii() or not (found[2] or found[3]) or len(bare) > 16:
        return None
    whole = int(re.sub(r"\D", "", found[2])) if found[2] else 0
    cents = whole * 100 + int((found[3] or "0").ljust(2, "0"))
    return -cents if found[1] == "-" else cents

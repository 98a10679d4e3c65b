"""What the dry run of an inventory says to a person: reason and repair of each problem, fr and en.

Facts are filled by name; `value` is the cell. French spacing is set once, here.
"""

from __future__ import annotations

from typing import Any, Literal

from ..language import typeset

Said = tuple[str, str, str, str]
"""reason fr, repair fr, reason en, repair en."""

LEFT_OUT: dict[str, Said] = {
    "no_title": (
        "Le titre est vide.",
        "Ligne laissée de côté : donnez un titre et réimportez.",
        "The title is empty.",
        "Row left out: give it a title and import again.",
    ),
    "bad_price": (
        "« {value} » n’est pas un prix.",
        "Ligne laissée de côté : écrivez un montant, par exemple 1 ou 12,50.",
        '"{value}" is not a price.',
        "Row left out: write an amount, such as 1 or 12.50.",
    ),
    "free_price": (
        "Un achat immédiat à 0 € serait donné.",
        "Ligne laissée de côté : écrivez un prix, ou choisissez le type Giveaway.",
        "A buy-it-now at 0 would be given away.",
        "Row left out: write a price, or choose the type Giveaway.",
    ),
    "impossible_quantity": (
        "Une quantité de « {value} » ne se vend pas.",
        "Ligne laissée de côté : écrivez un nombre entier de 1 à {most}.",
        'A quantity of "{value}" cannot be sold.',
        "Row left out: write a whole number from 1 to {most}.",
    ),
    "unknown_format": (
        "« {value} » n’est pas un type de vente.",
        "Ligne laissée de côté : écrivez Auction, Buy it Now ou Giveaway.",
        '"{value}" is not a type of sale.',
        "Row left out: write Auction, Buy it Now or Giveaway.",
    ),
    "too_many_cells": (
        "La ligne a {count} cellule(s) de trop : une virgule sans guillemets l’a sans doute décalée.",
        "Ligne laissée de côté : mettez le texte entre guillemets.",
        "The row has {count} cell(s) too many: a comma without quotes has probably shifted it.",
        "Row left out: put the text in quotes.",
    ),
    "open_quote": (
        "Un guillemet est de trop, ou ne se referme pas.",
        "Ligne laissée de côté ; les suivantes sont lues. Corrigez les guillemets.",
        "A quote is stray, or never closed.",
        "Row left out; those after it are read. Correct the quotes.",
    ),
    "cut_short": (
        "Le fichier s’arrête au milieu de cette ligne : il est peut-être incomplet.",
        "Ligne laissée de côté : enregistrez ou téléchargez le fichier à nouveau.",
        "The file stops in the middle of this row: it may be incomplete.",
        "Row left out: save or download the file again.",
    ),
    "no_sku": (
        "Pas de SKU : on ne sait pas à quel lot ces réglages vont.",
        "Réglages laissés de côté : donnez le SKU du lot.",
        "No SKU: there is no telling which lot these settings are for.",
        "Settings left out: give the lot's SKU.",
    ),
}
REPAIRED: dict[str, Said] = {
    "long_title": (
        "Le titre a {length} caractères ; {most} au plus.",
        "Coupé entre deux mots : « {title} ». Le titre entier reste dans la description.",
        "The title has {length} characters; {most} at most.",
        'Cut between words: "{title}". The whole title stays in the description.',
    ),
    "spelled_price": (
        "« {value} » : un prix de départ s’écrit en unités entières.",
        "Lu {units} €.",
        '"{value}": an opening price is written in whole units.',
        "Read as {units}.",
    ),
    "odd_price": (
        "« {value} » : une enchère ouvre à un montant entier.",
        "Arrondi au-dessus, à {units} €.",
        '"{value}": an auction opens at a whole amount.',
        "Rounded up, to {units}.",
    ),
    "zero_price": (
        "Prix de départ 0 : une enchère ouvre à 1 € au moins.",
        "Mis à 1 €.",
        "Opening price 0: an auction opens at 1 at least.",
        "Set to 1.",
    ),
    "no_price": (
        "Le prix de départ est vide.",
        "Mis à 1 €.",
        "The opening price is empty.",
        "Set to 1.",
    ),
    "no_quantity": ("La quantité est vide.", "Mise à 1.", "The quantity is empty.", "Set to 1."),
    "bad_quantity": (
        "« {value} » n’est pas un nombre.",
        "Quantité mise à 1 : corrigez-la dans la file des lots.",
        '"{value}" is not a number.',
        "Quantity set to 1: correct it in the lot queue.",
    ),
    "spelled_quantity": (
        "« {value} » : une quantité s’écrit sans décimales.",
        "Lue {units}.",
        '"{value}": a quantity is written without decimals.',
        "Read as {units}.",
    ),
    "no_format": (
        "Le type de vente est vide.",
        "Mis en enchère (ou en achat immédiat s’il n’y a que ce prix).",
        "The type of sale is empty.",
        "Made an auction (or a buy-it-now when that is the only price).",
    ),
    "bad_cost": (
        "« {value} » n’est pas un coût.",
        "Coût laissé vide : la marge de ce lot ne sera pas connue.",
        '"{value}" is not a cost.',
        "Cost left empty: the margin of this lot will not be known.",
    ),
    "bad_yes_no": (
        "« {value} » n’est ni oui ni non.",
        "Compris comme non.",
        '"{value}" is neither yes nor no.',
        "Taken as no.",
    ),
    "sku_twice": (
        "Le SKU « {value} » est déjà à la ligne {first}.",
        "Ce lot devient {fresh} et suit le lot au-dessus, sans les réglages de l’autre.",
        'The SKU "{value}" is already on row {first}.',
        "This lot becomes {fresh} and follows the lot above, without the other's settings.",
    ),
    "picture_outside": (
        "L’image « {value} » est hors du dossier de l’inventaire.",
        "Image retirée : copiez-la à côté du fichier.",
        'The picture "{value}" is outside the folder of the inventory.',
        "Picture removed: copy it beside the file.",
    ),
    "bad_seconds": (
        "« {value} » n’est pas une durée de {least} à {most} s.",
        "Durée du live à la place.",
        '"{value}" is not a duration of {least} to {most} s.',
        "The show's duration instead.",
    ),
    "bad_reserve": (
        "« {value} » n’est pas un montant.",
        "Lot sans réserve.",
        '"{value}" is not an amount.',
        "Lot without a reserve.",
    ),
    "odd_reserve": (
        "« {value} » : une réserve est un montant entier.",
        "Arrondie au-dessus, à {units} €.",
        '"{value}": a reserve is a whole amount.',
        "Rounded up, to {units}.",
    ),
    "reserve_ignored": (
        "Une réserve ne vaut que pour une enchère.",
        "Réserve retirée.",
        "A reserve is for auctions only.",
        "Reserve removed.",
    ),
    "bad_order": (
        "« {value} » n’est pas un numéro d’ordre.",
        "Le lot suit celui qui est au-dessus dans le fichier.",
        '"{value}" is not an order number.',
        "The lot follows the one above it in the file.",
    ),
    "show_sku_twice": (
        "Le SKU « {value} » est déjà à la ligne {first}.",
        "Les réglages de la première ligne comptent.",
        'The SKU "{value}" is already on row {first}.',
        "The settings of the first row count.",
    ),
}
NOTED: dict[str, Said] = {
    "hazmat": (
        "Matière dangereuse : « {value} ».",
        "Gardé et signalé sur le lot : emballage et transporteur adaptés.",
        'Hazardous goods: "{value}".',
        "Kept and flagged on the lot: packaging and carrier to suit.",
    ),
    "picture_missing": (
        "{count} image(s) introuvable(s), à commencer par « {first} ».",
        "Le lot est importé sans elles ; posez-les à côté du fichier, ou photographiez le lot.",
        '{count} picture(s) not found, beginning with "{first}".',
        "The lot is imported without them; put them beside the file, or photograph the lot.",
    ),
    "instant_ignored": (
        "Ce lot a aussi un prix d’achat immédiat.",
        "Il est mis en enchère ; l’achat immédiat n’est pas repris.",
        "This lot also has a buy-it-now price.",
        "It is auctioned; the buy-it-now price is not taken over.",
    ),
    "unknown_column": (
        "Colonne inconnue : « {value} ».",
        "Elle n’est pas lue.",
        'Unknown column: "{value}".',
        "It is not read.",
    ),
    "column_twice": (
        "La colonne « {value} » est là deux fois.",
        "Seule la première est lue.",
        'The column "{value}" is there twice.',
        "Only the first is read.",
    ),
    "damaged": (
        "{count} caractère(s) illisible(s) dans le fichier.",
        "Marqués � dans les textes : relisez-les, ou enregistrez le fichier en UTF-8.",
        "{count} unreadable character(s) in the file.",
        "Marked � in the texts: read them again, or save the file as UTF-8.",
    ),
    "unknown_sku": (
        "Aucun lot n’a le SKU « {value} ».",
        "Ces réglages ne servent à rien pour l’instant.",
        'No lot has the SKU "{value}".',
        "These settings serve nothing for now.",
    ),
    "low_reserve": (
        "La réserve n’est pas au-dessus du prix de départ ({units} €).",
        "Gardée : elle sera atteinte dès la première enchère.",
        "The reserve is not above the opening price ({units}).",
        "Kept: the first bid will meet it.",
    ),
}
PROBLEMS: dict[str, Said] = {**LEFT_OUT, **REPAIRED, **NOTED}
SEVERITY: dict[str, Literal["repaired", "left_out", "noted"]] = {
    **dict.fromkeys(LEFT_OUT, "left_out"),
    **dict.fromkeys(REPAIRED, "repaired"),
    **dict.fromkeys(NOTED, "noted"),
}

UNUSABLE: dict[str, tuple[str, str]] = {
    "empty": (
        "Ce fichier est vide.",
        "This file is empty.",
    ),
    "not_a_csv": (
        "Ce fichier n’est pas un CSV{kind}. Ouvrez-le dans votre tableur et enregistrez-le en CSV.",
        "This file is not a CSV{kind}. Open it in your spreadsheet program and save it as CSV.",
    ),
    "too_large": (
        "Ce fichier fait {megabytes} Mo ; {most} Mo au plus. Partagez-le en plusieurs inventaires.",
        "This file has {megabytes} MB; {most} MB at most. Split it into several inventories.",
    ),
    "too_many_rows": (
        "Ce fichier a plus de {most} lignes. Partagez-le en plusieurs inventaires.",
        "This file has more than {most} rows. Split it into several inventories.",
    ),
    "unknown_encoding": (
        "La ligne {row} contient des caractères illisibles. Enregistrez le fichier en « CSV UTF-8 ».",
        'Row {row} holds characters that cannot be read. Save the file as "CSV UTF-8".',
    ),
    "no_known_column": (
        "Aucune colonne reconnue. La première ligne doit porter les titres des colonnes, "
        "dont Titre et Prix ; elle commence par « {found} ».",
        "No column is known. The first row must hold the column headings, "
        'among them Title and Price; it begins with "{found}".',
    ),
    "missing_column": (
        "Il manque la colonne « {column} ». Colonnes trouvées : {found}.",
        'The column "{column}" is missing. Columns found: {found}.',
    ),
    "missing_column_show": (
        "Il manque la colonne « {column} » au fichier des réglages (.show.csv). Colonnes trouvées : {found}.",
        'The column "{column}" is missing from the settings file (.show.csv). Columns found: {found}.',
    ),
    "no_rows": (
        "Ce fichier a des titres de colonnes, et aucun lot dessous.",
        "This file has column headings, and no lot below them.",
    ),
    "broken": (
        "Trop de lignes abîmées à partir de la ligne {row} : le fichier est sans doute incomplet. "
        "Enregistrez-le à nouveau.",
        "Too many damaged rows from row {row} on: the file is probably incomplete. Save it again.",
    ),
}


def reason(code: str, language: str, value: str, facts: dict[str, Any]) -> str:
    return _fill(PROBLEMS[code][0 if language == "fr" else 2], language, {"value": value, **facts})


def repair(code: str, language: str, value: str, facts: dict[str, Any]) -> str:
    return _fill(PROBLEMS[code][1 if language == "fr" else 3], language, {"value": value, **facts})


def unusable(code: str, language: str, facts: dict[str, Any]) -> str:
    """The sentence of an Unusable."""
    if facts.get("kind"):
        facts = {
            **facts,
            "kind": f" (c’est un fichier {facts['kind']})" if language == "fr" else f" (it is {facts['kind']})",
        }
    return _fill(UNUSABLE[code][0 if language == "fr" else 1], language, facts)


def _fill(sentence: str, language: str, facts: dict[str, Any]) -> str:
    return (typeset(sentence) if language == "fr" else sentence).format(**facts)

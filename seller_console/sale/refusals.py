"""Every way the rules say no: a stable code, and a sentence a person understands.

`refuse("low", need_cents=4700)` -> Refusal. In a sentence, a fact whose name ends in `_cents`
is written as money under the name without the ending, `_ms` as whole seconds; the facts
themselves travel beside it, for screens that word things their own way.
"""

from __future__ import annotations

from typing import Any

from ..contract.words import Currency, Refusal

_SYMBOLS: dict[Currency, str] = {"EUR": "€", "USD": "$", "GBP": "£"}
_THIN = "\u202f"

SENTENCES: dict[str, str] = {
    # who
    "not_allowed": "Votre rôle ne permet pas cette action.",
    "not_joined": "Entrez d’abord dans le live.",
    "staff_cannot_bid": "L’équipe du live ne peut pas enchérir ni acheter.",
    "blocked": "Le vendeur vous a retiré de cette vente.",
    "bad_nickname": "Choisissez un pseudo avec au moins une lettre ou un chiffre.",
    "unknown_person": "Cette personne n’est pas dans le live.",
    "not_a_buyer": "Cette action ne vise que les acheteurs.",
    # the show
    "already_open": "Ce live est déjà ouvert.",
    "not_open": "Ce live n’est pas encore ouvert.",
    "already_live": "Vous êtes déjà en direct.",
    "not_live": "Le live n’a pas commencé.",
    "show_ended": "Le live est terminé.",
    "bad_preset": "Réglage impossible\u202f: {what}.",
    "bad_fee": "La commission doit être comprise entre 0 et 100\u202f%.",
    "bad_payment_page": "L’adresse de paiement doit commencer par https\u202f://.",
    # texts
    "empty": "Écrivez quelque chose.",
    "too_long": "Trop long\u202f: {length} caractères au plus.",
    # the queue
    "unknown_lot": "Ce lot n’existe pas.",
    "not_queued": "Ce lot n’est pas dans la file.",
    "after_gone": "Le lot repère n’est plus dans la file.",
    "after_itself": "Un lot ne peut pas se suivre lui-même.",
    "not_removed": "Ce lot n’a pas été supprimé.",
    "on_block": "Ce lot est en cours de vente\u202f: seules ses notes peuvent changer.",
    "lot_ended": "Ce lot est vendu\u202f: seuls ses notes, son coût, sa référence et sa place peuvent changer.",
    "lot_removed": "Ce lot a été supprimé.",
    "stale": "Ce champ vient d’être changé par quelqu’un d’autre.",
    "bad_amount": "Montant impossible\u202f: des euros entiers, de 1 à 1{t}000{t}000.".replace("{t}", _THIN),
    "bad_price": "Prix impossible\u202f: de 0,01 à 1{t}000{t}000.".replace("{t}", _THIN),
    "bad_quantity": "Quantité impossible\u202f: de 1 à 10{t}000.".replace("{t}", _THIN),
    "bad_title": "Le titre doit compter de 1 à 80 caractères.",
    "bad_picture": "Adresse d’image impossible.",
    "too_many": "Trop d’un coup\u202f: {most} au plus.",
    "nothing_to_rerun": "Il ne reste rien à remettre en vente pour ce lot.",
    "already_queued": "Ce lot est déjà dans la file.",
    # the auction
    "run_on": "Un lot est déjà en cours.",
    "not_next": "Ce lot n’est plus dans la file.",
    "picture_lost": "Image perdue\u202f: le lot s’ouvrira au retour de l’image.",
    "log_unwritable": "Le journal de la vente ne peut pas être écrit\u202f: vente suspendue.",
    "no_run": "Aucun lot n’est en cours.",
    "unknown_run": "Cette vente n’existe pas.",
    "late": "Trop tard\u202f: l’enchère est close.",
    "paused": "Vente suspendue\u202f: votre enchère n’a pas été prise.",
    "not_paused": "La vente n’est pas suspendue.",
    "low": "Il faut maintenant {need} au moins.",
    "already_leading": "Vous êtes déjà en tête.",
    "max_not_raised": "Votre enchère max. est déjà de {max}\u202f: donnez plus.",
    "limit": "Cela dépasserait votre budget de la soirée ({limit}).",
    "too_late_to_withdraw": "Trop tard pour retirer\u202f: utilisez «\u202fAnnuler la vente\u202f».",
    "no_reason": "Donnez une raison.",
    "too_soon": "L’image n’est pas absente depuis assez longtemps.",
    # sales and payment
    "unknown_sale": "Cette vente n’existe pas.",
    "already_paid": "Cette vente est déjà payée.",
    "already_failed": "Ce paiement est déjà noté comme échoué.",
    "sale_voided": "Cette vente a été annulée.",
    "empty_basket": "Votre panier est vide.",
    "not_failed": "Le paiement de cette vente n’a pas échoué.",
    "not_an_auction": "Seule une vente aux enchères a un second enchérisseur.",
    "offer_pending": "Une offre est déjà en attente de réponse.",
    "no_runner_up": "Plus personne à qui proposer ce lot.",
    "unknown_offer": "Cette offre n’existe pas.",
    "offer_closed": "Cette offre a expiré ou a déjà reçu une réponse.",
    # other formats
    "not_buy_it_now": "Ce lot n’est pas en achat immédiat.",
    "not_an_auction_lot": "Ce lot n’est pas aux enchères.",
    "price_changed": "Le prix est maintenant de {price}.",
    "sold_out": "Il n’en reste plus.",
    "not_enough": "Il n’en reste que {left}.",
    "per_buyer": "Pas plus de {most} par personne pendant cette vente flash.",
    "flash_on": "Une vente flash est déjà en cours sur ce lot.",
    "flash_price": "Le prix flash doit être sous le prix actuel ({price}).",
    "bad_duration": "Durée impossible\u202f: de {least} à {most} secondes.",
    "not_a_giveaway": "Ce lot n’est pas un cadeau.",
    "giveaway_on": "Un cadeau est déjà en jeu.",
    "unknown_giveaway": "Ce cadeau n’est pas en jeu.",
    "already_entered": "Vous participez déjà.",
    "followers_only": "Réservé aux abonnés du vendeur.",
    "no_offers": "Ce lot n’accepte pas d’offres.",
    "offer_not_below": "Votre offre doit être sous le prix affiché ({price}).",
    "offer_open": "Votre offre précédente attend encore sa réponse.",
    # the room
    "timed_out": "Vous pourrez écrire de nouveau dans {wait}.",
    "slow_mode": "Mode lent\u202f: encore {wait}.",
    "unknown_line": "Ce message n’existe plus.",
    "not_yours": "Ce message n’est pas de vous.",
}


def money(cents: int, currency: Currency = "EUR") -> str:
    """12 €, 1 050 €, 12,50 €: thin spaces, decimal comma, the sign of `currency` last."""
    units, rest = divmod(abs(cents), 100)
    whole = f"{units:,}".replace(",", _THIN)
    fraction = f",{rest:02d}" if rest else ""
    return f"{'-' if cents < 0 else ''}{whole}{fraction}{_THIN}{_SYMBOLS[currency]}"


def refuse(code: str, currency: Currency = "EUR", **facts: Any) -> Refusal:
    """The Refusal of `code`, its sentence filled in from `facts`."""
    words: dict[str, object] = dict(facts)
    for name, value in facts.items():
        if name.endswith("_cents"):
            words[name.removesuffix("_cents")] = money(value, currency)
        elif name.endswith("_ms"):
            words[name.removesuffix("_ms")] = f"{-(-value // 1000)}{_THIN}s"
    return Refusal(code=code, sentence=SENTENCES[code].format_map(words), facts=facts)

"""Realistic moments of a show, as values of the desk: for the gallery and for the tests that look at pixels."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PySide6.QtGui import QColor, QImage, QLinearGradient, QPainter

from seller_console.contract.media import (
    Camera,
    CameraOffer,
    CameraSet,
    CameraSettings,
    DestinationChanged,
    Microphone,
)
from seller_console.contract.words import LotDraft, Preset, RunOfShowNote
from ui.desk import Desk
from ui.values import (
    BidRow,
    BuyerRow,
    ChatLine,
    Closing,
    Connection,
    DeckView,
    Devices,
    Figures,
    Health,
    ImportDryRun,
    ImportProblem,
    Level,
    LotCard,
    LotRow,
    Programme,
    Recording,
    ResultRow,
    ShowView,
    Trouble,
)
from ui.values_backstage import (
    Edits,
    Invitation,
    Money,
    MoneyRow,
    RefusedEdit,
    WaitingEdit,
    Whisper,
    Whispers,
)

NOW_MS = 1_760_000_000_000
TITLES = (
    ("Lot de 10 boosters Écarlate et Violet", "Cartes", 2800, 30, 0, 1),
    ("Foulard soie imprimé, 90 × 90", "Luxe", 0, 45, 6000, 1),
    ("Lessive liquide 5 L (palette B)", "Maison", 0, 20, 0, 24),
    ("Baskets montantes blanches, 42", "Sneakers", 0, 30, 0, 1),
    ("Peluche dinosaure 60 cm", "Jouets", 0, 20, 0, 1),
    ("Carte gradée Tortank, note 9", "Cartes", 0, 60, 0, 1),
    ("Parure de lit coton 240 × 220", "Maison", 0, 30, 0, 1),
    ("Puzzle 1 000 pièces, scellé", "Jouets", 0, 20, 0, 6),
    ("Sac à main cuir grainé bordeaux", "Luxe", 9000, 60, 14000, 1),
    ("Casque audio sans fil", "High-tech", 0, 30, 0, 1),
    ("Montre acier, bracelet neuf, dans sa boîte d’origine avec ses papiers", "Luxe", 4500, 60, 0, 1),
)
CARD = LotCard(
    lot_id="L148", number=148, title="Dracaufeu holo 151, proche du neuf", category="Cartes", hearts=14, cost_cents=1200
)
NEXT = LotCard(
    lot_id="L149", number=149, title="Lot de 10 boosters Écarlate et Violet", category="Cartes", pre_bids=2, hearts=6
)
BIDS = (
    BidRow(NOW_MS - 400, "leo_cards", 4700, 200, "leo_cards", True),
    BidRow(NOW_MS - 1100, "nora.b", 4500, 200, "nora.b", True),
    BidRow(NOW_MS - 2900, "leo_cards", 4300, 200, "leo_cards", True),
)
RESULTS = (
    ResultRow(
        "R148",
        "L148",
        148,
        "Dracaufeu",
        "sold",
        price_cents=4700,
        buyer_name="leo_cards",
        bag_number=12,
        sale_id="S1",
        can_void=True,
    ),
    ResultRow(
        "R147",
        "L147",
        147,
        "Booster",
        "sold",
        price_cents=1200,
        buyer_name="brocante87",
        bag_number=7,
        sale_id="S2",
        can_void=True,
    ),
    ResultRow("R146", "L146", 146, "Foulard", "passed", can_re_run=True),
)
CHAT = (
    ChatLine("1", NOW_MS, "said", "p1", "nora.b", "buyer", "elle est centrée ?"),
    ChatLine("2", NOW_MS, "said", "p2", "leo_cards", "buyer", "je la prends", first_purchase=True),
    ChatLine("3", NOW_MS, "sold", "p3", "brocante87", number=147, price_cents=1200),
    ChatLine("4", NOW_MS, "said", "p3", "brocante87", "buyer", "merci pour la soirée !"),
    ChatLine("5", NOW_MS, "said", "p4", "tom_tom", "buyer", "tu peux montrer le dos ?"),
    ChatLine(
        "6",
        NOW_MS,
        "said",
        "p5",
        "ines",
        "buyer",
        "on hésite sur les baskets 152, elles taillent comment par rapport aux autres modèles ?",
    ),
    ChatLine("7", NOW_MS, "said", "p6", "mamie.colette", "buyer", "bonsoir de Limoges"),
    ChatLine("8", NOW_MS, "joined", "p7", "jules"),
    ChatLine("9", NOW_MS, "said", "p8", "Marie", "producer", "Le lot 152 passe dans cinq minutes."),
    ChatLine("10", NOW_MS, "said", "p2", "leo_cards", "buyer", "🔥🔥🔥"),
    ChatLine("11", NOW_MS, "announced", "p0", "Déstockage", "owner", "Livraison offerte dès 3 lots ce soir"),
    ChatLine("12", NOW_MS, "said", "p1", "nora.b", "buyer", "45 !"),
    ChatLine("13", NOW_MS, "said", "p3", "brocante87", "buyer", "ça monte"),
)


def queue_rows(on_block: bool) -> tuple[LotRow, ...]:
    rows = []
    if on_block:
        rows.append(LotRow("L148", 148, "Dracaufeu holo 151 — proche du neuf", "on_block", category="Cartes"))
    for i, (title, category, cost, seconds, reserve, quantity) in enumerate(TITLES):
        rows.append(
            LotRow(
                f"L{149 + i}",
                149 + i,
                title,
                "next" if i == 0 else "queued",
                category=category,
                cost_cents=cost,
                duration_ms=seconds * 1000,
                reserve_cents=reserve,
                has_reserve=bool(reserve),
                units_left=quantity,
                units_total=quantity,
                hearts=11 if i == 3 else 0,
                salons=2 if i == 3 else 0,
                pre_bids=1 if i == 5 else 0,
                editor="Marie" if i == 4 else "",
            )
        )
    for i in range(74):
        rows.append(LotRow(f"L{160 + i}", 160 + i, f"Carton surprise n° {i + 1}", category="Divers"))
    return tuple(rows)


def sold_rows() -> tuple[LotRow, ...]:
    names = ("leo_cards", "brocante87", "nora.b", "tom_tom", "mamie.colette", "ines")
    states: tuple[Any, ...] = ("sold", "paid", "validated", "failed", "voided", "paid")
    return tuple(
        LotRow(
            f"L{148 - i}",
            148 - i,
            TITLES[i % len(TITLES)][0],
            "sold",
            price_cents=(4700, 1200, 900, 10_500, 300, 2100)[i % 6],
            buyer_name=names[i % 6],
            bag_number=12 - i % 6,
            paid=states[i % 6],
            at_ms=NOW_MS - i * 40_000,
            sale_id=f"S{i}",
            key=f"S{i}",
            cost_cents=800 if i % 2 else 0,
        )
        for i in range(147)
    )


def passed_rows() -> tuple[LotRow, ...]:
    return tuple(
        LotRow(
            f"L{100 - i}",
            100 - i,
            TITLES[i % len(TITLES)][0],
            "passed",
            category="Divers",
            key=f"P{i}",
            price_cents=4000 if i == 1 else 0,
        )
        for i in range(12)
    )


BUYERS = (
    BuyerRow("p2", "leo_cards", 12, 9, 21_400),
    BuyerRow(
        "p3",
        "brocante87",
        7,
        14,
        16_800,
        present=False,
        earlier_shows=6,
        earlier_purchases=19,
        earlier_spent_cents=31_200,
        earlier_unpaid=1,
    ),
    BuyerRow("p1", "nora.b", 23, 6, 14_300, note="paie toujours le soir même", earlier_shows=3),
    BuyerRow("p4", "tom_tom", 31, 4, 6600),
    BuyerRow("p6", "mamie.colette", 3, 5, 4100),
    BuyerRow("p5", "ines", 18, 3, 3800, blocked=True),
    BuyerRow("p7", "jules"),
)
LIVE_SHOW = ShowView(
    show_id="s", title="Déstockage du dimanche", status="live", live_since_ms=NOW_MS - (2 * 3600 + 14 * 60 + 37) * 1000
)
GOOD = Health(
    engine="running",
    air="on_air",
    width=1080,
    height=1920,
    fps=30.0,
    camera_fps=30.0,
    video_bps=4_200_000,
    loss=0.001,
    rtt_ms=38.0,
    verdict="good",
)
DEVICES = Devices(
    cameras=(Camera(spec="camera:C920@0", name="C920 HD"), Camera(spec="testcard", name="Mire", stand_in=True)),
    microphones=(
        Microphone(spec="microphone:USB", name="Micro USB"),
        Microphone(spec="tone", name="Son d’essai", stand_in=True),
    ),
    asked=True,
)
PROGRAMME = Programme(
    camera="camera:C920@0",
    microphone="microphone:USB",
    width=1080,
    height=1920,
    camera_name="C920 HD",
    microphone_name="Micro USB",
    stand_in=False,
    scenes=("table", "face", "both", "pause"),
)
FIGURES = Figures(
    sales_cents=481_200,
    sold=147,
    passed=12,
    sold_percent=92,
    per_hour_cents=214_600,
    queued=85,
    bids=2931,
    buyers=37,
    cost_cents=190_000,
    fee_cents=38_000,
    margin_cents=253_200,
)

RUN_OFF = {"start_at_opening_price": "Un lot est déjà en cours.", "start_with_other_preset": "x", "skip_lot": "x"}


class StillClock:
    """A monotonic clock a test moves by hand."""

    def __init__(self) -> None:
        self.seconds = NOW_MS / 1000

    def __call__(self) -> float:
        return self.seconds


def still_desk(**more: Any) -> Desk:
    """A desk whose clock stands at NOW_MS."""
    return Desk(monotonic=StillClock(), **more)


def picture(width: int = 540, height: int = 960) -> QImage:
    """Something like a table seen from above."""
    image = QImage(width, height, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    ground = QLinearGradient(0, 0, width, height)
    for at, shade in ((0.0, "#233042"), (0.6, "#3b2f4a"), (1.0, "#52353b")):
        ground.setColorAt(at, QColor(shade))
    painter.fillRect(image.rect(), ground)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(width * 0.5, height * 0.45)
    painter.rotate(-8)
    painter.setPen(QColor("#d8b64a"))
    painter.setBrush(QColor("#e8cf78"))
    painter.drawRoundedRect(
        round(-width * 0.26), round(-width * 0.36), round(width * 0.52), round(width * 0.72), 14, 14
    )
    painter.setBrush(QColor("#d86a3c"))
    painter.drawRoundedRect(round(-width * 0.22), round(-width * 0.26), round(width * 0.44), round(width * 0.3), 8, 8)
    painter.end()
    return image


def on_air(desk: Desk) -> None:
    """Everything of a good show but the deck."""
    desk.put(
        show=LIVE_SHOW,
        connection=Connection("connected"),
        viewers=318,
        consoles=("Déstockage", "Marie"),
        health=GOOD,
        recording=Recording(True, 412_000_000_000),
        queue=queue_rows(False),
        sold=sold_rows(),
        passed=passed_rows(),
        buyers=BUYERS,
        figures=FIGURES,
        devices=DEVICES,
        programme=PROGRAMME,
        level=Level(-14.0, -22.0),
        chat=CHAT,
        refusals={"withdraw": "x", "stop_sale": "x", "resume_sale": "x"},
    )


def _deck(desk: Desk, deck: DeckView, running: bool = False, **more: Any) -> None:
    on_air(desk)
    if running:
        desk.put(queue=queue_rows(True))
    refusals = dict(RUN_OFF) if running else {}
    refusals.update({"withdraw": "x", "resume_sale": "x"})
    if not running:
        refusals["stop_sale"] = "x"
    desk.put(deck=deck, refusals=more.pop("refusals", refusals), **more)


def _running(seconds_left: float, **more: Any) -> DeckView:
    wanted: dict[str, Any] = {
        "state": "running",
        "card": CARD,
        "next_card": NEXT,
        "run_id": "R148",
        "price_cents": 4700,
        "asking_cents": 4900,
        "leader_name": "leo_cards",
        "bids": 23,
        "ends_at_ms": NOW_MS + round(seconds_left * 1000),
        "opened_at_ms": NOW_MS - 20_000,
        "duration_ms": 30_000,
        "bid_rows": BIDS,
        "results": RESULTS,
    }
    return DeckView(**{**wanted, **more})


BLURRED = Trouble("picture_blurred", "Table", since_mono=0.0, cure="refocus")


def ready(desk: Desk) -> None:
    _deck(desk, DeckView("ready", card=NEXT, next_card=NEXT, results=RESULTS))


def ready_trouble(desk: Desk) -> None:
    ready(desk)
    desk.put(troubles=(replace(BLURRED, since_mono=time.monotonic() - 6.0),))


def two_troubles(desk: Desk) -> None:
    ready(desk)
    since = time.monotonic() - 14.0
    desk.put(
        troubles=(
            Trouble("camera_gone", "C920 HD", since_mono=since, cure="choose_camera", severity="bad"),
            replace(BLURRED, since_mono=since),
        ),
        health=replace(GOOD, air="reconnecting", attempt=3, verdict="bad"),
    )


def opening(desk: Desk) -> None:
    _deck(
        desk,
        DeckView("opening", card=NEXT, next_card=NEXT, results=RESULTS),
        refusals={"start_at_opening_price": "Ouverture…", "withdraw": "x", "stop_sale": "x", "resume_sale": "x"},
    )


def withdrawable(desk: Desk) -> None:
    _deck(
        desk,
        _running(
            28.8,
            state="withdrawable",
            price_cents=0,
            leader_name="",
            bids=0,
            bid_rows=(),
            withdraw_until_ms=NOW_MS + 1300,
        ),
        running=True,
        refusals={**RUN_OFF, "resume_sale": "x"},
    )


def running(desk: Desk) -> None:
    _deck(desk, _running(19.4), running=True)


def running_no_bid(desk: Desk) -> None:
    _deck(desk, _running(24.0, price_cents=0, leader_name="", bids=0, bid_rows=()), running=True)


def under_10(desk: Desk) -> None:
    _deck(desk, _running(6.7, state="under_10", extended=True), running=True)


def under_10_large(desk: Desk) -> None:
    card = replace(CARD, has_reserve=True, reserve_cents=140_000, title="Montre acier, bracelet neuf, boîte et papiers")
    _deck(
        desk,
        _running(
            8.2,
            state="under_10",
            price_cents=105_000,
            card=card,
            reserve_met=False,
            bids=131,
            leader_name="collectionneur_de_limoges",
        ),
        running=True,
    )


def closing(desk: Desk) -> None:
    _deck(desk, _running(0.5, state="closing"), running=True)


def paused(desk: Desk) -> None:
    _deck(
        desk,
        _running(12.0, state="paused", remaining_ms=12_000, reason="paused.picture_lost"),
        running=True,
        refusals={**RUN_OFF, "withdraw": "x"},
    )
    since = time.monotonic() - 7.0
    desk.put(troubles=(Trouble("picture_lost", since_mono=since, severity="bad"),))


def adjudged(desk: Desk) -> None:
    _deck(desk, _running(0.0, state="adjudged", winner_name="leo_cards", bag_number=12, first_purchase=True))


def passed(desk: Desk) -> None:
    _deck(desk, _running(0.0, state="passed", price_cents=0, bids=0, leader_name=""))


def away(desk: Desk) -> None:
    off = dict.fromkeys(
        (
            "start_at_opening_price",
            "start_with_other_preset",
            "skip_lot",
            "start_giveaway",
            "withdraw",
            "stop_sale",
            "resume_sale",
            "announce",
            "end_show",
        ),
        "Plateforme injoignable",
    )
    _deck(desk, DeckView("away", reason="restarting", card=NEXT, next_card=NEXT, results=RESULTS), refusals=off)
    since = time.monotonic() - 3.0
    desk.put(
        connection=Connection("away", "restarting"),
        troubles=(Trouble("platform_away", "restarting", since_mono=since, cure="retry_connection", severity="bad"),),
    )


def empty(desk: Desk) -> None:
    _deck(desk, DeckView("empty", next_number=148, results=RESULTS))
    desk.put(queue=(), refusals={"skip_lot": "x", "withdraw": "x", "stop_sale": "x", "resume_sale": "x"})


def quantity(desk: Desk) -> None:
    card = replace(NEXT, lot_id="L151", number=151, title="Lessive liquide 5 L (palette B)", unit=3, of=24, pre_bids=0)
    _deck(desk, DeckView("ready", card=card, next_card=card, results=RESULTS))


def closing_window(desk: Desk) -> None:
    running(desk)
    desk.put(closing=Closing("asked"))


def prepared(desk: Desk) -> None:
    on_air(desk)
    desk.put(
        show=ShowView(show_id="s", title="Déstockage du dimanche", status="prepared"),
        health=replace(GOOD, air="off"),
        recording=Recording(),
        deck=DeckView("not_live", card=NEXT, next_card=NEXT),
        refusals=dict.fromkeys(
            (
                "start_at_opening_price",
                "start_with_other_preset",
                "skip_lot",
                "start_giveaway",
                "withdraw",
                "stop_sale",
                "resume_sale",
                "announce",
                "end_show",
            ),
            "Le live n’a pas commencé.",
        ),
    )


def tuned(desk: Desk) -> None:
    """A camera that was turned and cut, and has not all one would like."""
    offers = (
        CameraOffer(name="focus", lowest=0, highest=250, step=5, value=35, automatic=True),
        CameraOffer(name="exposure", lowest=3, highest=2047, value=156, automatic=True),
        CameraOffer(name="gain", lowest=0, highest=255, value=64),
    )
    used = CameraSettings(width=1920, height=1080, rotation=90, zoom=1.4, centre_y=0.4, focus=35)
    spec = desk.programme.camera
    desk.put(cameras=(CameraSet(camera=spec, settings=used, width=1280, height=720, fps=30.0, offers=offers,
                                ignored=("size",)),))  # fmt: skip


DESTINATIONS = [
    {"name": "YouTube", "address": "rtmp://a.rtmp.youtube.com/live2", "on": True},
    {"name": "Twitch", "address": "rtmps://live.twitch.tv/app", "on": True},
    {"name": "Chaîne du village", "address": "https://ingest.village.example/whip", "on": False},
]


def broadcast(desk: Desk, live: bool) -> None:
    """Three further destinations: while live one is on air, one is away, one is off."""
    kept = {"destinations": DESTINATIONS}
    desk._wires.remembered = lambda name: kept.get(name, "")  # type: ignore[method-assign]
    if live:
        desk.destinations.hear(DestinationChanged(name="YouTube", state="on_air"))
        desk.destinations.hear(DestinationChanged(name="Twitch", state="reconnecting", detail="refused"))
    desk.destinations.say()


def no_camera(desk: Desk) -> None:
    prepared(desk)
    desk.put(
        devices=Devices(
            (Camera(spec="testcard", name="Mire", stand_in=True),),
            (Microphone(spec="tone", name="Son d’essai", stand_in=True),),
            asked=True,
        ),
        programme=replace(
            PROGRAMME,
            camera="testcard",
            microphone="tone",
            stand_in=True,
            camera_name="Mire",
            microphone_name="Son d’essai",
        ),
        queue=(),
    )


DRY_RUN = ImportDryRun(
    state="ready",
    path="destockage.csv",
    rows=900,
    units=9104,
    left_out=3,
    lots=tuple(LotDraft(title=f"Lot {i}", preset=Preset()) for i in range(897)),
    problems=(
        ImportProblem(14, "Prix", "1,00", "prix écrit avec une virgule", "1 €"),
        ImportProblem(
            88,
            "Titre",
            "Lot de trente-six assiettes plates en porcelaine blanche à liseré doré avec…",
            "titre de plus de 80 caractères",
            "coupé à 80 caractères",
        ),
        ImportProblem(212, "SKU", "DS-0211", "référence déjà utilisée ligne 180", "DS-0211-2"),
        ImportProblem(501, "Quantité", "beaucoup", "ce n’est pas un nombre", "", "left_out"),
        ImportProblem(502, "Prix", "0", "un lot ne peut pas partir de zéro", "", "left_out"),
        ImportProblem(503, "Titre", "", "titre vide", "", "left_out"),
        ImportProblem(640, "Matières", "piles", "contient des piles : à signaler au transporteur", "", "noticed"),
    ),
)

SCENES: dict[str, Callable[[Desk], None]] = {
    "live": under_10,
    "ready": ready,
    "ready_trouble": ready_trouble,
    "two_troubles": two_troubles,
    "opening": opening,
    "withdrawable": withdrawable,
    "running": running,
    "running_no_bid": running_no_bid,
    "under_10_large": under_10_large,
    "closing": closing,
    "paused": paused,
    "adjudged": adjudged,
    "passed": passed,
    "away": away,
    "empty": empty,
    "quantity": quantity,
    "closing_window": closing_window,
    "not_live": prepared,
}
DECK_STATES = (
    "empty",
    "ready",
    "opening",
    "withdrawable",
    "running",
    "live",
    "closing",
    "paused",
    "adjudged",
    "passed",
    "away",
    "not_live",
)


# --- two consoles -----------------------------------------------------------------------------

RUN_OF_SHOW = (
    RunOfShowNote(at="21:15", text="pause boissons, cadeau à 21:20"),
    RunOfShowNote(at="21:30", text="série luxe : lots 150, 157, 159"),
    RunOfShowNote(at="22:30", text="baskets, rappeler le parrainage"),
    RunOfShowNote(text="ne pas oublier de remercier mamie.colette"),
)
WHISPERS = Whispers(
    (
        Whisper("w1", NOW_MS - 900_000, "Marie", "On a 40 personnes de plus depuis l’annonce."),
        Whisper("w2", NOW_MS - 880_000, "Vendeur", "Super, je garde le sac pour 21:30", mine=True),
        Whisper("w3", NOW_MS - 4_000, "Marie", "Montre le dos de la carte, trois personnes le demandent"),
    ),
    unread=1,
)
EDITS_WAITING = Edits(
    waiting=(
        WaitingEdit(1, "Lot 152 · titre, réserve", "L152"),
        WaitingEdit(2, "Lot 153 · déplacé", "L153"),
        WaitingEdit(3, "Nouveau lot · Lot de 12 verres à pied gravés", ""),
    )
)
EDITS_REFUSED = Edits(
    refused=(
        RefusedEdit(
            4, "Lot 152 · titre", "L152", "Baskets blanches 42, neuves", "Baskets montantes blanches, 42", "Marie"
        ),
        RefusedEdit(5, "Lot 148 · prix de départ", "L148", "5 €", "1 €", "", "Ce lot est en vente.", retakable=False),
        RefusedEdit(6, "Lot 139 · déplacé", "L139", why="Ce lot n’est pas dans la file.", retakable=False),
    )
)
INVITATION = Invitation(
    "open", "48210937", "https://192.168.1.20:8443", NOW_MS + 96_000, fingerprint="3fa29b1077c0de41" * 2
)
INVITATION_LOOPBACK = Invitation("open", "48210937", "http://127.0.0.1:40515", NOW_MS + 12_000, loopback=True)
MONEY = Money(
    total_cents=481_200, cost_cents=190_000, fee_cents=38_496, margin_cents=252_704, margin_per_hour_cents=112_730,
    basket_cents=13_005, sell_through_bps=9_245, failed_cents=4_100, pace_ms=38_000, units_to_go=85,
    forecast_end_ms=NOW_MS + 85 * 38_000,
    hours=(
        MoneyRow("19:12", 62, 181_200, 70_000, 14_496, 96_704),
        MoneyRow("20:12", 71, 240_000, 98_000, 19_200, 122_800),
        MoneyRow("21:12", 14, 60_000, 22_000, 4_800, 33_200),
    ),
    lots=tuple(
        MoneyRow(f"{148 - i} · {TITLES[i % len(TITLES)][0]}", 1, 4700 - 100 * i, 2800, 376 - 8 * i, 1524 - 92 * i)
        for i in range(30)
    ),
)  # fmt: skip


def backstage(desk: Desk) -> None:
    under_10(desk)
    desk.put(show=replace(LIVE_SHOW, fee_bps=800), run_of_show=RUN_OF_SHOW, whispers=WHISPERS, money=MONEY)


def producer(desk: Desk) -> None:
    """The producer's own window."""
    backstage(desk)
    desk.put(show=replace(LIVE_SHOW, role="producer"), consoles=("Marie", "Vendeur"))


SCENES["producer"] = producer

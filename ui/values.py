"""What the window can show: plain immutable values, ready to draw, no Qt.

Money is integer cents. `*_ms` without another word is the platform's clock
(compare with `Desk.now_ms()`); `*_mono` is this machine's `time.monotonic()`.
Nothing here knows how a value was come by; `readings.py` makes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from seller_console.contract.media import AirState, Camera, Microphone
from seller_console.contract.words import Currency, LotDraft, LotFormat, Preset

DeckState = Literal[
    "away",  # the platform does not answer: everything that needs it is off, `reason` says why
    "not_live",  # the show is prepared or ended: go live first
    "empty",  # on air, nothing queued: PDD makes a lot on the spot
    "ready",  # the next lot and its preset, PDD bright
    "opening",  # pressed, waiting for the platform, PDD outlined
    "withdrawable",  # running, PDD's place shows Retirer with a 2 s ring
    "running",
    "under_10",  # clock amber
    "closing",  # the last second; only the hammer ends it
    "paused",  # clock frozen, `reason` says why
    "adjudged",  # 3 s after the hammer: price, winner, bag number, large
    "passed",  # 3 s after an unsold end
]
PRESET = Preset()
OTHER_PRESET = Preset(duration_ms=15_000, counter_bid_ms=5_000)

RUNNING: frozenset[DeckState] = frozenset({"withdrawable", "running", "under_10", "closing"})


@dataclass(frozen=True, slots=True)
class ShowView:
    show_id: str = ""
    title: str = ""
    status: Literal["none", "prepared", "live", "ended"] = "none"
    rehearsal: bool = False
    live_since_ms: int = 0
    currency: Currency = "EUR"
    preset: Preset = PRESET
    other_preset: Preset = OTHER_PRESET
    fee_bps: int = 0
    """What the marketplace keeps of each sale, in hundredths of a percent."""
    role: str = "owner"
    buyer_url: str = ""
    """What a buyer opens; for the QR code and the copy button."""


@dataclass(frozen=True, slots=True)
class Connection:
    """The road to the platform. `reason` is a stable code worded by the catalogue ("away." + reason)."""

    state: Literal["none", "connecting", "connected", "away"] = "none"
    reason: Literal["", "unreachable", "wrong_pass", "version", "stopped", "restarting", "show_gone", "port_in_use"] = (
        ""
    )
    detail: str = ""
    since_mono: float = 0.0


@dataclass(frozen=True, slots=True)
class Health:
    """Top bar: "1080p30 · 4,2 Mb/s · 0,1 % perte · 38 ms"."""

    engine: Literal["none", "running", "restarting", "failed"] = "none"
    air: AirState = "off"
    reason: str = ""
    attempt: int = 0
    next_try_ms: int = 0
    width: int = 0
    height: int = 0
    fps: float = 0.0
    """Of the programme's clock, whatever the camera gives."""
    camera_fps: float = -1.0
    """Pictures a second that the first camera gave over the last seconds; -1: not known yet."""
    camera_slow: bool = False
    """That is clearly less than was asked of it."""
    video_bps: int = 0
    loss: float = 0.0
    """Fraction, 0…1."""
    rtt_ms: float = -1.0
    """-1: not known yet."""
    verdict: Literal["off", "good", "warning", "bad"] = "off"


@dataclass(frozen=True, slots=True)
class Recording:
    active: bool = False
    free_bytes: int = -1
    """-1: not known."""
    state: Literal["off", "waiting", "recording", "finishing", "failed"] = "off"
    path: str = ""
    """Being written, or written last."""
    seconds: int = 0
    bytes: int = 0
    """In steps of a million."""
    hours_left: float = -1.0
    error: str = ""
    """A stable code: disk_full, disk_slow, not_writable, disk_error."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong. The strip shows one (curing.py); the rest are counted."""

    code: str
    """Words: "trouble.CODE" (with subject), "trouble.CODE.cost"."""
    subject: str = ""
    detail: str = ""
    since_mono: float = 0.0
    cure: str = ""
    """Words: "cure.CURE"; "" = nothing to press, it goes by itself."""
    severity: Literal["warning", "bad"] = "warning"
    device: str = ""
    """The spec of the camera or microphone it is about."""


@dataclass(frozen=True, slots=True)
class LotCard:
    """The lot on the deck: on the block, or next."""

    lot_id: str
    number: int
    title: str
    category: str = ""
    picture: str = ""
    """Path or address of the first picture; may be missing."""
    unit: int = 1
    of: int = 1
    opening_cents: int = 100
    preset: Preset = PRESET
    has_reserve: bool = False
    reserve_cents: int = 0
    cost_cents: int = 0
    pre_bids: int = 0
    hearts: int = 0
    salons: int = 0
    host_note: str = ""


@dataclass(frozen=True, slots=True)
class BidRow:
    """A line of the ticker, newest first."""

    at_ms: int
    bidder_name: str
    price_cents: int
    raise_cents: int
    """What it added to the price before it; 0 when it lost to a maximum at the same price."""
    leader_name: str
    leads: bool
    """The bidder led after this bid."""
    cause: str = "bid"


@dataclass(frozen=True, slots=True)
class ResultRow:
    """A recent end of a run, newest first."""

    run_id: str
    lot_id: str
    number: int
    title: str
    outcome: Literal["sold", "passed", "withdrawn", "voided"]
    unit: int = 1
    of: int = 1
    price_cents: int = 0
    buyer_name: str = ""
    bag_number: int = 0
    sale_id: str = ""
    can_void: bool = False
    can_re_run: bool = False


@dataclass(frozen=True, slots=True)
class DeckView:
    """The auction deck at one moment. The clock itself is `ends_at_ms - Desk.now_ms()`, drawn by the view."""

    state: DeckState = "not_live"
    reason: str = ""
    """Words key of why (away, paused), or "" ."""
    card: LotCard | None = None
    """On the block when running, the lot that ended when adjudged / passed, else the next one."""
    next_card: LotCard | None = None
    """What PDD opens next (its caption: "30 s · lot 149 · F1"); None: it makes a lot on the spot."""
    next_number: int = 1
    """The number a lot made on the spot would get."""
    run_id: str = ""
    price_cents: int = 0
    """0: no bid yet (draw the opening price dim)."""
    asking_cents: int = 0
    leader_name: str = ""
    bids: int = 0
    extended: bool = False
    reserve_met: bool = True
    ends_at_ms: int = 0
    opened_at_ms: int = 0
    duration_ms: int = 30_000
    counter_bid_ms: int = 10_000
    sudden_death: bool = False
    remaining_ms: int = 0
    """Frozen clock, while paused."""
    withdraw_until_ms: int = 0
    bid_rows: tuple[BidRow, ...] = ()
    results: tuple[ResultRow, ...] = ()
    winner_name: str = ""
    bag_number: int = 0
    first_purchase: bool = False


@dataclass(frozen=True, slots=True)
class ClipOffer:
    """The clip of the sale that was hammered last, as long as it can be had."""

    run_id: str = ""
    number: int = 0
    state: Literal["none", "offered", "waiting", "saving", "saved", "failed"] = "none"
    why: str = ""
    """In words, when it failed."""


@dataclass(frozen=True, slots=True)
class LotRow:
    """A row of a lot list."""

    lot_id: str
    number: int
    title: str
    status: Literal["on_block", "next", "queued", "sold", "passed"] = "queued"
    format: LotFormat = "auction"
    category: str = ""
    picture: str = ""
    opening_cents: int = 100
    units_left: int = 1
    units_total: int = 1
    """Draw ×n when units_left > 1."""
    duration_ms: int = 30_000
    own_preset: bool = False
    preset: Preset | None = None
    cost_cents: int = 0
    has_reserve: bool = False
    reserve_cents: int = 0
    pre_bids: int = 0
    hearts: int = 0
    salons: int = 0
    version: int = 1
    editor: str = ""
    """Who else has it open for editing."""
    description: str = ""
    condition: str = ""
    sku: str = ""
    place: str = ""
    host_note: str = ""
    producer_note: str = ""
    # of the last run, in Sold and Passed:
    run_id: str = ""
    sale_id: str = ""
    unit: int = 1
    price_cents: int = 0
    buyer_name: str = ""
    bag_number: int = 0
    paid: Literal["", "sold", "validated", "paid", "failed", "voided"] = ""
    at_ms: int = 0
    key: str = ""
    """Unique in its list (a lot of n units has n rows in Sold)."""


@dataclass(frozen=True, slots=True)
class ChatLine:
    line_id: str
    at_ms: int
    kind: Literal["said", "announced", "sold", "passed", "joined", "notice"]
    person: str = ""
    nickname: str = ""
    role: str = "buyer"
    text: str = ""
    number: int = 0
    """Lot number, for sold / passed."""
    price_cents: int = 0
    reply_to: str = ""
    first_purchase: bool = False
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    sales_cents: int = 0
    sold: int = 0
    passed: int = 0
    sold_percent: int = -1
    """-1: nothing ended yet."""
    per_hour_cents: int = 0
    queued: int = 0
    bids: int = 0
    buyers: int = 0
    """People with a purchase."""
    cost_cents: int = 0
    fee_cents: int = 0
    margin_cents: int = 0


@dataclass(frozen=True, slots=True)
class Level:
    """The microphone meter."""

    peak_db: float = -120.0
    rms_db: float = -120.0
    clipped: bool = False


@dataclass(frozen=True, slots=True)
class PreviewPlace:
    """Where the engine puts the programme: an mmap file as `contract.media.Preview` says. "" = none yet."""

    path: str = ""
    width: int = 0
    """Of the programme, for the aspect of the pane; the file's header has the preview's own geometry."""
    height: int = 0


@dataclass(frozen=True, slots=True)
class Devices:
    cameras: tuple[Camera, ...] = ()
    microphones: tuple[Microphone, ...] = ()
    asked: bool = False
    """False until the engine has looked: don't say "no camera" before."""

    @property
    def no_camera(self) -> bool:
        return self.asked and all(camera.stand_in for camera in self.cameras)


@dataclass(frozen=True, slots=True)
class Programme:
    camera: str = "testcard"
    microphone: str = "tone"
    width: int = 720
    height: int = 1280
    fps: int = 30
    target_bps: int = 0
    muted: bool = False
    mirror: bool = False
    scene: str = "table"
    scenes: tuple[str, ...] = ("table", "pause")
    """Those that can be shown now."""
    second_camera: str = ""
    second_microphone: str = ""
    """Mixed with the first; "": none."""
    shaped: bool = True
    """Rumble off and peaks held, of real microphones."""
    still: str = ""
    """The picture file of the scene still."""
    camera_name: str = ""
    microphone_name: str = ""
    stand_in: bool = True
    """The picture is the labelled test card (or a file), not a camera."""

    @property
    def seen(self) -> tuple[str, ...]:
        """The cameras that this scene shows, the larger first."""
        first, second = self.camera, self.second_camera
        shown = {"table": (first,), "face": (second,), "both": (first, second), "split": (first, second)}
        return tuple(spec for spec in shown.get(self.scene, ()) if spec)


@dataclass(frozen=True, slots=True)
class BuyerRow:
    person: str
    nickname: str
    bag_number: int = 0
    purchases: int = 0
    spent_cents: int = 0
    present: bool = True
    blocked: bool = False
    following: bool = False
    note: str = ""
    earlier_shows: int = 0
    """Of this shop, before this one; 0: new here, or nobody knows."""
    earlier_purchases: int = 0
    earlier_spent_cents: int = 0
    earlier_unpaid: int = 0


@dataclass(frozen=True, slots=True)
class ImportProblem:
    """One thing the dry run found: where, what, why, and what was made of it."""

    row: int
    column: str
    value: str
    reason: str
    repair: str
    """What the import will use instead; "" when the row is left out."""
    severity: Literal["repaired", "left_out", "noticed"] = "repaired"
    side_table: bool = False
    """The row is of NAME.show.csv."""


@dataclass(frozen=True, slots=True)
class ImportDryRun:
    state: Literal["none", "reading", "ready", "unreadable", "importing", "done"] = "none"
    path: str = ""
    error: str = ""
    """A sentence, when unreadable."""
    rows: int = 0
    lots: tuple[LotDraft, ...] = ()
    units: int = 0
    problems: tuple[ImportProblem, ...] = ()
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Closing:
    """The window was asked to close. asked: draw "Tenir pour terminer" (held 700 ms ends the show and closes)."""

    state: Literal["no", "asked", "ending", "closed"] = "no"
    waiting: int = 0
    """Edits that the platform has not taken yet, and that would be lost."""


NoticeKind = Literal["said", "refused", "trouble"]


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence that passes by (and is read out by accessibility). Never a box."""

    text: str
    kind: NoticeKind = "said"
    undo: bool = False
    """Offer "Annuler" (Ctrl Z)."""
    folder: str = ""
    """Offer to open this one."""


@dataclass(frozen=True, slots=True)
class ProgramState:
    """A supervised program, for the trouble strip and the summary."""

    name: Literal["platform", "engine"]
    state: Literal["none", "starting", "running", "restarting", "failed", "stopped"] = "none"
    restarts: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Programs:
    platform: ProgramState = field(default_factory=lambda: ProgramState("platform"))
    engine: ProgramState = field(default_factory=lambda: ProgramState("engine"))

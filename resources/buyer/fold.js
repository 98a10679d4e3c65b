/**
 * What a buyer's screen knows: the fold of the rows this buyer may see.
 *
 * Pure: no clock, no DOM, no network. `apply` changes the state in place and
 * returns the moments worth showing (outbid, won, paused…); whoever folds a brief
 * throws them away. Unknown kinds are skipped. Here: the show and the room; the sale
 * itself is in fold_sale.js.
 */

import { SALE } from "./fold_sale.js";
import { fresh, line, preset } from "./state.js";

export { fresh } from "./state.js";

function said(state, event, atMs) {
  line(state, "said", atMs, {
    id: event.line_id,
    person: event.person,
    nickname: event.nickname,
    role: event.role,
    text: event.text,
    replyTo: event.reply_to ?? "",
    mine: event.person === state.me,
  });
  return [{ kind: "line" }];
}

function deleted(state, event) {
  const found = state.lines.find((one) => one.id === event.line_id);
  if (found) Object.assign(found, { deleted: true, text: "" });
  if (state.pinnedLine?.id === event.line_id) state.pinnedLine = null;
  return [];
}

const HOW = {
  ...SALE,
  show_opened(state, e) {
    state.show.id = e.show_id;
    state.show.title = e.title;
    state.show.ownerName = e.owner_name;
    state.show.currency = e.currency ?? "EUR";
    state.preset = preset(e.preset);
    return [];
  },
  show_edited(state, e) {
    if (e.title != null) state.show.title = e.title;
    if (e.preset != null) state.preset = preset(e.preset);
    return [];
  },
  show_went_live(state, e) {
    state.show.status = "live";
    state.show.rehearsal = e.rehearsal ?? false;
    return [{ kind: "live" }];
  },
  show_ended(state, e) {
    state.show.status = "ended";
    state.show.reason = e.reason ?? "";
    state.run = null;
    return [{ kind: "ended" }];
  },
  person_joined(state, e, atMs) {
    const known = state.names.has(e.person);
    state.names.set(e.person, e.nickname);
    const inviter = state.names.get(e.invited_by ?? "");
    if (!known && inviter !== undefined) line(state, "joined", atMs, { nickname: e.nickname, inviter });
    return [];
  },
  picture_lost(state, e) {
    state.picture.lostSince = e.since_ms;
    return [{ kind: "picture_lost" }];
  },
  picture_returned(state) {
    state.picture.lostSince = 0;
    return [{ kind: "picture_back" }];
  },
  platform_returned(state, e, atMs) {
    line(state, "outage", atMs, {});
    return [{ kind: "platform_back" }];
  },
  spending_limit_set(state, e) {
    if (e.buyer === state.me) state.limitCents = e.limit_cents;
    return [];
  },
  line_said: said,
  line_muted: said,
  line_deleted: deleted,
  muted_line_deleted: deleted,
  line_pinned(state, e) {
    const found = e.line_id == null ? undefined : state.lines.find((one) => one.id === e.line_id);
    state.pinnedLine = found ? { id: found.id, nickname: found.nickname, text: found.text } : null;
    return [];
  },
  announced(state, e, atMs) {
    line(state, "announced", atMs, { text: e.text, ...(e.line_id ? { id: e.line_id } : {}) });
    return [{ kind: "announced", text: e.text }];
  },
  slow_mode_set(state, e) {
    state.slowModeMs = e.every_ms;
    return [];
  },
  timed_out(state, e) {
    if (e.person === state.me) state.timedOutUntil = e.until;
    return [];
  },
  blocked(state, e) {
    if (e.person === state.me) state.blocked = true;
    return [];
  },
  unblocked(state, e) {
    if (e.person === state.me) state.blocked = false;
    return [];
  },
  log_halted(state, e) {
    state.halted = e.halted;
    return [{ kind: "halted" }];
  },
  followed(state, e) {
    if (e.person === state.me) state.following = e.following ?? true;
    return [];
  },
  viewers_counted(state, e) {
    state.viewers = e.viewers;
    return [];
  },
};

/** Fold one event. Returns the moments it made. */
export function apply(state, event, atMs = 0) {
  const how = Object.hasOwn(HOW, event.type) ? HOW[event.type] : undefined;
  return how ? how(state, event, atMs) : [];
}

/** Fold one row of the feed; a row already folded changes nothing. */
export function take(state, row) {
  if (row.seq <= state.seq) return [];
  state.seq = row.seq;
  return apply(state, row.event, row.at_ms);
}

/** Fold a whole brief into a fresh state. */
export function fromBrief(brief) {
  const state = fresh(brief.person, brief.role);
  for (const event of brief.events) apply(state, event, brief.server_ms);
  state.seq = brief.seq;
  return state;
}

/** Where I stand on the lot of the block: "none" | "watching" | "leading" | "outbid". */
export function standing(state) {
  const run = state.run;
  if (run === null) return "none";
  if (run.leader !== null && run.leader === state.me) return "leading";
  return run.iBid ? "outbid" : "watching";
}

/** May the bid button be pressed? "" or the reason why not. */
export function whyNoBid(state) {
  const run = state.run;
  if (state.show.status === "ended") return "ended";
  if (state.role !== "buyer") return "staff";
  if (state.blocked) return "blocked";
  if (run === null) return "no_lot";
  if (run.status === "paused" || state.halted) return "paused";
  if (run.leader !== null && run.leader === state.me) return "leading";
  return "";
}

/** What I may already owe tonight, as the platform reckons a limit: purchases, open offers, the run I lead. */
export function committed(state) {
  let cents = basket(state).totalCents;
  for (const offer of state.offers.values()) {
    const lot = state.lots.get(offer.lotId);
    const onShelf = state.show.status === "live" && lot?.format === "buy_it_now" && lot.status === "queued" && lot.unitsLeft > 0;
    if (offer.answer === "" && onShelf) cents += offer.priceCents;
  }
  const { run } = state;
  return run !== null && run.leader !== null && run.leader === state.me ? cents + run.myMaxCents : cents;
}

/** Purchases that still stand, newest first, and what they come to. */
export function basket(state) {
  const sales = [...state.sales.values()].filter((sale) => sale.status !== "voided").reverse();
  const totalCents = sales.reduce((sum, sale) => sum + sale.priceCents * sale.quantity, 0);
  const toValidate = sales.filter((sale) => sale.status === "sold").length;
  return { sales, totalCents, toValidate };
}

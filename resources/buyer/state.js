/**
 * What a buyer's screen keeps of a show, and how its lists are kept in order.
 *
 * The queue, the lots' units and the chat lines follow the same rules as the platform's
 * own fold; JSON leaves default values out, so every default is named here.
 */

export const LINES_KEPT = 200;

/** The state before the first event, seen by `me` (a person's id). */
export function fresh(me = "", role = "buyer") {
  return {
    me,
    role,
    seq: 0,
    show: { id: "", title: "", ownerName: "", currency: "EUR", status: "prepared", rehearsal: false, reason: "" },
    preset: preset(undefined),
    lots: new Map(),
    queue: [],
    run: null,
    lastRun: null,
    sales: new Map(),
    bag: 0,
    names: new Map(),
    lines: [],
    linesMade: 0,
    pinnedLine: null,
    pinnedLot: null,
    slowModeMs: 0,
    timedOutUntil: 0,
    blocked: false,
    limitCents: 0,
    giveaway: null,
    runnerUps: new Map(),
    offers: new Map(),
    following: false,
    picture: { lostSince: 0 },
    halted: false, // the platform cannot write its log: nothing is taken
    viewers: 0,
    baskets: [],
    paymentLink: "",
    paymentCents: 0,
  };
}

export function preset(word) {
  return {
    durationMs: word?.duration_ms ?? 30_000,
    counterBidMs: word?.counter_bid_ms ?? 10_000,
    suddenDeath: word?.sudden_death ?? false,
  };
}

/** The public face of a lot with its defaults filled in. */
export function lotOf(word) {
  return {
    id: word.lot_id,
    number: word.number,
    title: word.title,
    format: word.format ?? "auction",
    openingCents: word.opening_cents ?? 100,
    description: word.description ?? "",
    category: word.category ?? "",
    subcategory: word.subcategory ?? "",
    condition: word.condition ?? "",
    pictures: word.pictures ?? [],
    preset: word.preset ? preset(word.preset) : null,
    hasReserve: word.has_reserve ?? false,
    offersAccepted: word.offers_accepted ?? false,
    followersOnly: word.followers_only ?? false,
    shipping: word.shipping ?? "",
    status: "queued",
    unitsTotal: word.quantity ?? 1,
    unitsLeft: word.quantity ?? 1,
    unitsSold: 0,
    myPreBidCents: 0,
    soldCents: 0,
    soldTo: "",
    soldToMe: false,
    flash: null,
  };
}

export function unqueue(state, lotId) {
  const at = state.queue.indexOf(lotId);
  if (at >= 0) state.queue.splice(at, 1);
}

/** `after`: null = head, "" = tail, otherwise right after that lot (tail if it is not queued). */
export function enqueue(state, lotId, after) {
  unqueue(state, lotId);
  if (after === null) {
    state.queue.unshift(lotId);
    return;
  }
  const at = after === "" ? -1 : state.queue.indexOf(after);
  if (at < 0) state.queue.push(lotId);
  else state.queue.splice(at + 1, 0, lotId);
}

/** A lot whose units changed finds its place: some left -> queued, none -> sold or passed. */
export function stand(state, lot, keepPlace = false) {
  if (lot.unitsLeft > 0) {
    lot.status = "queued";
    if (!(keepPlace && state.queue.includes(lot.id))) enqueue(state, lot.id, null);
    return;
  }
  unqueue(state, lot.id);
  if (state.pinnedLot === lot.id) state.pinnedLot = null;
  lot.status = lot.unitsSold > 0 ? "sold" : "passed";
  lot.flash = null;
}

export function standIfIdle(state, lot) {
  if (lot.status !== "on_block" && lot.status !== "removed") stand(state, lot, true);
}

/** A line of the chat column, newest last. */
export function line(state, kind, atMs, more) {
  state.linesMade += 1;
  state.lines.push({
    id: `~${state.linesMade}`,
    kind,
    atMs,
    person: "",
    nickname: "",
    role: "buyer",
    text: "",
    replyTo: "",
    deleted: false,
    mine: false,
    ...more,
  });
  if (state.lines.length > LINES_KEPT) state.lines.splice(0, state.lines.length - LINES_KEPT);
}

/**
 * What each event of the sale does: lots, the block, sales, other formats.
 *
 * An event of a run this fold never saw open (a brief leaves those out) still moves its
 * lot; only moments are kept for runs that were seen.
 */

import { enqueue, line, lotOf, preset, stand, standIfIdle, unqueue } from "./state.js";

const TICKER_KEPT = 20;

function runIs(state, event) {
  return state.run !== null && state.run.id === event.run_id;
}

/** The run on the block ends. A run this fold never saw open (a brief leaves those out) is null. */
function endRun(state, event, status, more) {
  const run = runIs(state, event) ? Object.assign(state.run, { status }, more) : null;
  state.lastRun = run;
  if (run) state.run = null;
  return run;
}

/** Units sold for the shelf: what the last one went for, and to whom. */
function noteSold(state, lot, event, quantity) {
  lot.unitsSold += quantity;
  lot.soldCents = event.price_cents;
  lot.soldTo = event.buyer_name ?? "";
  lot.soldToMe = event.buyer === state.me;
}

function keepSale(state, sale) {
  if (sale.buyer !== state.me) return;
  state.sales.set(sale.id, sale);
  if (sale.bag) state.bag = sale.bag;
}

/** Where to pay, and what: the last validated basket that is still owed. */
function findLink(state) {
  const owed = ({ saleIds }) => saleIds.some((id) => state.sales.get(id)?.status === "validated");
  const last = state.baskets.filter(owed).pop();
  state.paymentLink = last?.link ?? "";
  state.paymentCents = last?.totalCents ?? 0;
}

export const SALE = {
  lot_added(state, e) {
    const lot = lotOf(e.lot);
    state.lots.set(lot.id, lot);
    enqueue(state, lot.id, e.after === undefined ? "" : e.after);
    return [];
  },
  lot_edited(state, e) {
    const lot = state.lots.get(e.lot_id);
    if (!lot) return [];
    const changes = e.changes ?? {};
    if ("title" in changes) lot.title = changes.title;
    if ("opening_cents" in changes) lot.openingCents = changes.opening_cents;
    if ("description" in changes) lot.description = changes.description;
    if ("category" in changes) lot.category = changes.category;
    if ("subcategory" in changes) lot.subcategory = changes.subcategory;
    if ("condition" in changes) lot.condition = changes.condition;
    if ("pictures" in changes) lot.pictures = changes.pictures;
    if ("format" in changes) lot.format = changes.format;
    if ("offers_accepted" in changes) lot.offersAccepted = changes.offers_accepted;
    if ("followers_only" in changes) lot.followersOnly = changes.followers_only;
    if ("shipping" in changes) lot.shipping = changes.shipping;
    if ("preset" in changes) lot.preset = changes.preset ? preset(changes.preset) : null;
    if ("quantity" in changes) {
      lot.unitsTotal += changes.quantity - lot.unitsLeft;
      lot.unitsLeft = changes.quantity;
    }
    if (e.has_reserve != null) lot.hasReserve = e.has_reserve;
    return [];
  },
  lot_moved(state, e) {
    if (state.queue.includes(e.lot_id)) enqueue(state, e.lot_id, e.after ?? null);
    return [];
  },
  lot_removed(state, e) {
    unqueue(state, e.lot_id);
    if (state.pinnedLot === e.lot_id) state.pinnedLot = null;
    const lot = state.lots.get(e.lot_id);
    if (lot) Object.assign(lot, { status: "removed", flash: null });
    return [];
  },
  lot_restored(state, e) {
    const lot = state.lots.get(e.lot_id);
    if (!lot) return [];
    if (lot.status !== "removed") {
      lot.myPreBidCents = 0;
      lot.unitsLeft = lot.unitsTotal - lot.unitsSold;
    }
    lot.status = "queued";
    enqueue(state, e.lot_id, e.after ?? null);
    return [];
  },
  lot_skipped(state, e) {
    if (state.queue.includes(e.lot_id)) enqueue(state, e.lot_id, "");
    return [];
  },
  lot_pinned(state, e) {
    state.pinnedLot = e.lot_id ?? null;
    return [];
  },
  run_opened(state, e) {
    unqueue(state, e.lot_id);
    const lot = state.lots.get(e.lot_id);
    if (lot) lot.status = "on_block";
    state.run = {
      id: e.run_id,
      lotId: e.lot_id,
      unit: e.unit,
      of: e.of,
      openingCents: e.opening_cents,
      openedAt: e.opened_at,
      endsAt: e.ends_at,
      durationMs: e.duration_ms,
      counterBidMs: e.counter_bid_ms,
      suddenDeath: e.sudden_death,
      hasReserve: e.has_reserve,
      reserveMet: !e.has_reserve,
      status: "running",
      priceCents: 0,
      askingCents: e.opening_cents,
      leader: null,
      leaderName: "",
      bids: 0,
      ticker: [],
      myMaxCents: 0,
      iBid: false,
      remainingMs: 0,
      pauseReason: "",
      extended: 0,
      saleId: "",
      bag: 0,
      reason: "",
    };
    return [{ kind: "opened" }];
  },
  max_set(state, e) {
    if (!runIs(state, e) || e.bidder !== state.me) return [];
    state.run.myMaxCents = e.max_cents;
    state.run.iBid = true;
    return [];
  },
  price_moved(state, e, atMs) {
    if (!runIs(state, e)) return [];
    const run = state.run;
    const wasLeading = run.leader !== null && run.leader === state.me;
    run.priceCents = e.price_cents;
    run.askingCents = e.asking_cents;
    run.leader = e.leader ?? null;
    run.leaderName = e.leader_name ?? "";
    run.endsAt = e.ends_at;
    run.bids = e.bids;
    run.reserveMet = e.reserve_met ?? true;
    if (e.bidder === state.me) run.iBid = true;
    if (e.extended ?? false) run.extended += 1;
    run.ticker.push({ name: e.bidder_name, priceCents: e.price_cents, atMs });
    if (run.ticker.length > TICKER_KEPT) run.ticker.shift();
    const moments = [{ kind: "price" }];
    if (e.extended ?? false) moments.push({ kind: "extended" });
    const leading = run.leader !== null && run.leader === state.me;
    if (leading && !wasLeading) moments.push({ kind: "leading" });
    else if (!leading && wasLeading) moments.push({ kind: "outbid", askingCents: run.askingCents });
    else if (!leading && e.bidder === state.me) moments.push({ kind: "overtaken", askingCents: run.askingCents });
    return moments;
  },
  run_paused(state, e) {
    if (!runIs(state, e)) return [];
    Object.assign(state.run, { status: "paused", remainingMs: e.remaining_ms, pauseReason: e.reason });
    return [{ kind: "paused", reason: e.reason }];
  },
  run_resumed(state, e) {
    if (!runIs(state, e)) return [];
    Object.assign(state.run, { status: "running", endsAt: e.ends_at, pauseReason: "" });
    return [{ kind: "resumed", reason: e.reason }];
  },
  clock_moved(state, e) {
    if (!runIs(state, e)) return [];
    state.run.endsAt = e.ends_at;
    return [{ kind: "clock_moved", reason: e.reason }];
  },
  run_withdrawn(state, e) {
    const run = endRun(state, e, "withdrawn", {});
    const lot = state.lots.get(e.lot_id);
    if (lot) stand(state, lot);
    return run ? [{ kind: "withdrawn" }] : [];
  },
  run_voided(state, e, atMs) {
    const run = endRun(state, e, "voided", { reason: e.reason });
    const lot = state.lots.get(e.lot_id);
    if (lot) {
      lot.myPreBidCents = 0;
      if (!e.back_to_queue) lot.unitsLeft = Math.max(0, lot.unitsLeft - 1);
      stand(state, lot);
    }
    line(state, "voided", atMs, { lotId: e.lot_id, number: lot?.number ?? 0 });
    return run ? [{ kind: "voided", reason: e.reason }] : [];
  },
  hammered(state, e, atMs) {
    const lot = state.lots.get(e.lot_id);
    const mine = e.sold && e.buyer === state.me;
    const winner = e.sold ? { leader: e.buyer ?? null, leaderName: e.buyer_name ?? "" } : {};
    const run = endRun(state, e, e.sold ? "hammered" : "passed", {
      ...winner,
      priceCents: e.price_cents,
      saleId: e.sale_id ?? "",
      bag: e.bag_number ?? 0,
      bids: e.bids ?? 0,
      reserveMet: e.reserve_met ?? true,
    });
    if (e.sold) {
      if (lot) noteSold(state, lot, e, 1);
      if (lot && mine) lot.myPreBidCents = 0;
      keepSale(state, {
        id: e.sale_id ?? "",
        lotId: e.lot_id,
        buyer: e.buyer,
        priceCents: e.price_cents,
        quantity: 1,
        how: "auction",
        bag: e.bag_number ?? 0,
        status: "sold",
      });
    }
    if (lot) {
      lot.unitsLeft = Math.max(0, lot.unitsLeft - 1);
      stand(state, lot);
    }
    line(state, e.sold ? "sold" : "passed", atMs, {
      nickname: e.buyer_name ?? "",
      lotId: e.lot_id,
      number: lot?.number ?? 0,
      priceCents: e.price_cents,
      mine,
    });
    return run ? [{ kind: mine ? "won" : e.sold ? "hammered" : "passed", run }] : [];
  },
  pre_bid_set(state, e) {
    const lot = state.lots.get(e.lot_id);
    if (lot && e.bidder === state.me) lot.myPreBidCents = e.max_cents;
    return [];
  },
  sale_made(state, e, atMs) {
    const quantity = e.quantity ?? 1;
    const lot = state.lots.get(e.lot_id);
    if (lot) {
      const aside = lot.unitsTotal - lot.unitsLeft - lot.unitsSold;
      if (!(e.how === "runner_up" && aside >= quantity)) lot.unitsLeft = Math.max(0, lot.unitsLeft - quantity);
      noteSold(state, lot, e, quantity);
      standIfIdle(state, lot);
    }
    const mine = e.buyer === state.me;
    keepSale(state, {
      id: e.sale_id,
      lotId: e.lot_id,
      buyer: e.buyer,
      priceCents: e.price_cents,
      quantity,
      how: e.how,
      bag: e.bag_number,
      status: "sold",
    });
    line(state, "sold", atMs, {
      nickname: e.buyer_name,
      lotId: e.lot_id,
      number: state.lots.get(e.lot_id)?.number ?? 0,
      priceCents: e.price_cents,
      mine,
    });
    return mine ? [{ kind: "bought", saleId: e.sale_id }] : [];
  },
  sale_voided(state, e, atMs) {
    const sale = state.sales.get(e.sale_id);
    const lot = state.lots.get(e.lot_id);
    if (sale?.status === "voided") return [];
    if (lot) {
      const quantity = sale?.quantity ?? 1;
      lot.unitsSold = Math.max(0, lot.unitsSold - quantity);
      if (e.back_to_queue) {
        lot.unitsLeft = Math.min(lot.unitsTotal, lot.unitsLeft + quantity);
        lot.myPreBidCents = 0;
      }
      standIfIdle(state, lot);
    }
    line(state, "sale_voided", atMs, { lotId: e.lot_id, number: lot?.number ?? 0, mine: sale !== undefined });
    if (!sale) return [];
    sale.status = "voided";
    findLink(state);
    return [{ kind: "sale_voided", saleId: sale.id, reason: e.reason }];
  },
  basket_validated(state, e) {
    if (e.buyer !== state.me) return [];
    for (const id of e.sale_ids) {
      const sale = state.sales.get(id);
      if (sale?.status === "sold") sale.status = "validated";
    }
    state.baskets.push({ saleIds: e.sale_ids, totalCents: e.total_cents, link: e.payment_link ?? "" });
    findLink(state);
    return [{ kind: "validated" }];
  },
  basket_reduced(state, e) {
    if (e.buyer !== state.me) return [];
    const basket = state.baskets.find(({ saleIds }) => e.sale_ids.every((id) => saleIds.includes(id)));
    if (basket) Object.assign(basket, { saleIds: e.sale_ids, totalCents: e.total_cents, link: e.payment_link ?? "" });
    findLink(state);
    return [];
  },
  payment_marked(state, e) {
    const sale = state.sales.get(e.sale_id);
    if (sale && e.buyer === state.me) sale.status = e.outcome;
    findLink(state);
    return [];
  },
  runner_up_offered(state, e) {
    if (e.buyer !== state.me) return [];
    state.runnerUps.set(e.offer_id, {
      id: e.offer_id,
      lotId: e.lot_id,
      priceCents: e.price_cents,
      expiresAt: e.expires_at,
    });
    return [{ kind: "runner_up" }];
  },
  runner_up_answered(state, e) {
    state.runnerUps.delete(e.offer_id);
    return [];
  },
  flash_started(state, e) {
    const lot = state.lots.get(e.lot_id);
    if (lot) lot.flash = { priceCents: e.price_cents, endsAt: e.ends_at, perBuyer: e.per_buyer };
    return [{ kind: "flash", lotId: e.lot_id }];
  },
  flash_ended(state, e) {
    const lot = state.lots.get(e.lot_id);
    if (lot) lot.flash = null;
    return [];
  },
  giveaway_opened(state, e) {
    unqueue(state, e.lot_id);
    const lot = state.lots.get(e.lot_id);
    if (lot) lot.status = "on_block";
    state.giveaway = {
      id: e.giveaway_id,
      lotId: e.lot_id,
      seedHash: e.seed_hash,
      endsAt: e.ends_at,
      followersOnly: e.followers_only,
      entrants: 0,
      entered: false,
    };
    return [{ kind: "giveaway" }];
  },
  giveaway_entered(state, e) {
    if (state.giveaway?.id !== e.giveaway_id) return [];
    state.giveaway.entrants = e.entrants;
    if (e.buyer === state.me) state.giveaway.entered = true;
    return [];
  },
  giveaway_drawn(state, e, atMs) {
    const mine = e.winner != null && e.winner === state.me;
    state.giveaway = null;
    const lot = state.lots.get(e.lot_id);
    if (lot?.status === "on_block") stand(state, lot);
    if (e.winner != null) line(state, "drawn", atMs, { nickname: e.winner_name ?? "", lotId: e.lot_id, mine });
    return [{ kind: mine ? "giveaway_won" : "drawn", winnerName: e.winner_name ?? "" }];
  },
  offer_made(state, e) {
    if (e.buyer !== state.me) return [];
    state.offers.set(e.offer_id, { id: e.offer_id, lotId: e.lot_id, priceCents: e.price_cents, answer: "" });
    return [];
  },
  offer_answered(state, e) {
    const offer = state.offers.get(e.offer_id);
    if (!offer) return [];
    offer.answer = e.answer;
    return [{ kind: "offer_answered", answer: e.answer, lotId: offer.lotId }];
  },
};

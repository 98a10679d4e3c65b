/**
 * The lot on the block: card, price, clock, and the two buttons that spend money.
 *
 * A tap bids exactly the amount that stood on the button when the finger came down.
 * The button waits for the platform: "Vous menez" appears only when the feed says so.
 */

import { reading } from "./clock.js";
import { $, able, attribute, clean, el, flag, foreign, isAble, put, replay, show, speak, thumb } from "./dom.js";
import { standing, whyNoBid } from "./fold.js";
import { many, money, refusalSentence, t } from "./words.js";
import { newKey } from "./wire.js";

const RESULT_MS = 4_500; // how long the end of a lot stays on the card
const SEEN_MS = 120; // an amount that stood for less than this was not read yet
const NEW_LOT_MS = 400; // nor was a lot: a press meant for the one before opens no purse
const ANSWER_MS = 5_000;
const TICKER_SHOWN = 4;

/** The lot a person should look at: on the block, just ended, or next. */
export function lotInView(state, recentResult) {
  if (state.run) return { lot: state.lots.get(state.run.lotId), run: state.run, as: "running" };
  if (recentResult && state.lastRun) return { lot: state.lots.get(state.lastRun.lotId), run: state.lastRun, as: "result" };
  const next = state.queue.map((id) => state.lots.get(id)).find((lot) => lot?.format === "auction");
  return { lot: next, run: null, as: next ? "next" : "nothing" };
}

export class Block {
  #page;
  #sending = null; // the amount being sent
  #waitSeq = 0; // accepted at this seq: wait until the feed is there
  #pressedCents = null; // what stood on the button when the finger came down
  #shown = { runId: "", cents: 0, at: 0 }; // cents 0: the button showed no amount
  #before = { runId: "", cents: 0 };
  #resultUntil = 0;
  #answerTimer = 0;
  #lastSpoken = "";
  #tickerDrawn = "";
  #lastPrice = 0;
  #lastEnds = 0;
  #lastRunId = "";
  #haltedMs = null; // what the clock read when the platform could no longer write

  constructor(page) {
    this.#page = page;
    const bid = $("bid");
    bid.addEventListener("pointerdown", () => {
      this.#pressedCents = this.#centsRead();
    });
    bid.addEventListener("click", () => {
      const cents = this.#pressedCents ?? this.#centsRead();
      this.#pressedCents = null;
      this.#tap(cents);
    });
    $("max-open").addEventListener("click", () => {
      if (!isAble($("max-open"))) return;
      const { lot, as } = this.view();
      if (as === "running") page.maxSheet.openForRun(page.state.run, lot);
      else if (as === "next") page.maxSheet.openForPreBid(lot);
    });
  }

  view() {
    return lotInView(this.#page.state, performance.now() < this.#resultUntil);
  }

  /** The amount a person can have read: one that changed under the finger is the one before it. */
  #centsRead() {
    const { runId, cents, at } = this.#shown;
    const sameLot = this.#before.runId === runId;
    if (performance.now() - at >= (sameLot ? SEEN_MS : NEW_LOT_MS)) return cents;
    return sameLot ? this.#before.cents : 0;
  }

  resultShown() {
    this.#resultUntil = performance.now() + RESULT_MS;
    setTimeout(() => this.#page.redraw(), RESULT_MS + 20);
  }

  async #tap(amountCents) {
    const run = this.#page.state.run;
    const busy = this.#sending !== null || this.#page.state.seq < this.#waitSeq; // the button may not be redrawn yet
    if (busy || !isAble($("bid")) || !run || !amountCents) return;
    this.#sending = amountCents;
    this.#page.redraw();
    await this.bid({ type: "place_bid", run_id: run.id, amount_cents: amountCents, kind: "tap" });
    this.#sending = null;
    this.#page.redraw();
  }

  /** Send a bid and say what came of it. Resolves to "" or the sentence of the refusal. */
  async bid(command) {
    const key = newKey();
    try {
      const answer = await this.#page.send(command, key);
      this.#waitSeq = answer.seq;
      this.say("");
      return "";
    } catch (error) {
      let sentence = refusalSentence(error);
      if (error.code === "unanswered") sentence = t("bid.unanswered");
      else if (error.status === 429) sentence = t("bid.too_fast");
      this.say(sentence);
      return sentence;
    }
  }

  say(sentence) {
    const answer = $("answer");
    clearTimeout(this.#answerTimer);
    put(answer, sentence);
    show(answer, sentence !== "");
    if (sentence) this.#answerTimer = setTimeout(() => show(answer, false), ANSWER_MS);
  }

  draw() {
    const { state } = this.#page;
    const { lot, run, as } = this.view();
    const block = $("block");
    const mine = as === "running" ? standing(state) : "none";
    attribute(block, "data-standing", as === "result" ? "result" : mine);
    flag(block, "quiet", as === "next" || as === "nothing");
    this.#drawLot(lot, run, as);
    this.#drawLead(run, as, mine);
    if (run) this.#drawPrice(run);
    this.#drawTicker(as === "running" ? run.ticker : []);
    this.#drawButtons(run, lot, as);
    this.tick();
    if (as === "running") this.#speak(run);
  }

  #drawLot(lot, run, as) {
    thumb($("lot-thumb"), lot, this.#page.root);
    show($("lot-thumb"), Boolean(lot));
    if (!lot) {
      put($("lot-number"), "");
      put($("lot-title"), t("lot.none"));
      return;
    }
    const facts = [t("lot.number", { number: lot.number })];
    if (as === "next") facts.unshift(t("lot.next"));
    if (run && run.of > 1) facts.push(t("lot.unit", { unit: run.unit, of: run.of }));
    else if (!run && lot.unitsLeft > 1) facts.push(t("lots.quantity", { count: lot.unitsLeft }));
    facts.push(t("lot.opening", { price: money(run ? run.openingCents : lot.openingCents) }));
    if (run?.suddenDeath) facts.push(t("lot.sudden"));
    if (run ? run.hasReserve : lot.hasReserve) {
      facts.push(!run || run.priceCents === 0 ? t("lot.reserve") : t(run.reserveMet ? "lot.reserve_met" : "lot.reserve_unmet"));
    }
    put($("lot-number"), facts.join(" · "));
    put($("lot-title"), clean(lot.title, 120));
  }

  #drawLead(run, as, mine) {
    const { state } = this.#page;
    const word = $("lead-word");
    const more = $("lead-more");
    flag(word, "nobody", !run || run.leader === null);
    if (!run) {
      const prepared = state.show.status === "prepared" && state.queue.length > 0;
      const lot = as === "next" ? this.view().lot : null;
      if (lot?.myPreBidCents) put(word, t("prebid.mine", { price: money(lot.myPreBidCents) }));
      else put(word, prepared ? t("lot.prepared_hint") : as === "nothing" ? t("lot.none_hint") : lot?.condition ? clean(lot.condition, 60) : "");
      put(more, "");
      return;
    }
    const name = clean(run.leaderName, 40);
    if (as === "result") {
      const sold = run.status === "hammered";
      const ended = run.leader !== null && run.leader === state.me ? t("moment.won") : `${t("moment.hammered")} ${t("moment.hammered_to", { name })}`;
      put(word, sold ? ended : t(run.status === "passed" ? "moment.passed" : run.status === "withdrawn" ? "moment.withdrawn" : "moment.voided"));
      flag(word, "nobody", !sold);
      put(more, run.bids ? many("lead.bids", run.bids) : "");
      return;
    }
    if (mine === "leading") put(word, t("lead.me"));
    else if (run.leader === null) put(word, t("lead.nobody"));
    else if (mine === "outbid") put(word, t("lead.outbid", { name }));
    else put(word, t("lead.other", { name }));
    if (mine === "leading" && run.myMaxCents > run.priceCents) put(more, t("lead.my_max", { price: money(run.myMaxCents) }));
    else put(more, run.bids ? many("lead.bids", run.bids) : "");
  }

  #drawPrice(run) {
    const price = $("price");
    const cents = run.priceCents || run.openingCents;
    const text = money(cents);
    put(price, text);
    attribute(price, "aria-label", `${t("price.label")} ${text}`);
    flag($("figures"), "long", text.length > 6);
    flag($("figures"), "huge", text.length > 9);
    if (run.id === this.#lastRunId) {
      if (cents > this.#lastPrice) replay(price, "moved");
      const later = run.endsAt - this.#lastEnds;
      if (later >= 1_000 && run.status === "running") {
        put($("more-time"), t("lot.extended", { seconds: Math.round(later / 1_000) }));
        replay($("more-time"), "on");
      }
    }
    this.#lastRunId = run.id;
    this.#lastPrice = cents;
    this.#lastEnds = run.endsAt;
  }

  /** Latest bids, newest first; a screen with room for it shows them. */
  #drawTicker(bids) {
    const last = bids.slice(-TICKER_SHOWN).reverse();
    const drawn = last.map((bid) => `${bid.atMs} ${bid.name} ${bid.priceCents}`).join("|");
    if (drawn === this.#tickerDrawn) return;
    this.#tickerDrawn = drawn;
    const rows = last.map((bid) => {
      const row = el("li");
      row.append(el("b", "", money(bid.priceCents)), foreign("span", "", bid.name, 40));
      return row;
    });
    $("ticker").replaceChildren(...rows);
  }

  #drawButtons(run, lot, as) {
    const { state, online } = this.#page;
    const bid = $("bid");
    const max = $("max-open");
    const waiting = this.#sending !== null || state.seq < this.#waitSeq;
    const why = online ? whyNoBid(state) : "offline";
    const asking = state.run?.askingCents ?? 0;
    const shown = { runId: state.run?.id ?? "", cents: why === "" && !waiting ? asking : 0 };
    if (shown.runId !== this.#shown.runId || shown.cents !== this.#shown.cents) {
      this.#before = this.#shown;
      this.#shown = { ...shown, at: performance.now() };
    }
    flag(bid, "sending", waiting && why !== "leading");
    flag(bid, "leading", why === "leading");
    able(bid, why === "" && !waiting);
    put(bid, waiting && why !== "leading" ? t("bid.sending") : why ? t(`bid.${why}`) : t("bid.tap", { price: money(asking) }));
    const preBid = as === "next" && online && state.role === "buyer" && !state.blocked && state.show.status !== "ended";
    const raise = as === "running" && online && (why === "" || why === "leading");
    put(max, preBid ? t("prebid.add") : t("bid.max"));
    able(max, (preBid && Boolean(lot)) || raise);
    attribute(max, "aria-label", t(preBid ? "prebid.title" : "bid.max_label"));
  }

  /** Many times a second: only the clock. */
  tick() {
    const { clock } = this.#page;
    const { run, as } = this.view();
    const node = $("clock");
    const bar = $("left-bar");
    if (as === "result") {
      node.className = "clock";
      put(node, "");
      bar.style.transform = "scaleX(0)";
      return;
    }
    if (as !== "running") return;
    const halted = run.status === "running" && this.#page.state.halted;
    const paused = halted || run.status === "paused";
    this.#haltedMs = halted ? (this.#haltedMs ?? run.endsAt - clock.nowMs()) : null;
    const leftMs = this.#haltedMs ?? (paused ? run.remainingMs : run.endsAt - clock.nowMs());
    const { text, phase } = reading(leftMs, t("clock.closing"));
    put(node, paused ? reading(Math.max(leftMs, 1_000), "").text : text);
    attribute(node, "aria-label", t(paused ? "clock.paused" : "clock.label"));
    flag(node, "soon", !paused && phase === "soon");
    flag(node, "closing", !paused && phase === "closing");
    flag(node, "paused", paused);
    flag(bar, "soon", phase !== "calm");
    flag(bar, "paused", paused);
    const whole = Math.max(run.durationMs, run.counterBidMs, 1);
    bar.style.transform = `scaleX(${Math.min(1, Math.max(0, leftMs / whole)).toFixed(4)})`;
    this.#page.maxSheet.tick(text, phase);
  }

  #speak(run) {
    const { state } = this.#page;
    const who = run.leader === null ? t("lead.nobody") : run.leader === state.me ? t("lead.me") : t("lead.other", { name: clean(run.leaderName, 40) });
    const words = t("say.price", { price: money(run.priceCents || run.openingCents), leader: who });
    if (words === this.#lastSpoken) return;
    this.#lastSpoken = words;
    speak(words);
  }
}

/** The narrow strips above the card: pinned buy-it-now, giveaway, an offer to the runner-up. */
export class Strips {
  #page;
  #drawn = "";
  #clocks = [];

  constructor(page) {
    this.#page = page;
  }

  draw() {
    const { state } = this.#page;
    const pinned = state.pinnedLot ? state.lots.get(state.pinnedLot) : null;
    const offers = [...state.runnerUps.values()];
    const now = JSON.stringify([offers, state.giveaway, state.following, pinned?.id, pinned?.unitsLeft, pinned?.title, pinned?.flash, pinned?.openingCents, t("close")]);
    if (now === this.#drawn) return;
    this.#drawn = now;
    this.#clocks = [];
    const nodes = offers.map((offer) => this.#runnerUp(offer));
    if (state.giveaway) nodes.push(this.#giveaway(state.giveaway));
    if (pinned && pinned.unitsLeft > 0 && pinned.format === "buy_it_now") nodes.push(this.#pinned(pinned));
    $("strips").replaceChildren(...nodes.slice(0, 2));
  }

  tick(nowMs) {
    for (const { node, endsAt } of this.#clocks) put(node, reading(endsAt - nowMs, "0:00").text);
  }

  #strip(title, tone) {
    const strip = el("div", `strip ${tone}`.trim());
    const words = el("div", "words");
    words.append(foreign("b", "", title, 90));
    const about = el("span");
    words.append(about);
    strip.append(words);
    return { strip, about };
  }

  #clock(about, endsAt, before = "") {
    const node = el("span");
    about.append(document.createTextNode(before), node);
    this.#clocks.push({ node, endsAt });
  }

  #runnerUp(offer) {
    const lot = this.#page.state.lots.get(offer.lotId);
    const { strip, about } = this.#strip(t("runner_up.title"), "green");
    about.append(foreign("span", "", t("runner_up.text", { title: lot?.title ?? "", price: money(offer.priceCents) }), 140));
    this.#clock(about, offer.expiresAt, " · ");
    const answer = (accept) => () => this.#page.act({ type: "answer_runner_up", offer_id: offer.id, accept });
    const yes = el("button", "small primary", t("runner_up.accept"));
    const no = el("button", "small", t("runner_up.decline"));
    yes.addEventListener("click", answer(true));
    no.addEventListener("click", answer(false));
    strip.append(yes, no);
    return strip;
  }

  #giveaway(giveaway) {
    const { state } = this.#page;
    const lot = state.lots.get(giveaway.lotId);
    const { strip, about } = this.#strip(t("giveaway.open", { title: lot?.title ?? "" }), "");
    about.append(document.createTextNode(many("giveaway.entrants", giveaway.entrants)));
    this.#clock(about, giveaway.endsAt, " · ");
    const follow = giveaway.followersOnly && !state.following;
    const button = el("button", "small primary", t(giveaway.entered ? "giveaway.entered" : follow ? "follow.add" : "giveaway.enter"));
    able(button, !giveaway.entered);
    button.addEventListener("click", () => {
      if (!isAble(button)) return;
      this.#page.act(follow ? { type: "follow", following: true } : { type: "enter_giveaway", giveaway_id: giveaway.id });
    });
    strip.append(button);
    return strip;
  }

  #pinned(lot) {
    const { strip, about } = this.#strip(lot.title, "");
    about.append(document.createTextNode(`${t("chat.pinned")} · ${lot.flash ? t("lots.flash") : t("lots.fixed")}`));
    if (lot.flash) this.#clock(about, lot.flash.endsAt, " · ");
    strip.append(buyButton(this.#page, lot));
    return strip;
  }
}

const SURE_MS = 4_000;
const READY_MS = 400; // a double tap is not a confirmation

/** Buy it now: a press asks, a second, deliberate press buys at the price shown. */
export function buyButton(page, lot) {
  const cents = lot.flash?.priceCents ?? lot.openingCents;
  const button = el("button", "small primary", t("lots.buy", { price: money(cents) }));
  button.type = "button";
  let sureAt = 0;
  let timer = 0;
  const calm = () => {
    sureAt = 0;
    flag(button, "sure", false);
    put(button, t("lots.buy", { price: money(cents) }));
  };
  button.addEventListener("click", async () => {
    if (!isAble(button)) return;
    if (!sureAt) {
      sureAt = performance.now();
      flag(button, "sure", true);
      put(button, t("lots.buy_confirm", { price: money(cents) }));
      timer = setTimeout(calm, SURE_MS);
      return;
    }
    if (performance.now() - sureAt < READY_MS) return;
    clearTimeout(timer);
    able(button, false);
    put(button, t("bid.sending"));
    await page.act({ type: "buy_now", lot_id: lot.id, price_cents: cents, quantity: 1 });
    able(button, true);
    calm();
  });
  return button;
}

/**
 * The sheet where a buyer names an amount that is no bid: the evening's budget, or an offer on a lot.
 *
 * Whole units only, as in the sheet of the maximum. A budget is told to nobody; what it leaves is
 * reckoned as the platform does, which alone refuses.
 */

import { $, able, attribute, clean, el, flag, isAble, put, show, toast } from "./dom.js";
import { committed } from "./fold.js";
import { MOST, parseAmount } from "./maxbid.js";
import { currencySymbol, money, refusalSentence, t, whole } from "./words.js";

const BUDGETS = [20, 50, 100, 200];
const SHARES = [0.9, 0.8, 0.7, 0.5];

/** What a lot costs now, in cents. */
export function priceOf(lot) {
  return lot.flash?.priceCents ?? lot.openingCents;
}

/** My offer on a lot that waits for its answer, or undefined. */
export function openOffer(state, lotId) {
  return [...state.offers.values()].find((offer) => offer.lotId === lotId && offer.answer === "");
}

/** May an offer be made on this lot? There must be a whole amount below its price. */
export function takesOffers(lot) {
  return lot.offersAccepted && lot.format === "buy_it_now" && lot.unitsLeft > 0 && priceOf(lot) > 100;
}

/** Offers worth a press, in units: each below the price, none twice. */
export function quickOffers(priceCents) {
  const units = SHARES.map((share) => Math.floor((priceCents * share) / 100)).filter((one) => one >= 1);
  return [...new Set(units)];
}

export class AmountSheet {
  #page;
  #lotId = ""; // "": the budget
  #sending = false;
  #refusal = "";
  #quickDrawn = "";
  #opened = 0; // how often: an answer finds the sheet it was asked from, or leaves it alone

  constructor(page) {
    this.#page = page;
    $("amount-close").addEventListener("click", () => this.close());
    $("amount-sheet").addEventListener("click", (event) => {
      if (event.target === $("amount-sheet")) this.close();
    });
    $("amount-units").addEventListener("input", () => {
      this.#refusal = "";
      this.draw();
    });
    $("amount-none").addEventListener("click", () => this.#limit(0));
    $("amount-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#confirm();
    });
  }

  get open() {
    return $("amount-sheet").open;
  }

  openForBudget() {
    this.#present("");
  }

  openForOffer(lot) {
    this.#present(lot.id);
  }

  #present(lotId) {
    this.#lotId = lotId;
    this.#opened += 1;
    this.#sending = false;
    this.#refusal = "";
    this.#quickDrawn = "";
    const { limitCents } = this.#page.state;
    $("amount-units").value = lotId === "" && limitCents ? whole(Math.floor(limitCents / 100)) : "";
    this.draw();
    $("amount-sheet").showModal();
    $("amount-units").focus();
    $("amount-units").select();
  }

  close() {
    if (this.open) $("amount-sheet").close();
  }

  #lot() {
    return this.#page.state.lots.get(this.#lotId) ?? null;
  }

  /** {units} or {reason}: the sentence to show, "" when nothing was typed. */
  #check() {
    const parsed = parseAmount($("amount-units").value);
    if (parsed.reason === "empty") return { reason: "" };
    if (parsed.reason || parsed.units === 0) return { reason: t("max.whole") };
    if (parsed.units > MOST) return { reason: t("max.high") };
    const lot = this.#lot();
    if (lot && parsed.units * 100 >= priceOf(lot)) return { reason: t("offer.below", { price: money(priceOf(lot)) }) };
    return { units: parsed.units };
  }

  draw() {
    const { state } = this.#page;
    const lot = this.#lot();
    const offer = this.#lotId !== "";
    const over = offer && (!lot || !takesOffers(lot) || lot.status !== "queued" || openOffer(state, lot.id) !== undefined);
    const checked = this.#check();
    put($("amount-title"), t(offer ? "offer.title" : "budget.title"));
    show($("amount-lot"), offer);
    put($("amount-lot"), lot ? `${t("lot.number", { number: lot.number })} · ${clean(lot.title, 90)}` : "");
    put($("amount-explain"), t(offer ? "offer.explain" : "budget.explain"));
    put($("amount-label"), t("max.amount"));
    put($("amount-symbol"), currencySymbol());
    const hint = this.#refusal || (over ? t("offer.over") : checked.reason) || this.#hint(lot, checked.units);
    put($("amount-hint"), hint);
    const bad = over || Boolean(this.#refusal || checked.reason);
    flag($("amount-hint"), "bad", bad);
    attribute($("amount-units"), "aria-invalid", checked.reason ? "true" : "false");
    const amount = checked.units ? money(checked.units * 100) : "";
    const confirm = amount ? t(offer ? "offer.confirm" : "budget.confirm", { price: amount }) : t("max.confirm_empty");
    put($("amount-send"), this.#sending ? t("bid.sending") : confirm);
    able($("amount-send"), Boolean(amount) && !over && !this.#sending && this.#page.online);
    put($("amount-none"), t("budget.remove"));
    show($("amount-none"), !offer && state.limitCents > 0);
    this.#drawQuick(lot ? quickOffers(priceOf(lot)) : BUDGETS);
  }

  #hint(lot, units) {
    if (lot) return t("offer.price", { price: money(priceOf(lot)) });
    const owed = committed(this.#page.state);
    if (units && owed > units * 100) return t("budget.beyond", { price: money(owed) });
    return owed ? t("budget.owed", { price: money(owed) }) : "";
  }

  #drawQuick(amounts) {
    const drawn = `${amounts.join(" ")}${currencySymbol()}`;
    if (this.#quickDrawn === drawn) return;
    this.#quickDrawn = drawn;
    const buttons = amounts.map((units) => {
      const button = el("button", "", money(units * 100));
      button.type = "button";
      button.addEventListener("click", () => {
        $("amount-units").value = whole(units);
        this.#refusal = "";
        this.draw();
      });
      return button;
    });
    $("amount-quick").replaceChildren(...buttons);
  }

  async #confirm() {
    const { units } = this.#check();
    if (!isAble($("amount-send")) || !units) return;
    const cents = units * 100;
    if (this.#lotId === "") {
      await this.#limit(cents);
      return;
    }
    const command = { type: "make_offer", lot_id: this.#lotId, price_cents: cents };
    if (await this.#sent(command)) toast(t("offer.sent", { price: money(cents) }), "green");
  }

  async #limit(cents) {
    if (this.#sending) return;
    const done = await this.#sent({ type: "set_spending_limit", limit_cents: cents });
    if (done) toast(cents ? t("budget.set", { price: money(cents) }) : t("budget.removed"));
  }

  async #sent(command) {
    const opened = this.#opened;
    let refusal = "";
    this.#sending = true;
    this.#refusal = "";
    this.draw();
    try {
      await this.#page.send(command);
    } catch (error) {
      refusal = error.code === "unanswered" ? t("bid.unanswered") : refusalSentence(error);
    }
    if (opened !== this.#opened || !this.open) {
      if (refusal) toast(refusal, "amber");
      return refusal === "";
    }
    this.#sending = false;
    this.#refusal = refusal;
    if (refusal) this.draw();
    else this.close();
    return refusal === "";
  }
}

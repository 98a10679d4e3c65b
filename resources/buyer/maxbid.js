/**
 * The sheet where a buyer names a maximum: on the running lot, or before it opens.
 *
 * Whole units only. The amount is checked here for kindness and by the platform for
 * truth; what is sent is exactly the amount on the button.
 */

import { $, attribute, clean, el, flag, isAble, able, put, show, toast } from "./dom.js";
import { currencySymbol, money, refusalSentence, t, whole } from "./words.js";

export const MOST = 1_000_000;

/** What was typed as a number of whole units, or a reason: "empty" | "whole". */
export function parseAmount(typed) {
  const bare = typed.replace(/[\s\u00a0\u202f€$£]/g, "");
  if (bare === "") return { reason: "empty" };
  if (!/^\d{1,9}$/.test(bare)) return { reason: "whole" };
  return { units: Number(bare) };
}

/** Four amounts worth offering from the least one (in units). */
export function quickAmounts(leastUnits) {
  const step = leastUnits < 20 ? 5 : leastUnits < 100 ? 10 : leastUnits < 500 ? 50 : 100;
  const first = Math.ceil((leastUnits + 1) / step) * step;
  return [leastUnits, first, first + step, first + 3 * step];
}

export class MaxSheet {
  #page;
  #mode = "run"; // or "pre"
  #runId = "";
  #lot = null;
  #sending = false;
  #quickDrawn = "";
  #opened = 0; // how often: an answer finds the sheet it was asked from

  constructor(page) {
    this.#page = page;
    $("max-close").addEventListener("click", () => this.close());
    $("max-sheet").addEventListener("click", (event) => {
      if (event.target === $("max-sheet")) this.close();
    });
    $("max-amount").addEventListener("input", () => this.draw());
    $("max-exact").addEventListener("change", () => this.draw());
    $("max-withdraw").addEventListener("click", () => this.#preBid(0));
    $("max-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#confirm();
    });
  }

  get open() {
    return $("max-sheet").open;
  }

  openForRun(run, lot) {
    this.#begin("run", lot);
    this.#runId = run.id;
    this.#present();
  }

  openForPreBid(lot) {
    this.#begin("pre", lot);
    this.#present();
  }

  #begin(mode, lot) {
    this.#mode = mode;
    this.#lot = lot;
    this.#opened += 1;
    this.#sending = false;
    this.#quickDrawn = "";
    $("max-amount").value = "";
    $("max-exact").checked = false;
  }

  #present() {
    this.draw();
    $("max-sheet").showModal();
    $("max-amount").focus();
  }

  close() {
    if (this.open) $("max-sheet").close();
  }

  #run() {
    const { run } = this.#page.state;
    return run && run.id === this.#runId ? run : null;
  }

  #leastCents() {
    const { state } = this.#page;
    if (this.#mode === "pre") return this.#lot.openingCents;
    const run = this.#run();
    if (!run) return 0;
    return run.leader === state.me && run.leader !== null ? run.myMaxCents + 100 : run.askingCents;
  }

  /** {units} or {reason}: the sentence to show, "" when nothing was typed. */
  #check() {
    const parsed = parseAmount($("max-amount").value);
    if (parsed.reason === "empty") return { reason: "" };
    if (parsed.reason) return { reason: t("max.whole") };
    const least = this.#leastCents();
    if (parsed.units > MOST) return { reason: t("max.high") };
    if (parsed.units * 100 < least) {
      const run = this.#run();
      const leading = this.#mode === "run" && run !== null && run.leader !== null && run.leader === this.#page.state.me;
      return { reason: leading ? t("max.above_mine", { price: money(run.myMaxCents) }) : t("max.low", { price: money(least) }) };
    }
    return { units: parsed.units };
  }

  draw() {
    if (!this.#lot) return;
    const run = this.#run();
    const pre = this.#mode === "pre";
    const over = !pre && run === null;
    const exact = !pre && $("max-exact").checked;
    const checked = this.#check();
    put($("max-title"), t(pre ? "prebid.title" : "max.title"));
    put($("max-lot"), `${t("lot.number", { number: this.#lot.number })} · ${clean(this.#lot.title, 90)}`);
    put($("max-explain"), t(pre ? "prebid.explain" : exact ? "max.explain_exact" : "max.explain"));
    put($("max-amount-label"), t("max.amount"));
    put($("max-symbol"), currencySymbol());
    put($("max-price"), run ? money(run.priceCents || run.openingCents) : "");
    if (!run) put($("max-clock"), "");
    put($("max-exact-word"), t("max.exact"));
    show($("max-exact-row"), !pre);
    const leading = run !== null && run.leader !== null && run.leader === this.#page.state.me;
    const hint = over ? t("max.over") : checked.reason || (leading ? t("max.mine", { price: money(run.myMaxCents) }) : t("max.least", { price: money(this.#leastCents()) }));
    put($("max-hint"), hint);
    flag($("max-hint"), "bad", over || Boolean(checked.reason));
    attribute($("max-amount"), "aria-invalid", checked.reason ? "true" : "false");
    const amount = checked.units ? money(checked.units * 100) : "";
    const words = this.#sending
      ? t("bid.sending")
      : !amount
        ? t("max.confirm_empty")
        : t(pre ? "prebid.confirm" : exact ? "max.confirm_exact" : "max.confirm", { price: amount });
    put($("max-send"), words);
    able($("max-send"), Boolean(amount) && !over && !this.#sending && this.#page.online);
    put($("max-withdraw"), t("prebid.withdraw"));
    show($("max-withdraw"), pre && this.#lot.myPreBidCents > 0);
    this.#drawQuick(Math.ceil(this.#leastCents() / 100));
  }

  #drawQuick(leastUnits) {
    if (this.#quickDrawn === `${leastUnits}${currencySymbol()}`) return;
    this.#quickDrawn = `${leastUnits}${currencySymbol()}`;
    const buttons = quickAmounts(leastUnits).map((units) => {
      const button = el("button", "", money(units * 100));
      button.type = "button";
      button.addEventListener("click", () => {
        $("max-amount").value = whole(units);
        this.draw();
      });
      return button;
    });
    $("max-quick").replaceChildren(...buttons);
  }

  tick(clockText, phase) {
    if (!this.open || this.#mode !== "run" || !this.#run()) return;
    put($("max-clock"), clockText);
    flag($("max-clock"), "soon", phase !== "calm");
  }

  async #confirm() {
    const checked = this.#check();
    if (!isAble($("max-send")) || !checked.units) return;
    const cents = checked.units * 100;
    if (this.#mode === "pre") {
      await this.#preBid(cents);
      return;
    }
    const kind = $("max-exact").checked ? "exact" : "max";
    const opened = this.#opened;
    this.#sending = true;
    this.draw();
    const sentence = await this.#page.block.bid({ type: "place_bid", run_id: this.#runId, amount_cents: cents, kind });
    this.#answered(opened, sentence); // the block has said it as well
    if (kind === "max" && !sentence) toast(t("max.placed", { price: money(cents) }));
  }

  async #preBid(cents) {
    const opened = this.#opened;
    this.#sending = true;
    this.draw();
    let sentence = "";
    try {
      await this.#page.send({ type: "set_pre_bid", lot_id: this.#lot.id, max_cents: cents });
    } catch (error) {
      sentence = error.code === "unanswered" ? t("bid.unanswered") : refusalSentence(error);
    }
    const seen = this.#answered(opened, sentence);
    if (!sentence) toast(cents ? t("prebid.placed", { price: money(cents) }) : t("prebid.withdrawn"));
    else if (!seen) toast(sentence, "amber");
  }

  /** Closes the sheet, or says why not in it; one that was left, or opened again since, is left alone: false. */
  #answered(opened, sentence) {
    if (opened !== this.#opened || !this.open) return false;
    this.#sending = false;
    if (sentence) this.#refused(sentence);
    else this.close();
    return true;
  }

  #refused(sentence) {
    this.draw();
    put($("max-hint"), sentence);
    flag($("max-hint"), "bad", true);
  }
}

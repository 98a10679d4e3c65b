/**
 * The shelf: lots to come, lots sold, and the buyer's own basket.
 *
 * A sheet from the bottom on a phone (the rest goes inert), a column on wide screens.
 * Long queues are drawn a page at a time; a row is rebuilt only when it changed.
 */

import { $, attribute, clean, el, flag, foreign, put, show, thumb, toast } from "./dom.js";
import { openOffer, takesOffers } from "./amount.js";
import { buyButton } from "./block.js";
import { basket, committed } from "./fold.js";
import { money, t } from "./words.js";

const PAGE = 40;
const SOLD_SHOWN = 12;
const WIDE = matchMedia("(min-width: 700px) and (min-height: 561px)");

export class Shelf {
  #page;
  #shown = PAGE;
  #rows = new Map(); // row key -> {drawn, node}
  #tab = "lots";
  #opener = null;

  constructor(page) {
    this.#page = page;
    $("rail-lots").addEventListener("click", () => this.open("lots", $("rail-lots")));
    $("rail-basket").addEventListener("click", () => this.open("basket", $("rail-basket")));
    $("panel-close").addEventListener("click", () => this.close());
    for (const tab of ["lots", "basket"]) {
      $(`tab-${tab}`).addEventListener("click", () => this.#select(tab));
      $(`tab-${tab}`).addEventListener("keydown", (event) => {
        if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
        const other = tab === "lots" ? "basket" : "lots";
        this.#select(other);
        $(`tab-${other}`).focus();
      });
    }
    $("lots-search").addEventListener("input", () => {
      this.#shown = PAGE;
      this.draw();
    });
    $("lots-more").addEventListener("click", () => {
      this.#shown += PAGE;
      this.draw();
    });
    $("basket-validate").addEventListener("click", () => page.act({ type: "validate_basket" }));
    $("budget-open").addEventListener("click", () => page.amountSheet.openForBudget());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.isOpen) this.close();
    });
    $("app").addEventListener("click", (event) => {
      if (event.target === $("app") && this.isOpen) this.close(); // the dimmed rest of the page
    });
    WIDE.addEventListener("change", () => this.close());
  }

  get isOpen() {
    return $("app").classList.contains("panel-open");
  }

  open(tab, opener = null) {
    this.#select(tab);
    if (WIDE.matches) return;
    this.#opener = opener;
    $("app").classList.add("panel-open");
    this.draw();
    attribute($("panel"), "role", "dialog");
    attribute($("panel"), "aria-modal", "true");
    for (const node of $("app").children) if (node !== $("panel")) node.inert = true;
    $("panel-close").focus();
  }

  close() {
    if (!this.isOpen) return;
    $("app").classList.remove("panel-open");
    $("panel").removeAttribute("role");
    $("panel").removeAttribute("aria-modal");
    for (const node of $("app").children) node.inert = false;
    this.#opener?.focus();
    this.#opener = null;
  }

  #select(tab) {
    this.#tab = tab;
    this.draw();
  }

  draw() {
    const { state } = this.#page;
    const sales = basket(state);
    for (const tab of ["lots", "basket"]) {
      attribute($(`tab-${tab}`), "aria-selected", String(tab === this.#tab));
      attribute($(`tab-${tab}`), "tabindex", tab === this.#tab ? "0" : "-1");
      show($(`pane-${tab}`), tab === this.#tab);
    }
    put($("tab-lots-count"), state.queue.length ? String(state.queue.length) : "");
    put($("tab-basket-count"), sales.sales.length ? String(sales.sales.length) : "");
    put($("rail-lots-count"), String(state.queue.length));
    put($("rail-basket-count"), String(sales.sales.length));
    flag($("rail-basket"), "has", sales.sales.length > 0);
    if (!this.isOpen && !WIDE.matches) return;
    if (this.#tab === "lots") this.#drawLots();
    else this.#drawBasket(sales);
  }

  // --- lots ---------------------------------------------------------------------------

  #drawLots() {
    const { state } = this.#page;
    const asked = $("lots-search").value.trim().toLowerCase();
    const matches = (lot) => lot && (asked === "" || lot.title.toLowerCase().includes(asked) || String(lot.number) === asked.replace(/^#/, ""));
    const queued = state.queue.map((id) => state.lots.get(id)).filter(matches);
    const onBlock = state.run ? state.lots.get(state.run.lotId) : null;
    const rows = [];
    if (matches(onBlock)) rows.push(this.#row(onBlock, "now"));
    queued.slice(0, this.#shown).forEach((lot, at) => rows.push(this.#row(lot, at === 0 && asked === "" ? "next" : "queued")));
    const sold = [...state.lots.values()].filter((lot) => lot.status === "sold" && matches(lot)).slice(-SOLD_SHOWN).reverse();
    if (sold.length > 0) {
      rows.push(this.#heading("sold", t("lots.sold")));
      sold.forEach((lot) => rows.push(this.#row(lot, "sold")));
    }
    this.#place($("lots"), rows);
    const left = queued.length - this.#shown;
    show($("lots-more"), left > 0);
    if (left > 0) put($("lots-more"), t("lots.more", { count: left }));
    show($("lots-empty"), rows.length === 0);
    put($("lots-empty"), t(asked === "" ? "lots.empty" : "lots.none_found"));
  }

  /** Put `rows` in order into `list`, touching only what moved. */
  #place(list, rows) {
    rows.forEach((node, at) => {
      if (list.children[at] !== node) list.insertBefore(node, list.children[at] ?? null);
    });
    while (list.childElementCount > rows.length) list.lastElementChild.remove();
  }

  #kept(key, drawn, make) {
    const old = this.#rows.get(key);
    if (old && old.drawn === drawn) return old.node;
    const node = make();
    if (this.#rows.size > 2_000) this.#rows.clear();
    this.#rows.set(key, { drawn, node });
    return node;
  }

  #heading(key, words) {
    return this.#kept(`head ${key}`, words, () => el("li", "head", words));
  }

  #row(lot, as) {
    const drawn = JSON.stringify([as, lot.title, lot.openingCents, lot.format, lot.unitsLeft, lot.unitsTotal, lot.myPreBidCents, lot.pictures, lot.soldCents, lot.soldTo, lot.flash, lot.hasReserve, lot.condition, lot.offersAccepted, openOffer(this.#page.state, lot.id), this.#page.state.show.status, t("close")]);
    return this.#kept(lot.id, drawn, () => {
      const node = el("li", as);
      const picture = el("div");
      thumb(picture, lot, this.#page.root);
      const words = el("div");
      words.append(foreign("div", "name", lot.title, 120), this.#about(lot, as));
      node.append(picture, words);
      const action = this.#action(lot, as);
      if (action) node.append(action);
      return node;
    });
  }

  #about(lot, as) {
    const about = el("div", "about");
    const facts = [t("lot.number", { number: lot.number })];
    const tag = (words, tone = "") => {
      about.append(el("span", `tag ${tone}`.trim(), words), document.createTextNode(" · "));
    };
    if (as === "now") tag(t("lots.on_block"), "now");
    if (as === "next") tag(t("lots.next"));
    if (as === "sold") {
      if (lot.soldToMe) tag(t("lots.sold_mine"), "mine");
      facts.push(t("lots.sold_for", { price: money(lot.soldCents) }));
    } else {
      if (lot.format === "giveaway") facts.push(t("lots.giveaway"));
      else if (lot.format === "buy_it_now") facts.push(t(lot.flash ? "lots.flash" : "lots.fixed"));
      else facts.push(t("lot.opening", { price: money(lot.openingCents) }));
      if (lot.unitsLeft > 1) facts.push(t("lots.quantity", { count: lot.unitsLeft }));
      if (lot.hasReserve) facts.push(t("lot.reserve"));
      if (lot.condition) facts.push(clean(lot.condition, 40));
    }
    about.append(document.createTextNode(facts.join(" · ")));
    return about;
  }

  #action(lot, as) {
    const { state } = this.#page;
    if (state.role !== "buyer" || state.show.status === "ended" || as === "now" || as === "sold") return null;
    if (lot.format === "buy_it_now") return this.#shelfActions(lot);
    if (lot.format !== "auction") return null;
    const button = el("button", "small", lot.myPreBidCents ? money(lot.myPreBidCents) : t("prebid.short"));
    button.type = "button";
    attribute(button, "aria-label", `${lot.myPreBidCents ? t("prebid.mine", { price: money(lot.myPreBidCents) }) : t("prebid.add")} — ${t("lot.number", { number: lot.number })}`);
    flag(button, "sure", lot.myPreBidCents > 0);
    button.addEventListener("click", () => this.#page.maxSheet.openForPreBid(lot));
    return button;
  }

  #shelfActions(lot) {
    const { state } = this.#page;
    const buy = buyButton(this.#page, lot);
    const made = openOffer(state, lot.id);
    if (!made && (!takesOffers(lot) || state.show.status !== "live")) return buy;
    const both = el("div", "both");
    both.append(buy, made ? el("span", "made", t("offer.mine", { price: money(made.priceCents) })) : this.#offerButton(lot));
    return both;
  }

  #offerButton(lot) {
    const button = el("button", "small", t("offer.short"));
    button.type = "button";
    attribute(button, "aria-label", `${t("offer.title")} — ${t("lot.number", { number: lot.number })}`);
    button.addEventListener("click", () => this.#page.amountSheet.openForOffer(lot));
    return button;
  }

  // --- basket -------------------------------------------------------------------------

  #drawBasket({ sales, totalCents, toValidate }) {
    const { state } = this.#page;
    show($("bag"), state.bag > 0 && sales.length > 0);
    put($("bag-number"), t("basket.bag", { bag: state.bag }));
    put($("bag-hint"), t("basket.bag_hint"));
    this.#place($("sales"), sales.map((sale) => this.#sale(sale)));
    show($("sales-empty"), sales.length === 0);
    put($("sales-empty"), t("basket.empty"));
    show($("total"), sales.length > 0);
    put($("total-word"), t("basket.total"));
    put($("total-price"), money(totalCents));
    show($("basket-validate"), toValidate > 0);
    put($("basket-validate"), t("basket.validate"));
    const pay = /^https:\/\//.test(state.paymentLink) && toValidate === 0;
    show($("basket-pay"), pay);
    if (pay) {
      put($("basket-pay"), t("basket.pay", { price: money(state.paymentCents) }));
      attribute($("basket-pay"), "href", state.paymentLink);
    }
    const waits = sales.length > 0 && toValidate === 0 && !pay && sales.some((sale) => sale.status === "validated");
    show($("basket-note"), waits);
    put($("basket-note"), t("basket.validated"));
    this.#drawBudget();
  }

  #drawBudget() {
    const { state } = this.#page;
    const { limitCents } = state;
    const left = limitCents - committed(state);
    show($("budget"), state.role === "buyer" && state.show.status !== "ended" && !state.blocked);
    put($("budget-word"), limitCents ? t("budget.is", { price: money(limitCents) }) : t("budget.title"));
    put($("budget-left"), !limitCents ? t("budget.none") : left > 0 ? t("budget.left", { price: money(left) }) : t("budget.spent"));
    flag($("budget-left"), "bad", limitCents > 0 && left <= 0);
    put($("budget-open"), t(limitCents ? "budget.change" : "budget.open"));
  }

  #sale(sale) {
    const lot = this.#page.state.lots.get(sale.lotId);
    const drawn = JSON.stringify([sale, lot?.title, t("close")]);
    return this.#kept(`sale ${sale.id}`, drawn, () => {
      const node = el("li");
      const picture = el("div");
      thumb(picture, lot, this.#page.root);
      const words = el("div");
      words.append(foreign("div", "name", lot?.title ?? "", 120));
      const facts = [t("lot.number", { number: lot?.number ?? 0 }), t(`basket.status.${sale.status}`)];
      if (sale.quantity > 1) facts.push(t("lots.quantity", { count: sale.quantity }));
      words.append(el("div", "about", facts.join(" · ")));
      node.append(picture, words, el("div", "price-of", money(sale.priceCents * sale.quantity)));
      return node;
    });
  }
}

/** Share the page, with who invited; copies the link where the browser cannot share. */
export async function invite(page) {
  const link = new URL(`s/${encodeURIComponent(page.showId)}`, page.root);
  link.searchParams.set("i", page.state.me);
  const text = t("invite.text", { title: clean(page.state.show.title, 80) });
  if (navigator.share) {
    try {
      await navigator.share({ title: document.title, text, url: link.href });
      return;
    } catch (error) {
      if (error.name === "AbortError") return;
    }
  }
  try {
    await navigator.clipboard.writeText(link.href);
    toast(t("invite.copied"));
  } catch {
    toast(t("invite.failed"));
  }
}

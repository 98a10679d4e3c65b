/**
 * The chat: lines over the picture on a phone, a column beside it on a wide screen.
 *
 * Lines are drawn once a frame, however many arrive; the list follows the newest
 * unless the reader scrolled away. What was typed is kept until the platform took it.
 */

import { $, able, attribute, clean, el, flag, foreign, memory, put, show, toast } from "./dom.js";
import { many, money, refusalSentence, t } from "./words.js";

const NEAR_PX = 48; // this close to the end counts as at the end
const COUNT_FROM = 240; // from this many characters on, the room left is shown
export const LINE_LENGTH = 300;

const FACTS = {
  sold: (line) => t(line.mine ? "chat.sold_mine" : "chat.sold", { number: line.number, price: money(line.priceCents), name: clean(line.nickname, 40) }),
  passed: (line) => t("chat.passed", { number: line.number }),
  drawn: (line) => t("chat.drawn", { name: clean(line.nickname, 40) }),
  outage: () => t("chat.outage"),
  joined: (line) => t("chat.joined", { name: clean(line.nickname, 40), inviter: clean(line.inviter, 40) }),
  voided: (line) => t("chat.voided", { number: line.number }),
  sale_voided: (line) => t("chat.sale_voided", { number: line.number }),
};

export class Chat {
  #page;
  #nodes = new Map(); // line id -> node
  #drawnAs = new Map(); // line id -> "deleted" | "muted" | ""
  #follow = true;
  #unseen = 0;
  #replyTo = null;
  #picked = null;
  #muted;
  #sending = false;
  #language = "";

  constructor(page) {
    this.#page = page;
    this.#muted = new Map(JSON.parse(memory.get(`muted.${page.showId}`) ?? "[]"));
    const lines = $("lines");
    lines.addEventListener("scroll", () => {
      this.#follow = lines.scrollHeight - lines.scrollTop - lines.clientHeight < NEAR_PX;
      if (this.#follow) this.#unseen = 0;
      this.#drawFresh();
    });
    new ResizeObserver(() => {
      if (this.#follow) lines.scrollTop = lines.scrollHeight;
    }).observe(lines);
    lines.addEventListener("click", (event) => {
      const node = event.target.closest(".line");
      if (node) this.#openMenu(node.dataset.id);
    });
    lines.addEventListener("keydown", (event) => this.#key(event));
    $("fresh").addEventListener("click", () => this.#toEnd());
    $("replying-cancel").addEventListener("click", () => this.#reply(null));
    $("say").addEventListener("input", () => this.#drawComposer());
    $("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#say();
    });
    const menu = $("line-menu");
    menu.addEventListener("click", (event) => {
      if (event.target === menu) menu.close();
    });
    menu.addEventListener("close", () => this.#pick(null));
    $("line-close").addEventListener("click", () => menu.close());
    $("line-reply").addEventListener("click", () => this.#chosen((line) => this.#reply(line)));
    $("line-mute").addEventListener("click", () => this.#chosen((line) => this.#mute(line)));
    $("line-delete").addEventListener("click", () => this.#chosen((line) => page.act({ type: "delete_line", line_id: line.id })));
  }

  draw() {
    const { state } = this.#page;
    if (this.#language !== t("close")) {
      this.#language = t("close"); // the language changed: every line is worded anew
      $("lines").replaceChildren();
      this.#nodes.clear();
      this.#drawnAs.clear();
    }
    const box = $("lines");
    const kept = new Set();
    const fresh = document.createDocumentFragment();
    for (const line of state.lines) {
      kept.add(line.id);
      const as = line.deleted ? "deleted" : this.#muted.has(line.person) ? "muted" : "";
      const node = this.#nodes.get(line.id);
      if (node && this.#drawnAs.get(line.id) === as) continue;
      const drawn = this.#line(line, as);
      this.#drawnAs.set(line.id, as);
      this.#nodes.set(line.id, drawn);
      if (node) {
        node.replaceWith(drawn);
        continue;
      }
      fresh.append(drawn);
      if (!this.#follow) this.#unseen += 1;
    }
    for (const [id, node] of this.#nodes) {
      if (kept.has(id)) continue;
      node.remove();
      this.#nodes.delete(id);
      this.#drawnAs.delete(id);
    }
    if (fresh.childElementCount > 0) box.append(fresh);
    if (this.#follow) box.scrollTop = box.scrollHeight;
    this.#drawFresh();
    this.#drawPinned();
    this.#drawComposer();
  }

  #line(line, as) {
    const node = el("div", "line");
    node.dataset.id = line.id;
    node.id = `line-${line.id}`;
    if (as === "muted") {
      node.classList.add("deleted");
      node.append(foreign("bdi", "who", line.nickname, 40), el("span", "", t("chat.hidden")));
      return node;
    }
    flag(node, "mine", line.mine);
    if (line.kind in FACTS) {
      node.classList.add("fact", line.kind);
      node.textContent = FACTS[line.kind](line);
      return node;
    }
    if (line.kind === "announced") {
      node.classList.add("announced");
      node.append(el("span", "badge", t("chat.announce")), foreign("bdi", "", line.text));
      return node;
    }
    const badge = ["owner", "producer", "moderator"].includes(line.role) ? el("span", "badge", t(`role.${line.role}`)) : null;
    if (badge) node.append(badge);
    node.append(foreign("bdi", "who", line.nickname, 40));
    if (as === "deleted") {
      node.classList.add("deleted");
      node.append(el("span", "", t("chat.deleted")));
      return node;
    }
    const to = line.replyTo ? this.#page.state.lines.find((one) => one.id === line.replyTo) : null;
    if (to && !to.deleted && !this.#muted.has(to.person)) node.prepend(foreign("span", "to", `${to.nickname} : ${to.text}`, 80));
    node.append(foreign("bdi", "", line.text));
    return node;
  }

  #drawFresh() {
    show($("fresh"), this.#unseen > 0);
    if (this.#unseen > 0) $("fresh").replaceChildren(el("span", "", many("chat.new", this.#unseen)));
  }

  #drawPinned() {
    const { pinnedLine } = this.#page.state;
    show($("pinned"), pinnedLine !== null);
    if (pinnedLine === null) return;
    put($("pinned-word"), `${t("chat.pinned")} ·`);
    put($("pinned-text"), `${clean(pinnedLine.nickname, 40)} — ${clean(pinnedLine.text)}`);
  }

  #drawComposer() {
    const typed = $("say").value;
    const left = LINE_LENGTH - typed.length;
    show($("say-left"), typed.length >= COUNT_FROM);
    put($("say-left"), t("chat.left", { count: left }));
    attribute($("say"), "placeholder", this.#hint());
    flag($("say-send"), "ready", typed.trim() !== "" && !this.#sending);
    able($("say-send"), !this.#sending);
    show($("replying"), this.#replyTo !== null);
    if (this.#replyTo) put($("replying-text"), t("chat.replying", { name: clean(this.#replyTo.nickname, 40) }));
  }

  #hint() {
    const { state, clock } = this.#page;
    const quietMs = state.timedOutUntil - clock.nowMs();
    if (quietMs > 0) return t("chat.timed_out", { seconds: Math.ceil(quietMs / 1_000) });
    return state.slowModeMs > 0 ? t("chat.slow", { seconds: Math.ceil(state.slowModeMs / 1_000) }) : t("chat.placeholder");
  }

  #toEnd() {
    this.#follow = true;
    this.#unseen = 0;
    $("lines").scrollTop = $("lines").scrollHeight;
    this.#drawFresh();
  }

  #reply(line) {
    this.#replyTo = line;
    this.#drawComposer();
    if (line) $("say").focus();
  }

  async #say() {
    const box = $("say");
    const text = box.value.trim();
    if (text === "" || this.#sending) return;
    if (text.length > LINE_LENGTH) {
      toast(t("chat.long"), "amber");
      return;
    }
    this.#sending = true;
    this.#drawComposer();
    const command = { type: "say", text };
    if (this.#replyTo) command.reply_to = this.#replyTo.id;
    try {
      await this.#page.send(command);
      if (box.value.trim() === text) box.value = "";
      this.#replyTo = null;
      this.#toEnd();
    } catch (error) {
      if (error.status === 429) toast(t("chat.fast"), "amber");
      else toast(error.code === "unanswered" ? t("chat.failed") : refusalSentence(error), "amber");
    }
    this.#sending = false;
    this.#drawComposer();
  }

  // --- one line's menu: reply, hide, delete -------------------------------------------

  #said(id) {
    const line = this.#page.state.lines.find((one) => one.id === id);
    return line && line.kind === "said" && !line.deleted ? line : null;
  }

  #openMenu(id) {
    const line = this.#said(id);
    if (!line) return;
    this.#picked = line;
    const name = clean(line.nickname, 40);
    const menu = $("line-menu");
    attribute(menu, "aria-label", t("chat.reply", { name }));
    const muted = this.#muted.has(line.person);
    put($("line-menu-text"), muted ? name : `${name} : ${clean(line.text)}`);
    put($("line-reply"), t("chat.reply", { name }));
    show($("line-reply"), !muted);
    put($("line-mute"), t(muted ? "chat.unmute" : "chat.mute", { name }));
    put($("line-delete"), t("chat.delete"));
    put($("line-close"), t("close"));
    show($("line-mute"), !line.mine);
    show($("line-delete"), line.mine);
    menu.showModal();
  }

  #chosen(what) {
    const line = this.#picked;
    $("line-menu").close();
    if (line) what(line);
  }

  /** Hide somebody's lines in this browser, or show them again. */
  #mute(line) {
    const name = clean(line.nickname, 40);
    const back = this.#muted.delete(line.person);
    if (!back) this.#muted.set(line.person, name);
    memory.set(`muted.${this.#page.showId}`, JSON.stringify([...this.#muted].slice(-200)));
    toast(t(back ? "chat.unmuted" : "chat.muted", { name }));
    this.draw();
  }

  /** Arrow keys walk the lines, Enter opens the menu of one. */
  #key(event) {
    const nodes = [...$("lines").children].filter((node) => !node.hidden && this.#said(node.dataset.id));
    if (nodes.length === 0) return;
    const at = nodes.findIndex((node) => node.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowUp") this.#pick(nodes[at < 0 ? nodes.length - 1 : Math.max(0, at - 1)]);
    else if (event.key === "ArrowDown") this.#pick(nodes[at < 0 ? 0 : Math.min(nodes.length - 1, at + 1)]);
    else if (event.key === "Enter" && at >= 0) this.#openMenu(nodes[at].dataset.id);
    else return;
    event.preventDefault();
  }

  #pick(node) {
    for (const one of $("lines").querySelectorAll('[aria-selected="true"]')) one.removeAttribute("aria-selected");
    if (!node) {
      $("lines").removeAttribute("aria-activedescendant");
      return;
    }
    node.setAttribute("aria-selected", "true");
    $("lines").setAttribute("aria-activedescendant", node.id);
    node.scrollIntoView({ block: "nearest" });
  }
}

/**
 * The buyer page as a whole: who is told when what changes.
 *
 * One state (fold.js), one feed, one draw per frame. Moments of the feed become
 * banners, cards and vibrations here; everything else is drawn from the state.
 */

import { AmountSheet } from "./amount.js";
import { Block, Strips } from "./block.js";
import { Chat } from "./chat.js";
import { ServerClock } from "./clock.js";
import { $, attribute, buzz, clean, flag, memory, put, show, toast } from "./dom.js";
import { Entry } from "./entry.js";
import { apply, basket, fresh, fromBrief, take } from "./fold.js";
import { MaxSheet } from "./maxbid.js";
import { Player } from "./player.js";
import { Shelf, invite } from "./shelf.js";
import { chooseCurrency, chooseLanguage, currentLanguage, many, money, refusalSentence, t, whole } from "./words.js";
import { Refused, Wire } from "./wire.js";

const AWAY_MS = 1_200; // a shorter break of the feed is not worth a word
const SLOW_MS = 1_500; // a round trip this long is said to be slow
const MOMENT_MS = { won: 6_000, giveaway_won: 6_000, hammered: 3_500, passed: 2_800, withdrawn: 2_800, voided: 3_500 };
const ANNOUNCED_MS = 12_000;
const TICK_MS = 100;

class Page {
  root = new URL("..", import.meta.url).href; // this file is served under /static/
  showId = decodeURIComponent(location.pathname.split("/").filter(Boolean).pop() ?? "");
  wire = new Wire(this.root, this.showId);
  clock = new ServerClock(this.wire.timeUrl);
  state = fresh();
  face = null; // what anyone may know of the show, before entering
  online = false;
  #feed = null;
  #inside = false;
  #drawAsked = false;
  #awayTimer = 0;
  #momentTimer = 0;
  #announceTimer = 0;
  #wantsSound = false;
  #everOpen = false;

  constructor() {
    this.player = new Player($("video"), this.wire.whepUrl, () => this.redraw());
    this.maxSheet = new MaxSheet(this);
    this.amountSheet = new AmountSheet(this);
    this.block = new Block(this);
    this.strips = new Strips(this);
    this.chat = new Chat(this);
    this.shelf = new Shelf(this);
    this.entry = new Entry(this);
    $("sound").addEventListener("click", () => this.#toggleSound());
    $("lang").addEventListener("click", () => this.switchLanguage());
    $("rail-invite").addEventListener("click", () => invite(this));
    $("net-retry").addEventListener("click", () => this.#tryAgain());
    $("ended-basket").addEventListener("click", () => {
      show($("ended"), false);
      this.shelf.open("basket", $("ended-basket"));
    });
    $("video").addEventListener("volumechange", () => this.redraw());
    window.addEventListener("online", () => this.#tryAgain());
    window.addEventListener("offline", () => this.redraw());
    window.addEventListener("pagehide", () => this.player.stop());
    window.addEventListener("pageshow", (event) => {
      if (event.persisted && this.#inside) location.reload();
    });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && this.#inside) this.clock.renew();
    });
    setInterval(() => this.#tick(), TICK_MS);
  }

  async start() {
    this.draw();
    this.clock.start();
    if (memory.get("nickname") === null) {
      await this.#openDoor(""); // never been here: no pass to try
      return;
    }
    try {
      await this.enter();
    } catch (error) {
      await this.#openDoor(error.code === "unanswered" ? t("entry.failed") : "");
    }
  }

  /** The door, with the show's public face as soon as it is known. */
  async #openDoor(reason) {
    this.entry.open(reason);
    try {
      this.face = await this.wire.face();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.status === 404) this.entry.open(t("entry.gone"));
      return; // the door opens without a title
    }
    this.entry.draw();
    this.#drawTitle();
  }

  /** Fetch the brief with the pass we hold and go on by the feed. Throws Refused (401: no pass yet). */
  async enter() {
    const brief = await this.wire.brief();
    this.clock.hint(brief.server_ms);
    this.state = fromBrief(brief);
    chooseCurrency(this.state.show.currency);
    this.#inside = true;
    this.entry.close();
    attribute($("app"), "data-phase", "inside");
    this.#follow();
    if (this.state.show.status !== "ended") this.player.start();
    this.draw();
  }

  #follow() {
    this.#feed?.close();
    this.#feed = this.wire.feed(this.state.seq, {
      row: (row) => this.#happened(take(this.state, row)),
      passing: (event) => {
        if (event.type === "heartbeat") this.clock.hint(event.server_ms);
        this.#happened(apply(this.state, event));
      },
      seen: (seq) => {
        if (seq > this.state.seq) {
          this.state.seq = seq;
          this.redraw();
        }
      },
      state: (feedState) => this.#feedIs(feedState),
      stale: () => this.#renew(0),
    });
  }

  /** The feed will not go on from where we are: start again from a brief. */
  async #renew(attempt) {
    try {
      await this.enter();
    } catch (error) {
      if (error.status === 401 || error.status === 404) {
        this.#leave(error.status === 404 ? t("entry.gone") : "");
        return;
      }
      setTimeout(() => this.#renew(attempt + 1), Math.min(4_000, 400 * 2 ** attempt));
    }
  }

  #leave(reason) {
    this.#inside = false;
    this.player.stop();
    attribute($("app"), "data-phase", "entry");
    this.entry.open(reason);
  }

  #feedIs(feedState) {
    clearTimeout(this.#awayTimer);
    if (feedState === "open") {
      const wasAway = !this.online && this.#everOpen;
      this.state.halted = false; // if it still is, that is the first thing said
      this.online = true;
      this.#everOpen = true;
      if (wasAway) {
        this.clock.renew();
        this.player.retryNow();
      }
    } else {
      this.#awayTimer = setTimeout(() => {
        this.online = false;
        this.redraw();
      }, this.online ? AWAY_MS : 0);
    }
    this.redraw();
  }

  #tryAgain() {
    this.#feed?.retryNow();
    this.player.retryNow();
    this.redraw();
  }

  // --- commands -------------------------------------------------------------------------

  /** Send a command; throws Refused. */
  send(command, key) {
    if (navigator.onLine === false) return Promise.reject(new Refused("offline", t("refused.offline")));
    return this.wire.send(command, key ? { key } : {});
  }

  /** Send a command whose refusal is only said. Resolves to true when it was accepted. */
  async act(command) {
    try {
      await this.send(command);
      return true;
    } catch (error) {
      toast(error.code === "unanswered" ? t("bid.unanswered") : refusalSentence(error), "amber", 4_500);
      return false;
    }
  }

  // --- moments --------------------------------------------------------------------------

  #happened(moments) {
    for (const moment of moments) this.#moment(moment);
    this.redraw();
  }

  #moment(moment) {
    const { state } = this;
    switch (moment.kind) {
      case "outbid":
      case "overtaken":
        buzz([90, 60, 90]);
        toast(t(`moment.${moment.kind}`, { price: money(moment.askingCents) }), "amber");
        break;
      case "leading":
        buzz(40);
        break;
      case "opened":
        this.#hideMoment();
        buzz(30);
        break;
      case "won":
      case "hammered":
      case "passed":
        this.#ended(moment);
        break;
      case "withdrawn":
        this.block.resultShown();
        this.#showMoment("withdrawn", { word: t("moment.withdrawn"), text: t("moment.withdrawn_hint") });
        break;
      case "voided":
        this.block.resultShown();
        this.#showMoment("voided", { word: t("moment.voided"), text: clean(moment.reason, 160) });
        break;
      case "resumed":
        toast(t("moment.resumed"), "green");
        break;
      case "platform_back":
        toast(t("moment.platform_back"), "amber", 5_000);
        break;
      case "clock_moved":
        if (moment.reason === "outage") toast(t("moment.outage"), "amber", 6_000);
        break;
      case "announced":
        this.#announce(moment.text);
        break;
      case "bought":
        buzz([60, 40, 120]);
        toast(t("lots.bought"), "green", 4_500);
        break;
      case "giveaway_won":
        buzz([80, 40, 80, 40, 200]);
        this.#showMoment("giveaway_won", { word: t("giveaway.won"), tone: "won" });
        break;
      case "drawn":
        toast(moment.winnerName ? t("giveaway.drawn", { name: clean(moment.winnerName, 40) }) : t("giveaway.nobody"));
        break;
      case "sale_voided":
        toast(t("moment.sale_voided"), "amber", 6_000);
        break;
      case "offer_answered":
        toast(t(`moment.offer_${moment.answer}`), moment.answer === "accepted" ? "green" : "");
        break;
      case "runner_up":
        buzz([60, 40, 60]);
        break;
      case "ended":
        this.player.stop();
        this.maxSheet.close();
        this.amountSheet.close();
        this.shelf.close();
        break;
      default:
        state.show.id ||= this.showId;
    }
  }

  #ended({ kind, run }) {
    const title = clean(this.state.lots.get(run.lotId)?.title ?? "", 90);
    this.block.resultShown();
    if (kind === "won") {
      buzz([80, 40, 80, 40, 200]);
      const bag = run.bag ? t("moment.won_bag", { bag: run.bag }) : "";
      this.#showMoment("won", { word: t("moment.won"), price: money(run.priceCents), text: title, bag, tone: "won" });
      return;
    }
    if (kind === "hammered") {
      const text = t("moment.hammered_to", { name: clean(run.leaderName, 40) });
      this.#showMoment("hammered", { word: t("moment.hammered"), price: money(run.priceCents), text, tone: "sold" });
      return;
    }
    const why = run.leader === null ? "moment.passed_nobody" : "moment.passed_reserve";
    this.#showMoment("passed", { word: t("moment.passed"), text: t(why) });
  }

  #showMoment(kind, { word, price = "", text = "", bag = "", tone = "" }) {
    clearTimeout(this.#momentTimer);
    const node = $("moment");
    node.className = `moment ${tone}`.trim();
    node.hidden = true;
    put($("moment-word"), word);
    put($("moment-price"), price);
    put($("moment-text"), text);
    put($("moment-bag"), bag);
    void node.offsetWidth; // shown anew: the rise plays again
    node.hidden = false;
    this.#momentTimer = setTimeout(() => this.#hideMoment(), MOMENT_MS[kind]);
  }

  #hideMoment() {
    show($("moment"), false);
  }

  #announce(text) {
    clearTimeout(this.#announceTimer);
    put($("announce-banner"), clean(text));
    show($("announce-banner"), true);
    this.#announceTimer = setTimeout(() => show($("announce-banner"), false), ANNOUNCED_MS);
  }

  // --- sound ----------------------------------------------------------------------------

  /** A person pressed something: from now on sound is allowed. */
  gesture() {
    this.#wantsSound = true;
    $("video").muted = false;
  }

  #toggleSound() {
    const video = $("video");
    this.#wantsSound = video.muted;
    video.muted = !video.muted;
    if (!video.muted) video.play().catch(() => undefined);
    this.redraw();
  }

  async switchLanguage() {
    memory.set("language", await chooseLanguage(currentLanguage() === "fr" ? "en" : "fr"));
    this.draw();
    if (this.entry.isOpen) this.entry.draw();
  }

  // --- drawing --------------------------------------------------------------------------

  /** Draw once, at the next frame, however often it is asked. */
  redraw() {
    if (this.#drawAsked) return;
    this.#drawAsked = true;
    const draw = () => {
      this.#drawAsked = false;
      this.draw();
    };
    if (document.hidden) setTimeout(draw, 250);
    else requestAnimationFrame(draw);
  }

  draw() {
    document.documentElement.lang = currentLanguage();
    this.#drawTop();
    this.#drawWords();
    if (!this.#inside) return;
    this.#drawBanners();
    this.#drawCurtain();
    this.block.draw();
    this.strips.draw();
    this.chat.draw();
    this.shelf.draw();
    if (this.maxSheet.open) this.maxSheet.draw();
    if (this.amountSheet.open) this.amountSheet.draw();
    this.#drawEnd();
  }

  #tick() {
    if (!this.#inside || document.hidden) return;
    this.block.tick();
    this.strips.tick(this.clock.nowMs());
  }

  #drawTitle() {
    const title = clean(this.state.show.title || this.face?.title || "", 80);
    document.title = title ? t("page.title", { title }) : t("page.untitled");
    put($("title"), title || t("page.untitled"));
  }

  #drawTop() {
    const { show: face, viewers } = this.state;
    this.#drawTitle();
    const live = face.status === "live";
    flag($("state"), "live", live && !face.rehearsal);
    flag($("state"), "rehearsal", live && face.rehearsal);
    put($("state"), t(live ? (face.rehearsal ? "top.rehearsal" : "top.live") : face.status === "ended" ? "top.ended" : "top.soon"));
    show($("viewers"), viewers > 0);
    put($("viewers"), whole(viewers));
    attribute($("viewers"), "aria-label", many("top.viewers", viewers));
    const { muted } = $("video");
    attribute($("sound"), "aria-pressed", String(!muted));
    attribute($("sound"), "aria-label", t(muted ? "sound.on" : "sound.off"));
    put($("sound-word"), t("sound.tap"));
    flag($("sound"), "asks", muted && this.player.state === "playing" && !this.#wantsSound);
    attribute($("video"), "aria-label", t("video.label"));
  }

  #drawWords() {
    for (const [id, key] of [
      ["rail-lots-word", "rail.lots"], ["rail-basket-word", "rail.basket"], ["rail-invite-word", "rail.invite"],
      ["tab-lots-word", "lots.title"], ["tab-basket-word", "basket.title"], ["chat-title", "chat.title"],
      ["say-label", "chat.label"], ["lots-search-label", "lots.search"], ["net-retry", "net.retry"],
    ]) put($(id), t(key)); // prettier-ignore
    put($("lang"), currentLanguage() === "fr" ? "EN" : "FR");
    attribute($("lang"), "aria-label", t("lang.other"));
    attribute($("say-send"), "aria-label", t("chat.send"));
    attribute($("lots-search"), "placeholder", t("lots.search"));
    attribute($("panel"), "aria-label", t("rail.lots"));
    attribute($("lines"), "aria-label", t("chat.title"));
    attribute($("replying-cancel"), "aria-label", t("chat.cancel_reply"));
    attribute($("ticker"), "aria-label", t("ticker.label"));
    for (const id of ["panel-close", "max-close", "amount-close"]) attribute($(id), "aria-label", t("close"));
  }

  #drawBanners() {
    const { state } = this;
    const offline = navigator.onLine === false;
    const away = !this.online && this.#everOpen;
    const slow = this.clock.roundTripMs > SLOW_MS;
    show($("net-banner"), offline || away || slow);
    put($("net-text"), t(offline ? "net.offline" : away ? "net.retrying" : "net.slow"));
    show($("net-retry"), away && !offline);
    let words = "";
    if (state.halted) {
      words = t("moment.halted");
    } else if (state.run?.status === "paused") {
      const reason = { picture_lost: "picture", log_unwritable: "log", platform_down: "platform" }[state.run.pauseReason];
      words = t(`moment.paused_${reason ?? "log"}`);
    } else if (state.picture.lostSince > 0 && state.run) {
      words = t("moment.picture_continue");
    }
    show($("sale-banner"), words !== "");
    put($("sale-banner"), words);
  }

  #drawCurtain() {
    const { state, player } = this;
    const curtain = $("curtain");
    const ended = state.show.status === "ended";
    const lost = player.state === "lost" || (state.picture.lostSince > 0 && player.state !== "playing");
    const waiting = player.state === "connecting" || player.state === "waiting";
    flag(curtain, "on", !ended && (lost || waiting));
    flag(curtain, "still", !lost && state.show.status === "prepared");
    if (lost) {
      put($("curtain-title"), t("video.lost"));
      put($("curtain-hint"), this.online ? t("video.lost_hint") : "");
    } else if (state.show.status === "prepared") {
      put($("curtain-title"), t("video.waiting"));
      put($("curtain-hint"), t("video.waiting_hint"));
    } else {
      put($("curtain-title"), t("video.connecting"));
      put($("curtain-hint"), "");
    }
  }

  #drawEnd() {
    const over = this.state.show.status === "ended" || this.state.blocked;
    if (!over) {
      show($("ended"), false);
      delete $("ended").dataset.seen;
      return;
    }
    const { sales, totalCents } = basket(this.state);
    put($("ended-title"), t(this.state.blocked ? "blocked.title" : "ended.title"));
    put($("ended-thanks"), this.state.blocked ? "" : t("ended.thanks"));
    put($("ended-sum"), sales.length ? many("ended.bought", sales.length, { price: money(totalCents) }) : this.state.blocked ? "" : t("ended.nothing"));
    put($("ended-basket"), t("ended.basket"));
    show($("ended-basket"), sales.length > 0);
    if ($("ended").dataset.seen) return;
    $("ended").dataset.seen = "1";
    show($("ended"), true);
  }
}

await chooseLanguage(new URLSearchParams(location.search).get("lang") ?? memory.get("language") ?? navigator.language ?? "fr");
await new Page().start();

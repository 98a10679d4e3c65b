/**
 * The door: a nickname first, remembered for next time.
 *
 * The press that enters is also the gesture browsers want before they play sound.
 */

import { $, attribute, clean, flag, memory, put, able, isAble } from "./dom.js";
import { refusalSentence, t } from "./words.js";

export const LEAST = 2;
export const MOST = 24;
const ALLOWED = /^[\p{L}\p{N}][\p{L}\p{M}\p{N} ._'’-]*$/u;

/** {nickname} or {reason}: a key of words.js. */
export function checkNickname(typed) {
  const nickname = clean(typed.normalize("NFC"), 10_000).trim().replace(/\s+/g, " ");
  const length = [...nickname].length;
  if (length < LEAST) return { reason: "entry.short" };
  if (length > MOST) return { reason: "entry.long" };
  if (!ALLOWED.test(nickname)) return { reason: "entry.letters" };
  return { nickname };
}

export class Entry {
  #page;
  #busy = false;
  #reason = "";

  constructor(page) {
    this.#page = page;
    $("nickname").value ||= memory.get("nickname") ?? ""; // whoever typed before this file came keeps it
    $("nickname").addEventListener("input", () => this.#complain(""));
    $("entry-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#enter();
    });
    $("entry-lang").addEventListener("click", () => page.switchLanguage());
  }

  open(reason = "") {
    $("entry").hidden = false;
    this.#complain(reason);
    this.draw();
    $("nickname").focus({ preventScroll: true });
  }

  close() {
    $("entry").hidden = true;
  }

  get isOpen() {
    return !$("entry").hidden;
  }

  draw(face = this.#page.face) {
    const title = clean(face?.title ?? "", 80);
    put($("entry-title"), title || t("page.untitled"));
    put($("entry-lead"), t("entry.lead"));
    put($("nickname-label"), t("entry.label"));
    attribute($("nickname"), "placeholder", t("entry.placeholder"));
    put($("entry-send"), t(this.#busy ? "entry.entering" : "entry.enter"));
    able($("entry-send"), !this.#busy);
    put($("entry-lang"), t("lang.other"));
    put($("nickname-hint"), this.#reason || t("entry.hint"));
    flag($("nickname-hint"), "bad", this.#reason !== "");
    attribute($("nickname"), "aria-invalid", String(this.#reason !== ""));
    const status = face?.status ?? "";
    flag($("entry-state"), "live", status === "live" && !face.rehearsal);
    flag($("entry-state"), "rehearsal", status === "live" && face.rehearsal);
    put($("entry-state"), status === "live" ? t(face.rehearsal ? "top.rehearsal" : "top.live") : status === "ended" ? t("top.ended") : t("top.soon"));
  }

  #complain(reason) {
    this.#reason = reason;
    this.draw();
  }

  async #enter() {
    if (this.#busy || !isAble($("entry-send"))) return;
    const { nickname, reason } = checkNickname($("nickname").value);
    if (reason) {
      this.#complain(t(reason));
      $("nickname").focus();
      return;
    }
    memory.set("nickname", nickname);
    this.#busy = true;
    this.#complain("");
    this.#page.gesture();
    try {
      await this.#page.wire.join(nickname, new URLSearchParams(location.search).get("i") ?? "");
      await this.#page.enter();
    } catch (error) {
      const sentence = error.status === 404 ? t("entry.gone") : error.code === "unanswered" || !error.code ? t("entry.failed") : refusalSentence(error);
      this.#reason = sentence;
    }
    this.#busy = false;
    this.draw();
  }
}

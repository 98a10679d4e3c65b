/**
 * How the page touches the document: text only, never markup, and only when it changed.
 *
 * Foreign text passes through `clean`: no control character, no invisible direction
 * mark, bounded length. Toasts and spoken words live here too.
 */

export const $ = (id) => document.getElementById(id);

const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060\u2066-\u2069\ufeff]/g;

/** Foreign text made safe to lay out. */
export function clean(text, length = 320) {
  const whole = String(text ?? "").replace(INVISIBLE, "");
  return whole.length > length ? `${whole.slice(0, length - 1)}…` : whole;
}

export function el(tag, className = "", text = null) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== null) node.textContent = text;
  return node;
}

/** A name or text by a stranger, in a bidi-isolated element. */
export function foreign(tag, className, text, length) {
  const node = el(tag, className, clean(text, length));
  node.dir = "auto";
  return node;
}

export function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function show(node, visible) {
  if (node.hidden === visible) node.hidden = !visible;
}

export function flag(node, className, on) {
  if (node.classList.contains(className) !== on) node.classList.toggle(className, on);
}

export function attribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/** A control that can be focused and explained although it does nothing right now. */
export function able(button, on) {
  attribute(button, "aria-disabled", on ? "false" : "true");
}

export function isAble(button) {
  return button.getAttribute("aria-disabled") !== "true";
}

/** Play a one-shot CSS animation by class, again if it is already playing. */
export function replay(node, className) {
  node.classList.remove(className);
  void node.offsetWidth;
  node.classList.add(className);
}

const PICTURE = /^\/pictures\/[\w.-]+$/;

/** The lot's card picture: only pictures of the platform itself; otherwise its number on a colour. */
export function thumb(node, lot, root) {
  const path = (lot?.pictures ?? []).find((one) => PICTURE.test(one));
  const wanted = lot ? `${lot.id} ${path ?? ""}` : "";
  if (node.dataset.lot === wanted) return;
  node.dataset.lot = wanted;
  node.replaceChildren();
  node.className = `thumb tint-${(lot?.number ?? 0) % 8}`;
  if (!lot) return;
  const number = () => node.replaceChildren(document.createTextNode(String(lot.number)));
  if (!path) {
    number();
    return;
  }
  const image = el("img");
  image.alt = "";
  image.decoding = "async";
  image.addEventListener("error", number, { once: true });
  image.src = new URL(path.slice(1), root).href;
  node.append(image);
}

export function toast(text, tone = "", forMs = 3_200) {
  const box = $("toasts");
  while (box.childElementCount >= 2) box.firstElementChild.remove();
  const node = el("div", `toast ${tone}`.trim(), text);
  box.append(node);
  setTimeout(() => node.remove(), forMs);
}

let spokenAt = -Infinity;
let spokenTimer = 0;

/** Said to a screen reader: at most once in 1.5 s, always the latest. */
export function speak(text) {
  clearTimeout(spokenTimer);
  const wait = Math.max(0, 1_500 - (performance.now() - spokenAt));
  spokenTimer = setTimeout(() => {
    spokenAt = performance.now();
    put($("spoken"), text);
  }, wait);
}

export function buzz(pattern) {
  navigator.vibrate?.(pattern);
}

/** What this browser remembers of this shop. Private windows may refuse: then nothing is remembered. */
export const memory = {
  get(name) {
    try {
      return localStorage.getItem(`buyer.${name}`);
    } catch {
      return null;
    }
  },
  set(name, value) {
    try {
      localStorage.setItem(`buyer.${name}`, value);
    } catch {
      // storage is off in this browser: the page works without it
    }
  },
};

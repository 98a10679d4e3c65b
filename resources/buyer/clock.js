/**
 * What time it is on the platform (rule 16).
 *
 * The offset comes from the fastest of five samples, renewed every 30 s; between
 * samples only the local monotonic clock moves it. Nothing here ends a lot.
 */

const SAMPLES = 5;
const RENEW_MS = 30_000;
const RETRY_MS = 2_000;

export class ServerClock {
  #url;
  #offsetMs = null;
  #timer = 0;
  #sampling = false;
  roundTripMs = 0;

  constructor(url) {
    this.#url = url;
  }

  /** A first guess, good to a round trip, until samples are in. */
  hint(serverMs) {
    if (this.#offsetMs === null) this.#offsetMs = serverMs - performance.now();
  }

  nowMs() {
    return performance.now() + (this.#offsetMs ?? 0);
  }

  get known() {
    return this.#offsetMs !== null;
  }

  start() {
    this.renew();
  }

  /** Take five samples now, keep the fastest; called again by itself. */
  async renew() {
    if (this.#sampling) return;
    this.#sampling = true;
    clearTimeout(this.#timer);
    let best = null;
    for (let i = 0; i < SAMPLES; i += 1) {
      const sample = await this.#sample();
      if (sample !== null && (best === null || sample.roundTripMs < best.roundTripMs)) best = sample;
    }
    if (best !== null) {
      this.#offsetMs = best.offsetMs;
      this.roundTripMs = best.roundTripMs;
    }
    this.#sampling = false;
    this.#timer = setTimeout(() => this.renew(), best === null ? RETRY_MS : RENEW_MS);
  }

  async #sample() {
    const abort = new AbortController();
    const limit = setTimeout(() => abort.abort(), 3_000);
    const sentAt = performance.now();
    try {
      const answer = await fetch(this.#url, { cache: "no-store", signal: abort.signal });
      const { server_ms: serverMs } = await answer.json();
      const gotAt = performance.now();
      if (!answer.ok || typeof serverMs !== "number") return null;
      return { offsetMs: serverMs - (sentAt + gotAt) / 2, roundTripMs: gotAt - sentAt };
    } catch {
      return null; // the network: tried again in RETRY_MS
    } finally {
      clearTimeout(limit);
    }
  }
}

/** What the clock reads: {text, left, phase}; phase is "calm" | "soon" (under 10 s) | "closing" (last second). */
export function reading(leftMs, closingWord) {
  const left = Math.max(0, leftMs);
  if (left < 1_000) return { text: closingWord, phase: "closing" };
  const seconds = Math.floor(left / 1_000);
  const text = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  return { text, phase: left < 10_000 ? "soon" : "calm" };
}

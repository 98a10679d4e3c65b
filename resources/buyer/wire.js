/**
 * How the page talks to the platform: join, brief, feed, commands.
 *
 * Promises: a command is sent with one Idempotency-Key however often it is retried,
 * so it takes effect at most once; the feed comes back by itself and goes on after
 * the last row seen. Refuses: holding any state of the show.
 */

const TRY_MS = 6_000; // one attempt of a command
const GIVE_UP_MS = 9_000; // all attempts of a command
const SILENT_MS = 12_000; // two heartbeats missed: the feed is dead
const DELAYS_MS = [0, 400, 1_000, 2_000, 4_000];

/** The platform answered no, or nobody answered (`code` "unanswered"). */
export class Refused extends Error {
  constructor(code, sentence = "", facts = {}, status = 0, retryAfterS = 0) {
    super(code);
    Object.assign(this, { code, sentence, facts, status, retryAfterS });
  }
}

export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function problem(answer) {
  let word = {};
  try {
    word = await answer.json();
  } catch {
    // not JSON: a proxy's page; the status says enough
  }
  const retryAfterS = Number(answer.headers.get("Retry-After")) || 0;
  return new Refused(word.code ?? `http_${answer.status}`, word.sentence ?? word.detail ?? "", word.facts ?? {}, answer.status, retryAfterS);
}

export class Wire {
  #root;
  #show;

  /** `root`: the URL under which the platform lives, ending in "/". */
  constructor(root, show) {
    this.#root = root;
    this.#show = encodeURIComponent(show);
  }

  url(path) {
    return new URL(path, this.#root).href;
  }

  #api(tail) {
    return this.url(`api/shows/${this.#show}/${tail}`);
  }

  get timeUrl() {
    return this.url("api/time");
  }

  get whepUrl() {
    return this.url(`whep/${this.#show}`);
  }

  async #json(url, options = {}) {
    let answer;
    try {
      answer = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(TRY_MS), ...options });
    } catch {
      throw new Refused("unanswered");
    }
    if (!answer.ok) throw await problem(answer);
    try {
      return await answer.json();
    } catch {
      throw new Refused("unanswered");
    }
  }

  join(nickname, invite) {
    return this.#json(this.#api("join"), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(invite ? { nickname, invite } : { nickname }),
    });
  }

  /** What anyone with the address may know: title and status. */
  face() {
    return this.#json(this.url(`api/shows/${this.#show}`));
  }

  brief() {
    return this.#json(this.#api("brief"));
  }

  /**
   * Send a command until it is answered or GIVE_UP_MS are over. Resolves with
   * {seq, at_ms, made}; throws Refused. `onRetry` is told before every repeat.
   */
  async send(command, { key = newKey(), onRetry = () => {} } = {}) {
    const startedAt = performance.now();
    for (let attempt = 1; ; attempt += 1) {
      try {
        const word = await this.#json(this.#api("commands"), {
          method: "POST",
          headers: { "Content-Type": "application/json", "Idempotency-Key": key },
          body: JSON.stringify(command),
        });
        return { seq: word.seq, atMs: word.at_ms, made: word.made ?? {} };
      } catch (error) {
        const again = error instanceof Refused && (error.code === "unanswered" || error.status >= 502);
        const delayMs = Math.max(DELAYS_MS[Math.min(attempt, DELAYS_MS.length - 1)], (error.retryAfterS ?? 0) * 1_000);
        if (!again) throw error;
        if (performance.now() - startedAt + delayMs > GIVE_UP_MS) throw new Refused("unanswered");
        onRetry(attempt);
        await pause(delayMs);
      }
    }
  }

  feed(after, handlers) {
    return new Feed((seq) => this.#api(`feed?after=${seq}`), after, handlers);
  }
}

/**
 * The feed. handlers: row(stamped), passing(event), seen(seq), state("open" | "retrying"), stale().
 *
 * The browser's own EventSource resumes with Last-Event-ID when a connection drops
 * cleanly; when it gives up, is refused or falls silent, a new one is made after the
 * last seq seen. `stale` is called when the platform no longer knows us (asked for
 * again through a brief by whoever listens).
 */
export class Feed {
  #url;
  #seq;
  #handlers;
  #source = null;
  #attempt = 0;
  #timer = 0;
  #watch = 0;
  #heardAt = 0;
  #openedOnce = false;
  #closed = false;

  constructor(url, after, handlers) {
    this.#url = url;
    this.#seq = after;
    this.#handlers = handlers;
    this.#open();
    this.#watch = setInterval(() => {
      if (this.#source && performance.now() - this.#heardAt > SILENT_MS) this.#retry();
    }, 1_000);
  }

  #open() {
    clearTimeout(this.#timer);
    this.#source?.close();
    if (this.#closed) return;
    this.#heardAt = performance.now();
    this.#openedOnce = false;
    const source = new EventSource(this.#url(this.#seq));
    this.#source = source;
    const heard = (event) => {
      this.#heardAt = performance.now();
      const seq = Number(event.lastEventId);
      if (seq <= this.#seq) return;
      this.#seq = seq;
      this.#handlers.seen(seq); // rows we may not see have moved the log on
    };
    source.addEventListener("open", () => {
      if (source !== this.#source) return;
      this.#heardAt = performance.now();
      this.#openedOnce = true;
      this.#attempt = 0;
      this.#handlers.state("open");
    });
    source.addEventListener("row", (event) => {
      if (source !== this.#source) return;
      this.#handlers.row(JSON.parse(event.data));
      heard(event);
    });
    source.addEventListener("passing", (event) => {
      if (source !== this.#source) return;
      heard(event);
      this.#handlers.passing(JSON.parse(event.data));
    });
    source.addEventListener("error", () => {
      if (source !== this.#source) return;
      this.#retry();
    });
  }

  /** A fresh connection now, then with growing pauses; a feed that never opened asks for a new brief. */
  #retry() {
    const refused = !this.#openedOnce && this.#source?.readyState === EventSource.CLOSED;
    this.#source?.close();
    this.#source = null;
    this.#handlers.state("retrying");
    if (refused) {
      this.close();
      this.#handlers.stale();
      return;
    }
    const delay = DELAYS_MS[Math.min(this.#attempt, DELAYS_MS.length - 1)];
    this.#attempt += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#open(), delay);
  }

  /** Try at once, whatever the pause (the device is back online, the person pressed). */
  retryNow() {
    if (this.#closed || this.#source?.readyState === EventSource.OPEN) return;
    this.#attempt = 0;
    this.#open();
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#watch);
    this.#source?.close();
    this.#source = null;
  }
}

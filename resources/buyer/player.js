/**
 * The WHEP player: how the picture gets onto the page and comes back by itself.
 *
 * One POST of a receive-only offer (candidates included, late ones trickled by PATCH),
 * one answer. Watches the pictures themselves, not what the connection says of
 * itself: none for FROZEN_MS means lost. First retry at once, later ones spaced so
 * that the platform's limit of ten a minute is never met; a new session takes the
 * screen only once it has a picture, so a retry never makes things worse.
 */

const GATHER_MS = 250;
const POST_MS = 8_000;
const FROZEN_MS = 1_500;
const DISCONNECTED_MS = 2_000;
const SUSPECT_MS = 5_000;
const REJOIN_MS = 5_000; // nothing at all from the relay for this long: a new session
const DELAYS_MS = [0, 1_500, 4_000, 7_000, 10_000];

export class Player {
  #video;
  #url;
  #onState;
  #session = null; // what is on screen
  #trying = null; // what may replace it
  #attempt = 0;
  #timer = 0;
  #watch = 0;
  #lastFrameAt = 0;
  #heardAt = 0;
  #bytes = -1;
  #frames = 0;
  #state = "off";
  #wanted = false;
  #suspectUntil = 0;

  /** onState("connecting" | "waiting" | "playing" | "lost" | "off"). */
  constructor(video, url, onState) {
    this.#video = video;
    this.#url = url;
    this.#onState = onState;
  }

  get state() {
    return this.#state;
  }

  /** Pictures shown so far. */
  get frames() {
    return this.#frames;
  }

  start() {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#say("connecting");
    this.#watch = setInterval(() => this.#look(), 500);
    this.#countFrames();
    this.#join();
  }

  stop() {
    this.#wanted = false;
    clearInterval(this.#watch);
    clearTimeout(this.#timer);
    this.#drop(this.#trying);
    this.#drop(this.#session);
    this.#trying = this.#session = null;
    this.#video.srcObject = null;
    this.#say("off");
  }

  /** The platform is back, or the device is: do not wait for the next attempt. */
  retryNow() {
    if (!this.#wanted) return;
    this.#suspectUntil = performance.now() + SUSPECT_MS; // what still plays may be about to freeze
    if (this.#state === "playing") return;
    this.#attempt = 0;
    if (this.#trying?.url) {
      this.#drop(this.#trying); // of the platform before
      this.#trying = null;
    }
    this.#join();
  }

  async stats() {
    return this.#session ? this.#session.pc.getStats() : null;
  }

  #say(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.#onState(state);
  }

  #countFrames() {
    const video = this.#video;
    if (typeof video.requestVideoFrameCallback !== "function") {
      video.addEventListener("timeupdate", () => this.#frame());
      return;
    }
    const seen = () => {
      this.#frame();
      video.requestVideoFrameCallback(seen);
    };
    video.requestVideoFrameCallback(seen);
  }

  #frame() {
    this.#frames += 1;
    this.#lastFrameAt = performance.now();
    if (!this.#wanted || this.#state === "playing") return;
    this.#attempt = 0;
    clearTimeout(this.#timer);
    if (this.#trying?.url) {
      this.#drop(this.#trying); // the old session came back by itself
      this.#trying = null;
    }
    this.#say("playing");
  }

  async #join() {
    clearTimeout(this.#timer);
    if (!this.#wanted || this.#trying) return;
    const session = { pc: new RTCPeerConnection({ iceServers: [], bundlePolicy: "max-bundle" }), url: "", stream: new MediaStream(), arrived: false };
    this.#trying = session;
    this.#attempt += 1;
    try {
      await this.#negotiate(session);
    } catch (error) {
      this.#drop(session);
      if (this.#trying === session) this.#trying = null;
      this.#later((error.retryAfterS ?? 0) * 1_000);
      return;
    }
    if (this.#trying !== session) {
      this.#drop(session);
      return;
    }
    this.#heardAt = performance.now();
    if (this.#session === null || session.arrived) this.#show(session);
  }

  /** The first picture of a session is here: it may have the screen. */
  #arrived(session) {
    session.arrived = true;
    if (session === this.#trying && session.url) this.#show(session);
  }

  async #negotiate(session) {
    const { pc, stream } = session;
    pc.addTransceiver("video", { direction: "recvonly" });
    pc.addTransceiver("audio", { direction: "recvonly" });
    pc.addEventListener("track", ({ track }) => {
      stream.addTrack(track);
      if (track.kind === "video") track.addEventListener("unmute", () => this.#arrived(session));
    });
    pc.addEventListener("connectionstatechange", () => {
      if (pc.connectionState === "failed") this.#lost(session);
      if (pc.connectionState !== "disconnected") return;
      setTimeout(() => {
        if (pc.connectionState === "disconnected") this.#lost(session);
      }, DISCONNECTED_MS);
    });
    const late = [];
    const gathered = new Promise((done) => {
      pc.addEventListener("icecandidate", ({ candidate }) => {
        if (candidate === null) done();
        else if (session.url) this.#trickle(session, candidate);
        else late.push(candidate);
      });
      setTimeout(done, GATHER_MS);
    });
    await pc.setLocalDescription(await pc.createOffer());
    await gathered;
    const offer = pc.localDescription.sdp;
    const answer = await fetch(this.#url, {
      method: "POST",
      headers: { "Content-Type": "application/sdp", Accept: "application/sdp" },
      body: offer,
      signal: AbortSignal.timeout(POST_MS),
    });
    if (answer.status !== 201) {
      throw Object.assign(new Error(`WHEP ${answer.status}`), { retryAfterS: Number(answer.headers.get("Retry-After")) || 0 });
    }
    const location = answer.headers.get("Location");
    const sdp = await answer.text();
    if (pc.signalingState === "closed") throw new Error("closed meanwhile");
    await pc.setRemoteDescription({ type: "answer", sdp });
    session.etag = answer.headers.get("ETag") ?? "*";
    session.url = location ? new URL(location, this.#url).href : "";
    for (const candidate of late) {
      if (!offer.includes(candidate.candidate)) this.#trickle(session, candidate);
    }
  }

  /** A candidate the offer did not have yet (RFC 8840 fragment); a relay that takes none is no harm. */
  #trickle(session, candidate) {
    const { sdp } = session.pc.localDescription;
    const ufrag = /^a=ice-ufrag:.*$/m.exec(sdp)?.[0];
    const pwd = /^a=ice-pwd:.*$/m.exec(sdp)?.[0];
    const media = /^m=.*$/m.exec(sdp)?.[0];
    if (!session.url || !ufrag || !pwd || !media) return;
    fetch(session.url, {
      method: "PATCH",
      headers: { "Content-Type": "application/trickle-ice-sdpfrag", "If-Match": session.etag },
      body: `${ufrag.trim()}\r\n${pwd.trim()}\r\n${media.trim()}\r\na=mid:${candidate.sdpMid}\r\na=${candidate.candidate}\r\n`,
    }).catch(() => undefined);
  }

  #show(session) {
    this.#trying = null;
    if (session !== this.#session) this.#drop(this.#session);
    this.#session = session;
    this.#bytes = -1;
    this.#video.srcObject = session.stream;
    this.#play();
    if (this.#frames === 0) this.#say("waiting");
  }

  #play() {
    this.#video.play().catch((error) => {
      if (error.name !== "NotAllowedError" || this.#video.muted) return;
      this.#video.muted = true; // the browser wants a gesture before sound
      this.#play();
    });
  }

  /** Twice a second: are there pictures? If not, is the relay still sending at all? */
  async #look() {
    if (document.hidden || !this.#session) {
      this.#lastFrameAt = this.#heardAt = performance.now();
      return;
    }
    const session = this.#session;
    const bytes = await bytesReceived(session.pc);
    if (session !== this.#session) return;
    const now = performance.now();
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#heardAt = now;
    }
    if (this.#frames > 0 && now - this.#lastFrameAt > FROZEN_MS) this.#say("lost");
    const patienceMs = now < this.#suspectUntil ? FROZEN_MS : REJOIN_MS;
    if (this.#state === "lost" && now - this.#heardAt > patienceMs && !this.#trying) {
      this.#heardAt = now;
      this.#suspectUntil = 0;
      this.#later(0);
    }
    if (this.#state !== "playing" && this.#video.paused) this.#play();
  }

  #lost(session) {
    if (session !== this.#session && session !== this.#trying) return;
    if (session === this.#trying) {
      this.#drop(session);
      this.#trying = null;
    }
    if (this.#frames > 0) this.#say("lost");
    this.#later(0);
  }

  #later(atLeastMs) {
    if (!this.#wanted) return;
    const delay = Math.max(atLeastMs, DELAYS_MS[Math.min(this.#attempt, DELAYS_MS.length - 1)]);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#join(), delay);
  }

  #drop(session) {
    if (!session) return;
    const { url } = session;
    session.url = "";
    if (!url) session.pc.close();
    else fetch(url, { method: "DELETE", keepalive: true }).catch(() => undefined).finally(() => session.pc.close());
  }
}

async function bytesReceived(pc) {
  let bytes = 0;
  const report = await pc.getStats();
  report.forEach((one) => {
    if (one.type === "inbound-rtp") bytes += one.bytesReceived ?? 0;
  });
  return bytes;
}

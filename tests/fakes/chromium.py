"""A real Chromium that publishes by WHIP and plays by WHEP from a page of its own origin."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--autoplay-policy=no-user-gesture-required", "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
    "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
]  # fmt: skip

SCRIPT = """
window.gathered = pc => new Promise(done => {
  if (pc.iceGatheringState === 'complete') return done();
  pc.addEventListener('icegatheringstatechange', () => pc.iceGatheringState === 'complete' && done());
});
window.exchange = async (pc, url, token) => {
  await pc.setLocalDescription(await pc.createOffer());
  await gathered(pc);
  const headers = {'Content-Type': 'application/sdp'};
  if (token) headers.Authorization = 'Bearer ' + token;
  const answer = await fetch(url, {method: 'POST', headers, body: pc.localDescription.sdp});
  if (answer.status !== 201) throw new Error('HTTP ' + answer.status + ' ' + await answer.text());
  await pc.setRemoteDescription({type: 'answer', sdp: await answer.text()});
  return answer.headers.get('Location');
};
// a stamp that was misread must not count as a very late or very early picture
window.checkOf = stamp => (stamp ^ stamp >> 8 ^ stamp >> 16 ^ 0xa5) & 0xff;
window.publish = async (url, {codec = '', width = 640, height = 360, bps = 2500000, sound = true, token = ''} = {}) => {
  const canvas = document.createElement('canvas');
  canvas.width = width; canvas.height = height;
  const context = canvas.getContext('2d', {alpha: false});
  let n = 0;
  const draw = () => {
    n++;
    context.fillStyle = `hsl(${n * 3 % 360} 60% 50%)`;
    context.fillRect(0, 0, width, height);
    for (let i = 0; i < 200; i++) {
      context.fillStyle = `hsl(${(i * 37 + n * 5) % 360} 80% ${20 + i % 60}%)`;
      context.fillRect((i * 53 + n * 3) % width, (i * 29 + n * 2) % height, 24, 18);
    }
    const now = Math.round(performance.timeOrigin + performance.now()) & 0xffffff;
    const stamp = now | checkOf(now) << 24;
    for (let bit = 0; bit < 32; bit++) {
      context.fillStyle = stamp >> bit & 1 ? '#fff' : '#000';
      context.fillRect(bit * 16, 0, 16, 24);
    }
  };
  setInterval(draw, 1000 / 30); draw();
  window.canvas_ = canvas;
  const stream = canvas.captureStream(30);
  if (sound) {
    const audio = new AudioContext();
    const tone = audio.createOscillator();
    const out = audio.createMediaStreamDestination();
    tone.frequency.value = 440; tone.connect(out); tone.start();
    stream.addTrack(out.stream.getAudioTracks()[0]);
  }
  const pc = window.publisher = new RTCPeerConnection();
  for (const track of stream.getTracks()) {
    const sender = pc.addTransceiver(track, {direction: 'sendonly', streams: [stream]});
    if (track.kind === 'video') {
      if (codec) {
        const all = RTCRtpSender.getCapabilities('video').codecs;
        const first = all.filter(c => c.mimeType === 'video/' + codec);
        sender.setCodecPreferences([...first, ...all.filter(c => c.mimeType === 'video/rtx')]);
      }
      const parameters = sender.sender.getParameters();
      parameters.encodings[0].maxBitrate = bps;
      await sender.sender.setParameters(parameters);
    }
  }
  return exchange(pc, url, token);
};
window.watch = async (url, token = '') => {
  const pc = window.viewer = new RTCPeerConnection();
  window.joinedAt = performance.now();
  window.frames = []; window.firstFrameAt = null;
  const stream = new MediaStream();
  pc.ontrack = e => stream.addTrack(e.track);
  pc.addTransceiver('audio', {direction: 'recvonly'});
  pc.addTransceiver('video', {direction: 'recvonly'});
  const video = document.getElementById('v');
  video.muted = false;
  video.srcObject = stream;
  const probe = document.createElement('canvas');
  probe.width = 528; probe.height = 24;
  const context = probe.getContext('2d', {willReadFrequently: true});
  window.latencies = []; window.unread = 0;
  const seen = (now, meta) => {
    const at = performance.now();
    if (window.firstFrameAt === null) window.firstFrameAt = at;
    window.frames.push(at);
    if (window.measureLatency) {
      const scale = window.nominalWidth ? video.videoWidth / window.nominalWidth : 1;
      context.drawImage(video, 0, 0, 528 * scale, 24 * scale, 0, 0, 528, 24);
      const row = context.getImageData(0, 8, 512, 1).data;
      let stamp = 0, check = 0;
      for (let bit = 0; bit < 32; bit++) if (row[(bit * 16 + 8) * 4] > 128) {
        if (bit < 24) stamp |= 1 << bit; else check |= 1 << bit - 24;
      }
      if (check === checkOf(stamp))
        window.latencies.push(((Math.round(performance.timeOrigin + at) & 0xffffff) - stamp) & 0xffffff);
      else window.unread++;
    }
    video.requestVideoFrameCallback(seen);
  };
  video.requestVideoFrameCallback(seen);
  const location = await exchange(pc, url, token);
  video.play();
  return location;
};
window.inbound = async pc => {
  const out = {};
  (await pc.getStats()).forEach(s => {
    if (s.type === 'inbound-rtp') out[s.kind] = s;
    if (s.type === 'outbound-rtp') out['out_' + s.kind] = s;
    if (s.type === 'codec') out['codec_' + s.mimeType] = s;
    // several may be nominated in turn: the one in use has sent the most
    if (s.type === 'candidate-pair' && s.nominated && !(out.pair?.bytesSent > s.bytesSent)) out.pair = s;
  });
  return JSON.parse(JSON.stringify(out));
};
"""


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


async def page(browser: Browser, url: str) -> Page:
    """A page of the platform's origin with `publish`, `watch` and `inbound` ready."""
    opened = await browser.new_page()
    await opened.goto(url)
    await opened.add_script_tag(content=SCRIPT)
    return opened


async def inbound(opened: Page) -> dict[str, Any]:
    found: dict[str, Any] = await opened.evaluate("inbound(viewer)")
    return found

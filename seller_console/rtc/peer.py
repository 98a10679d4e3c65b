"""One WebRTC transport: ICE and DTLS by aioice and aiortc, SRTP in and out as plain bytes.

The one place that touches their privates. What we take: aioice's agent, aiortc's
DTLS handshake and key export. What we do ourselves, because stock aiortc cannot
(see DECISIONS): SDP, RTP, RTCP, and the receive path, which goes from the socket
to `on_rtp` in one synchronous step instead of a parser, a queue and a task.

Promises: 127.0.0.1 is among the host candidates, so that a machine with no network
still talks to itself; no STUN or TURN server unless one is named; the peer is asked
every second whether it is still there (`heard_at_s`, `rtt_s`); callbacks never
overlap; nothing a stranger sends to our sockets ends a session. Queues: datagrams the kernel
will not take wait in the socket's buffer, `unsent_bytes()` says how many, and the caller
decides what to do about it; of the handshake's, what comes beyond QUEUED_AT_MOST is dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

import aioice
import aioice.ice
import aioice.stun
import pylibsrtp
from aiortc import RTCCertificate, RTCDtlsTransport
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters

from .sdp import Local, Media

log = logging.getLogger(__name__)

PeerState = Literal["new", "connecting", "connected", "failed", "closed"]
CONNECT_WITHIN_S = 10.0
HEARTBEAT_S = 1.0
CANDIDATES_MAX = 30
"""Of the other side: each is paired with each of ours, and all pairs are sorted again at each arrival."""

QUEUED_AT_MOST = 100

_certificate: RTCCertificate | None = None


def _own_certificate() -> RTCCertificate:
    """One certificate a process, as RFC 8827 section 6.5 allows: making one costs milliseconds."""
    global _certificate
    if _certificate is None:
        _certificate = RTCCertificate.generateCertificate()
    return _certificate


def host_addresses() -> list[str]:
    """Every address of this machine, loopback last: aioice leaves loopback out."""
    found: list[str] = aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=True)
    return [*found, "127.0.0.1"]


class _Agent(aioice.Connection):
    """aioice's agent with our addresses, handing media datagrams straight to `on_media`."""

    on_media: Callable[[bytes], None] | None = None

    async def gather_candidates(self) -> None:
        if self._local_candidates_start:
            return
        self._local_candidates_start = True
        self._local_candidates += await self.get_component_candidates(component=1, addresses=host_addresses())
        self._local_candidates_end = True
        for protocol in self._protocols:
            # per instance; asyncio and uvloop both look it up for every datagram
            stun = protocol.datagram_received
            protocol.datagram_received = functools.partial(self._datagram, stun)  # type: ignore[method-assign]

    def _datagram(self, stun: Callable[[bytes, Any], None], data: bytes, address: Any) -> None:
        """The first byte says whose it is (RFC 7983 section 7); what is nobody's is dropped without a word."""
        first = data[0] if data else 255
        if 127 < first < 192:
            if self.on_media is not None:
                self.on_media(data)
        elif 19 < first < 64:
            self.data_received(data, 1)
        elif first < 4:
            try:
                stun(data, address)
            except Exception as unreadable:
                # aioice raises whatever it stumbles on (struct.error, KeyError); anybody may send anything here
                log.debug("stun_unreadable error=%s", type(unreadable).__name__)

    def data_received(self, data: bytes, component: int) -> None:
        if data and self._queue.qsize() < QUEUED_AT_MOST:
            super().data_received(data, component)


class _IceForDtls:
    """What RTCDtlsTransport needs of an ICE transport."""

    def __init__(self, agent: _Agent) -> None:
        self._agent = agent
        self._recv = agent.recv
        self._send = agent.send

    @property
    def role(self) -> str:
        return "controlling" if self._agent.ice_controlling else "controlled"


class Peer:
    """A transport to one other side. Make it, `gather()`, exchange descriptions, `connect()`."""

    def __init__(
        self,
        *,
        controlling: bool,
        on_rtp: Callable[[bytes], None],
        on_rtcp: Callable[[bytes], None],
        on_state: Callable[[PeerState], None],
    ) -> None:
        self.state: PeerState = "new"
        self.reason = ""
        """Why it failed or closed: unreachable, handshake, goodbye, broken, or what close() was told."""
        self.heard_at_s = time.monotonic()
        """When the other side last proved it is there (media, feedback or a STUN answer)."""
        self.rtt_s = -1.0
        self.undecipherable = 0
        self.bytes_out = 0
        self._on_rtp = on_rtp
        self._on_rtcp = on_rtcp
        self._on_state = on_state
        self._agent = _Agent(ice_controlling=controlling)
        self._agent.on_media = self._datagram
        self._candidates = 0
        self._dtls = RTCDtlsTransport(_IceForDtls(self._agent), [_own_certificate()])  # type: ignore[arg-type]
        self._rx: Any = None
        self._tx: Any = None
        self._task: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None

    # --- setting up ---------------------------------------------------------------------------

    async def gather(self) -> None:
        await self._agent.gather_candidates()

    def local(self, setup: str) -> Local:
        digests = self._dtls.getLocalParameters().fingerprints
        sha256 = next(one for one in digests if one.algorithm == "sha-256")
        return Local(
            ufrag=self._agent.local_username,
            pwd=self._agent.local_password,
            fingerprint=("sha-256", sha256.value),
            setup=setup,
            candidates=tuple(candidate.to_sdp() for candidate in self._agent.local_candidates),
        )

    def connect(self, remote: Media, *, dtls_client: bool) -> None:
        """Begin in the background; `on_state` tells the rest. `remote`: the bundle's first section."""
        self._set_state("connecting")
        self._task = asyncio.create_task(self._live(remote, dtls_client), name="peer")
        self._task.add_done_callback(self._lived)

    async def add_candidate(self, text: str) -> None:
        """A remote candidate, the part after "candidate:". Raises ValueError when unreadable.

        Names (mDNS) and TCP are skipped: the other side's own checks reach us and
        are learned as peer-reflexive. So are those after the first CANDIDATES_MAX, offer
        and fragments together. End-of-candidates is never signalled to the
        agent, which would then give up before such a check arrives.
        """
        candidate = aioice.Candidate.from_sdp(text)
        if candidate.component != 1 or candidate.transport.lower() != "udp" or candidate.host.endswith(".local"):
            return
        if self._candidates >= CANDIDATES_MAX:
            return
        self._candidates += 1
        await self._agent.add_remote_candidate(candidate)

    async def _live(self, remote: Media, dtls_client: bool) -> None:
        try:
            self._agent.remote_username = remote.ufrag
            self._agent.remote_password = remote.pwd
            for text in remote.candidates:
                with contextlib.suppress(ValueError):
                    await self.add_candidate(text)
            try:
                async with asyncio.timeout(CONNECT_WITHIN_S):
                    await self._agent.connect()
            except (TimeoutError, ConnectionError):
                self._end("failed", "unreachable")
                return
            self._dtls._set_role("client" if dtls_client else "server")
            self._dtls.on("statechange", self._dtls_changed)
            prints = [RTCDtlsFingerprint(algorithm=name, value=digest) for name, digest in remote.fingerprints]
            try:
                async with asyncio.timeout(CONNECT_WITHIN_S):
                    await self._dtls.start(RTCDtlsParameters(fingerprints=prints))
            except TimeoutError:
                self._end("failed", "handshake")
                return
            if self._dtls.state != "connected":
                self._end("failed", "handshake")
                return
            self._rx, self._tx = self._dtls._rx_srtp, self._dtls._tx_srtp
            self.heard_at_s = time.monotonic()
            self._set_state("connected")
            while True:
                await self._beat()
                await asyncio.sleep(HEARTBEAT_S)
        except ConnectionError:
            self._end("closed", "goodbye")

    def _lived(self, task: asyncio.Task[None]) -> None:
        """What only a bug or a hostile description can raise must not leave a session hanging."""
        if not task.cancelled() and (bug := task.exception()) is not None:
            log.error("peer_broke", exc_info=bug)
            self._end("failed", "broken")

    async def _beat(self) -> None:
        pair = self._agent._nominated.get(1)
        if pair is None:
            raise ConnectionError
        asked_at_s = time.monotonic()
        try:
            await pair.protocol.request(
                self._agent.build_request(pair, nominate=False),
                pair.remote_addr,
                integrity_key=(self._agent.remote_password or "").encode(),
                retransmissions=0,
            )
        except aioice.stun.TransactionError:
            return  # the caller's watchdog reads heard_at_s
        self.heard_at_s = time.monotonic()
        taken_s = self.heard_at_s - asked_at_s
        self.rtt_s = taken_s if self.rtt_s < 0 else 0.7 * self.rtt_s + 0.3 * taken_s

    def _dtls_changed(self) -> None:
        if self.state == "connected" and self._dtls.state == "closed":
            self._end("closed", "goodbye")

    # --- media ----------------------------------------------------------------------------------

    def _datagram(self, data: bytes) -> None:
        if self._rx is None or len(data) < 12:
            return
        try:
            if 191 < data[1] < 209:
                plain = self._rx.unprotect_rtcp(data)
                deliver = self._on_rtcp
            else:
                plain = self._rx.unprotect(data)
                deliver = self._on_rtp
        except (pylibsrtp.Error, ValueError):
            self.undecipherable += 1
            return
        self.heard_at_s = time.monotonic()
        deliver(plain)

    def send_rtp(self, packet: bytes) -> bool:
        """False when it could not be handed to the network (not connected, too long)."""
        return self._send(packet, rtcp=False)

    def send_rtcp(self, packet: bytes) -> bool:
        return self._send(packet, rtcp=True)

    def _send(self, packet: bytes, rtcp: bool) -> bool:
        pair = self._agent._nominated.get(1)
        if self._tx is None or pair is None:
            return False
        try:
            data = self._tx.protect_rtcp(packet) if rtcp else self._tx.protect(packet)
        except (pylibsrtp.Error, ValueError):
            return False
        try:
            pair.protocol.transport.sendto(data, pair.remote_addr)
        except OSError:  # the network is away; the watchdogs notice
            return False
        self.bytes_out += len(data)
        return True

    def unsent_bytes(self) -> int:
        """Bytes the kernel has not taken yet."""
        pair = self._agent._nominated.get(1)
        if pair is None:
            return 0
        transport = pair.protocol.transport
        size: int = transport.get_write_buffer_size() if hasattr(transport, "get_write_buffer_size") else 0
        return size

    # --- ending ----------------------------------------------------------------------------------

    def _set_state(self, state: PeerState) -> None:
        if self.state != state and self.state not in ("failed", "closed"):
            self.state = state
            self._on_state(state)

    def _end(self, state: PeerState, reason: str) -> None:
        if self.state in ("failed", "closed"):
            return
        self.reason = reason
        self._rx = self._tx = None
        self._set_state(state)
        self._closing = asyncio.create_task(self._tear_down(), name="peer-closing")

    async def close(self, reason: str = "asked") -> None:
        """Say goodbye (DTLS close_notify) and release the sockets. Safe to call twice."""
        self._end("closed", reason)
        if self._closing is None:  # never connected, or already failed and gone
            self._closing = asyncio.create_task(self._tear_down(), name="peer-closing")
        await asyncio.shield(self._closing)

    async def _tear_down(self) -> None:
        task = self._task
        if task is not None and task is not asyncio.current_task() and not task.done():
            task.cancel()
            await asyncio.wait([task])
        try:
            async with asyncio.timeout(2):
                await self._dtls.stop()
                await self._agent.close()
        except (TimeoutError, ConnectionError, OSError) as trouble:
            log.info("peer_close_incomplete why=%s", type(trouble).__name__)


# --- which seams hold ------------------------------------------------------------------------------


def seams() -> dict[str, bool]:
    """Whether each private we lean on exists in the installed aiortc and aioice."""
    agent_names: Sequence[str] = (
        "get_component_candidates", "data_received", "build_request", "add_remote_candidate", "recv", "send", "close",
    )  # fmt: skip
    found = {f"aioice.Connection.{name}": hasattr(aioice.Connection, name) for name in agent_names}
    found["aioice.StunProtocol.datagram_received"] = hasattr(aioice.ice.StunProtocol, "datagram_received")
    found["aioice.get_host_addresses"] = hasattr(aioice.ice, "get_host_addresses")
    agent = aioice.Connection(ice_controlling=True)
    for name in (
        "_nominated", "_local_candidates", "_local_candidates_start", "_local_candidates_end", "_protocols", "_queue",
    ):  # fmt: skip
        found[f"aioice.Connection.{name}"] = hasattr(agent, name)
    for name in ("_set_role", "start", "stop", "getLocalParameters", "_recv_next"):
        found[f"aiortc.RTCDtlsTransport.{name}"] = hasattr(RTCDtlsTransport, name)
    code = RTCDtlsTransport._setup_srtp.__code__.co_names if hasattr(RTCDtlsTransport, "_setup_srtp") else ()
    found["aiortc.RTCDtlsTransport._rx_srtp"] = "_rx_srtp" in code
    found["aiortc.RTCDtlsTransport._tx_srtp"] = "_tx_srtp" in code
    return found

"""Session descriptions as WHIP and WHEP use them: one bundle, one audio, one video.

Reads any offer or answer in a time that grows as its length does (raises ValueError on
nonsense), writes ours. Not a general SDP library: what we do not speak (data channels,
simulcast) is answered with port 0.
Sources: RFC 8866, RFC 8829, RFC 9143 (bundle), RFC 8839 (ICE), RFC 8842 (DTLS).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
TOOL = "seller-console"
SECTIONS_MAX, CODECS_MAX, FEEDBACK_MAX = 16, 200, 32
"""Codecs of all sections; feedback of one codec. A browser's offer has 3, 60 and 6."""
_UFRAG = re.compile(r"[\w+/=#-]{4,256}", re.ASCII)
_PWD = re.compile(r"[\w+/=#-]{22,256}", re.ASCII)
"""RFC 8839 section 5.4, and the four characters more that libwebrtc bears with."""


@dataclass
class Codec:
    pt: int
    name: str
    """As spelled by the offer; compare with .upper()."""
    clock: int
    channels: int = 1
    parameters: dict[str, str] = field(default_factory=dict)
    feedback: list[str] = field(default_factory=list)
    rtx_pt: int | None = None

    def is_h264_mode1(self) -> bool:
        return self.name.upper() == "H264" and self.parameters.get("packetization-mode", "0") == "1"

    def profile(self) -> str:
        return self.parameters.get("profile-level-id", "42e01f").lower()


@dataclass
class Media:
    kind: str
    mid: str = ""
    direction: str = "sendrecv"
    rejected: bool = False
    protocol: str = "UDP/TLS/RTP/SAVPF"
    formats: list[str] = field(default_factory=list)
    codecs: list[Codec] = field(default_factory=list)
    extensions: dict[str, int] = field(default_factory=dict)
    ssrcs: list[int] = field(default_factory=list)
    rtx_ssrcs: dict[int, int] = field(default_factory=dict)
    """media ssrc -> its retransmission ssrc."""
    cname: str = ""
    msid: str = ""
    ufrag: str = ""
    pwd: str = ""
    fingerprints: list[tuple[str, str]] = field(default_factory=list)
    setup: str = ""
    candidates: list[str] = field(default_factory=list)
    end_of_candidates: bool = False


@dataclass
class Description:
    media: list[Media] = field(default_factory=list)
    bundle: list[str] = field(default_factory=list)
    ice_lite: bool = False
    tool: str = ""
    """Whose description it says it is (RFC 8866 section 6.3); ours say TOOL."""

    def first(self, kind: str) -> Media | None:
        return next((media for media in self.media if media.kind == kind and not media.rejected), None)


def _parameters(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in text.split(";"):
        name, _, value = part.strip().partition("=")
        if name:
            found[name] = value
    return found


def _credential(form: re.Pattern[str], value: str) -> str:
    if form.fullmatch(value) is None:
        raise ValueError("not an ICE credential")
    return value


def parse(text: str) -> Description:
    """Raises ValueError when it is not a description of a WebRTC session."""
    if not text.lstrip().startswith("v=0"):
        raise ValueError("not a session description")
    described = Description()
    session = Media("session")
    media = session
    codecs: dict[int, Codec] = {}  # of this section, by payload type
    alike: dict[str, None] = {}  # feedback of all its codecs
    sections = [(media, codecs, alike)]
    ssrcs: set[int] = set()
    fmtps: list[tuple[dict[int, Codec], int, str]] = []
    feedbacks: list[tuple[dict[int, Codec], int, str]] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        line = line.strip()
        if line.startswith("m="):
            found = re.match(r"m=(\S+) (\d+)(?:/\d+)? (\S+) (.+)$", line)
            if found is None:
                raise ValueError("unreadable media line")
            media = Media(
                found[1], rejected=found[2] == "0", protocol=found[3], formats=found[4].split(),
                ufrag=session.ufrag, pwd=session.pwd, fingerprints=list(session.fingerprints),
                setup=session.setup, direction=session.direction,
            )  # fmt: skip
            described.media.append(media)
            if len(described.media) > SECTIONS_MAX:
                raise ValueError("too many media sections")
            codecs, alike, ssrcs = {}, {}, set()
            sections.append((media, codecs, alike))
            continue
        if not line.startswith("a="):
            continue
        name, _, value = line[2:].partition(":")
        try:
            if name == "group" and value.startswith("BUNDLE"):
                described.bundle = value.split()[1:]
            elif name == "tool":
                described.tool = value
            elif name == "ice-lite":
                described.ice_lite = True
            elif name == "mid":
                media.mid = value
            elif name in ("sendrecv", "sendonly", "recvonly", "inactive"):
                media.direction = name
            elif name == "bundle-only":
                media.rejected = False  # RFC 9143 section 6: port 0 here does not mean rejected
            elif name == "ice-ufrag":
                media.ufrag = _credential(_UFRAG, value)
            elif name == "ice-pwd":
                media.pwd = _credential(_PWD, value)
            elif name == "fingerprint":
                algorithm, digest = value.split()
                media.fingerprints.append((algorithm.lower(), digest.upper()))
            elif name == "setup":
                media.setup = value
            elif name == "candidate":
                media.candidates.append(value)
            elif name == "end-of-candidates":
                media.end_of_candidates = True
            elif name == "extmap":
                number, uri = value.split()[:2]
                media.extensions[uri] = int(number.split("/")[0])
            elif name == "rtpmap":
                pt, kind = value.split()[:2]
                bits = kind.split("/")
                if not 0 <= int(pt) <= 127:
                    raise ValueError("payload type beyond 127")
                channels = int(bits[2]) if len(bits) > 2 else 1
                codecs.setdefault(int(pt), Codec(int(pt), bits[0], int(bits[1]), channels))
            elif name == "fmtp":
                pt, _, rest = value.partition(" ")
                fmtps.append((codecs, int(pt), rest))
            elif name == "rtcp-fb":
                pt, _, rest = value.partition(" ")
                if pt == "*":
                    alike[rest] = None
                else:
                    feedbacks.append((codecs, int(pt), rest))
            elif name == "ssrc":
                number, _, rest = value.partition(" ")
                if int(number) not in ssrcs:
                    ssrcs.add(int(number))
                    media.ssrcs.append(int(number))
                if rest.startswith("cname:"):
                    media.cname = rest[6:]
            elif name == "ssrc-group" and value.startswith("FID "):
                source, repair = value.split()[1:3]
                media.rtx_ssrcs[int(source)] = int(repair)
        except (ValueError, IndexError) as unreadable:
            raise ValueError(f"unreadable attribute {name}") from unreadable
    if sum(len(codecs) for _, codecs, _ in sections) > CODECS_MAX:
        raise ValueError("too many codecs")
    for codecs, number_, rest in fmtps:
        if number_ in codecs:
            codecs[number_].parameters = _parameters(rest)
    for codecs, number_, rest in feedbacks:
        if number_ in codecs and len(codecs[number_].feedback) < FEEDBACK_MAX:
            codecs[number_].feedback.append(rest)
    for media, codecs, alike in sections:
        shared = list(alike)[:FEEDBACK_MAX]
        for codec in codecs.values():
            codec.feedback += shared
            apt = codec.parameters.get("apt", "")
            if codec.name.lower() == "rtx" and apt.isdecimal() and int(apt) in codecs:
                codecs[int(apt)].rtx_pt = codec.pt
        # the order of preference is that of the m= line (RFC 8866 section 5.14)
        order = {pt: i for i, pt in enumerate(media.formats)}
        media.codecs = sorted(
            (codec for codec in codecs.values() if codec.name.lower() != "rtx"),
            key=lambda codec: order.get(str(codec.pt), 999),
        )
        repairs = set(media.rtx_ssrcs.values())
        media.ssrcs = [ssrc for ssrc in media.ssrcs if ssrc not in repairs]
    if not described.media:
        raise ValueError("no media section")
    return described


@dataclass(frozen=True)
class Local:
    """Our side of the transport, the same in every section of a bundle."""

    ufrag: str
    pwd: str
    fingerprint: tuple[str, str]
    setup: str
    candidates: tuple[str, ...]


def write(media: Sequence[Media], local: Local) -> str:
    """Our offer or answer; sections without codecs, or rejected, get port 0 and stay out of the bundle."""
    live = [section for section in media if not section.rejected]
    lines = ["v=0", f"o=- {secrets.randbits(62)} 2 IN IP4 127.0.0.1", "s=-", "t=0 0", f"a=tool:{TOOL}"]
    lines.append("a=group:BUNDLE " + " ".join(section.mid for section in live))
    lines.append("a=msid-semantic: WMS *")
    for section in media:
        lines += _section(section, local, first=bool(live) and section is live[0])
    return "\r\n".join(lines) + "\r\n"


def _section(section: Media, local: Local, first: bool) -> Iterable[str]:
    if section.rejected:
        yield f"m={section.kind} 0 {section.protocol} {' '.join(section.formats) or '0'}"
        yield "c=IN IP4 0.0.0.0"
        yield f"a=mid:{section.mid}"
        yield "a=inactive"
        return
    pts: list[str] = []
    for codec in section.codecs:
        pts.append(str(codec.pt))
        if codec.rtx_pt is not None:
            pts.append(str(codec.rtx_pt))
    yield f"m={section.kind} 9 {section.protocol} {' '.join(pts)}"
    yield "c=IN IP4 0.0.0.0"
    yield "a=rtcp:9 IN IP4 0.0.0.0"
    yield f"a=ice-ufrag:{local.ufrag}"
    yield f"a=ice-pwd:{local.pwd}"
    yield f"a=fingerprint:{local.fingerprint[0]} {local.fingerprint[1]}"
    yield f"a=setup:{local.setup}"
    yield f"a=mid:{section.mid}"
    for uri, number in section.extensions.items():
        yield f"a=extmap:{number} {uri}"
    yield f"a={section.direction}"
    if section.msid:
        yield f"a=msid:{section.msid}"
    yield "a=rtcp-mux"
    yield "a=rtcp-rsize"
    for codec in section.codecs:
        channels = f"/{codec.channels}" if codec.channels > 1 else ""
        yield f"a=rtpmap:{codec.pt} {codec.name}/{codec.clock}{channels}"
        for feedback in codec.feedback:
            yield f"a=rtcp-fb:{codec.pt} {feedback}"
        if codec.parameters:
            text = ";".join(f"{name}={value}" if value else name for name, value in codec.parameters.items())
            yield f"a=fmtp:{codec.pt} {text}"
        if codec.rtx_pt is not None:
            yield f"a=rtpmap:{codec.rtx_pt} rtx/{codec.clock}"
            yield f"a=fmtp:{codec.rtx_pt} apt={codec.pt}"
    for ssrc, repair in section.rtx_ssrcs.items():
        yield f"a=ssrc-group:FID {ssrc} {repair}"
    for ssrc in [*section.ssrcs, *section.rtx_ssrcs.values()]:
        yield f"a=ssrc:{ssrc} cname:{section.cname}"
        if section.msid:
            yield f"a=ssrc:{ssrc} msid:{section.msid}"
    if first:
        for candidate in local.candidates:
            yield f"a=candidate:{candidate}"
        yield "a=end-of-candidates"


# --- choosing ------------------------------------------------------------------------------------

_PROFILES = ("42e0", "42c0", "4200", "4d00", "6400", "640c")


def _h264_rank(codec: Codec, like: str) -> tuple[int, int]:
    profile = codec.profile()
    same = 0 if like and profile[:4] == like[:4].lower() else 1
    known = _PROFILES.index(profile[:4]) if profile[:4] in _PROFILES else len(_PROFILES)
    return same, known


def choose_video(media: Media, *, only: str = "", like_profile: str = "") -> list[Codec]:
    """Best first: H.264 in mode 1 (constrained baseline before others), then VP8.

    `only` keeps one codec name; `like_profile` prefers that profile-level-id.
    """
    h264 = sorted((c for c in media.codecs if c.is_h264_mode1()), key=lambda c: _h264_rank(c, like_profile))
    vp8 = [c for c in media.codecs if c.name.upper() == "VP8"]
    best = h264[:1] + vp8[:1]
    return [c for c in best if not only or c.name.upper() == only.upper()]


def choose_audio(media: Media) -> list[Codec]:
    return [c for c in media.codecs if c.name.lower() == "opus"][:1]

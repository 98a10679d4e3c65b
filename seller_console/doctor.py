"""`seller-console doctor`: what works on this machine, and what to do about the rest.

Every check does the thing itself (encodes, writes, connects, opens a window) in a
thread with a deadline, so that a driver that hangs is a line of the report, not the
end of it. Exit code 0: a show can be run here, with the test card if need be.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil

from . import __version__, machine, places
from .language import Language, language, typeset

Level = Literal["ok", "warn", "fail"]
DEADLINE_S = 20.0
LEAST_DISK_MB, EASY_DISK_MB = 200, 5_000
FRAME_MS = 1_000 / 30
MARKS: dict[Level, str] = {"ok": "ok  ", "warn": "mais", "fail": "NON "}
ENGLISH_MARKS: dict[Level, str] = {"ok": "ok  ", "warn": "but ", "fail": "NO  "}


@dataclass(frozen=True)
class Finding:
    """One line. `cure` is what a person can do, "" when there is nothing to do."""

    level: Level
    said: str
    cure: str = ""


class Tongue:
    """`t(french, english)` in the language of whoever reads."""

    def __init__(self, spoken: Language) -> None:
        self.spoken = spoken

    def __call__(self, french: str, english: str) -> str:
        return typeset(french) if self.spoken == "fr" else english


Check = Callable[[Tongue], Finding]


def check_python(t: Tongue) -> Finding:
    bits = struct.calcsize("P") * 8
    said = f"Python {platform.python_version()}, {bits} bits, {platform.system()} {platform.machine()}"
    if bits != 64:
        return Finding("fail", said, t("Installez un Python 64 bits.", "Install a 64-bit Python."))
    return Finding("ok", said)


def check_machine(t: Tongue) -> Finding:
    cores, memory = os.cpu_count() or 1, psutil.virtual_memory().total / 2**30
    said = t(f"{cores} cœurs, {memory:.0f} Go de mémoire", f"{cores} cores, {memory:.0f} GB of memory")
    if machine.heat() is None:
        said += t(", ce système ne dit pas s’il chauffe", ", this system does not say how hot it is")
    battery = machine.battery()
    if battery is not None and battery.plugged is None:
        said += t(", secteur inconnu", ", mains unknown")
    if battery is not None and battery.plugged is False:
        cure = t("Branchez le chargeur avant le live.", "Plug in the charger before the show.")
        return Finding("warn", said + t(f", sur batterie ({battery.percent:.0f} %)", ", on battery"), cure)
    if cores < 2 or memory < 3.5:
        cure = t("Fermez les autres programmes ; restez en 720p.", "Close other programs; stay at 720p.")
        return Finding("warn", said, cure)
    return Finding("ok", said)


def check_cameras(t: Tongue) -> Finding:
    from .engine.devices import find_cameras

    cameras = find_cameras()
    locked = [path for path in sorted(Path("/dev").glob("video*")) if not os.access(path, os.R_OK | os.W_OK)]
    if locked:
        cure = t("Ajoutez-vous au groupe : sudo usermod -aG video $USER, puis reconnectez-vous.",
                 "Join the group: sudo usermod -aG video $USER, then log in again.")  # fmt: skip
        return Finding("warn", t(f"{locked[0]} ne vous est pas ouvert.", f"{locked[0]} is not open to you."), cure)
    if not cameras:
        said = t("Aucune caméra ; la mire d’essai la remplacera.", "No camera; the test card will stand in.")
        cure = t("Branchez une caméra, ou diffusez celle d’un téléphone : --camera url:http://…",
                 "Plug a camera in, or use a phone's: --camera url:http://…")  # fmt: skip
        return Finding("warn", said, cure)
    return Finding("ok", "; ".join(f"{camera.spec} ({_camera_offers(camera.spec, t)})" for camera in cameras))


KNOB_WORDS = {
    "focus": ("mise au point", "focus"), "exposure": ("exposition", "exposure"),
    "white_balance": ("blancs", "white balance"), "gain": ("gain", "gain"),
}  # fmt: skip


GONE_WORDS = {
    "usb_full": ("aucune image : essayez un autre port USB", "no picture: try another USB port"),
    "already_open": ("ouverte par ce programme", "open in this program"),
    "no_access": ("cet utilisateur n’y a pas accès", "this user may not open it"),
    "several_alike": ("plusieurs caméras ont ce nom", "several cameras have this name"),
}


def _camera_offers(spec: str, t: Tongue) -> str:
    """What a camera gives and lets be set: it is opened and asked."""
    from .engine.device import DeviceBusy, DeviceGone
    from .engine.webcam import probe

    try:
        facts = probe(spec.partition(":")[2])
    except DeviceBusy as error:
        return t("prise par un autre programme", "held by another program") + (f" {error}" if str(error) else "")
    except DeviceGone as error:
        return t(*GONE_WORDS.get(str(error), (str(error), str(error))))
    knobs = [
        f"{t(*KNOB_WORDS[offer.name])} {offer.lowest:g}–{offer.highest:g}"
        + (t(" ou auto", " or auto") if offer.automatic else "")
        for offer in facts.offers
    ]
    return ", ".join(
        [f"{facts.width}x{facts.height} {facts.fps:g}/s", *(knobs or [t("rien à régler", "nothing to set")])]
    )


def check_microphones(t: Tongue) -> Finding:
    """Each is opened, all at once, and heard for half a second."""
    from concurrent.futures import ThreadPoolExecutor

    from .engine import pulse
    from .engine.devices import find_microphones

    specs = [microphone.spec for microphone in find_microphones()]
    if specs:
        with ThreadPoolExecutor(len(specs)) as pool:
            heard = list(pool.map(lambda spec: _hear(spec, t), specs))
        said = "; ".join(f"{spec} ({what})" for spec, (what, _) in zip(specs, heard, strict=True))
        if any(good for _, good in heard):
            return Finding("ok", said)
        cure = t("Levez la coupure du micro, son niveau ou son autorisation dans les réglages du système.",
                 "Unmute the microphone, raise its level or allow its use in the system's settings.")  # fmt: skip
        return Finding("warn", said, cure)
    plug = t("Branchez un micro.", "Plug a microphone in.")
    if sys.platform.startswith("linux") and pulse.reachable():
        said = t("Aucun micro ; le son d’essai le remplacera.", "No microphone; the test tone will stand in.")
        return Finding("warn", said, plug)
    try:
        import sounddevice
    except OSError:
        cure = t("Installez PortAudio : sudo apt-get install libportaudio2",
                 "Install PortAudio: sudo apt-get install libportaudio2")  # fmt: skip
        return Finding("warn", t("PortAudio n’est pas là.", "PortAudio is not there."), cure)
    version = str(sounddevice.get_portaudio_version()[1]).partition(",")[0]
    said = t(f"Aucun micro ({version}) ; le son d’essai le remplacera.",
             f"No microphone ({version}); the test tone will stand in.")  # fmt: skip
    return Finding("warn", said, plug)


HEAR_S, OPEN_S = 0.5, 4.0
"""How long each is listened to, once its first sound has come; a wireless one takes seconds to wake."""


def _hear(spec: str, t: Tongue) -> tuple[str, bool]:
    """(what this microphone gives, whether that is a sound at all)."""
    from .engine.devices import Devices
    from .engine.meter import FLOOR_DB, Meter

    began_ns = time.monotonic_ns()
    feed, meter, pause = Devices().open_microphone(spec, began_ns), Meter(), threading.Event()
    feed.start()
    try:
        blocks = 0
        while blocks < HEAR_S * 50 and time.monotonic_ns() - began_ns < OPEN_S * 1e9:
            pause.wait(0.02)
            block = feed.pull(time.monotonic_ns())
            if feed.state == "live":
                meter.take(block)
                blocks += 1
        if feed.state == "busy":
            return t("pris par un autre programme", "held by another program"), False
        if not blocks:
            return feed.detail or t("ne donne rien", "gives nothing"), False
        peak_db, rms_db, _ = meter.read()
    finally:
        feed.stop()
    if peak_db <= FLOOR_DB:
        return t("silence parfait : coupé ?", "perfect silence: muted?"), False
    return t(f"crête {peak_db:.0f} dB, moyenne {rms_db:.0f} dB", f"peak {peak_db:.0f} dB, mean {rms_db:.0f} dB"), True


def check_encoders(t: Tongue) -> Finding:
    """A second of moving, grainy picture at 720x1280 through the encoders of the engine."""
    import numpy as np

    from .engine.encode import BLOCK, SoundEncoder, VideoEncoder

    noise = np.random.default_rng(7)
    video, sound = VideoEncoder(720, 1280, 30, 2_500_000), SoundEncoder()
    slope = np.linspace(40, 200, 720).astype(np.uint8)
    grain = noise.integers(0, 12, (1920, 720), dtype=np.uint8)
    pictures = [np.roll(slope, 8 * n)[None, :] + np.roll(grain, n, axis=0) for n in range(30)]
    began, encoded = time.perf_counter(), 0
    for frame in range(30):
        encoded += bytes(video.encode(pictures[frame], frame * 3_000, idr=frame == 0)) != b""
    spent_ms = (time.perf_counter() - began) * 1_000 / 30
    blocks = [noise.uniform(-0.1, 0.1, BLOCK).astype(np.float32) for _ in range(50)]
    opus = sum(1 for n, block in enumerate(blocks) if sound.encode(block, n * BLOCK) is not None)
    if encoded < 30 or opus < 45:
        said = t(f"{encoded} images sur 30 et {opus} blocs de son sur 50 seulement.",
                 f"Only {encoded} frames of 30 and {opus} sound blocks of 50.")  # fmt: skip
        return Finding("fail", said, t("Relancez la mise en place.", "Run the set-up again."))
    said = t(f"{video.name} {spent_ms:.0f} ms par image en 720p (33 au plus), Opus",
             f"{video.name} {spent_ms:.0f} ms a frame at 720p (33 at most), Opus")  # fmt: skip
    said += _cards_encoders(t)
    if spent_ms > FRAME_MS * 0.8:
        cure = t("Fermez les autres programmes, ou diffusez en plus petit : --size 540x960",
                 "Close other programs, or stream smaller: --size 540x960")  # fmt: skip
        return Finding("warn", said, cure)
    return Finding("ok", said)


def _cards_encoders(t: Tongue) -> str:
    """Those of the graphics card, each by a proof in a process of its own; all at once."""
    from concurrent.futures import ThreadPoolExecutor

    from .engine.hardware import KINDS, Shape, candidates, verify

    names = candidates()
    if not names:
        return t(" ; aucun encodeur de carte graphique ici", "; no encoder of a graphics card here")
    shape = Shape(720, 1280, 30, 2_500_000)
    with ThreadPoolExecutor(len(names)) as pool:
        verdicts = list(pool.map(lambda name: verify(name, shape), names))
    good = [KINDS[one.name].brand for one in verdicts if one.works]
    bad = ", ".join(f"{KINDS[one.name].brand} ({one.why})" for one in verdicts if not one.works)
    said = t(" ; --encoder auto prendrait : ", "; --encoder auto would take: ") + (good[0] if good else "x264")
    return said + (t(f" ; ne marche pas : {bad}", f"; does not work: {bad}") if bad else "")


def check_webrtc(t: Tongue) -> Finding:
    from .rtc.peer import seams

    broken = sorted(name for name, holds in seams().items() if not holds)
    if broken:
        said = t("Ne correspond pas à la version installée : ", "Does not fit the installed version: ") + ", ".join(
            broken
        )
        return Finding("fail", said, t("Relancez la mise en place : aiortc doit être celui du verrou.",
                                       "Run the set-up again: aiortc must be the locked one."))  # fmt: skip
    import aiortc

    return Finding("ok", f"aiortc {aiortc.__version__}")


def check_destinations(t: Tongue) -> Finding:
    """Where a broadcast can go beside its platform with this build of FFmpeg; nothing is connected to."""
    from .engine.muxing import can_stream

    kinds = ("rtmp", "rtmps", "srt")
    here = ["WHIP", *(kind.upper() for kind in kinds if can_stream(f"{kind}://host/live/key"))]
    missing = [kind.upper() for kind in kinds if kind.upper() not in here]
    said = t("peut aussi diffuser vers : ", "can also send to: ") + ", ".join(here)
    if missing:
        said += t(" ; pas dans cette version : ", "; not in this build: ") + ", ".join(missing)
    if "RTMPS" in missing:
        return Finding("warn", said, t("Relancez la mise en place : PyAV doit être celui du verrou.",
                                       "Run the set-up again: PyAV must be the locked one."))  # fmt: skip
    return Finding("ok", said)


def check_window(t: Tongue) -> Finding:
    """A window opened by another process: Qt ends the program when it finds no display."""
    nowhere = sys.platform == "linux" and not any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    )
    if nowhere:
        cure = t(
            "python3 packaging/dev.py run démarre un écran virtuel.",
            "python3 packaging/dev.py run starts a virtual one.",
        )
        return Finding("warn", t("Pas d’écran ici.", "No screen here."), cure)
    code = (
        "from PySide6.QtWidgets import QApplication, QWidget; from PySide6.QtCore import qVersion\n"
        "a = QApplication([]); w = QWidget(); w.show(); w.grab()\n"
        "s = a.primaryScreen(); g = s.size(); print(qVersion(), a.platformName(), f'{g.width()}x{g.height()}')"
    )
    try:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=15)
    except subprocess.TimeoutExpired:
        return Finding(
            "fail", t("Qt ne répond pas.", "Qt does not answer."), t("Vérifiez l’écran.", "Check the display.")
        )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [str(done.returncode)])[-1][:160]
        cure = t("Relancez python3 packaging/dev.py run : il installe ce qui manque.",
                 "Run python3 packaging/dev.py run again: it installs what is missing.")  # fmt: skip
        return Finding("fail", t(f"La fenêtre ne s’ouvre pas : {last}", f"The window does not open: {last}"), cure)
    return Finding("ok", f"Qt {done.stdout.strip()}")


def check_home(t: Tongue) -> Finding:
    """Writes as the log does: SQLite, WAL, to the disk."""
    folder = places.home()
    with tempfile.TemporaryDirectory(dir=folder, prefix="doctor-") as probe:
        database = sqlite3.connect(Path(probe) / "probe.sqlite", isolation_level=None)
        try:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=FULL")
            database.execute("CREATE TABLE probe (n INTEGER)")
            began = time.perf_counter()
            for n in range(10):
                database.execute("INSERT INTO probe VALUES (?)", (n,))
            commit_ms = (time.perf_counter() - began) * 100
        finally:
            database.close()
    free_mb = psutil.disk_usage(str(folder)).free // 2**20
    said = t(f"{folder} : {free_mb / 1024:.1f} Go libres, écriture sûre en {commit_ms:.1f} ms",
             f"{folder}: {free_mb / 1024:.1f} GB free, a safe write in {commit_ms:.1f} ms")  # fmt: skip
    cure = t("Libérez de la place, ou choisissez un autre dossier : SELLER_CONSOLE_HOME",
             "Free some space, or choose another folder: SELLER_CONSOLE_HOME")  # fmt: skip
    if free_mb < LEAST_DISK_MB:
        return Finding("fail", said, cure)
    if free_mb < EASY_DISK_MB or commit_ms > 50:
        return Finding("warn", said, cure)
    return Finding("ok", said)


def check_loopback(t: Tongue) -> Finding:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as heard:
        server.settimeout(5)
        heard.bind(("127.0.0.1", 0))
        heard.settimeout(5)
        with socket.create_connection(server.getsockname(), timeout=5) as there:
            here, _ = server.accept()
            with here:
                there.sendall(b"bid")
                spoke = here.recv(3) == b"bid"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as said:
            said.sendto(b"frame", heard.getsockname())
            spoke = heard.recv(5) == b"frame" and spoke
    if not spoke:
        return Finding("fail", t("127.0.0.1 perd ce qu’on lui dit.", "127.0.0.1 loses what it is told."))
    return Finding("ok", t("127.0.0.1, TCP et UDP", "127.0.0.1, TCP and UDP"))


def check_network(t: Tongue) -> Finding:
    addresses = [
        found.address
        for name, many in psutil.net_if_addrs().items()
        for found in many
        if found.family == socket.AF_INET and not found.address.startswith("127.") and psutil.net_if_stats()[name].isup
    ]
    if addresses:
        return Finding("ok", ", ".join(addresses[:4]))
    said = t("Pas de réseau : le live ne se verra que sur cette machine.", "No network: the show is seen here only.")
    return Finding("warn", said, t("Branchez le câble ou le Wi-Fi.", "Plug in the cable, or join the Wi-Fi."))


def check_keyring(t: Tongue) -> Finding:
    import keyring

    backend = keyring.get_keyring()
    if backend.priority <= 0:
        said = t("Pas de trousseau : les passes iront dans un fichier lisible par vous seul.",
                 "No keyring: passes go to a file that only you can read.")  # fmt: skip
        return Finding("warn", said)
    return Finding("ok", backend.name)


def check_awake(t: Tongue) -> Finding:
    from wakepy import keep

    with keep.presenting(on_fail="pass") as mode:
        if mode.active:
            return Finding("ok", t(f"reste éveillé ({mode.method})", f"stays awake ({mode.method})"))
    said = t("Ce système ne se laisse pas tenir éveillé.", "This system offers no way to be kept awake.")
    return Finding("warn", said, t("Coupez la mise en veille pendant le live.", "Switch sleep off for the show."))


def check_clock(t: Tongue) -> Finding:
    """The wall clock beside the monotonic one for a moment: a clock being stepped spoils a countdown."""
    wall, steady = time.time(), time.monotonic()
    threading.Event().wait(0.4)
    drift_ms = ((time.time() - wall) - (time.monotonic() - steady)) * 1_000
    said = time.strftime("%Y-%m-%d %H:%M:%S %Z")
    cure = t("Réglez l’heure automatiquement.", "Set the time automatically.")
    if abs(drift_ms) > 50 or time.gmtime().tm_year < 2025:
        return Finding("warn", said + t(f", saute de {drift_ms:.0f} ms", f", steps by {drift_ms:.0f} ms"), cure)
    return Finding("ok", said)


def check_files(t: Tongue) -> Finding:
    wanted = (
        "buyer/index.html",
        "locale/fr.json",
        "locale/en.json",
        "demo/demo.csv",
        "fonts/Inter-Regular.otf",
        "writing.npz",
    )
    missing = [name for name in wanted if not (places.resources() / name).is_file()]
    missing += [name for name in ("uvicorn", "qasync", "segno", "cv2") if importlib.util.find_spec(name) is None]
    if missing:
        said = t("Il manque : ", "Missing: ") + ", ".join(missing)
        return Finding("fail", said, t("Reprenez le programme entier.", "Get the whole program again."))
    return Finding("ok", f"seller-console {__version__}")


CHECKS: tuple[tuple[str, str, str, Check], ...] = (
    ("program", "programme", "program", check_files),
    ("python", "Python", "Python", check_python),
    ("machine", "machine", "machine", check_machine),
    ("cameras", "caméras", "cameras", check_cameras),
    ("microphones", "micros", "microphones", check_microphones),
    ("encoders", "encodeurs", "encoders", check_encoders),
    ("destinations", "destinations", "destinations", check_destinations),
    ("webrtc", "WebRTC", "WebRTC", check_webrtc),
    ("window", "fenêtre", "window", check_window),
    ("home", "dossier", "folder", check_home),
    ("loopback", "boucle locale", "loopback", check_loopback),
    ("network", "réseau", "network", check_network),
    ("keyring", "trousseau", "keyring", check_keyring),
    ("awake", "veille", "sleep", check_awake),
    ("clock", "horloge", "clock", check_clock),
)
"""Name, French, English, and the check. A failure of any means that no show can be run."""


def examine(check: Check, t: Tongue, deadline_s: float = DEADLINE_S) -> Finding:
    """The finding; a check that raises has failed, one that hangs is given up."""
    answers: list[Finding] = []

    def run() -> None:
        try:
            answers.append(check(t))
        except Exception as error:
            said = f"{type(error).__name__}: {error}".splitlines()[0]
            cure = t("Relancez la mise en place : python3 packaging/dev.py run",
                     "Run the set-up again: python3 packaging/dev.py run")  # fmt: skip
            answers.append(Finding("fail", said, cure))

    thread = threading.Thread(target=run, name=f"doctor {check.__name__}", daemon=True)
    thread.start()
    thread.join(deadline_s)
    if answers:
        return answers[0]
    said = t(f"Pas de réponse en {deadline_s:.0f} s.", f"No answer within {deadline_s:.0f} s.")
    return Finding("warn", said, t("Débranchez et rebranchez l’appareil.", "Unplug the device and plug it in again."))


def main(argv: list[str]) -> int:
    t = Tongue(language())
    parser = argparse.ArgumentParser(
        prog="seller-console doctor",
        description=t("Dit ce qui marche sur cette machine, et quoi faire du reste. Code 0 : un live peut avoir lieu.",
                      "Says what works on this machine, and what to do about the rest. Code 0: a show can be run."),
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help=t("le résultat en JSON", "the outcome as JSON"))
    try:
        asked = parser.parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)

    lines: list[dict[str, Any]] = []
    marks = MARKS if t.spoken == "fr" else ENGLISH_MARKS
    for name, french, english, check in CHECKS:
        found = examine(check, t)
        lines.append({"check": name, "level": found.level, "said": found.said, "cure": found.cure})
        if not asked.json:
            print(f"{marks[found.level]} {t(french, english):<14} {found.said}")
            if found.cure:
                print(f"{'':19} → {found.cure}", flush=True)
    sound = all(line["level"] != "fail" for line in lines)
    if asked.json:
        print(json.dumps({"ok": sound, "checks": lines}, ensure_ascii=False))
    elif sound:
        print(t("Un live peut avoir lieu ici.", "A show can be run here."))
    else:
        print(t("Un live ne peut pas avoir lieu tant que ce qui est marqué NON n’est pas réparé.",
                "No show can be run until what is marked NO is repaired."))  # fmt: skip
    return 0 if sound else 1

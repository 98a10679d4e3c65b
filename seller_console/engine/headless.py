"""Publishing without a window: `seller-console publish`, the engine with its stats on stdout.

`--json`: one EngineStats a second, and AirChanged, TroubleRaised, TroubleCured as they
come, a JSON object a line, always in UTF-8. `--record` and `--also` take the same packets. `--commands`:
what a window would say comes as JSON lines on stdin. Ends after
`--seconds` (0: when told to). Exit code: 0 was on air at the end, with everything that was
asked beside it; 1 was not on air; 2 the command line is wrong; 3 was on air, but the
recording had failed or a further destination was away.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import logging
import os
import sys
import threading
import time
from pathlib import Path

import msgspec

from .. import places
from ..contract.codec import Unreadable, decode_engine_command, encode
from ..contract.media import (
    AddDestination,
    AirChanged,
    CameraSet,
    CameraSettings,
    ClipSaved,
    DestinationChanged,
    DevicesFound,
    EncoderChosen,
    EngineNote,
    EngineRefused,
    EngineStats,
    GoOnAir,
    MicrophoneLevel,
    ProgrammeSet,
    RecordingChanged,
    SetEncoder,
    SetGain,
    SetOverlay,
    SetProgramme,
    SetScene,
    SnapshotTaken,
    StartRecording,
    TroubleCured,
    TroubleRaised,
)
from ..ending import when_asked
from ..language import either
from . import spoken
from .app import Engine
from .arenas import keep_few
from .camerabook import CameraBook, Unfit, read_settings
from .commandlist import command_list
from .devices import Devices
from .priority import come_first

log = logging.getLogger("engine.headless")


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise argparse.ArgumentTypeError(spoken.say("publish.bad_size", text=text))
    return int(width), int(height)


def _bitrate(text: str) -> int:
    if text == "auto":
        return 0
    if not text.isdigit() or int(text) < 50_000:
        raise argparse.ArgumentTypeError(spoken.say("publish.bad_rate", text=text))
    return int(text)


def _settings(text: str) -> CameraSettings:
    try:
        return read_settings(text)
    except Unfit as error:
        raise argparse.ArgumentTypeError(either(error.french, str(error))) from error


class _ListCommands(argparse.Action):
    """Like --help: what else is on the line, or is missing there, does not matter."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(command_list())
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="seller-console publish",
        description=either("Publier par WHIP, sans fenêtre.", "Publish by WHIP without a window."),
    )
    parser.add_argument("--to", required=True, metavar="URL", help=either("l’adresse WHIP", "the WHIP address"))
    parser.add_argument(
        "--token", default="", help=either("sa clé de diffusion (bearer token)", "its bearer token (the stream key)")
    )
    parser.add_argument(
        "--camera",
        default="testcard",
        metavar="SPEC",
        help=either("testcard, file:CHEMIN, url:ADRESSE, …", "testcard, file:PATH, url:ADDRESS, …"),
    )
    parser.add_argument(
        "--camera-settings",
        type=_settings,
        metavar="NAME=VALUE,…",
        help=either(
            "pour cette fois, au lieu des réglages gardés : size=1920x1080, fps, rotation=0|90|180|270, mirror,"
            " zoom=1…8, centre=0.5x0.5, et si la caméra les a : focus, exposure, white_balance, gain (nombre ou auto)",
            "for this run, instead of those kept: size=1920x1080, fps, rotation=0|90|180|270, mirror, zoom=1…8,"
            " centre=0.5x0.5, and where the camera has them focus, exposure, white_balance, gain (a number or auto)",
        ),
    )
    parser.add_argument(
        "--microphone",
        default="tone",
        metavar="SPEC",
        help=either("tone, silence, file:CHEMIN, …", "tone, silence, file:PATH, …"),
    )
    parser.add_argument(
        "--second-camera", default="", metavar="SPEC", help=either("pour face, both et split", "for face, both, split")
    )
    parser.add_argument(
        "--second-camera-settings",
        type=_settings,
        metavar="NAME=VALUE,…",
        help=either("comme --camera-settings, pour celle-là", "as --camera-settings, for that one"),
    )
    parser.add_argument(
        "--second-microphone", default="", metavar="SPEC", help=either("mêlé au premier", "mixed with the first")
    )
    parser.add_argument(
        "--gain",
        type=float,
        default=0.0,
        metavar="DB",
        help=either("du micro, en décibels", "of the microphone, in dB"),
    )
    parser.add_argument(
        "--still",
        default="",
        metavar="FILE",
        help=either("l’image de la scène still", "the picture of the scene still"),
    )
    parser.add_argument("--scene", default="table", metavar="NAME", help="table, face, both, split, pause, still")
    parser.add_argument(
        "--commands",
        action="store_true",
        help=either(
            "obéit aux commandes du moteur (--help-commands), une ligne de JSON chacune, sur l’entrée standard :",
            "obeys the engine’s commands (--help-commands), a JSON line each, on standard input:",
        )
        + ' {"type": "set_scene", "scene": "both"}',
    )
    parser.add_argument(
        "--help-commands",
        action=_ListCommands,
        nargs=0,
        help=either(
            "liste les commandes de --commands : muet, gain, photo, clip, destinations, …",
            "list the commands of --commands: mute, gain, snapshot, clip, destinations, …",
        ),
    )
    parser.add_argument(
        "--size", type=_size, default=(720, 1280), metavar="WxH", help=either("largeur x hauteur", "width x height")
    )
    parser.add_argument("--fps", type=int, default=30, help=either("images par seconde", "pictures a second"))
    parser.add_argument(
        "--bitrate", type=_bitrate, default=0, metavar="auto|BPS", help=either("bits par seconde", "bits a second")
    )
    parser.add_argument(
        "--encoder",
        default="x264",
        metavar="auto|x264|NAME",
        help=either(
            "auto : le premier de la carte graphique qui fait ses preuves (h264_nvenc, h264_qsv, …), sinon x264",
            "auto: the first of the graphics card that proves itself (h264_nvenc, h264_qsv, …), else x264",
        ),
    )
    parser.add_argument(
        "--codec",
        choices=("h264", "vp8"),
        default="h264",
        help=either(
            "vp8 : par libvpx, vers WHIP et en Matroska seulement", "vp8: by libvpx, to WHIP and as Matroska only"
        ),
    )
    parser.add_argument(
        "--overlay",
        default="",
        metavar="FILE.json",
        help=either(
            "incrusté dans l’image, relu quand le fichier change :",
            "drawn into the picture, read again when the file changes:",
        )
        + ' {"shown": true, "number": 148, "title": "…",'
        ' "price_cents": 4700, "ends_at_ms": UNIX TIME, "winner": "…", "logo": "PATH"}',
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=0.0,
        help=either("combien de temps ; 0 : jusqu’à Ctrl C", "how long; 0: until interrupted"),
    )
    parser.add_argument(
        "--record",
        default="",
        metavar="FOLDER",
        help=either("y enregistre aussi, en MP4", "record there as well, as MP4"),
    )
    parser.add_argument(
        "--also",
        action="append",
        default=[],
        metavar="URL",
        help=either(
            "une autre destination : WHIP, rtmp(s) ; autant qu’on veut",
            "a further destination: WHIP, rtmp(s); repeatable",
        ),
    )
    parser.add_argument(
        "--also-token",
        default="",
        help=either("la clé des autres destinations WHIP", "the bearer token of further WHIP destinations"),
    )
    parser.add_argument(
        "--json", action="store_true", help=either("une ligne de JSON par seconde", "a JSON line a second")
    )
    parser.add_argument(
        "--levels",
        action="store_true",
        help=either(
            "avec --json, aussi le niveau du son, dix fois par seconde",
            "with --json, the level of the sound as well, ten times a second",
        ),
    )
    return parser


LINE_BYTES = 65_536
TOLD = (
    EngineStats, AirChanged, TroubleRaised, TroubleCured, EngineRefused, ProgrammeSet, RecordingChanged,
    DestinationChanged, CameraSet, EncoderChosen, SnapshotTaken, ClipSaved, DevicesFound,
)  # fmt: skip


class _Teller:
    """Prints what a person or a program wants to read of the notes."""

    def __init__(self, as_json: bool, levels: bool = False) -> None:
        self._as_json = as_json
        self._told = (*TOLD, MicrophoneLevel) if levels else TOLD
        self._loudest_db = MicrophoneLevel(peak_db=-120.0, rms_db=-120.0)
        """Of the second that is not printed yet."""
        self._hours_left = -1.0
        self._programme: ProgrammeSet | None = None
        self.refused: EngineRefused | None = None
        self.recording_failed = ""
        self.away: dict[str, str] = {}
        """Further destinations that are not on air, and why."""

    def __call__(self, note: EngineNote) -> None:
        match note:
            case EngineRefused():
                self.refused = note
            case RecordingChanged():
                self.recording_failed = note.error
                self._hours_left = note.hours_left if note.state == "recording" else -1.0
            case DestinationChanged(state="on_air" | "off"):
                self.away.pop(note.name, None)
            case DestinationChanged():
                self.away[note.name] = note.detail or note.state
            case ProgrammeSet():
                self._programme = note
            case MicrophoneLevel():
                self._loudest_db = max(self._loudest_db, note, key=lambda level: level.peak_db)
        try:
            self._print(note)
        except OSError:  # the terminal was closed, the reader of the pipe has gone: the broadcast has not
            with contextlib.suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def _print(self, note: EngineNote) -> None:
        if self._as_json:
            if isinstance(note, self._told):
                print(encode(note).decode(), flush=True)
            return
        match note:
            case EngineStats():
                print(spoken.figures(note, self._loudest_db, self._hours_left), flush=True)
                self._loudest_db = MicrophoneLevel(peak_db=-120.0, rms_db=-120.0)
            case EngineRefused():
                print(spoken.refused(note), file=sys.stderr, flush=True)
            case _:
                if said := spoken.told(note, self._programme):
                    print(said, flush=True)


async def _follow_overlay(engine: Engine, path: Path) -> None:
    """Draws what the file says, anew whenever it is written; a file that is not there or not whole changes nothing."""
    seen = b""
    while True:
        with contextlib.suppress(OSError, msgspec.DecodeError):
            raw = await asyncio.to_thread(path.read_bytes)
            if raw != seen:
                facts = msgspec.json.decode(raw, type=SetOverlay)
                seen = raw
                offset_ms = facts.offset_ms or (time.time() - time.monotonic()) * 1000
                await engine.obey(msgspec.structs.replace(facts, offset_ms=offset_ms))
        await asyncio.sleep(0.3)


async def _obey_lines(engine: Engine) -> None:
    """Each line of standard input is a command, begun in its turn; its end ends nothing."""
    lines: asyncio.Queue[bytes] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        held = b""
        while said := os.read(0, 65_536):
            *whole, held = (held + said).split(b"\n")
            for line in whole:
                loop.call_soon_threadsafe(lines.put_nowait, line)
            held = held[:LINE_BYTES]

    def listen() -> None:
        with contextlib.suppress(OSError, RuntimeError):  # standard input is closed, the loop has ended
            read()

    threading.Thread(target=listen, name="commands", daemon=True).start()
    while True:
        line = await lines.get()
        if not line.strip():
            continue
        try:
            engine.begin(decode_engine_command(line))
        except Unreadable as error:
            print(
                spoken.refused(EngineRefused(command="", code="unreadable", detail=str(error))),
                file=sys.stderr,
                flush=True,
            )
        except Exception as error:  # one line that cannot be done must not make it deaf to the next
            log.exception("command_failed")
            print(
                spoken.refused(EngineRefused(command="", code="failed", detail=f"{type(error).__name__}: {error}")),
                file=sys.stderr,
                flush=True,
            )


async def _publish(options: argparse.Namespace) -> int:
    tell = _Teller(options.json, options.levels)
    book = CameraBook(places.home() / "cameras.json")
    if options.camera_settings is not None:
        book.lend(options.camera, options.camera_settings)
    if options.second_camera_settings is not None:
        book.lend(options.second_camera, options.second_camera_settings)
    engine = Engine(None, tell, Devices(book=book), "VP8" if options.codec == "vp8" else "H264")
    loop = asyncio.get_running_loop()
    when_asked(engine.quitting.set)
    width, height = options.size
    await engine.obey(
        SetProgramme(
            camera=options.camera,
            microphone=options.microphone,
            width=width,
            height=height,
            fps=options.fps,
            target_bps=options.bitrate,
            second_camera=options.second_camera,
            second_microphone=options.second_microphone,
            still=options.still,
        )
    )
    if tell.refused is None:
        await engine.obey(SetScene(scene=options.scene, cut=True))
        await engine.obey(SetGain(gain_db=options.gain))
    if tell.refused is None and options.encoder != "x264":
        await engine.obey(SetEncoder(encoder=options.encoder))
        await engine.encoder_settled()
    if tell.refused is None:
        await engine.obey(GoOnAir(url=options.to, token=options.token))
    if tell.refused is None:
        if options.record:
            await engine.obey(StartRecording(folder=options.record))
        for number, url in enumerate(options.also, start=1):
            await engine.obey(AddDestination(name=f"also {number}", url=url, token=options.also_token))
    if tell.refused is not None:
        engine.quitting.set()
        await engine.run()
        return 2
    if options.seconds > 0:
        loop.call_later(options.seconds, engine.quitting.set)
    code = 1

    async def note_the_end() -> None:
        """Before anything is taken down."""
        nonlocal code
        await engine.quitting.wait()
        if engine.air.state == "on_air":
            code = 3 if tell.recording_failed or tell.away else 0
        if tell.recording_failed:
            print(spoken.not_recorded(tell.recording_failed), file=sys.stderr, flush=True)
        for name, reason in tell.away.items():
            print(spoken.not_on_air(name, reason), file=sys.stderr, flush=True)

    noting = loop.create_task(note_the_end())
    beside = [loop.create_task(_follow_overlay(engine, Path(options.overlay)))] if options.overlay else []
    if options.commands:
        beside.append(loop.create_task(_obey_lines(engine)))
    await engine.run()
    await noting
    for task in beside:
        task.cancel()
    return code


def main(argv: list[str]) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without our spaces or dashes ends no broadcast
    parser = _parser()
    options = parser.parse_args(argv)
    if options.json and isinstance(sys.stdout, io.TextIOWrapper):  # a program reads it, whatever the terminal writes
        sys.stdout.reconfigure(encoding="utf-8", errors="replace", newline="\n")
    if options.codec == "vp8" and options.encoder != "x264":
        parser.error(either("--codec vp8 n’a qu’un encodeur", "--codec vp8 has one encoder only"))
    if options.codec == "vp8" and any(url.startswith(("rtmp", "srt:")) for url in options.also):
        parser.error(either("RTMP et SRT veulent du H.264", "RTMP and SRT want H.264"))
    if options.second_camera_settings is not None and not options.second_camera:
        parser.error(
            either("--second-camera-settings veut --second-camera", "--second-camera-settings wants --second-camera")
        )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    keep_few()
    come_first()
    return asyncio.run(_publish(options))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

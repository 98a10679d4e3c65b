"""What a kill or a power cut left of recordings: made MP4 in the background, once nobody writes them.

Looked at is only what is named as ours (YYYY-MM-DD HHhMM-NN.mkv), has no MP4 beside it
and is claimed by no living program. One after another, in a program of its own that
comes last on the machine and ends its work even when the engine has gone. A Matroska
goes only when all of it is in its MP4: with a hole in it, with VP8, or without room for
a second copy it stays as it is.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import av

from .. import places
from .claims import Claim
from .muxing import to_mp4
from .priority import go_last

log = logging.getLogger("engine.salvage")

OURS = re.compile(r"\d{4}-\d\d-\d\d \d\dh\d\d-\d{2,}")
RESERVE_BYTES = 300_000_000
HOLE_BYTES = 1024
"""More than this between two packets: something is lost (a group's own header takes 24)."""
TAIL_S, TAIL_BYTES = 2.0, 65_536
"""What may lie behind the last whole packet: the group that was being written."""


def remember(folder: Path) -> None:
    """Where the last recording went: looked into at the next start."""
    with contextlib.suppress(OSError):
        _note().write_text(str(folder), encoding="utf-8")


def remembered() -> tuple[Path, ...]:
    """The usual folder, and the one used last."""
    usual = places.home() / "recordings"
    with contextlib.suppress(OSError, ValueError):
        last = Path(_note().read_text(encoding="utf-8"))
        if last.is_absolute() and last != usual:
            return usual, last
    return (usual,)


def _note() -> Path:
    return places.home() / "recordings.last"


def left_behind(folder: Path) -> list[Path]:
    """The oldest first. Raises OSError."""
    found = sorted(path for path in folder.glob("*.mkv") if OURS.fullmatch(path.stem))
    return [path for path in found if not path.with_suffix(".mp4").exists() and _is_free(path)]


def _is_free(path: Path) -> bool:
    claim = Claim(path)
    try:
        return claim.take()
    finally:
        claim.free()


class Salvage:
    """`begin` as often as one likes: what is begun waits for what was begun before."""

    def __init__(self) -> None:
        self._turn = threading.Lock()

    def begin(self, *folders: Path) -> None:
        threading.Thread(target=self._run, args=(folders,), name="salvage", daemon=True).start()

    def _run(self, folders: tuple[Path, ...]) -> None:
        with self._turn:
            for folder in folders:
                try:
                    paths = left_behind(folder)
                    if paths:
                        self._save(paths)
                except OSError as error:
                    log.info("salvage_failed folder=%s why=%s", folder, error)

    def _save(self, paths: list[Path]) -> None:
        child = subprocess.Popen(
            [sys.executable, "-m", "seller_console.engine.salvage", *map(str, paths)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, encoding="utf-8", errors="replace",
            env={**os.environ, "PYTHONUTF8": "1"},
            start_new_session=True,  # Ctrl C in a terminal is for us
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )  # fmt: skip
        assert child.stdout is not None
        for line in child.stdout:
            log.info("%s", line.rstrip())
        child.wait()


# --- in the program of its own -------------------------------------------------------------


def count(path: Path) -> int:
    """How many packets it holds. Raises OSError when something other than its very end is missing."""
    size, packets, hole, end, newest_s = path.stat().st_size, 0, 0, 0, 0.0
    last: dict[int, int] = {}
    try:
        with av.open(str(path)) as came:
            kinds = sorted(stream.codec_context.name for stream in came.streams)
            if len(kinds) != 2 or kinds[0] != "h264" or "opus" not in kinds[1]:
                raise OSError(f"not a recording of H.264 and Opus: {kinds}")
            with contextlib.suppress(av.InvalidDataError):  # the cut
                for packet in came.demux():
                    if packet.dts is None or packet.dts <= last.get(packet.stream.index, -1):
                        continue
                    last[packet.stream.index] = packet.dts
                    at = packet.pos or 0
                    hole = max(hole, at - end if packets else 0)
                    packets += 1
                    end = at + packet.size
                    newest_s = max(newest_s, float(packet.dts * packet.time_base))
    except av.FFmpegError as error:
        raise OSError(error.strerror or str(error)) from error
    if not packets or hole > HOLE_BYTES:
        raise OSError(f"there is a hole of {hole} bytes in it" if packets else "nothing in it can be read")
    tail = size - end
    if tail > max(TAIL_BYTES, TAIL_S * end / max(1.0, newest_s)) and not _empty_from(path, end):
        raise OSError(f"the last {tail} bytes cannot be read")
    return packets


def _empty_from(path: Path, start: int) -> bool:
    """Only zeros: a power cut leaves them where nothing had been written yet."""
    with path.open("rb") as file:
        file.seek(start + TAIL_BYTES)
        while piece := file.read(1 << 20):
            if piece.count(0) != len(piece):
                return False
    return True


def save(path: Path) -> str:
    """What there is to say of it."""
    claim = Claim(path)
    if not claim.take():
        return f"recording_left_out path={path} why=claimed"
    try:
        if path.with_suffix(".mp4").exists():
            return f"recording_left_out path={path} why=done"
        packets = count(path)
        if shutil.disk_usage(path.parent).free < path.stat().st_size * 1.1 + RESERVE_BYTES:
            raise OSError("no room for a second copy")
        seconds = to_mp4(path, path.with_suffix(".mp4"), packets)
    except OSError as error:
        return f"recording_left_out path={path} why={error}"
    finally:
        claim.free()
    return f"recording_saved path={path} seconds={seconds:.0f}"


def main(argv: list[str]) -> None:
    go_last()
    for path in map(Path, argv):
        said = save(path)
        with contextlib.suppress(OSError):  # the engine that asked has gone: the work has not
            print(said, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
    os._exit(0)  # nothing is left to be flushed into a pipe that may be closed

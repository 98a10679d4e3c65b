"""The preview file: whole frames only, newest first, two processes, no waiting."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seller_console.contract.media import Preview
from seller_console.engine.picture import blank
from seller_console.engine.preview import PreviewWriter, preview_size
from seller_console.link.preview import PreviewReader, PreviewUnreadable

from .conftest import moving

WRITER = """
import itertools, sys
from pathlib import Path
from seller_console.engine.picture import blank
from seller_console.engine.preview import PreviewWriter
writer = PreviewWriter(Path(sys.argv[1]))
writer.set_size(360, 640)
grey = [blank(360, 640, 16 + level) for level in range(200)]
print("ready", flush=True)
for number in itertools.count(1):
    writer.write(grey[number % 200], number, number * 10)
"""


@pytest.mark.parametrize(
    ("programme", "preview"),
    [((720, 1280), (540, 960)), ((1080, 1920), (540, 960)), ((1280, 720), (960, 540)), ((320, 240), (320, 240))],
)
def test_the_preview_keeps_the_programmes_shape(programme: tuple[int, int], preview: tuple[int, int]) -> None:
    assert preview_size(*programme) == preview


def test_a_frame_is_given_once_with_its_colours_and_its_moment(tmp_path: Path) -> None:
    writer = PreviewWriter(tmp_path / "preview.bin")
    writer.set_size(64, 128)
    reader = PreviewReader(tmp_path / "preview.bin")
    assert reader.read() is None, "nothing written yet"
    writer.write(blank(64, 128, 235), 1, 42)
    picture = reader.read()
    assert picture is not None
    assert (picture.width, picture.height, picture.stride) == (64, 128, 256)
    assert (picture.frame, picture.captured_ns) == (1, 42)
    pixels = np.frombuffer(picture.pixels, np.uint8).reshape(128, 64, 4)
    assert pixels.min() == 255
    assert reader.read() is None, "the same frame is not given twice"
    writer.write(blank(64, 128, 16), 2, 43)
    writer.write(blank(64, 128, 16), 3, 44)
    newest = reader.read()
    assert newest is not None and newest.frame == 3, "a slow reader skips"
    reader.close()
    writer.close()
    assert not (tmp_path / "preview.bin").exists()


def test_a_change_of_geometry_is_a_new_generation(tmp_path: Path) -> None:
    writer = PreviewWriter(tmp_path / "preview.bin")
    writer.set_size(720, 1280)
    reader = PreviewReader(tmp_path / "preview.bin")
    writer.write(moving(720, 1280, 0), 1, 1)
    first = reader.read()
    writer.set_size(1280, 720)
    assert reader.read() is None
    writer.write(moving(1280, 720, 1), 2, 2)
    second = reader.read()
    assert first is not None and second is not None
    assert (first.width, first.height) == (540, 960)
    assert (second.width, second.height) == (960, 540)
    assert second.generation == first.generation + 1
    assert len(second.pixels) == 960 * 540 * 4
    reader.close()
    writer.close()


def test_a_file_that_is_no_preview_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"something else" * 100)
    (tmp_path / "empty").write_bytes(b"")
    for name in ("other", "empty", "missing"):
        with pytest.raises(PreviewUnreadable):
            PreviewReader(tmp_path / name)


def test_a_writer_that_died_halfway_through_a_slot_shows_nothing(tmp_path: Path) -> None:
    path = tmp_path / "preview.bin"
    writer = PreviewWriter(path)
    writer.set_size(64, 64)
    writer.write(blank(64, 64), 1, 1)
    latest = int.from_bytes(path.read_bytes()[Preview.LATEST_OFFSET : Preview.LATEST_OFFSET + 4], "little")
    slot_bytes = Preview.HEADER.unpack_from(path.read_bytes())[7]
    with path.open("r+b") as file:
        file.seek(Preview.HEADER_BYTES + latest * slot_bytes)
        file.write((99).to_bytes(8, "little"))
    reader = PreviewReader(path)
    assert reader.read() is None
    reader.close()
    writer.close()


READS = 300


def torn_reads(path: Path, locked: bool) -> int:
    """How many of 300 frames were torn while another process wrote as fast as it could."""
    reader = PreviewReader(path)
    seen = torn = 0
    deadline = time.monotonic() + 60
    while seen < READS:
        assert time.monotonic() < deadline, f"only {seen} frames read"
        if locked:
            picture = reader.read()
            if picture is None:
                continue
            pixels = np.frombuffer(picture.pixels, np.uint8)
        else:
            header = Preview.HEADER.unpack_from(reader._map, 0)
            start = Preview.HEADER_BYTES + Preview.SLOT_HEADER_BYTES
            pixels = np.frombuffer(reader._map[start : start + header[5] * header[4]], np.uint8)
        seen += 1
        grey = pixels.reshape(-1, 4)[:, :3]
        torn += int(grey.min() != grey.max())
    reader.close()
    return torn


@pytest.mark.processes
def test_two_processes_never_tear_a_frame(tmp_path: Path, start_program: Any) -> None:
    path = tmp_path / "preview.bin"
    program = start_program(sys.executable, "-c", WRITER, str(path), python=False)
    program.line(0)
    assert torn_reads(path, locked=True) == 0


@pytest.mark.processes
def test_without_the_lock_frames_do_tear(tmp_path: Path, start_program: Any) -> None:
    """The accident the lock is for: one slot, read without asking."""
    path = tmp_path / "preview.bin"
    program = start_program(sys.executable, "-c", WRITER, str(path), python=False)
    program.line(0)
    assert torn_reads(path, locked=False) > 0

"""A picture of one camera: that camera, whatever is on air, and nothing when it is lost."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from seller_console.contract.media import SetProgramme, TakeSnapshot
from seller_console.engine.app import Engine
from seller_console.engine.capture import CameraDevice
from seller_console.engine.device import DeviceGone
from seller_console.engine.devices import CameraWish, Devices
from seller_console.engine.picture import Picture, blank, planes
from seller_console.engine.program import Programme

from .conftest import wait_for

SPEC = "camera:Top@usb-1"
LUMA = 150


class Plugged:
    """A grey camera with a plug."""

    plug = threading.Event()

    def open(self) -> None:
        if not self.plug.is_set():
            raise DeviceGone("not plugged in")

    def read(self) -> Picture:
        threading.Event().wait(0.02)
        if not self.plug.is_set():
            raise DeviceGone("pulled out")
        return Picture(blank(640, 480, LUMA), time.monotonic_ns(), 1)

    def close(self) -> None:
        """Nothing held."""


def plugged(_rest: str, _wish: CameraWish) -> CameraDevice:
    return Plugged()


@pytest.fixture
def programme() -> Iterator[Programme]:
    Plugged.plug.set()
    made = Programme(Devices(cameras={"camera": plugged}), None)
    made.start()
    made.change(SetProgramme(width=320, height=576, camera=SPEC))
    yield made
    made.stop()


@pytest.mark.media
def test_a_picture_of_a_camera_is_not_what_is_on_air(programme: Programme) -> None:
    wait_for(lambda: programme.snapshot(SPEC) is not None, 20, "the camera gives")
    programme.show("pause", cut=True)
    wait_for(lambda: programme.scene == "pause" and not programme.seen(), 20, "the card is on air")
    picture = programme.snapshot(SPEC)
    assert picture is not None and planes(picture)[0].shape == (480, 640)
    assert planes(picture)[0].min() == planes(picture)[0].max() == LUMA


@pytest.mark.media
def test_a_lost_camera_gives_no_picture(programme: Programme) -> None:
    """Its last one shows the lot before."""
    wait_for(lambda: programme.snapshot(SPEC) is not None, 20, "the camera gives")
    Plugged.plug.clear()
    wait_for(lambda: programme.camera.state == "gone", 20, "the plug is pulled")
    assert programme.snapshot(SPEC) is None
    assert programme.snapshot() is not None, "the programme goes on"
    Plugged.plug.set()
    wait_for(lambda: programme.snapshot(SPEC) is not None, 20, "it is back")


@contextlib.contextmanager
def full_after(size: int) -> Iterator[None]:
    """The system takes so many bytes of a file, and no more."""
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def lying_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
async def test_a_picture_that_the_disk_does_not_take_whole_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(None, lambda _note: None)
    noise = np.random.default_rng(1).integers(0, 255, (480 * 3 // 2, 640), np.uint8)
    monkeypatch.setattr(engine.programme, "snapshot", lambda _camera: noise)
    path, new = tmp_path / "shot.jpg", tmp_path / "new.jpg"
    assert engine._snapshot(TakeSnapshot(request="1", path=str(path))).path == str(path)
    before = lying_in(tmp_path)
    assert len(before["shot.jpg"]) > 8_192
    for place in (path, new):
        with full_after(8_192):
            said = engine._snapshot(TakeSnapshot(request="2", path=str(place)))
        assert (said.path, said.error) == ("", "disk_error")
    assert lying_in(tmp_path) == before
    assert engine._snapshot(TakeSnapshot(request="3", path=f"{path}\0")).error == "not_writable"
    assert engine._snapshot(TakeSnapshot(request="4", path=str(tmp_path))).error == "disk_error", "a folder"
    assert lying_in(tmp_path) == before

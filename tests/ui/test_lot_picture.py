"""A lot made on the spot is photographed by the camera it is held before, or says that it has no picture."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from seller_console.contract import commands as c
from seller_console.contract import media as m
from seller_console.link.settings import Settings
from tests.ui.desk_floor import DeskFloor
from ui.desk import Desk
from ui.values import Notice, Programme
from ui.wiring import Wiring


@pytest.mark.parametrize(
    ("camera", "scene", "photographed"),
    [
        ("camera:C920@usb-1", "table", "camera:C920@usb-1"),
        ("camera:C920@usb-1", "pause", "camera:C920@usb-1"),
        ("camera:C920@usb-1", "both", "camera:C920@usb-1"),
        ("camera:C920@usb-1", "split", "camera:C920@usb-1"),
        ("camera:C920@usb-1", "face", "camera:Brio@usb-2"),
        ("testcard", "face", "camera:Brio@usb-2"),
        ("testcard", "split", ""),
        ("url:http://phone/v", "still", "url:http://phone/v"),
        ("testcard", "table", ""),
        ("none", "table", ""),
    ],
)
def test_the_picture_of_a_lot_is_of_the_camera_that_the_scene_shows(
    app: QApplication, home: Path, camera: str, scene: str, photographed: str
) -> None:
    async def ask() -> tuple[m.TakeSnapshot, str]:
        desk = Desk()
        desk.put(programme=Programme(camera=camera, second_camera="camera:Brio@usb-2", scene=scene))
        wiring = Wiring(desk, Settings())
        asking = asyncio.ensure_future(wiring._picture())
        await asyncio.sleep(0)
        (said,) = wiring.engine._waiting  # what it will be told as soon as there is one
        assert isinstance(said, m.TakeSnapshot)
        wiring.note(m.SnapshotTaken(request=said.request, error="no_picture"))
        return said, await asking

    said, path = asyncio.run(ask())
    assert said.camera == photographed
    assert path == "", "a camera that gives none leaves the lot without"


def test_a_lot_without_a_picture_is_made_all_the_same_and_says_so(app: QApplication) -> None:
    floor = DeskFloor()
    floor.wires.picture = ""
    heard: list[Notice] = []
    floor.desk.noticed.connect(heard.append)
    floor.desk.start_at_opening_price()
    assert isinstance(floor.wires.said[-1], c.StartAuction) and floor.desk.deck.state == "withdrawable"
    assert [notice.text for notice in heard] == ["Lot créé sans photo\u202f: la caméra n’a pas d’image."]


def test_a_lot_with_its_picture_says_nothing(app: QApplication) -> None:
    floor = DeskFloor()
    heard: list[Notice] = []
    floor.desk.noticed.connect(heard.append)
    floor.desk.start_at_opening_price()
    assert floor.desk.deck.state == "withdrawable" and heard == []

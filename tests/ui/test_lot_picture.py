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
from ui.values import Notice, Programme, Trouble
from ui.wiring import Wiring


async def ask(desk: Desk) -> tuple[m.TakeSnapshot, str]:
    """What the engine is told, and the lot's picture when it has none to give."""
    wiring = Wiring(desk, Settings())
    asking = asyncio.ensure_future(wiring._picture())
    await asyncio.sleep(0)
    (said,) = wiring.engine._waiting  # what it will be told as soon as there is one
    assert isinstance(said, m.TakeSnapshot)
    wiring.note(m.SnapshotTaken(request=said.request, error="no_picture"))
    return said, await asking


@pytest.mark.parametrize(
    ("camera", "scene", "photographed"),
    [
        ("camera:C920@usb-1", "table", "camera:C920@usb-1"),
        ("camera:C920@usb-1", "pause", "camera:C920@usb-1"),
        ("camera:C920@usb-1", "both", "camera:C920@usb-1"),
        ("camera:C920@usb-1", "split", "camera:C920@usb-1"),
        ("camera:C920@usb-1", "face", "camera:Brio@usb-2"),
        ("testcard", "face", "camera:Brio@usb-2"),
        ("testcard", "split", "camera:Brio@usb-2"),
        ("testcard", "both", "camera:Brio@usb-2"),
        ("none", "both", "camera:Brio@usb-2"),
        ("url:http://phone/v", "still", "url:http://phone/v"),
        ("testcard", "table", ""),
        ("none", "table", ""),
    ],
)
def test_the_picture_of_a_lot_is_of_the_camera_that_the_scene_shows(
    app: QApplication, home: Path, camera: str, scene: str, photographed: str
) -> None:
    desk = Desk()
    desk.put(programme=Programme(camera=camera, second_camera="camera:Brio@usb-2", scene=scene))
    said, path = asyncio.run(ask(desk))
    assert said.camera == photographed
    assert path == "", "a camera that gives none leaves the lot without"


@pytest.mark.parametrize(
    ("camera", "scene", "lost", "photographed"),
    [
        ("camera:C920@usb-1", "face", {"camera:Brio@usb-2": "camera_gone"}, "camera:C920@usb-1"),
        ("camera:C920@usb-1", "both", {"camera:C920@usb-1": "camera_busy"}, "camera:Brio@usb-2"),
        ("camera:C920@usb-1", "face", {"camera:C920@usb-1": "camera_gone"}, "camera:Brio@usb-2"),
        ("camera:C920@usb-1", "face", {"camera:Brio@usb-2": "picture_blurred"}, "camera:Brio@usb-2"),
        ("camera:C920@usb-1", "table", {"camera:C920@usb-1": "camera_gone"}, "camera:C920@usb-1"),
        ("testcard", "face", {"camera:Brio@usb-2": "camera_gone"}, "camera:Brio@usb-2"),
    ],
)
def test_a_lost_camera_is_passed_over_for_one_that_lives_and_never_for_a_card(
    app: QApplication, home: Path, camera: str, scene: str, lost: dict[str, str], photographed: str
) -> None:
    desk = Desk()
    desk.put(
        programme=Programme(camera=camera, second_camera="camera:Brio@usb-2", scene=scene),
        troubles=tuple(Trouble(code, device=device) for device, code in lost.items()),
    )
    assert asyncio.run(ask(desk))[0].camera == photographed


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

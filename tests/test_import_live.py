"""`seller-console import` into a platform that runs: all of the file, or none of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from seller_console import cli
from seller_console.contract import codec, routes
from seller_console.contract.events import LotAdded, LotBackstageSet
from seller_console.contract.media import RuntimeFile

pytestmark = pytest.mark.processes


@pytest.fixture
def platform(start_program: Callable[..., Any], home: Path) -> RuntimeFile:
    program = start_program("seller_console", "platform", "--port", "0")
    return codec.decode_runtime(program.line(timeout_s=40))


def _lots(platform: RuntimeFile) -> tuple[list[LotAdded], list[LotBackstageSet]]:
    answer = httpx.get(
        platform.url + routes.at(routes.BRIEF, platform.show_id), headers={"Authorization": f"Bearer {platform.secret}"}
    )
    events = codec.decode_brief(answer.content).events
    return [e for e in events if isinstance(e, LotAdded)], [e for e in events if isinstance(e, LotBackstageSet)]


def test_an_inventory_joins_the_queue_in_show_order(
    platform: RuntimeFile, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["import", str(data / "luxe.csv"), "--dry-run"]) == 0
    assert _lots(platform)[0] == [], "a dry run says, and writes nothing"
    capsys.readouterr()
    assert cli.main(["import", str(data / "luxe.csv"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    added, backstage = _lots(platform)
    assert [event.lot.title for event in added] == [lot["title"] for lot in said["lots"]]
    assert len(added) == 24 and len({event.lot.number for event in added}) == 24
    reserves = {event.backstage.sku: event.backstage.reserve_cents for event in backstage}
    assert reserves["LX-101"] == 13_300
    assert all("reserve" not in str(codec.encode(event.lot)) or event.lot.has_reserve for event in added)


def test_nine_hundred_lots_join_the_queue_in_one_turn(platform: RuntimeFile, data: Path) -> None:
    assert cli.main(["import", str(data / "destockage.csv")]) == 0
    assert len(_lots(platform)[0]) == 899

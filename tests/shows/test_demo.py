"""The unattended show, thirty seconds of it, and its summary against an independent reading of the log."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ui.demo import SOUND_FPS, SOUND_GAP_MS
from ui.words import t

from .conftest import end_programs

pytestmark = [pytest.mark.processes, pytest.mark.media, pytest.mark.timeout(150)]


def test_thirty_seconds_of_unattended_show_are_sound_and_the_summary_is_what_the_log_says(
    start_program: Callable[..., Any], tmp_path: Path
) -> None:
    summary_path = tmp_path / "summary.json"
    console = start_program(
        "seller_console", "--demo", "30", "--seed", "7", "--summary", str(summary_path),
        environ={"QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    code = console.wait(100)
    end_programs()
    summary = json.loads(summary_path.read_text())
    # A busy machine may be short of frames: the figure is the bench's, the suite holds a floor (below).
    gap = summary["largest_frame_gap_ms"]
    busy = {
        t("demo.slow", fps=summary["fps_mean"], expected=SOUND_FPS * 30),
        t("demo.gap", gap=gap, most=SOUND_GAP_MS),
    }
    assert code == 0 or set(summary["unsound"]) <= busy, console.errors()
    assert summary["restarts"] == {"platform": 0, "engine": 0}
    assert summary["lots_sold"] >= 1
    assert summary["bids"] >= 5 and summary["buyers_bidding"] >= 3
    assert summary["fps_mean"] >= 5
    assert 0 < gap < 15_000
    assert summary["seconds_on_air"] >= 30

    with sqlite3.connect(f"file:{summary['log']}?mode=ro", uri=True) as log:

        def one(query: str) -> Any:
            return log.execute(query).fetchone()[0]

        sold = "kind = 'hammered' AND json_extract(event, '$.sold') = 1"
        assert (
            one(f"SELECT coalesce(sum(json_extract(event, '$.price_cents')), 0) FROM events WHERE {sold}")
            == (summary["hammer_total_cents"])
        )
        assert one(f"SELECT count(*) FROM events WHERE {sold}") == summary["lots_sold"]
        bids = "kind = 'price_moved' AND json_extract(event, '$.cause') = 'bid'"
        assert one(f"SELECT count(*) FROM events WHERE {bids}") == summary["bids"]
        bidders = f"SELECT count(DISTINCT json_extract(event, '$.bidder')) FROM events WHERE {bids}"
        assert one(bidders) == summary["buyers_bidding"]
        assert one("SELECT count(*) FROM events WHERE kind = 'show_ended'") == 1
        assert one("SELECT max(seq) - count(*) FROM events") == 0, "no hole in the log"
    log.close()


def test_a_demo_comes_on_air_where_an_earlier_show_chose_the_test_card(
    start_program: Callable[..., Any], tmp_path: Path, home: Path
) -> None:
    (home / "settings.json").write_text('{"camera": "testcard"}')
    summary_path = tmp_path / "summary.json"
    console = start_program(
        "seller_console", "--demo", "4", "--seed", "7", "--summary", str(summary_path),
        environ={"QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    console.wait(60)
    end_programs()
    summary = json.loads(summary_path.read_text())
    assert summary["lots_imported"] > 0 and summary["frames_published"] > 0, summary["unsound"]

"""The bars of the benches and soaks: each is missed by itself, and what was not measured is not reached."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest

from tests.bench import (
    _bars,
    _engine,
    bench_outputs,
    bench_publish,
    bench_show,
    soak_engine,
    soak_sentinel,
    soak_suspend,
    soak_twelve_hours,
)


def stats(sent: int, dropped: int, late: int, air: str = "on_air") -> dict[str, Any]:
    return {"type": "engine_stats", "air": air, "sent": sent, "dropped": dropped, "late": late}


def publishing(cpu: float = 0.3, ssim: float = 0.95, dropped: int = 0) -> dict[str, Any]:
    """Ours beside a Chromium and an aiortc that cost 0.4 and 1.2."""
    figures: dict[str, Any] = {
        "ours": {"cpu": cpu, "cpu_per_30fps": cpu, "ssim": ssim, "sent": 600, "dropped": dropped, "late": 0},
        "chromium": {"cpu": 0.4, "cpu_per_30fps": 0.4, "ssim": 0.93},
        "aiortc": {"cpu": 1.2, "cpu_per_30fps": 1.2, "ssim": 0.94},
    }
    return {"720": figures | {"ours_over": bench_publish.ratios(figures)}}


def published(*runs: dict[str, Any]) -> list[str]:
    return bench_publish.missed(bench_publish.judged(list(runs)))


def test_a_figure_that_is_no_number_is_over_every_bar() -> None:
    assert _bars.over("x", 1.0, 1.0) == []
    assert _bars.over("x", 1.1, 1.0) == ["x 1.1 > 1.0"]
    assert _bars.over("x", math.nan, 1.0)
    assert [_bars.median([0.1, 0.3, 0.2]), math.isnan(_bars.median([0.1, 0.1, math.nan]))] == [0.2, True]


def test_a_missed_bar_is_said_and_is_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert _bars.verdict([]) == 0
    assert _bars.verdict(["x 2 > 1"]) == 1
    assert capsys.readouterr().err == "missed: x 2 > 1\n"


def test_pictures_are_lost_only_while_somebody_waits_for_them() -> None:
    pictures = _engine.Pictures()
    for note in (
        stats(0, 40, 3, "connecting"),
        {"type": "engine_stats"},
        stats(10, 50, 3),
        {"type": "ready"},
        stats(1010, 51, 4),
    ):
        pictures.take(note)
    assert pictures.heard == 2
    assert pictures.figures() == {"sent": 1000, "dropped": 1, "late": 1, "lost_share": 0.002}


def test_where_none_was_sent_all_were_lost() -> None:
    assert _engine.Pictures().figures()["lost_share"] == 1.0


def test_publishing_within_its_bars_misses_none() -> None:
    assert published(publishing()) == []


def test_each_bar_of_publishing_is_missed_by_itself() -> None:
    assert published(publishing(cpu=0.41)) == ["720: CPU over chromium 1.025 > 1.0"]
    dear = publishing()
    dear["720"]["ours_over"]["aiortc_per_frame"] = 0.46
    assert published(dear) == ["720: CPU over aiortc_per_frame 0.46 > 0.45"]
    assert published(publishing(ssim=0.92)) == ["720: SSIM below Chromium's by 0.01 > 0.0"]
    assert len(published(publishing(ssim=math.nan))) == 1
    assert published(publishing(dropped=1)) == ["720: lost_share 0.00167 > 0.001"]


def test_of_several_runs_the_median_ratio_counts_and_every_lost_picture() -> None:
    assert published(publishing(), publishing(cpu=0.5), publishing(dropped=1)) == []
    assert len(published(publishing(), publishing(), publishing(dropped=2))) == 1


def test_ours_alone_is_judged_on_its_lost_pictures() -> None:
    def alone(dropped: int) -> dict[str, Any]:
        return {"720": {"ours": publishing(cpu=9.0, dropped=dropped)["720"]["ours"]}}

    assert published(alone(0)) == []
    assert len(published(alone(1))) == 1
    assert len(published(alone(0), {"720": {"ours": {"cpu": 0.3}}})) == 1, "it was never on air"


def test_each_bar_of_more_outputs_is_missed_by_itself() -> None:
    def of(recording: float, whip: float, lost: float) -> list[str]:
        added = {"recording": recording, "recording_and_whip": whip}
        return bench_outputs.missed({"added": added, "pictures": [{"lost_share": 0.0}, {"lost_share": lost}]})

    assert of(0.02, 0.2, 0.001) == []
    assert of(0.021, 0.2, 0.0) == ["recording adds 0.021 > 0.02"]
    assert len(of(0.0, 0.201, 0.0)) == len(of(0.0, 0.0, 0.002)) == 1


def shown(**figures: float) -> dict[str, float]:
    calm = {"gap_stalled_ms": 47.0, "gap_stopped_ms": 41.0, "dropped_stalled": 0, "dropped_stopped": 0}
    return {"fps": 30.0, "late_stalled": 0, **calm, **figures}


def test_a_window_held_up_is_judged_by_the_gap_itself_and_by_every_dropped_picture() -> None:
    def late(*runs: dict[str, float]) -> list[str]:
        return bench_show.missed(bench_show.table(list(runs)))

    assert late(shown()) == []
    assert late(shown(gap_stalled_ms=100.0)) == ["gap_stalled_ms 100.0, not < 100"]
    assert late(shown(fps=27.9)) == ["fps 27.9, not >= 28"]
    assert late(shown(), shown(), shown(gap_stopped_ms=400.0)) == []
    assert late(shown(), shown(), shown(dropped_stopped=1)) == ["dropped_stopped 1, not <= 0"]
    assert late(shown(), shown(), shown(late_stalled=1)) == []
    assert late(shown(late_stalled=1)) == ["late_stalled 1, not <= 0"]


@pytest.mark.parametrize(
    ("change", "said"),
    [({}, 0), ({"slope_mb_per_hour": 2.0}, 1), ({"slope_mb_per_hour": math.nan}, 1), ({"lost_share": 0.002}, 1)],
)
def test_the_bars_of_an_hour(change: dict[str, Any], said: int) -> None:
    assert len(soak_engine.missed({"slope_mb_per_hour": 1.5, "lost_share": 0.001, **change})) == said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, 0),
        ({"on_air_ms": [60, 5000]}, 1),
        ({"picture_ms": [5000, 80]}, 1),
        ({"recording_error": "full"}, 1),
        ({"recorded_s": 120.0}, 1),
        ({"recorded_pictures": 149}, 1),
    ],
)
def test_the_bars_of_a_lid(change: dict[str, Any], said: int) -> None:
    report = {
        "asleep_s": 60.0, "on_air_ms": [61, 70], "picture_ms": [83, 90], "recorded_s": 128.0, "recording_error": "",
        "recorded_pictures": 240,
    }  # fmt: skip
    assert len(soak_suspend.missed({**report, **change})) == said


def test_the_bars_of_twelve_hours() -> None:
    sound = {"ppm": 100.0, "skew_worst_ms": 3.0, "dropped": 0, "starved": 0}
    memory = {"slope_mb_per_hour": 0.1, "recorded_hours": 12.0}

    def late(sound: dict[str, Any], memory: dict[str, Any]) -> int:
        return len(soak_twelve_hours.missed({"hours": 12.0, "sound": [sound], "memory": memory}))

    assert late(sound, memory) == 0
    assert late(sound | {"skew_worst_ms": 41.0}, memory) == 1
    assert late(sound | {"dropped": 1}, memory) == late(sound | {"starved": 1}, memory) == 1
    assert late(sound, memory | {"slope_mb_per_hour": 2.0}) == 1
    assert late(sound, memory | {"slope_mb_per_hour": math.nan}) == 1
    assert late(sound, memory | {"recorded_hours": 11.0}) == 1
    assert soak_twelve_hours.missed({"hours": 12.0, "sound": [sound]}) == []


def test_the_bars_of_the_sentinel() -> None:
    found: dict[str, Any] = {
        "picture_black": {"said": "20/20", "max_s": 2.0, "sound": True},
        "clean": {
            "alarms": [],
            "core": 0.03,
            "core_of_eyes": {"1280x720": 0.03},
            "allowed_by_decision_47": {"seconds": 60.5},
        },
    }
    assert soak_sentinel.missed(found) == []
    late, alarmed, dear, large = (copy.deepcopy(found) for _ in range(4))
    late["picture_black"]["sound"] = False
    alarmed["clean"]["alarms"].append([12.25, "sound_silent"])
    dear["clean"]["core"] = 0.0301
    large["clean"]["core_of_eyes"]["1280x720"] = 0.0301
    assert [len(soak_sentinel.missed(one)) for one in (late, alarmed, dear, large)] == [1, 1, 1, 1]

"""The bars of `bench latency`: what was not measured is not reached."""

from __future__ import annotations

from tests.bench.bench_latency import Figures, figures, missed


def run(ours: Figures, theirs: Figures) -> dict[str, Figures]:
    return {"engine_to_chromium": ours, "chromium_to_chromium": theirs}


def of(p50: float, p95: float) -> Figures:
    return {"p50": p50, "p95": p95, "n": 600, "unread": 0}


def test_a_run_within_the_bars_misses_none() -> None:
    assert missed([run(of(50, 90), of(55, 300))]) == []


def test_each_bar_is_missed_by_itself() -> None:
    assert missed([run(of(61, 100), of(70, 130))]) == ["p50 61 ms > 60.0 ms"]
    assert missed([run(of(40, 121), of(70, 130))]) == ["p95 121 ms > 120.0 ms"]
    assert missed([run(of(40, 100), of(39, 130))]) == ["p50 40 ms > Chromium's 39 ms"]
    assert missed([run(of(40, 100), of(70, 99))]) == ["p95 100 ms > Chromium's 99 ms"]


def test_of_several_runs_the_median_counts() -> None:
    assert missed([run(of(p50, 100), of(70, 100)) for p50 in (50, 52, 90)]) == []


def test_too_few_pictures_are_no_success() -> None:
    few = figures([20.0] * 99, 3)
    assert few == {"n": 99, "unread": 3}
    assert missed([run(few, of(50, 90))])
    assert missed([run(of(40, 90), few)]) == ["Chromium could not be measured"]

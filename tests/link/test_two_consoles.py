"""Two consoles on one queue while the producer's line is cut: nothing lost, one queue, the block untouched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes.two_consoles import play, play_one_cut

pytestmark = [pytest.mark.processes, pytest.mark.timeout(180)]


async def test_edits_by_two_consoles_across_cuts_come_to_one_queue(start_platform: Callable[..., Any]) -> None:
    _, place = start_platform()
    outcome = await play(place, edits=160, seed=11, cut_every_s=1.0)
    assert outcome.broken == []
    assert outcome.asked == 160
    assert outcome.cuts >= 1
    assert outcome.runs >= 1
    assert outcome.accepted > 100


async def test_what_a_producer_does_without_a_line_waits_and_is_all_answered(
    start_platform: Callable[..., Any],
) -> None:
    """`dev.py soak two_consoles --cut 60` for a minute of it."""
    _, place = start_platform()
    outcome = await play_one_cut(place, cut_s=1.0, seed=5, every_s=0.1)
    assert outcome.broken == []
    assert outcome.cuts >= 1 and outcome.waited >= 3
    assert outcome.accepted > 10

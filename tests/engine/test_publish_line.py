"""A whole broadcast on a simulated line: what repairs may cost when a line loses because it is full."""

from __future__ import annotations

import pytest

from seller_console.rtc.sending import REPAIR_SHARE
from tests.fakes.narrow_line import Broadcast, Link

WIDE_BPS, NARROW_BPS = 5_000_000, 800_000


async def broadcast(link: Link, seconds: float) -> Broadcast:
    line = Broadcast(link)
    await line.begin()
    line.play(seconds)
    return line


@pytest.mark.parametrize("narrows_at_s", [10.0, 10.4, 11.7])
async def test_on_a_line_that_narrows_new_pictures_keep_leaving_and_repairs_keep_to_their_share(
    narrows_at_s: float,
) -> None:
    """5 Mb/s to 800 kb/s: repairs of what the full queue dropped used to take the line for two seconds."""
    line = await broadcast(Link(WIDE_BPS), narrows_at_s)
    line.link.bps = NARROW_BPS
    before_again = line.bytes_again
    line.play(20)
    figures = line.figures(narrows_at_s, narrows_at_s + 20)
    await line.end()
    assert figures["no_new_video_s"] <= 0.3, figures
    assert figures["frozen_s"] <= 3.2, figures
    assert figures["fps"] >= 24, figures
    allowed = sum(bps for at_s, bps in line.targets if at_s >= narrows_at_s) * 0.005 / 8 * REPAIR_SHARE
    assert line.bytes_again - before_again <= allowed + 2_500_000 / 8 * REPAIR_SHARE


@pytest.mark.parametrize(("loss", "frozen_s"), [(0.0, 0.0), (0.05, 0.3), (0.10, 0.8)])
async def test_what_a_wide_line_loses_is_repaired_as_before(loss: float, frozen_s: float) -> None:
    line = await broadcast(Link(20_000_000, loss=loss), 30)
    figures = line.figures(5, 30)
    await line.end()
    assert figures["fps"] >= 29.5, figures
    assert figures["frozen_s"] <= frozen_s, figures


async def test_the_same_packet_goes_again_once_in_a_round_trip_and_not_when_it_is_old() -> None:
    line = await broadcast(Link(20_000_000), 2)
    sending = line._sending
    seq = sending._lines.video.next_seq - 1
    before = line.bytes_again

    def ask(count: int = 1) -> int:
        nonlocal before
        for _ in range(count):
            line.ask_again(seq)
        sent, before = line.bytes_again - before, line.bytes_again
        return int(sent > 0) + int(sent > 1_400)

    assert ask(20) == 1, "asked twenty times at once, sent once"
    line.play(0.1)
    assert ask() == 1, "a round trip later it may have been lost again"
    line.play(1.0)
    assert ask() == 0, "nobody waits for it any more"
    await line.end()

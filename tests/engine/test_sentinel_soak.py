"""The soak of the sentinel, in small: it counts what it says it counts, and fails when it should."""

from __future__ import annotations

import pytest

from tests.bench import soak_sentinel


@pytest.mark.parametrize(
    "fault",
    ["av_skew", "sound_silent", "sound_clipping", "sound_wrong_microphone", "encoder_late", "machine_hot"],
)
def test_the_soak_of_the_sentinel_counts_what_it_says_it_counts(fault: str) -> None:
    counted = soak_sentinel.many(fault, 2)
    assert counted["sound"] and counted["said"] == "2/2" and 0 < counted["p50_s"] <= counted["max_s"] <= 3.0


def test_the_soak_sees_a_fault_that_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak_sentinel, "one", lambda _fault, _seed: 3.25)
    assert not soak_sentinel.many("picture_black", 1)["sound"], "said too late"
    monkeypatch.setattr(soak_sentinel.Ear, "look", lambda _self, _fault="": ())
    with pytest.raises(AssertionError, match="never said"):
        soak_sentinel.inject(soak_sentinel.Ear(1), "sound_silent", 1.0)

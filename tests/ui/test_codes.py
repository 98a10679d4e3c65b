"""Every stable code the engine says has its words on screen: read from its own source, so that none is ever missing."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from seller_console.contract.media import AirChanged, TroubleCode
from seller_console.engine.troubles import _PUBLISH
from tests.codes import air_reasons, cures, details, refusals, unkept
from tests.ui.desk_floor import DeskFloor
from ui import words
from ui.airing import trouble_of
from ui.views.strip import trouble_sentence


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_detail_has_its_words(repository: Path, language: words.Language) -> None:
    found = details(repository)
    assert {"wrong_pass", "tls", "media_blocked", "goodbye", "broken", "disk_full", "not_writable", "too_slow"} <= found
    known = set(words.catalogue(language))
    assert sorted(code for code in found if f"detail.{code}" not in known) == []
    assert all(code.isidentifier() for code in found), "a detail is a code, not a sentence"


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_reason_why_there_is_no_picture_or_clip_has_its_words(repository: Path, language: words.Language) -> None:
    found = unkept(repository)
    assert {"no_picture", "nothing_on_air", "busy", "disk_full", "not_writable", "disk_error"} <= found
    known = set(words.catalogue(language))
    assert sorted(code for code in found - {"busy"} if f"detail.{code}" not in known) == []
    assert "clip.busy" in known


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_refusal_of_the_engine_every_trouble_and_every_reason_of_the_air_has_its_words(
    repository: Path, language: words.Language
) -> None:
    known = set(words.catalogue(language))
    refused = refusals(repository)
    assert {"on_air", "recording", "unreadable", "not_in_this_build"} <= refused
    assert sorted(code for code in refused if f"engine_refused.{code}" not in known) == []
    assert sorted(code for code in get_args(TroubleCode) if f"trouble.{code}" not in known) == []
    reasons = air_reasons(repository)
    assert reasons == set(_PUBLISH) and sorted(r for r in reasons if f"air.{r}" not in known) == []


def test_every_cure_the_engine_offers_has_its_words(app: object) -> None:
    assert {"retry", "choose_camera"} <= cures()
    known = words.catalogue("fr")
    assert [cure for cure in cures() if f"cure.{cure}" not in known] == []


def test_the_strip_says_why_in_words_and_never_in_a_systems_own(app: object) -> None:
    said_ = trouble_sentence(trouble_of("publish_refused", 0.0, subject="http://x", detail="wrong_pass"), 0.0)
    assert said_.startswith("Le serveur refuse le flux (la clé de flux n’est pas la bonne)")
    odd = trouble_sentence(trouble_of("camera_busy", 0.0, subject="C920", detail="Device or resource busy"), 0.0)
    assert "resource" not in odd
    floor = DeskFloor()
    floor.desk.take_note(AirChanged(state="reconnecting", reason="lost", detail="silence"))
    assert floor.desk.health.reason == "lost"

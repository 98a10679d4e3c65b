"""The dry run of an inventory: every dirty row named, every format read, no bytes that crash it."""

from __future__ import annotations

import csv
import io
import time
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seller_console import importing
from seller_console.contract import codec
from seller_console.contract.commands import ImportLots
from seller_console.contract.words import LotDraft
from seller_console.sale import inventory, inventory_words
from seller_console.sale.inventory import DryRun, Problem, Unusable

HEADER = "Titre,Type,Prix,Quantité,SKU,Coût par article,Description"


def _shop(data: Path, name: str, **words: Any) -> DryRun:
    return inventory.read((data / f"{name}.csv").read_bytes(), (data / f"{name}.show.csv").read_bytes(), **words)


def _read(text: str, show: str | None = None, **words: Any) -> DryRun:
    return inventory.read(text.encode(), None if show is None else show.encode(), **words)


def _found(run: DryRun, code: str) -> list[Problem]:
    return [problem for problem in run.problems if problem.code == code]


# --- the three shops -------------------------------------------------------------------


def test_the_card_shop_names_its_dirty_rows(data: Path) -> None:
    run = _shop(data, "pokemon")
    assert {(p.row, p.column, p.code, p.value) for p in run.problems if p.code != "long_title"} == {
        (15, "Prix", "spelled_price", "1,00"),
        (48, "Prix", "spelled_price", "1,00"),
        (23, "SKU", "sku_twice", "PK-0021"),
    }
    assert [p.row for p in _found(run, "long_title")] == [10, 34]
    assert run.totals.lots == run.totals.rows == 60
    assert Counter(lot.format for lot in run.lots) == {"auction": 56, "buy_it_now": 3, "giveaway": 1}
    assert any("✨" in lot.title for lot in run.lots)


def test_a_long_title_is_cut_at_a_word_and_kept_whole_in_the_description(data: Path) -> None:
    raw = list(csv.reader(io.StringIO((data / "pokemon.csv").read_text("utf-8-sig"))))
    full = raw[9][2]
    lot = next(lot for lot in _shop(data, "pokemon").lots if lot.backstage.sku == raw[9][12])
    assert len(full) > 80 >= len(lot.title)
    assert lot.title.endswith("…") and full.startswith(lot.title[:-1])
    assert full[len(lot.title) - 1] in " ,;:—", "not in the middle of a word"
    assert full in lot.description


def test_the_second_lot_of_a_sku_is_kept_under_another_and_takes_no_settings(data: Path) -> None:
    lots = _shop(data, "pokemon").lots
    skus = [lot.backstage.sku for lot in lots]
    assert skus.index("PK-0021-2") == skus.index("PK-0021") + 1
    second = lots[skus.index("PK-0021-2")]
    assert second.preset is None and second.backstage.place == ""
    assert len(set(skus)) == len(skus)


def test_the_luxury_shop_is_clean_and_its_reserves_are_backstage(data: Path) -> None:
    run = _shop(data, "luxe")
    assert run.problems == ()
    assert run.totals.reserves == 10
    assert run.lots[0].backstage.reserve_cents == 13_300
    assert run.lots[0].preset is not None and run.lots[0].preset.duration_ms == 60_000
    assert run.lots[0].backstage.host_note == "montrer le numéro de série"
    assert max(len(lot.pictures) for lot in run.lots) == 8


def test_the_destocking_shop_names_its_dirty_rows(data: Path) -> None:
    run = _shop(data, "destockage")
    named = {(p.row, p.column, p.value, p.severity) for p in run.problems if p.code != "hazmat"}
    assert {
        (501, "Quantité", "beaucoup", "repaired"),
        (502, "Prix", "0", "repaired"),
        (503, "Titre", "", "left_out"),
    } <= named
    assert {p.value for p in _found(run, "spelled_price")} == {"1,00"} and len(_found(run, "spelled_price")) == 6
    assert len(_found(run, "hazmat")) == 190
    assert len(named) == 9
    assert (run.totals.rows, run.totals.lots, run.totals.left_out) == (900, 899, 1)
    by_sku = {lot.backstage.sku: lot for lot in run.lots}
    assert by_sku["DS-0500"].quantity == 1 and by_sku["DS-0501"].opening_cents == 100
    assert "DS-0502" not in by_sku


def test_every_problem_has_a_reason_and_a_repair_in_both_languages(data: Path) -> None:
    for shop in ("pokemon", "luxe", "destockage"):
        for problem in _shop(data, shop, have_picture=lambda path: False).problems:
            for language in ("fr", "en"):
                for sentence in (problem.reason(language), problem.repair(language)):
                    assert sentence.endswith(".") and "{" not in sentence, sentence


def test_missing_pictures_are_noted_and_the_lot_lives_without(data: Path) -> None:
    run = _shop(data, "luxe", have_picture=lambda path: path.endswith("-1.jpg"))
    missing = _found(run, "picture_missing")
    assert missing and all(p.severity == "noted" for p in missing)
    assert missing[0].row == 2 and missing[0].facts["count"] == 6
    assert len(run.lots) == 24
    assert _found(_shop(data, "luxe"), "picture_missing") == [], "not looked for: not missed"


def test_nine_hundred_lots_are_read_well_under_a_second(data: Path) -> None:
    raw, show = (data / "destockage.csv").read_bytes(), (data / "destockage.show.csv").read_bytes()
    spent = []
    for _ in range(3):
        began = time.perf_counter()
        inventory.read(raw, show)
        spent.append(time.perf_counter() - began)
    assert min(spent) < 1.0


def test_nine_hundred_lots_fit_one_command(data: Path) -> None:
    body = codec.encode(ImportLots(lots=_shop(data, "destockage").lots))
    assert len(body) < 8 * 1024 * 1024
    said = codec.decode_command(body)
    assert isinstance(said, ImportLots) and len(said.lots) == 899


def test_the_demo_shop_is_clean_with_every_picture_there(repository: Path) -> None:
    run = importing.read_files(repository / "resources" / "demo" / "demo.csv")
    assert {p.code for p in run.problems} == {"hazmat"}
    auctions = [lot for lot in run.lots if lot.format == "auction"]
    assert len(auctions) >= 12
    for lot in auctions:
        assert lot.preset is not None
        assert (lot.preset.duration_ms, lot.preset.counter_bid_ms) == (15_000, 5_000)
    pictures = list((repository / "resources" / "demo" / "images").iterdir())
    assert 0 < sum(path.stat().st_size for path in pictures) <= 300_000
    assert {f"images/{path.name}" for path in pictures} == {name for lot in run.lots for name in lot.pictures}


# --- every shape the same inventory comes in ------------------------------------------------

FRENCH = ["Catégorie", "Sous-catégorie", "Titre", "Description", "Quantité", "Type", "Prix", "Profil de livraison"]
FRENCH += ["Offres Acceptées", "Matières dangereuses", "État", "Coût par article", "SKU"]
FRENCH += [f"Image URL {n}" for n in range(1, 9)]
ENGLISH = "Category,Sub Category,Title,Description,Quantity,Type,Price,Shipping Profile,Offerable,Hazmat,Condition"
ENGLISH += ",Cost Per Item,SKU," + ",".join(f"Image URL {n}" for n in range(1, 9))
BRITISH = ENGLISH.replace("Sub Category", "Subcategory").replace("SKU", "Sku")
GERMAN = "Kategorie,Unterkategorie,Titel,Beschreibung,Menge,Verkaufsformat,Preis,Versandprofil,Angebote annehmen"
GERMAN += ",Gefahrgut,Zustand,Stückpreis,Artikelnummer," + ",".join(f"Bild-URL {n}" for n in range(1, 9))


def _respelled(data: Path, header: str, separator: str, reverse: bool = False) -> str:
    rows = list(csv.reader(io.StringIO((data / "luxe.csv").read_text("utf-8-sig"), newline="")))
    rows[0] = header.split(",")
    sink = io.StringIO(newline="")
    csv.writer(sink, delimiter=separator).writerows([row[::-1] if reverse else row for row in rows])
    return sink.getvalue()


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
def test_any_separator_and_encoding_reads_the_same(data: Path, separator: str, encoding: str) -> None:
    text = _respelled(data, ",".join(FRENCH), separator)
    assert inventory.read(text.encode(encoding)).lots == inventory.read((data / "luxe.csv").read_bytes()).lots


@pytest.mark.parametrize("header", [ENGLISH, BRITISH, GERMAN, ENGLISH.upper(), GERMAN.lower()])
@pytest.mark.parametrize("reverse", [False, True])
def test_any_language_and_order_of_columns_reads_the_same(data: Path, header: str, reverse: bool) -> None:
    text = _respelled(data, header, ";", reverse)
    assert _read(text).lots == inventory.read((data / "luxe.csv").read_bytes()).lots


def test_the_six_columns_of_another_marketplace() -> None:
    run = _read(
        "name,description,quantity,startingPrice,instantBuyPrice,imagesUrls\n"
        'Sac,beau,2,5,,"https://a.example/1.jpg, https://a.example/2.jpg"\n'
        "Montre,,1,,49.90,images/m.jpg|images/n.jpg\n"
        "Bague,,1,3,20,\n"
    )
    bag, watch, ring = run.lots
    assert (bag.format, bag.opening_cents, bag.quantity) == ("auction", 500, 2)
    assert bag.pictures == ("https://a.example/1.jpg", "https://a.example/2.jpg")
    assert (watch.format, watch.opening_cents, watch.pictures) == (
        "buy_it_now",
        4_990,
        ("images/m.jpg", "images/n.jpg"),
    )
    assert (ring.format, ring.opening_cents) == ("auction", 300)
    assert [(p.row, p.code) for p in run.problems] == [(4, "instant_ignored")]


@pytest.mark.parametrize(
    "spelled", ["Buy it Now", "BUY IT NOW", "buy it now", "Buy It Now", "Achat immédiat", "Sofortkauf"]
)
def test_buy_it_now_in_any_case(spelled: str) -> None:
    (lot,) = _read(f"Titre,Type,Prix\nSac,{spelled},12\n").lots
    assert lot.format == "buy_it_now"


@pytest.mark.parametrize(
    ("written", "cents", "code"),
    [
        ("1", 100, None),
        ("1,00", 100, "spelled_price"),
        ("1.00", 100, "spelled_price"),
        ("1 €", 100, "spelled_price"),
        ("€ 12", 1_200, "spelled_price"),
        ("1\u202f050,00\u00a0€", 105_000, "spelled_price"),
        ("1.050", 105_000, "spelled_price"),
        ("1,050.00", 105_000, "spelled_price"),
        ("1,50", 200, "odd_price"),
        ("0", 100, "zero_price"),
        ("0,00", 100, "zero_price"),
        ("", 100, "no_price"),
    ],
)
def test_an_opening_price_however_it_is_written(written: str, cents: int, code: str | None) -> None:
    run = _read(f'Titre,Type,Prix\nSac,Auction,"{written}"\n')
    assert run.lots[0].opening_cents == cents
    assert [p.code for p in run.problems] == ([code] if code else [])


@pytest.mark.parametrize("written", ["gratuit", "-5", "1/2", "1e3", "٣", "12 34", "9" * 15, "1,2,3"])
def test_what_is_no_price_leaves_the_row_out(written: str) -> None:
    run = _read(f'Titre,Type,Prix\nSac,Auction,"{written}"\nAutre,Auction,1\n')
    assert [lot.title for lot in run.lots] == ["Autre"]
    assert [(p.row, p.column, p.code, p.severity) for p in run.problems] == [(2, "Prix", "bad_price", "left_out")]


def test_a_buy_it_now_keeps_its_cents_and_is_never_given_away() -> None:
    run = _read('Titre,Type,Prix\nSac,Buy it Now,"12,50"\nBague,Buy it Now,0\n')
    assert [lot.opening_cents for lot in run.lots] == [1_250]
    assert [(p.row, p.code) for p in run.problems] == [(3, "free_price")]


@pytest.mark.parametrize(
    ("written", "units", "code"),
    [("3", 3, None), ("", 1, "no_quantity"), ("3,0", 3, "spelled_quantity"), ("beaucoup", 1, "bad_quantity")],
)
def test_a_quantity_however_it_is_written(written: str, units: int, code: str | None) -> None:
    run = _read(f'Titre,Prix,Quantité\nSac,1,"{written}"\n')
    assert run.lots[0].quantity == units
    assert [p.code for p in run.problems] == ([code] if code else [])


@pytest.mark.parametrize("written", ["0", "-3", "2,5", "99999"])
def test_an_impossible_quantity_leaves_the_row_out(written: str) -> None:
    run = _read(f'Titre,Prix,Quantité\nSac,1,"{written}"\n')
    assert run.lots == () and run.problems[0].code == "impossible_quantity"


def test_costs_with_a_decimal_comma_or_point_are_taken_as_they_are() -> None:
    run = _read('Titre,Prix,Coût par article\nA,1,"2,20"\nB,1,2.20\nC,1,\nD,1,cher\n')
    assert [lot.backstage.cost_cents for lot in run.lots] == [220, 220, 0, 0]
    assert [p.code for p in run.problems] == ["bad_cost"]


def test_rows_are_numbered_as_a_spreadsheet_shows_them() -> None:
    run = _read('Titre,Description,Prix\nA,"une\nlongue\r\ndescription",1\n\nB,,gratuit\n')
    assert run.lots[0].description == "une\nlongue\ndescription"
    assert [(p.row, p.value) for p in run.problems] == [(4, "gratuit")], (
        "a blank line is a row, a quoted line end is not"
    )


def test_twice_broken_accents_are_mended() -> None:
    (lot,) = _read(
        "Titre,Prix\n" + "Écharpe d’été".encode().decode("cp1252", "replace").replace("\ufffd", "") + ",1\n"
    ).lots
    assert lot.title  # whatever could not be mended stays readable
    (lot,) = _read("Titre,Prix\n" + "Carte gradée 9 très rare".encode().decode("cp1252") + ",1\n").lots
    assert lot.title == "Carte gradée 9 très rare"


def test_unknown_and_repeated_columns_are_said_and_not_read() -> None:
    run = _read("Titre,Couleur,Prix,Prix\nSac,bleu,1,9\n")
    assert {(p.code, p.column) for p in run.problems} == {("unknown_column", "Couleur"), ("column_twice", "Prix")}
    assert run.lots[0].opening_cents == 100


def test_a_row_with_cells_too_many_is_left_out_not_guessed() -> None:
    run = _read("Titre,Prix,Description\nSac, grand, bleu,1,beau\nBague,2,\n")
    assert [lot.title for lot in run.lots] == ["Bague"]
    assert run.problems[0].code == "too_many_cells"


def test_a_picture_outside_the_folder_is_not_taken() -> None:
    seen: list[str] = []
    run = _read(
        "Titre,Prix,Image URL 1,Image URL 2,Image URL 3\nSac,1,../../secret.jpg,C:\\x.jpg,images\\ok.jpg\n",
        have_picture=lambda path: bool(seen.append(path)) or True,
    )
    assert run.lots[0].pictures == ("images/ok.jpg",) and seen == ["images/ok.jpg"]
    assert [p.code for p in run.problems] == ["picture_outside", "picture_outside"]


# --- the side table --------------------------------------------------------------------------


def test_the_side_table_sets_order_and_presets() -> None:
    run = _read(
        "Titre,Prix,SKU\nA,1,a\nB,1,b\nC,1,c\nD,1,d\n",
        "SKU,Ordre,Durée s,Contre-enchère s,Mort subite,Réserve,Note animateur,Note régie,Emplacement\n"
        "c,1,20,5,oui,60,dire,chuchoter,B14\nb,2,,,non,,,,\na,3,15,0,non,,,,\n",
    )
    assert [lot.title for lot in run.lots] == ["C", "D", "B", "A"], "a lot without settings follows the lot above it"
    first = run.lots[0]
    assert first.preset is not None
    assert (first.preset.duration_ms, first.preset.counter_bid_ms, first.preset.sudden_death) == (20_000, 5_000, True)
    backstage = first.backstage
    assert (backstage.reserve_cents, backstage.host_note, backstage.producer_note, backstage.place) == (
        6_000,
        "dire",
        "chuchoter",
        "B14",
    )
    by_title = {lot.title: lot for lot in run.lots}
    assert by_title["B"].preset is None and by_title["D"].preset is None
    assert by_title["A"].preset is not None and by_title["A"].preset.counter_bid_ms == 0


def test_the_side_table_may_be_wrong_too() -> None:
    run = _read(
        "Titre,Type,Prix,SKU\nA,Auction,5,a\nB,Buy it Now,9,b\n",
        "SKU;Ordre;Durée s;Réserve;Mort subite\na;premier;2;soixante;peut-être\na;1;;;\nzz;1;;;\n;1;;;\nb;;;40;\n",
    )
    assert {(p.sheet, p.row, p.code) for p in run.problems} == {
        ("show", 2, "bad_seconds"),
        ("show", 2, "bad_yes_no"),
        ("show", 2, "bad_reserve"),
        ("show", 2, "bad_order"),
        ("show", 3, "show_sku_twice"),
        ("show", 4, "unknown_sku"),
        ("show", 5, "no_sku"),
        ("show", 6, "reserve_ignored"),
    }
    assert all(lot.backstage.reserve_cents == 0 for lot in run.lots)


def test_settings_of_a_row_left_out_are_not_called_unknown() -> None:
    run = _read("Titre,Prix,SKU\n,1,a\nB,1,b\n", "SKU,Ordre\na,1\nb,2\n")
    assert [p.code for p in run.problems] == ["no_title"]


# --- what is no inventory ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "empty"),
        (b" \r\n\r\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"%PDF-1.7 ...", "not_a_csv"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not_a_csv"),
        (b"PK\x03\x04\x14\0\x06\0\x08\0xl/workbook.xml", "not_a_csv"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 64, "not_a_csv"),
        (b"<!doctype html><title>x</title>", "not_a_csv"),
        (b'{"lots": []}', "not_a_csv"),
        (bytes(range(256)) * 8, "not_a_csv"),
        ("Titre,Prix\nカード,1\n".encode("shift-jis") * 3, "unknown_encoding"),
        (b"bonjour\nmonsieur\n", "no_known_column"),
        (b"Sac,1\nBague,2\n", "no_known_column"),
        ("Titre,Quantité\nSac,1\n".encode(), "missing_column"),
        ("Prix,Quantité\n1,1\n".encode(), "missing_column"),
        (b"Titre,Prix\n", "no_rows"),
        (b"Titre,Prix\n" + b"x,1\n" * 3_000_000, "too_large"),
        (b"Titre,Prix\n" + b"x,1\n" * 30_000, "too_many_rows"),
        (b'Titre,"Prix\nSac,1\n', "broken"),
    ],
)
def test_what_is_no_inventory_is_said_in_words(raw: bytes, code: str) -> None:
    with pytest.raises(Unusable) as raised:
        inventory.read(raw)
    assert raised.value.code == code
    for language in ("fr", "en"):
        sentence = inventory_words.unusable(code, language, raised.value.facts)
        assert sentence.endswith(".") and "{" not in sentence
    if code == "not_a_csv":
        assert "CSV" in inventory_words.unusable(code, "fr", raised.value.facts)


def test_half_a_file_loses_its_last_row_only_and_says_so(data: Path) -> None:
    raw = (data / "pokemon.csv").read_bytes()
    whole = [lot.title for lot in inventory.read(raw).lots]
    for cut in range(len(raw) // 2, len(raw) // 2 + 400):
        run = inventory.read(raw[:cut])
        titles = [lot.title for lot in run.lots]
        assert titles == whole[: len(titles)]
        assert run.totals.rows - run.totals.lots <= 1
        if run.totals.rows > run.totals.lots:
            last = run.problems[-1]
            assert (last.code, last.severity, last.row) == ("cut_short", "left_out", run.totals.rows + 1)


def test_a_quote_never_closed_costs_its_row_and_no_other(data: Path) -> None:
    text = (data / "pokemon.csv").read_text("utf-8-sig")
    lines = text.split("\n")
    lines[4] = lines[4].replace("Trading Card Games,", '"Trading Card Games,', 1)
    run = _read("\n".join(lines))
    assert [(p.row, p.code) for p in run.problems if p.severity == "left_out"] == [(5, "open_quote")]
    assert run.totals.lots == 59


def test_a_quote_that_swallows_rows_costs_its_row_and_no_other() -> None:
    rows = [f"Lot {n},Auction,1,1,S-{n},," for n in range(2, 40)]
    rows[5] = 'Lot 7,Auction,1,1,S-7,,"écran 40'
    rows[20] += '"beau"'
    run = _read("\n".join([HEADER, *rows, ""]))
    assert [(p.row, p.code) for p in run.problems] == [(7, "open_quote")]
    assert run.totals.lots == 37


def test_damaged_utf8_is_read_and_counted() -> None:
    raw = "Titre,Prix\nÉté à Évian,1\nBague,2\n".encode().replace("à".encode(), b"\xc3")
    run = inventory.read(raw)
    assert [p.code for p in run.problems] == ["damaged"] and len(run.lots) == 2


# --- any bytes at all ------------------------------------------------------------------------------

CELLS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.sampled_from(["1", "1,00", "0", "beaucoup", "Auction", "Buy It Now", "", '"', "\n", ",", "9" * 30, "DS-1"]),
)
ROWS = st.lists(st.lists(CELLS, max_size=9), max_size=8)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=400), st.binary(max_size=200).map(lambda tail: HEADER.encode() + b"\n" + tail)))
@example(HEADER.encode() + b'\n"' + b"a,\n" * 60_000)
def test_no_bytes_crash_it(raw: bytes) -> None:
    try:
        run = inventory.read(raw, raw)
    except Unusable as error:
        assert inventory_words.unusable(error.code, "fr", error.facts)
        return
    _check_sound(run)


@settings(max_examples=300, deadline=None)
@given(ROWS, st.sampled_from([",", ";", "\t"]), st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]))
def test_whatever_the_cells_every_row_is_a_lot_or_is_named(
    rows: list[list[str]], separator: str, encoding: str
) -> None:
    sink = io.StringIO(newline="")
    csv.writer(sink, delimiter=separator).writerows([HEADER.split(","), *rows])
    try:
        run = inventory.read(sink.getvalue().encode(encoding, "replace"))
    except Unusable as error:
        assert error.code in {"no_rows", "not_a_csv"}
        return
    _check_sound(run)


def _check_sound(run: DryRun) -> None:
    left_out = {
        problem.row for problem in run.problems if problem.severity == "left_out" and problem.sheet == "inventory"
    }
    assert run.totals.lots + len(left_out) == run.totals.rows
    skus = [lot.backstage.sku for lot in run.lots if lot.backstage.sku]
    assert len(skus) == len(set(skus))
    for lot in run.lots:
        assert 1 <= len(lot.title) <= 80
        assert lot.quantity >= 1 and lot.opening_cents >= 1
        assert lot.format != "auction" or lot.opening_cents % 100 == 0
        assert msgspec.json.decode(msgspec.json.encode(lot), type=LotDraft) == lot
    for problem in run.problems:
        assert problem.reason("fr") and problem.repair("fr") and problem.reason("en") and problem.repair("en")


def test_every_sentence_of_the_catalogue_is_complete() -> None:
    for code, said in inventory_words.PROBLEMS.items():
        assert all(said), code
        assert said[0].count("{") == said[2].count("{"), code
    for code, pair in inventory_words.UNUSABLE.items():
        assert all(pair), code

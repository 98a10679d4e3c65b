"""`seller-console import --dry-run`: the dry run as a person or a program reads it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seller_console import cli, importing
from seller_console.sale import spreadsheet
from seller_console.sale.inventory import Unusable


def test_import_dry_run_as_json(data: Path, capsys: pytest.CaptureFixture[str], home: Path) -> None:
    assert cli.main(["import", str(data / "destockage.csv"), "--dry-run", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["ok"] and said["totals"]["lots"] == 899 == len(said["lots"])
    row = next(problem for problem in said["problems"] if problem["row"] == 501 and problem["column"] == "Quantité")
    assert row["value"] == "beaucoup" and row["reason"] and row["repair"]
    assert all({"title", "format", "opening_cents", "quantity", "backstage"} <= set(lot) for lot in said["lots"])
    assert list(home.iterdir()) == [], "a dry run writes nothing"


def test_import_in_words_names_row_column_reason_and_repair(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["import", str(data / "pokemon.csv"), "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "ligne 23, SKU · réparé · Le SKU «\u202fPK-0021\u202f» est déjà à la ligne 22. → " in said
    assert said.rstrip().endswith("Rien n’a été écrit.")


@pytest.mark.parametrize("as_json", [False, True])
def test_import_of_something_else_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    path = tmp_path / "facture.pdf"
    path.write_bytes(b"%PDF-1.7")
    assert cli.main(["import", str(path), "--dry-run", *(["--json"] if as_json else [])]) == 1
    said = capsys.readouterr()
    assert "tableur" in (said.out if as_json else said.err)
    assert "Traceback" not in said.err


def test_import_without_a_platform_says_so(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["import", str(data / "luxe.csv")]) == 1
    assert "plateforme" in capsys.readouterr().err


def test_import_of_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["import", str(tmp_path / "rien.csv"), "--dry-run"]) == 1
    assert "rien.csv" in capsys.readouterr().err


def test_a_sheet_larger_than_an_inventory_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "film.csv"
    with path.open("wb") as sink:
        sink.truncate(spreadsheet.LARGEST_BYTES * 4)
    with pytest.raises(Unusable) as raised:
        importing.read_files(path)
    assert raised.value.code == "too_large"

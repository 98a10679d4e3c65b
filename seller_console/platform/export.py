"""A show taken out of its home: as JSON lines anyone can read, or as a whole copy.

Works beside a running platform: the log is only read. Refuses to write over a file.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from .. import places
from ..language import either
from .keys import read_keys
from .log import Damaged, Log, LogUnwritable, NewerLog


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="seller-console export",
        description=either("Sort un live de ce dossier.", "Takes a show out of this folder."),
    )
    parser.add_argument(
        "show",
        nargs="?",
        default="",
        help=either("son identifiant ; sans lui : le live en cours", "its id; without: the current show"),
    )
    parser.add_argument("--home", type=Path, help=either(*places.HOME_HELP))
    parser.add_argument(
        "--list", action="store_true", help=either("nomme les lives de ce dossier", "names the shows of this folder")
    )
    parser.add_argument(
        "--to",
        type=Path,
        metavar=either("FICHIER", "FILE"),
        help=either("où écrire (sinon SHOW.jsonl, ou SHOW.db)", "where to write (else SHOW.jsonl, or SHOW.db)"),
    )
    parser.add_argument(
        "--backup",
        action="store_true",
        help=either(
            "une copie entière de la base, pas des lignes JSON", "a whole copy of the database, not JSON lines"
        ),
    )
    words = parser.parse_args(argv)
    if words.home is not None:
        os.environ["SELLER_CONSOLE_HOME"] = str(words.home)
    logs = {path.stem: path for path in sorted(places.shows().glob("*.db"))}
    if words.list:
        print("\n".join(logs))
        return 0
    show = words.show or read_keys(places.home()).current_show
    if show not in logs:
        return _no(
            either(
                f"Le live « {show} » n’est pas dans {places.shows()}", f"There is no show “{show}” in {places.shows()}"
            )
        )
    to = words.to or Path(f"{show}.db" if words.backup else f"{show}.jsonl")
    if to.exists():
        return _no(either(f"{to} existe déjà : rien n’a été écrit.", f"{to} exists already: nothing was written."))
    try:
        log = Log(logs[show])
    except (Damaged, NewerLog, LogUnwritable) as error:
        return _no(either(f"Ce journal ne peut pas être lu : {error}", f"This log cannot be read: {error}"))
    try:
        if words.backup:
            log.back_up(to)
            rows = log.head()[0]
        else:
            rows = log.export(to)
    except (Damaged, LogUnwritable) as error:
        to.unlink()
        return _no(either(f"Ce journal ne peut pas être lu : {error}", f"This log cannot be read: {error}"))
    finally:
        log.close()
    print(either(f"{rows} événements écrits dans {to}", f"{rows} events written to {to}"))
    return 0


def _no(why: str) -> int:
    print(why, file=sys.stderr)
    return 1

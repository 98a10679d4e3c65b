"""The one script: reads the first word of the command line and hands over.

Promises: nothing is imported but what the word needs; a person never reads a
traceback; exit codes are 0 done, 1 it did not work, 2 the words were wrong,
130 interrupted.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
import traceback
from collections.abc import Callable

from .language import language

Main = Callable[[list[str]], int]

PROGRAMS: dict[str, str] = {
    "console": "ui.app:main",
    "platform": "seller_console.platform.main:main",
    "engine": "seller_console.engine.main:main",
    "publish": "seller_console.engine.headless:main",
    "watch": "seller_console.engine.watch:main",
    "crowd": "seller_console.link.crowd:main",
    "import": "seller_console.importing:main",
    "export": "seller_console.platform.export:main",
    "doctor": "seller_console.doctor:main",
}
"""First word -> module:function, each `main(argv) -> exit code`, argv without the first word."""

HELP = {
    "fr": """\
seller-console — la console du vendeur en direct.

  seller-console [console]     ouvre la console (la fenêtre du vendeur)
  seller-console platform      lance la plateforme : enchères, chat, page des acheteurs
  seller-console engine        lance le moteur : caméra, micro, antenne
  seller-console publish       diffuse une caméra vers une adresse WHIP, sans fenêtre
  seller-console watch         regarde un direct (WHEP) et mesure l’image, sans fenêtre
  seller-console crowd         envoie un public simulé sur un direct
  seller-console import        lit un fichier d’inventaire CSV et dit ce qui ne va pas
  seller-console export        sort le journal d’un live : lignes JSON, ou copie entière
  seller-console doctor        dit ce qui marche sur cette machine, et quoi faire du reste

Chaque mot accepte --help. Vos données : la variable SELLER_CONSOLE_HOME choisit le dossier.
""",
    "en": """\
seller-console — the console of a live-shopping seller.

  seller-console [console]     opens the console (the seller's window)
  seller-console platform      starts the platform: auctions, chat, the buyers' page
  seller-console engine        starts the engine: camera, microphone, on air
  seller-console publish       streams a camera to a WHIP address, without a window
  seller-console watch         watches a show (WHEP) and measures the picture, without a window
  seller-console crowd         sends a simulated audience to a show
  seller-console import        reads a CSV inventory and says what is wrong in it
  seller-console export        takes the log of a show out: JSON lines, or a whole copy
  seller-console doctor        says what works on this machine, and what to do about the rest

Every word takes --help. Your data: the variable SELLER_CONSOLE_HOME chooses the folder.
""",
}

WORDS = {
    "fr": {
        "unknown": "« {word} » n’est pas une commande. Tapez : seller-console --help",
        "missing": "« {word} » ne peut pas démarrer : il manque « {module} ».\nRelancez : python3 packaging/dev.py run",
        "broken": "« {word} » s’est arrêté sur une erreur : {error}\nLe détail est dans {log}",
        "world": "« {word} » n’a pas pu continuer : {error}",
    },
    "en": {
        "unknown": '"{word}" is not a command. Type: seller-console --help',
        "missing": '"{word}" cannot start: "{module}" is missing.\nRun again: python3 packaging/dev.py run',
        "broken": '"{word}" stopped on an error: {error}\nThe detail is in {log}',
        "world": '"{word}" could not go on: {error}',
    },
}


def main(argv: list[str] | None = None) -> int:
    words = sys.argv[1:] if argv is None else argv
    said = WORDS[language()]
    if words and words[0] in {"-h", "--help", "help"}:
        print(HELP[language()], end="")
        return 0
    if words and words[0] in {"-V", "--version"}:
        from . import __version__

        print(f"seller-console {__version__}")
        return 0
    # Options alone belong to the console: `seller-console --demo 90`.
    if words and not words[0].startswith("-"):
        word, rest = words[0], words[1:]
    else:
        word, rest = "console", words
    if word not in PROGRAMS:
        print(said["unknown"].format(word=word), file=sys.stderr)
        return 2
    try:
        return _program(word)(rest)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output went away (`| head`): nothing is left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except ModuleNotFoundError as error:
        print(said["missing"].format(word=word, module=error.name), file=sys.stderr)
        _keep(word, error)
        return 1
    except OSError as error:
        print(said["world"].format(word=word, error=_plain(error)), file=sys.stderr)
        _keep(word, error)
        return 1
    except Exception as error:
        print(said["broken"].format(word=word, error=_plain(error), log=_keep(word, error)), file=sys.stderr)
        return 1


def _program(word: str) -> Main:
    module, _, function = PROGRAMS[word].partition(":")
    return getattr(importlib.import_module(module), function)  # type: ignore[no-any-return]


def _plain(error: BaseException) -> str:
    """One line without the type's name, unless the error says nothing else."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror} ({error.filename})" if error.filename else error.strerror
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _keep(word: str, error: BaseException) -> str:
    """The traceback goes to a file for whoever repairs it; the answer is that file's name."""
    from . import places

    try:
        path = places.logs() / f"{word}-crash.log"
        path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    except OSError:
        logging.getLogger(__name__).exception("crash_log_unwritable word=%s", word)
        return "stderr"
    return str(path)

"""The way in for developers: everything a fresh machine needs, then the word that was asked.

    python3 packaging/dev.py run [-- ARGS]         set up, then open the console (ARGS as for seller-console)
    python3 packaging/dev.py test [-- ARGS]        set up, check, then pytest (ARGS as for pytest)
    python3 packaging/dev.py check                 ruff, mypy, import contracts
    python3 packaging/dev.py bench [NAME [ARGS]]   a measurement of tests/bench
    python3 packaging/dev.py soak [NAME [ARGS]]    what is too long for the suite
    python3 packaging/dev.py mutants [ARGS]        seeds faults into the rules; the suite must find each
Options before the word: --skip-system (do not look for system packages).

Standard library only. A second call starts in seconds: what is done is stamped.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import environment
import machine

ROOT = Path(__file__).resolve().parent.parent
BENCHES = ROOT / "tests" / "bench"

CHECKS = (
    ("ruff check", ["-m", "ruff", "check", "--quiet", "."]),
    ("ruff format", ["-m", "ruff", "format", "--quiet", "--check", "."]),
    ("mypy", ["-m", "mypy"]),
    ("mypy packaging", ["-m", "mypy", "packaging/dev.py"]),
    ("import contracts", ["-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]),
)


def main(argv: list[str]) -> int:
    skip_system = "--skip-system" in argv[:1]
    words = argv[1:] if skip_system else argv
    if not words or words[0] in {"-h", "--help"}:
        print(__doc__)
        return 0 if words else 2
    word, rest = words[0], words[1:]
    rest = rest[1:] if rest[:1] == ["--"] else rest
    if word not in {"run", "test", "check", "bench", "soak", "mutants"}:
        print(f"dev.py: no such word: {word}\n{__doc__}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        if not skip_system:
            machine.install_missing(machine.wanted(for_tests=word != "run"))
        python = environment.ready(ROOT)
        if word != "run" and not skip_system:
            machine.browser(python)
        if word == "run":
            return _run(python, rest)
        if word == "test":
            return _test(python, rest)
        if word == "check":
            return _check(python)
        if word == "mutants":
            return _script(python, ROOT / "tests" / "rules" / "mutants.py", rest)
        return _bench(python, word, rest)
    except machine.CannotGoOn as stop:
        print(f"dev.py: {stop}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndev.py: interrupted; the next call goes on from here", file=sys.stderr)
        return 130


def _interrupt(number: int, frame: object) -> None:
    """Asked to end during a set-up: what was started is ended too."""
    raise KeyboardInterrupt


def _run(python: Path, arguments: list[str]) -> int:
    needs_window = not arguments or arguments[0].startswith("-") or arguments[0] == "console"
    asks_only = bool({"-h", "--help", "-V", "--version"} & set(arguments[:2]))
    with machine.display(wanted=needs_window and not asks_only) as environ:
        return _obey([str(python), "-m", "seller_console", *arguments], environ)


def _test(python: Path, arguments: list[str]) -> int:
    """The last line on stdout is pytest's own; a failed check shows in the exit code and above.

    Most tests wait (for a clock, a browser, a program that starts), so they run side by side, one
    more than there are cores. `-n 0` runs one after the other.
    """
    checked = _check(python)
    sys.stdout.flush()
    workers = min(4, (os.cpu_count() or 1) + 1)
    arguments = ["-n", str(workers), "--dist", "worksteal", *arguments]
    with machine.display(wanted=True) as environ:
        tested = _obey([str(python), "-m", "pytest", *arguments], environ)
    return tested or checked


def _check(python: Path) -> int:
    began = time.monotonic()
    running = [
        (name, subprocess.Popen([str(python), *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
        for name, words in CHECKS
    ]
    failed = 0
    for name, child in running:
        output = child.communicate()[0].decode("utf-8", "replace").strip()
        print(f"  {name}: {'ok' if child.returncode == 0 else 'FAILED'}")
        if child.returncode != 0:
            failed = 1
            print(output)
    print(f"  checked in {time.monotonic() - began:.0f} s{' - NOT CLEAN, see above' if failed else ''}", flush=True)
    return failed


def _bench(python: Path, word: str, arguments: list[str]) -> int:
    """`bench NAME` is tests/bench/bench_NAME.py, `soak NAME` is tests/bench/soak_NAME.py."""
    prefix = f"{word}_"
    names = sorted(path.stem[len(prefix) :] for path in BENCHES.glob(f"{prefix}*.py"))
    if not arguments or arguments[0] not in names:
        print(f"dev.py {word} NAME, one of: {', '.join(names) or '(none yet)'}", file=sys.stderr)
        return 2
    return _script(python, BENCHES / f"{prefix}{arguments[0]}.py", arguments[1:])


def _script(python: Path, path: Path, arguments: list[str]) -> int:
    if not path.is_file():
        raise machine.CannotGoOn(f"{path.relative_to(ROOT)} is not there")
    arguments = arguments[1:] if arguments[:1] == ["--"] else arguments
    with machine.display(wanted=True) as environ:
        return _obey([str(python), str(path), *arguments], {**environ, "PYTHONPATH": str(ROOT)})


def _obey(command: list[str], environ: dict[str, str]) -> int:
    """Run in the foreground; Ctrl-C reaches the child by itself, SIGTERM is passed on."""
    child = subprocess.Popen(command, cwd=ROOT, env=_compiling_once(environ))
    before = signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    try:
        while True:
            try:
                code = child.wait()
                break
            except KeyboardInterrupt:
                continue
    finally:
        signal.signal(signal.SIGTERM, before)
    return code if code >= 0 else 128 - code


def _compiling_once(environ: dict[str, str]) -> dict[str, str]:
    """Where bytecode is not to be written beside the source (many containers), it is kept in .venv.

    Every program of a show, and of a test that starts one, would compile its thousand modules anew: 1.4 s each.
    """
    wanted = environ.get("PYTHONDONTWRITEBYTECODE") and "PYTHONPYCACHEPREFIX" not in environ
    if not wanted or not os.access(ROOT / ".venv", os.W_OK):
        return environ
    kept = {name: value for name, value in environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(ROOT / ".venv" / "bytecode")}


def _new_enough() -> None:
    """Python 3.11 or later: hand over to one when this one is older."""
    if sys.version_info >= environment.OLDEST:
        return
    newer = environment.newer_python()
    if newer is None:
        print("dev.py: Python 3.11 or later is needed (Debian/Ubuntu: apt-get install python3.11)", file=sys.stderr)
        sys.exit(1)
    sys.exit(subprocess.call([newer, str(Path(__file__).resolve()), *sys.argv[1:]], env=os.environ))


if __name__ == "__main__":
    _new_enough()
    sys.exit(main(sys.argv[1:]))

"""The guards of tests/conftest.py, each proven by the accident it is there for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ACCIDENTS = {
    "a warning nobody expected": "import logging\ndef test_it(): logging.getLogger('x').warning('camera_gone')",
    "a thread": """
import threading
def test_it(): threading.Thread(target=threading.Event().wait, args=(30,), daemon=True).start()
""",
    "a task": """
import asyncio
kept = []
async def test_it(): kept.append(asyncio.create_task(asyncio.sleep(30)))
""",
    "a child": """
import subprocess, sys
kept = []
def test_it(): kept.append(subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE))
""",
    "a stray whose parent died": """
import subprocess, sys, pytest
wait = "import threading; threading.Event().wait(30)"
code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {wait!r}], start_new_session=True)"
@pytest.mark.processes
def test_it(): subprocess.run([sys.executable, '-c', code], check=True)
""",
}
SOUND = """
import asyncio, logging, subprocess, sys, threading
import pytest
@pytest.mark.warns('camera_g.ne')
def test_expected(): logging.getLogger('x').warning('camera_gone')
def test_thread():
    thread = threading.Thread(target=lambda: None); thread.start(); thread.join()
async def test_task(): await asyncio.create_task(asyncio.sleep(0))
async def test_executor(): await asyncio.to_thread(lambda: None)
def test_child(): subprocess.run([sys.executable, '-c', ''], check=True)
"""


def _pytest(folder: Path, repository: Path, source: str) -> subprocess.CompletedProcess[str]:
    ours = (repository / "tests" / "conftest.py").read_text("utf-8")
    patient, hasty = "GRACE_S = 10.0", "GRACE_S = 2.0"
    assert patient in ours
    (folder / "conftest.py").write_text(ours.replace(patient, hasty), "utf-8")
    (folder / "pytest.ini").write_text(
        "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\nmarkers =\n  processes\n",
        "utf-8",
    )
    (folder / "test_accident.py").write_text(source, "utf-8")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)],
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("accident", sorted(ACCIDENTS))
def test_an_accident_fails_the_suite(accident: str, tmp_path: Path, repository: Path) -> None:
    folder = tmp_path / "suite"
    folder.mkdir()
    run = _pytest(folder, repository, ACCIDENTS[accident])
    assert run.returncode == 1, run.stdout + run.stderr
    assert "left behind" in run.stdout or "nobody expected it" in run.stdout, run.stdout


def test_what_is_in_order_passes(tmp_path: Path, repository: Path) -> None:
    folder = tmp_path / "suite"
    folder.mkdir()
    run = _pytest(folder, repository, SOUND)
    assert run.returncode == 0, run.stdout + run.stderr

"""PySide6 6.12.0 loses a reference to None on each call that returns it, on Python 3.10 and 3.11: pinned below."""

from __future__ import annotations

import subprocess
import sys

COUNTING = """
import gc, sys
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication, QLabel

class Bell(QObject):
    rang = Signal(int)

app = QApplication([])
label, timer, bell, heard = QLabel(), QTimer(), Bell(), []
bell.rang.connect(heard.append)
image = QImage(8, 8, QImage.Format.Format_RGB32)

def thousand():
    for n in range(1000):
        label.setText(str(n))
        label.setMinimumWidth(n)
        label.update()
        timer.setInterval(n)
        image.fill(n)
        painter = QPainter(image)
        painter.drawPoint(1, 1)
        painter.end()
        bell.rang.emit(n)
    heard.clear()

thousand()
gc.collect()
before = sys.getrefcount(None)
thousand()
gc.collect()
print(sys.getrefcount(None) - before)
"""


def test_a_thousand_calls_of_each_kind_leave_none_as_it_was() -> None:
    """In a process of its own: where None is immortal (3.12 and later) the count never moves at all."""
    done = subprocess.run([sys.executable, "-c", COUNTING], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert abs(int(done.stdout)) < 50, f"None changed by {done.stdout.strip()} references in 9,000 calls"

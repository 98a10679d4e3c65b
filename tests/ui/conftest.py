"""One Qt application for all, a window per test, and no Qt warning goes unnoticed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QMessageLogContext, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from tests.ui import scenes
from ui import theme, words
from ui.desk import Desk
from ui.window import Window

_said: list[str] = []
HARMLESS = (
    "This plugin does not support",
    "QStandardPaths: XDG_RUNTIME_DIR",
)
"""What the offscreen plugin says of itself."""


def _hear(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    if kind != QtMsgType.QtDebugMsg and not message.startswith(HARMLESS):
        _said.append(message)


@pytest.fixture(scope="session")
def app() -> Iterator[QApplication]:
    found = QApplication.instance() or QApplication(["test"])
    assert isinstance(found, QApplication)
    found.setQuitOnLastWindowClosed(False)
    yield found


@pytest.fixture(autouse=True)
def no_qt_warnings(app: QApplication) -> Iterator[None]:
    """Qt's own warnings, and tracebacks inside paintEvent and slots, fail the test."""
    _said.clear()
    before = qInstallMessageHandler(_hear)
    yield
    qInstallMessageHandler(before)
    if _said:
        pytest.fail("Qt said:\n" + "\n".join(_said[:10]), pytrace=False)


@pytest.fixture(autouse=True)
def dressed(app: QApplication) -> Iterator[None]:
    words.use("fr")
    if theme.colours().name != "dark" or not app.styleSheet():
        theme.wear(app, "dark")
    yield
    words.use(None)


@pytest.fixture
def wait(app: QApplication) -> Callable[[Callable[[], bool], float], None]:
    def until(done: Callable[[], bool], seconds: float = 5.0) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            if time.monotonic() > deadline:
                pytest.fail("waited in vain", pytrace=True)
            app.processEvents()

    return until


def bury(app: QApplication) -> None:
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    app.processEvents()


@pytest.fixture
def desk(app: QApplication) -> Iterator[Desk]:
    made = scenes.still_desk()
    yield made
    made.deleteLater()
    bury(app)


@contextmanager
def shown(app: QApplication, desk: Desk) -> Iterator[Window]:
    """A window of 1440 × 900 on this desk, until the block ends."""
    made = Window(desk)
    made.resize(1440, 900)
    made.show()
    app.processEvents()
    try:
        yield made
    finally:
        made.hide()
        made.finish()
        made.deleteLater()
        bury(app)


@pytest.fixture
def window(app: QApplication, desk: Desk) -> Iterator[Window]:
    """1440 × 900, on air, a lot ready."""
    with shown(app, desk) as made:
        made.setMinimumSize(1, 1)
        made.resize(1440, 900)
        scenes.ready(desk)
        app.processEvents()
        yield made

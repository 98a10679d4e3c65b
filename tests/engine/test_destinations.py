"""Further destinations: whatever they do, what else is on air goes on."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from seller_console.engine.muxing import can_stream


@pytest.fixture
def silent() -> Iterator[str]:
    """host:port of a server that takes every connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize(
    ("url", "can"),
    [("rtmp://{}/live/key", True), ("rtmps://{}/live/key", True), ("http://{}/whip", True), ("unheard://{}/x", False)],
)
def test_what_ffmpeg_was_built_with_is_known_at_once_and_without_a_connection(silent: str, url: str, can: bool) -> None:
    assert can_stream(url.format(silent)) is can
    assert can_stream("/tmp/copy.mkv") and can_stream("C:\\shows\\copy.mkv")

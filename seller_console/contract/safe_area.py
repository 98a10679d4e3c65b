"""What a buyer sees of the picture: where the buyers' page lays its own things over it, as shares of its sides.

Measured on resources/buyer in Chromium, a lot running, the chat full, in windows of 360 x 640, 360 x 800, 390 x 844 and
430 x 932 CSS pixels; the worst of them counts (360 x 640: a small phone, and about what a browser's bars leave of a
tall one). `tests/shows/test_safe_area.py` measures again. The page never crops: `object-fit: contain`, at the top.

Of a 9:16 picture: the top bar takes 64 of 640 pixels, the chat begins at 177, the lot's card at 382 (on 390 x 844: at
49 % and 85 % of the picture). Of a 16:9 one, 202 pixels tall: the top bar takes 64, the chat begins at 177.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SafeArea:
    """Shares of the width (left, right) and of the height (top, bottom) that are not safe."""

    left: float
    right: float
    top: float
    bottom: float

    def box(self, width: float, height: float) -> tuple[float, float, float, float]:
        """x, y, width, height of what is safe in a picture of this size."""
        x, y = self.left * width, self.top * height
        return x, y, width - x - self.right * width, height - y - self.bottom * height


CLEAR, CLEAR_WIDE = SafeArea(0.0, 0.0, 0.10, 0.725), SafeArea(0.0, 0.0, 0.32, 0.13)
"""Nothing of the page lies over it."""
SEEN, SEEN_WIDE = SafeArea(0.0, 0.0, 0.10, 0.405), SafeArea(0.0, 0.0, 0.32, 0.0)
"""Nothing hides it: the chat and three buttons may lie over it, half transparent."""
BARE = SafeArea(0.025, 0.025, 0.025, 0.025)
"""Where there is no page of ours: clear of the edges, for players and phones round their corners. Our choice."""


def clear(width: float, height: float) -> SafeArea:
    """For a programme of this shape."""
    return CLEAR if height >= width else CLEAR_WIDE


def seen(width: float, height: float) -> SafeArea:
    """For a programme of this shape."""
    return SEEN if height >= width else SEEN_WIDE

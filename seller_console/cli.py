"""The one script: parses the first word and hands over."""

from __future__ import annotations

import sys


def main() -> int:
    print("usage: seller-console [console|platform|engine|publish|watch|crowd|import|doctor]", file=sys.stderr)
    return 2

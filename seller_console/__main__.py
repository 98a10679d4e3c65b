"""`python -m seller_console` is the same as the script `seller-console`."""

from __future__ import annotations

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())

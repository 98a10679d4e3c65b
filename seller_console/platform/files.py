"""How many files this process may have open: sockets of viewers and readers count, too.

Many systems begin a process at 1,024 (macOS at 256) although it may ask for more.
"""

from __future__ import annotations

import logging
import sys

log = logging.getLogger(__name__)

ENOUGH = 65_536


def raise_file_limit() -> None:
    """The soft limit becomes the hard one, or ENOUGH."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError) as trouble:
            log.info("file_limit_kept soft=%s wanted=%s why=%s", soft, wanted, trouble)

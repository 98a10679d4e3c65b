"""Whose a recording is: a lock beside its file that dies with who holds it.

`.NAME.lock` beside NAME.mkv, hidden, gone when the work on it is done. Where a disk
knows no locks nobody holds anything, and nobody takes what another may be writing.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from pathlib import Path
from typing import IO

from ..locking import lock

_BUSY = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK)


class Claim:
    """Of one file, by one program. Not for several threads at once."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(f".{path.stem}.lock")
        self._file: IO[bytes] | None = None
        self.others = False
        """`take` found that another has it."""

    def take(self) -> bool:
        """False: another has it, or nobody can."""
        for _ in range(3):
            try:
                file = self._path.open("ab")
            except OSError:
                return False
            try:
                lock(file)
            except OSError as error:
                file.close()
                self.others = error.errno in _BUSY
                return False
            with contextlib.suppress(OSError):
                if os.path.samestat(os.fstat(file.fileno()), self._path.stat()):
                    self._file = file
                    return True
            file.close()  # its last holder removed it between our opening and our lock
        return False

    def free(self) -> None:
        file, self._file = self._file, None
        if file is None:
            return
        with contextlib.suppress(OSError):  # before it is free: afterwards it may be another's
            self._path.unlink()
        file.close()
        if sys.platform == "win32":  # there an open file cannot be removed, and nobody's open file is
            with contextlib.suppress(OSError):
                self._path.unlink()

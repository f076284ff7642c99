"""Temporary directories that do not pile up: what a killed process left, the next one removes.

The owner holds a lock on a file in its directory, and the kernel releases it however the owner ends. A pid in
the name would not do: in a container the next worker has the pid of the one that was killed.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType

PREFIX = "crible-"
LOCK = ".owner"


class Scratch:
    """A directory `crible-<what>-...` under TMPDIR, at `path`; use it as a context manager, or `close` it."""

    def __init__(self, what: str) -> None:
        sweep()
        while True:
            self.path = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{what}-"))
            self._lock: int | None = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            if (self.path / LOCK).exists():
                return
            os.close(self._lock)  # somebody swept between making the file and locking it

    def __enter__(self) -> Path:
        return self.path

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove it with all it holds. Idempotent."""
        if self._lock is not None:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)
            self._lock = None


def sweep() -> None:
    """Remove the directories whose owners are dead; those without a lock are not ours to judge."""
    for lock in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{LOCK}"):
        try:
            held = os.open(lock, os.O_RDWR)
        except OSError:  # gone meanwhile, or another user's
            continue
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)
        except BlockingIOError:
            pass  # its owner lives
        finally:
            os.close(held)

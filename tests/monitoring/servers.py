"""Debian's monitoring servers, where they are installed, started for a test on loopback."""

from __future__ import annotations

import contextlib
import shutil
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from state.leash import Leash

START_S = 30.0


def tool(*names: str) -> str:
    """The first of these programs that is on the PATH; the test is skipped where none is."""
    for name in names:
        if (found := shutil.which(name)) is not None:
            return found
    pytest.skip(
        f"{names[-1]} is not on the PATH (Debian: apt-get install prometheus prometheus-alertmanager)"
    )


@contextlib.contextmanager
def running(command: Sequence[str], folder: Path, url: str) -> Iterator[str]:
    """A server that is ready under its address, until the block ends."""
    leash = Leash(command, folder)
    deadline = time.monotonic() + START_S
    try:
        while not _ready(url):
            assert leash.alive(), leash.output()
            assert time.monotonic() < deadline, leash.output()
            time.sleep(0.1)
        yield url
    finally:
        leash.stop()


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=5):
            return True
    except OSError:  # urllib's own errors are of that kind
        return False

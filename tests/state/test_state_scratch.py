"""A temporary directory goes with its owner, or with the next one's start where the owner was killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from state.scratch import LOCK, Scratch, sweep

OWNER = """
import time
from state.scratch import Scratch
print(Scratch("owner").path, flush=True)
time.sleep(60)
"""


@pytest.fixture
def tmpdir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_it_is_gone_at_the_end(tmpdir: Path) -> None:
    with Scratch("here") as path:
        (path / "data").mkdir()
        assert path.parent == tmpdir
    assert list(tmpdir.iterdir()) == []


def test_the_living_keep_theirs_and_the_killed_do_not(tmpdir: Path) -> None:
    owners = [
        subprocess.Popen(
            [sys.executable, "-c", OWNER],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "TMPDIR": str(tmpdir)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    try:
        outs = [owner.stdout for owner in owners]
        killed, living = [Path(out.readline().strip()) for out in outs if out is not None]
        foreign = tmpdir / "crible-notes"
        foreign.mkdir()
        owners[0].kill()
        owners[0].wait(10)
        assert killed.is_dir()
        with Scratch("next"):
            assert not killed.exists()
            assert (living / LOCK).exists()
            assert foreign.is_dir()
    finally:
        for owner in owners:
            owner.kill()
            owner.wait(10)
            assert owner.stdout is not None
            owner.stdout.close()
    sweep()
    assert list(tmpdir.iterdir()) == [foreign]

"""The set-up says what is missing, and the lock holds what the project asks for and no address."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TARGETS = ("demo", "test", "test-kafka", "test-cluster", "lint", "bench", "clean", "help")


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A folder with the Makefile and what its environment depends on."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def _make(house: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", *arguments], cwd=house, env=clean, capture_output=True, text=True, timeout=60
    )


def _script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.mark.parametrize("target", TARGETS)
def test_each_target_is_there_and_in_the_help(house: Path, target: str) -> None:
    assert _make(house, "-n", target).returncode == 0
    assert f"make {target} " in _make(house).stdout


@pytest.mark.parametrize("target", ["demo", "test", "lint", "bench"])
def test_without_python_the_target_says_what_to_install(house: Path, target: str) -> None:
    done = _make(house, target, "PYTHON=")
    assert done.returncode != 0
    assert "apt install python3 python3-venv" in done.stderr


def test_an_old_python_is_refused(house: Path) -> None:
    done = _make(house, "test", f"PYTHON={_script(house / 'old', 'exit 1')}")
    assert done.returncode != 0
    assert "no Python 3.11, 3.12 or 3.13 found as:" in done.stderr


def test_a_missing_venv_module_is_named(house: Path) -> None:
    # As Debian's python3 without python3-venv: it runs, but has no ensurepip.
    text = f'case "$*" in *ensurepip*) exit 1;; esac\nexec {sys.executable} "$@"'
    done = _make(house, "test", f"PYTHON={_script(house / 'bare', text)}")
    assert done.returncode != 0
    assert "apt install python3-venv" in done.stderr
    assert not (house / ".venv").exists()


def test_an_environment_is_stale_where_the_lock_is_newer_or_the_folder_moved(house: Path) -> None:
    binaries = house / ".venv" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "python").symlink_to(sys.executable)
    stamp = house / ".venv" / ".crible"
    stamp.write_text(f"{house}\n")
    assert "venv --clear" not in _make(house, "-n", "test").stdout
    os.utime(stamp, (0, 0))
    assert "venv --clear" in _make(house, "-n", "test").stdout
    stamp.write_text("/elsewhere\n")
    assert "venv --clear" in _make(house, "-n", "test").stdout
    stamp.write_text(f"{house}\n")
    (binaries / "python").unlink()
    assert "venv --clear" in _make(house, "-n", "test").stdout


def test_clean_removes_the_environment(house: Path) -> None:
    (house / ".venv").mkdir()
    assert _make(house, "clean").returncode == 0
    assert not (house / ".venv").exists()


def test_the_lock_holds_every_dependency_with_hashes_and_no_address() -> None:
    locked = set(re.findall(r"^([a-z0-9-]+)==", LOCK, re.MULTILINE))
    asked = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
    for requirement in asked:
        name = re.match(r"[a-z0-9-]+", requirement)
        assert name is not None
        assert name.group() in locked
    for block in re.split(r"^(?=[a-z0-9-]+==)", LOCK, flags=re.MULTILINE)[1:]:
        assert "--hash=sha256:" in block
    assert not re.search(r"://|index|find-links|^#|/home|/tmp|/root", LOCK, re.MULTILINE)


def test_a_dependency_has_an_upper_bound() -> None:
    for requirement in PROJECT["dependencies"]:
        assert re.search(r"<\d|==\d|^tzdata", requirement), requirement

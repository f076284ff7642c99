"""The reference data that lie beside a checkout where they were provided; never part of it."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def folder(name: str) -> Path:
    """A folder of reference data; skips the test that asks where it is absent."""
    found = SHARED / name
    if not found.is_dir():
        pytest.skip(f"reference data {name} is not beside this checkout (looked in ../shared/data)")
    return found

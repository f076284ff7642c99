"""Where the bench runs: the machine, the checkout, and the environment of what is only compared with or profiles."""

from __future__ import annotations

import datetime as dt
import os
import platform
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def environment() -> Path:
    """The bench's own virtual environment, which may be missing: `CRIBLE_BENCH_VENV`, else `.venv-bench`."""
    return Path(os.environ.get("CRIBLE_BENCH_VENV", ROOT / ".venv-bench"))


def libraries() -> list[Path]:
    """Its packages."""
    return list(environment().glob("lib/python3*/site-packages"))


def quix_python() -> Path | None:
    """Its interpreter where quixstreams is installed there."""
    there = any((folder / "quixstreams").is_dir() for folder in libraries())
    return environment() / "bin" / "python" if there else None


def surroundings() -> dict[str, Any]:
    """What the figures were taken on: compare ratios between machines, never values."""
    return {
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "load": [round(value, 2) for value in os.getloadavg()],
    }

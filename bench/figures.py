"""Small statistics: medians of runs, quantiles of latencies, processor time of other processes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from statistics import median

__all__ = ["median", "processor_seconds", "quantile", "resident_mb"]


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which this share of them lies (nearest rank). Raises ValueError without values."""
    if not values:
        raise ValueError("no values to take a quantile of")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def processor_seconds(pid: int) -> float:
    """User and system time of a process, all threads, in steps of the kernel's clock tick (10 ms)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Resident memory of a process in MB."""
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

"""Small statistics: medians of runs, quantiles of latencies, processor time of other processes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

__all__ = [
    "Run",
    "machine_seconds",
    "median",
    "processor_seconds",
    "quantile",
    "redis_seconds",
    "resident_mb",
]


@dataclass(slots=True)
class Run:
    """One run. Seconds; `worker` is processor time of the worker's process, `redis` of the server."""

    claims: int
    wall: float
    worker: float
    redis: float


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


def machine_seconds() -> float:
    """Time in which the processors of this machine did anything at all, summed over them."""
    fields = [int(value) for value in Path("/proc/stat").read_text().partition("\n")[0].split()[1:]]
    idle, waiting = fields[3:5]
    return (sum(fields) - idle - waiting) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Resident memory of a process in MB."""
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def redis_seconds(client: Any) -> float:
    """Processor time of the server behind a redis-py client."""
    info = client.info("cpu")
    return float(info["used_cpu_user"]) + float(info["used_cpu_sys"])


def latencies(client: Any) -> dict[str, Any]:
    """Microseconds of the calls that the worker sends, by the server's own statistics since they were last reset."""
    calls, times = client.info("commandstats"), client.info("latencystats")
    return {
        name: {"calls": calls[f"cmdstat_{name}"]["calls"], **times[f"latency_percentiles_usec_{name}"]}
        for name in ("fcall", "mget")
        if f"cmdstat_{name}" in calls
    }

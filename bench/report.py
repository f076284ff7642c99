"""The figures as a table for people and as JSON for machines."""

from __future__ import annotations

import datetime as dt
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"
STAGES = ("decode", "observe", "models", "detect", "decide", "record", "publish", "redis")


def surroundings() -> dict[str, Any]:
    """What the figures were taken on: compare ratios between machines, never values."""
    return {
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "load": [round(value, 2) for value in os.getloadavg()],
    }


def show(result: Mapping[str, Any], console: Console) -> None:
    """Print the tables."""
    _sizes(result["event_log"], console)
    kafka = result.get("kafka")
    if kafka:
        worker, latency = kafka["throughput"], kafka["latency"]
        table = Table("worker on the embedded broker", "", title_justify="left")
        table.add_row("claims/s", f"{worker['claims_per_second']:,}")
        table.add_row("claims per worker CPU second", f"{worker['claims_per_worker_cpu_second']:,}")
        for name in ("p50", "p95", "p99"):
            table.add_row(f"{name} at {latency['rate']:g} events/s", f"{latency[name]} ms")
        console.print(table)
    table = Table("memory of Redis", "")
    for name, value in result["memory"].items():
        table.add_row(name.replace("_", " "), f"{value:,}")
    console.print(table)


def _sizes(sizes: Sequence[Mapping[str, Any]], console: Console) -> None:
    table = Table("event log, everything on", *(f"{one['lines']:g} lines" for one in sizes))
    for name, label in (
        ("claims_per_second", "claims/s"),
        ("claims_per_worker_cpu_second", "claims per worker CPU second"),
        ("worker_cpu_us", "worker CPU a claim, us"),
        ("redis_cpu_us", "Redis CPU a claim, us"),
    ):
        table.add_row(label, *(f"{one[name]:,}" for one in sizes))
    for stage in STAGES:
        if any(stage in one["shares"] for one in sizes):
            label = "waiting for Redis, of all" if stage == "redis" else stage
            table.add_row(label, *(f"{one['shares'].get(stage, 0.0):.0%}" for one in sizes))
    console.print(table)


def write(result: Mapping[str, Any], directory: Path) -> Path:
    """Write one file a run; returns its path."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"bench-{result['surroundings']['at'].replace(':', '').replace('+0000', 'Z')}.json"
    path.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    return path

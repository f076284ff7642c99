"""The figures as a table for people and as JSON for machines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from bench.brokers import APACHE, EMBEDDED

RESULTS = Path(__file__).parent / "results"
STAGES = ("decode", "observe", "models", "detect", "decide", "record", "publish", "redis")


def show(result: Mapping[str, Any], console: Console) -> None:
    """Print the tables of the sections that were measured."""
    for section, table in TABLES.items():
        if section in result:
            table(result[section], console)


def _worker(kafka: Mapping[str, Any], console: Console) -> None:
    worker, latency = kafka["throughput"], kafka["latency"]
    table = Table("worker on the embedded broker", "", title_justify="left")
    table.add_row("claims/s", f"{worker['claims_per_second']:,}")
    table.add_row("claims per worker CPU second", f"{worker['claims_per_worker_cpu_second']:,}")
    for name in ("p50", "p95", "p99"):
        table.add_row(f"{name} at {latency['rate']:g} events/s", f"{latency[name]} ms")
    console.print(table)


def _steady(brokers: Mapping[str, Any], console: Console) -> None:
    for name, rates in brokers.items():
        table = Table(f"worker on {name}", *(f"{one['rate']:g} events/s" for one in rates))
        for share in ("p50", "p95", "p99"):
            table.add_row(f"{share}, ms", *(f"{one[share]:,}" for one in rates))
        table.add_row("events a batch", *(f"{one['batch']['events']:g}" for one in rates))
        for stage in STAGES:
            if any(stage in one["batch"] for one in rates):
                table.add_row(f"{stage}, ms a batch", *(f"{one['batch'].get(stage, 0.0):g}" for one in rates))
        for process in rates[0]["processors"]:
            table.add_row(f"processors: {process}", *(f"{one['processors'][process]:g}" for one in rates))
        console.print(table)


def _memory(memory: Mapping[str, Any], console: Console) -> None:
    table = Table("memory of Redis", "")
    for name, value in memory.items():
        if name != "kinds":
            table.add_row(name.replace("_", " "), f"{value:,}")
    console.print(table)
    _kinds(memory["kinds"], console)


def _kinds(kinds: Mapping[str, Mapping[str, float]], console: Console) -> None:
    table = Table("kind of record", "keys", "bytes each", "MB")
    for kind, found in kinds.items():
        table.add_row(kind, f"{found['keys']:,}", f"{found['bytes_each']:,}", f"{found['bytes'] / 1e6:,.2f}")
    console.print(table)


def _year(year: Mapping[str, Any], console: Console) -> None:
    table = Table("one year of log and tiles", "bytes", "bytes a person")
    for point in year["points"]:
        table.add_row(f"{point['people']:,} people", f"{point['bytes']:,}", f"{point['bytes_each']:,}")
    table.add_row(
        f"{year['people']:,} people, extrapolated", f"{year['gigabytes']:,} GB", f"{year['bytes_a_person']:,}"
    )
    console.print(table)
    console.print(
        f"farthest from the line: {year['largest_deviation']:.1%}; "
        f"an event id costs {year['event_id_bytes']} bytes more"
    )
    _kinds(year["kinds"], console)


def _compare(compared: Mapping[str, Any], console: Console) -> None:
    for part, label in (
        ("engine", "without a broker"),
        ("broker", f"behind {EMBEDDED}"),
        ("apache", f"behind {APACHE}"),
    ):
        builds = compared.get(part)
        if not builds:
            continue
        table = Table(f"same event log, {label}", *builds)
        for name, text in RATES:
            table.add_row(text, *(_figure(build[name]) for build in builds.values()))
        base = builds["reduced"]["claims_per_worker_cpu_second"]
        table.add_row(
            "reduced Crible is faster (CPU) by",
            *(f"{base / build['claims_per_worker_cpu_second']:.1f}x" for build in builds.values()),
        )
        console.print(table)
    _latency("calls of Redis, everything on", compared["engine"]["crible"]["latency_us"], console)


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def _scaling(questions: Mapping[str, Any], console: Console) -> None:
    for question, cases in questions.items():
        table = Table(f"cost a claim by {question}", "worker us", "Redis us", "both", "ratio")
        for case in cases:
            table.add_row(
                case["case"],
                *(str(case[name]) for name in ("worker_cpu_us", "redis_cpu_us", "cpu_us")),
                f"{case['ratio']:.2f}",
            )
        console.print(table)


def _burst(burst: Mapping[str, Any], console: Console) -> None:
    table = Table(f"burst on {burst['broker']}", "")
    for name, value in burst.items():
        if name not in ("broker", "points"):
            table.add_row(name.replace("_", " "), f"{value:,}")
    console.print(table)


def _latency(label: str, calls: Mapping[str, Any], console: Console) -> None:
    table = Table(label, "calls", "p50 ms", "p99 ms", "p99.9 ms")
    for name, found in calls.items():
        quantiles = (f"{found[share] / 1e3:.2f}" for share in ("p50", "p99", "p99.9"))
        table.add_row(name, f"{found['calls']:,}", *quantiles)
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
    for one in sizes:
        _latency(f"calls of Redis, {one['lines']:g} lines", one["latency_us"], console)


def _detectors(found: Mapping[str, Any], console: Console) -> None:
    table = Table(f"detectors alone, {found['claims']:,} claims", "us a claim")
    table.add_row("all together, median", f"{found['median_us']:,}")
    table.add_row("all together, mean", f"{found['mean_us']:,}")
    for code, value in found["dearest_us"].items():
        table.add_row(code, f"{value:,}")
    console.print(table)


RATES = (
    ("claims_per_second", "claims/s"),
    ("claims_per_worker_cpu_second", "claims per worker CPU second"),
    ("claims_per_redis_cpu_second", "claims per Redis CPU second"),
    ("bytes_per_event", "bytes of state a claim"),
)
TABLES: dict[str, Callable[[Any, Console], None]] = {
    "event_log": _sizes,
    "detectors": _detectors,
    "kafka": _worker,
    "latency": _steady,
    "memory": _memory,
    "compare": _compare,
    "year": _year,
    "scaling": _scaling,
    "burst": _burst,
}


def write(result: Mapping[str, Any], directory: Path) -> Path:
    """Write one file a run; returns its path."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"bench-{result['surroundings']['at'].replace(':', '').replace('+0000', 'Z')}.json"
    path.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    return path

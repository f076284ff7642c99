"""The comparison: Crible whole, Crible reduced to the subset, the naive build and quixstreams, on one event log.

Without a broker (`engine`) each build reads the claims from memory; behind the embedded broker (`broker`) or Apache
Kafka (`apache`) it reads and writes Kafka as it would in production: Crible in transactions, the others at least
once. quixstreams exists behind a broker only.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from rich.console import Console

from bench import flame
from bench.brokers import broker
from bench.claims import Event, Stock, eligible, encoded, take
from bench.engines import child
from bench.figures import Run, median
from bench.kafka_runs import Stage, WorkerBench
from bench.surroundings import ROOT, quix_python
from state.scratch import Scratch
from streams.broker import Broker

LINES = 2.5
ROWS = "bench-rows"
NO_QUIX = "quixstreams is left out: it is not installed in .venv-bench (make bench installs it)"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is compared, in claims."""

    engine_history: int
    engine_part: int
    broker_history: int
    broker_part: int
    runs: int
    apache_part: int


@dataclass(slots=True)
class Behind:
    """One build behind the broker: how it starts, and the bytes of state it holds."""

    stage: Callable[[ExitStack, Broker], Stage]
    start: Callable[[Stage], None]
    bytes_held: Callable[[Stage], int]


def compare(
    stock: Stock, sizes: Sizes, console: Console, out: Path, brokers: Mapping[str, str]
) -> dict[str, Any]:
    """Every build's figures. What is not installed is left out and said.

    Args:
        brokers: part of the result -> name of its broker (`bench.brokers`).
    """
    claims = eligible([*stock.history, *stock.live])
    count = max(
        sizes.engine_history + sizes.runs * sizes.engine_part,
        *(sizes.broker_history + sizes.runs * _part(part, sizes) for part in brokers),
    )
    spare = sizes.engine_part if flame.available() else 0
    log = take(claims, LINES, count + spare)
    found = {"engine": _engines(stock, log, sizes, console, out)}
    for part, name in brokers.items():
        found[part] = _behind(stock, log, sizes, console, name, _part(part, sizes))
    return found


def _part(part: str, sizes: Sizes) -> int:
    return sizes.broker_part if part == "broker" else sizes.apache_part


def _engines(stock: Stock, log: Sequence[Event], sizes: Sizes, console: Console, out: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with Scratch("bench") as folder:
        parts = {
            "world": [*stock.registries, *stock.people],
            "history": log[: sizes.engine_history],
            "live": log[sizes.engine_history :],
        }
        for part, events in parts.items():
            (folder / f"{part}.jsonl").write_bytes(b"\n".join(encoded(events)))
        for build in ("crible", "reduced", "naive"):
            console.print(f"{build} without a broker: {sizes.runs} x {sizes.engine_part:,} claims")
            graph = out / "flame" if build == "crible" and flame.available() else None
            if build == "crible" and graph is None:
                console.print(flame.MISSING)
            told = child(build, folder, sizes.runs, sizes.engine_part, graph)
            runs = [Run(**run) for run in told.pop("runs")]
            found[build] = {**told, **rates(runs), **({"flame": graph.name} if graph else {})}
    return found


def _behind(
    stock: Stock, log: Sequence[Event], sizes: Sizes, console: Console, name: str, part: int
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for build, behind in builds(stock).items():
        if build == "quixstreams" and quix_python() is None:
            console.print(NO_QUIX)
            continue
        console.print(f"{build} behind {name}: {sizes.runs} x {part:,} claims")
        with ExitStack() as stack:
            stage = behind.stage(stack, stack.enter_context(broker(name)))
            behind.start(stage)
            empty = behind.bytes_held(stage)
            stage.answer(log[: sizes.broker_history])
            live = log[sizes.broker_history : sizes.broker_history + sizes.runs * part]
            runs = stage.measure(live, sizes.runs)
            if build == "quixstreams":
                stage.stop()  # its state is written to disk when it commits
            held = behind.bytes_held(stage) - empty
            found[build] = {**rates(runs), "bytes_per_event": held / (sizes.broker_history + len(live))}
    return found


def builds(stock: Stock | None = None) -> dict[str, Behind]:
    """Every build that a broker can feed. `stock`: the registries and people that Crible whole needs."""

    def worker(stage: Stage) -> None:
        assert isinstance(stage, WorkerBench)
        stage.start(stock or Stock())

    def reduced(stage: Stage) -> None:
        stage.launch(
            [sys.executable, "-m", "bench.reduced_worker", stage.settings.brokers, stage.settings.redis]
        )

    def naive(stage: Stage) -> None:
        folder = str(stage.folder / "faust")
        stage.launch(
            [
                sys.executable,
                "-m",
                "bench.naive.agent",
                stage.settings.brokers,
                str(stage.server.port),
                folder,
            ]
        )

    def quix(stage: Stage) -> None:
        program, libraries = ROOT / "bench" / "quix" / "app.py", sysconfig.get_path("purelib")
        where = str(stage.folder / "quix")
        stage.launch([str(quix_python()), str(program), stage.settings.brokers, where, libraries])

    return {
        "crible": Behind(lambda stack, at: WorkerBench(stack, broker=at), worker, _redis_bytes),
        "reduced": Behind(lambda stack, at: Stage(stack, ROWS, broker=at), reduced, _redis_bytes),
        "naive": Behind(lambda stack, at: Stage(stack, ROWS, broker=at), naive, _redis_bytes),
        "quixstreams": Behind(lambda stack, at: Stage(stack, ROWS, b"all", at), quix, _disk_bytes),
    }


def rates(runs: Sequence[Run]) -> dict[str, Any]:
    """Medians over the runs. A build that has no Redis has no figure for it."""
    servers = [run.claims / run.redis for run in runs if run.redis > 0.02 * run.worker]
    return {
        "claims_per_second": round(median([run.claims / run.wall for run in runs])),
        "claims_per_worker_cpu_second": round(median([run.claims / run.worker for run in runs])),
        "claims_per_redis_cpu_second": round(median(servers)) if len(servers) == len(runs) else None,
    }


def _redis_bytes(stage: Stage) -> int:
    client: Any = redis.Redis(port=stage.server.port)
    try:
        return int(client.info("memory")["used_memory_dataset"])
    finally:
        client.close()


def _disk_bytes(stage: Stage) -> int:
    return sum(path.stat().st_size for path in (stage.folder / "quix").rglob("*") if path.is_file())

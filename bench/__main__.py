"""`python -m bench [--quick] [--no-kafka]`: prints tables and writes bench/results/*.json."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import memory, report
from bench.claims import encoded, simulate, take
from bench.kafka_runs import WorkerBench
from bench.log_runs import SIZES, LogBench
from state import EmbeddedRedis

RATE = 200.0


class Scale:
    """How much is measured. The embedded broker holds about 100,000 records: a claim makes six of them."""

    def __init__(self, quick: bool) -> None:
        self.runs = 2 if quick else 5
        self.history, self.simulated = (300, 1_800) if quick else (8_000, 36_000)
        self.claims = 40 if quick else 800
        self.worker_claims = 60 if quick else 1_500
        self.paced = 300 if quick else 2_200


def run(scale: Scale, console: Console, *, kafka: bool) -> dict[str, Any]:
    """Measure everything."""
    console.print(f"simulating {scale.simulated:,} claims")
    stock = simulate(scale.simulated, scale.history)
    live = list(stock.live)
    result: dict[str, Any] = {"surroundings": report.surroundings(), "event_log": []}
    with EmbeddedRedis() as server:
        bench = LogBench(server)
        console.print(f"observing {scale.history:,} claims")
        bench.observe(stock)
        parts = {lines: take(live, lines, scale.runs * scale.claims) for lines in sorted(SIZES, reverse=True)}
        for lines in SIZES:
            console.print(f"screening {scale.runs} x {scale.claims:,} claims of {lines:g} lines")
            measured = bench.measure(encoded(parts[lines]), lines, scale.runs)
            result["event_log"].append(measured.summary())
        bench.close()
        applied = scale.history + len(SIZES) * scale.runs * scale.claims
        result["memory"] = memory.measure(server, applied)
    if kafka:
        console.print("the worker on the embedded broker")
        with ExitStack() as stack:
            worker = WorkerBench(stack)
            worker.start(stock)
            mixed = take(list(stock.live), 2.5, scale.runs * scale.worker_claims + scale.paced)
            result["kafka"] = {
                "throughput": worker.throughput(mixed[: -scale.paced], scale.runs),
                "latency": worker.latency(mixed[-scale.paced :], RATE),
            }
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point."""
    parser = argparse.ArgumentParser("bench", description="What Crible costs on this machine.")
    parser.add_argument(
        "--quick", action="store_true", help="a smoke test of half a minute; no figure to quote"
    )
    parser.add_argument("--no-kafka", action="store_true", help="leave the broker and the worker out")
    parser.add_argument("--out", type=Path, default=report.RESULTS, help="directory of the JSON files")
    chosen = parser.parse_args(arguments)
    console = Console()
    result = run(Scale(chosen.quick), console, kafka=not chosen.no_kafka)
    report.show(result, console)
    console.print(f"written to {report.write(result, chosen.out)}")


if __name__ == "__main__":
    main()

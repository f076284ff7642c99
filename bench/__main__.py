"""`python -m bench [SECTION ...] [--quick] [--no-kafka]`: prints tables and writes bench/results/*.json."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import builds, burst, latency_runs, memory, report, scaling
from bench.brokers import APACHE, EMBEDDED, missing
from bench.claims import Stock, eligible, encoded, simulate, take
from bench.detector_cost import cost, recorded
from bench.kafka_runs import WorkerBench
from bench.log_runs import SIZES, LogBench
from bench.surroundings import surroundings
from state import EmbeddedRedis

RATE = 200.0
LINES_USUAL = 2.5
"""Lines a claim, where one size is measured only."""
SECTIONS = {
    "log": "everything on, from an event log, at three sizes of claim; the detectors alone; what Redis keeps",
    "worker": "the worker on the embedded broker: throughput and latency",
    "latency": "the worker at three rates: quantiles, stages of a batch, processors of each process",
    "compare": "Crible, Crible reduced, the naive build and quixstreams on one event log; a flame graph",
    "memory": "one year of log and tiles for growing numbers of people",
    "scaling": "cost of a claim among more people, and with more history",
    "burst": "fifty thousand claims at once",
}
USUAL = ("log", "worker", "compare")
BROKER = ("worker", "latency", "burst")


@dataclass(slots=True)
class Scale:
    """How much is measured. The embedded broker holds about 100,000 records: a claim makes six of them."""

    runs: int = 5
    history: int = 8_000
    simulated: int = 44_000
    claims: int = 800
    checked: int = 2_000
    worker_claims: int = 1_500
    paced: int = 2_200
    steady: int = 4_000
    warm_up: int = 4_000
    compared: builds.Sizes = field(default_factory=lambda: builds.Sizes(8_000, 1_000, 4_000, 800, 5, 2_500))
    people: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    among: int = 2_000
    filled: tuple[int, ...] = (10_000, 100_000, 300_000)
    scaled: int = 500
    burst: int = 50_000
    warm: int = 1_000


QUICK = Scale(
    runs=2,
    history=300,
    simulated=1_800,
    claims=40,
    checked=80,
    worker_claims=60,
    paced=300,
    steady=550,
    warm_up=100,
    compared=builds.Sizes(200, 60, 100, 60, 2, 60),
    people=(100, 1_000),
    among=100,
    filled=(300, 900, 1_500),
    scaled=40,
    burst=600,
    warm=50,
)


@dataclass(slots=True)
class Bench:
    """One run of the chosen sections on one simulated world."""

    scale: Scale
    console: Console
    out: Path
    stock: Stock
    kafka: bool
    apache: bool = False

    def log(self) -> dict[str, Any]:
        """Sections event_log, detectors and memory of the result."""
        scale, found = self.scale, []
        live = list(self.stock.live)
        with EmbeddedRedis() as server:
            bench = LogBench(server)
            self.console.print(f"observing {scale.history:,} claims")
            bench.observe(self.stock)
            parts = {
                lines: take(live, lines, scale.runs * scale.claims) for lines in sorted(SIZES, reverse=True)
            }
            for lines in SIZES:
                self.console.print(f"screening {scale.runs} x {scale.claims:,} claims of {lines:g} lines")
                measured = bench.measure(encoded(parts[lines]), lines, scale.runs)
                found.append(measured.summary())
            self.console.print(f"timing the detectors on {scale.checked:,} claims")
            with recorded() as contexts:
                bench.feed(encoded(take(live, LINES_USUAL, scale.checked)))
            bench.close()
            applied = scale.history + len(SIZES) * scale.runs * scale.claims + scale.checked
            kept = memory.measure(server, applied)
            return {"event_log": found, "detectors": cost(contexts), "memory": kept}

    def worker(self) -> dict[str, Any]:
        """Section kafka."""
        scale = self.scale
        self.console.print("the worker on the embedded broker")
        with ExitStack() as stack:
            worker = WorkerBench(stack)
            worker.start(self.stock)
            mixed = take(list(self.stock.live), LINES_USUAL, scale.runs * scale.worker_claims + scale.paced)
            return {
                "kafka": {
                    "throughput": worker.throughput(mixed[: -scale.paced], scale.runs),
                    "latency": worker.latency(mixed[-scale.paced :], RATE),
                }
            }

    def latency(self) -> dict[str, Any]:
        """Section latency."""
        scale, brokers = self.scale, self._brokers()
        claims = take(list(self.stock.live), LINES_USUAL, scale.warm_up + scale.steady)
        found = latency_runs.measure(self.stock, claims, scale.warm_up, brokers, self.console)
        return {"latency": found}

    def _brokers(self) -> list[str]:
        if self.apache and (reason := missing(APACHE)):
            self.console.print(f"left out: {reason}")
        elif self.apache:
            return [EMBEDDED, APACHE]
        return [EMBEDDED]

    def compare(self) -> dict[str, Any]:
        """Section compare."""
        brokers = {"broker": EMBEDDED} if self.kafka else {}
        if self.kafka and APACHE in self._brokers():
            brokers["apache"] = APACHE
        return {"compare": builds.compare(self.stock, self.scale.compared, self.console, self.out, brokers)}

    def memory(self) -> dict[str, Any]:
        """Section year."""
        return {"year": memory.year(self.scale.filled, self.console)}

    def scaling(self) -> dict[str, Any]:
        """Section scaling."""
        scale, found = self.scale, {}
        live = take(eligible(self.stock.live), scaling.LINES, (scale.runs + 1) * scale.scaled)
        for question, cases in scaling.cases(scale.people, scale.among).items():
            self.console.print(f"cost of a claim by {question}: " + ", ".join(case.name for case in cases))
            found[question] = scaling.measure(self.stock, live, cases, scale.runs, self.console)
        return {"scaling": found}

    def burst(self) -> dict[str, Any]:
        """Section burst."""
        scale = self.scale
        self.console.print(f"a burst of {scale.burst:,} claims")
        return {
            "burst": burst.measure(
                self.stock, eligible(self.stock.live), scale.warm, scale.burst, self.console
            )
        }


def _counts(text: str) -> tuple[int, ...]:
    counts = tuple(int(part) for part in text.split(","))
    if any(count < 1 for count in counts) or sorted(set(counts)) != list(counts):
        raise argparse.ArgumentTypeError("numbers that grow, with commas between them")
    return counts


def _parser() -> argparse.ArgumentParser:
    listed = "".join(f"\n  {name:9}{text}" for name, text in SECTIONS.items())
    parser = argparse.ArgumentParser(
        "bench",
        description=f"What Crible costs on this machine.\n\nsections (usual: {' '.join(USUAL)}):{listed}\n  all",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("sections", nargs="*", metavar="SECTION", choices=[*SECTIONS, "all", []])
    parser.add_argument("--quick", action="store_true", help="a smoke test; no figure to quote")
    parser.add_argument("--no-kafka", action="store_true", help="leave out what needs a broker")
    parser.add_argument("--apache", action="store_true", help="`latency` and `compare` on Apache Kafka too")
    parser.add_argument("--out", type=Path, default=report.RESULTS, help="directory of the results")
    parser.add_argument("--people", type=_counts, help="numbers of people that `scaling` compares")
    parser.add_argument("--filled", type=_counts, help="numbers of people that `memory` fills")
    parser.add_argument("--burst", type=int, help="claims that `burst` sends")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point."""
    chosen = _parser().parse_args(arguments)
    sections = tuple(SECTIONS) if "all" in chosen.sections else tuple(chosen.sections or USUAL)
    usual = QUICK if chosen.quick else Scale()
    given = {name: vars(chosen)[name] for name in ("people", "filled", "burst") if vars(chosen)[name]}
    scale = replace(usual, **given)
    console = Console()
    console.print(f"simulating {scale.simulated:,} claims")
    stock = simulate(scale.simulated, scale.history)
    bench = Bench(scale, console, chosen.out, stock, not chosen.no_kafka, chosen.apache)
    result: dict[str, Any] = {"surroundings": surroundings()}
    for section in SECTIONS:
        if section in sections and not (chosen.no_kafka and section in BROKER):
            result |= getattr(bench, section)()
    report.show(result, console)
    console.print(f"written to {report.write(result, chosen.out)}")


if __name__ == "__main__":
    main()

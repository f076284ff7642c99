"""What a claim costs as people and history grow: everything on, the same claims, on stores that differ in size alone.

Each case has a Redis of its own that stays up to the end, and the runs go round over the cases: whatever else the
machine does then, it does to all of them. The cost is processor time of worker and Redis together.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.progress import Progress

from bench.claims import Event, Stock, encoded
from bench.figures import median
from bench.fill import Filler, Life, person
from bench.log_runs import LogBench
from schemas.decode import Decoder
from schemas.observation import day_number
from schemas.registries import Beneficiary
from state import EmbeddedRedis, Store
from streams.heap import settle

LINES = 2.5
LINES_A_MONTH = 1
MONTH = 30


@dataclass(frozen=True, slots=True)
class Case:
    """A store: how many people, and how many months of history each has."""

    name: str
    people: int
    months: int


def cases(people: Sequence[int], among: int) -> dict[str, list[Case]]:
    """The two questions: more people, each with a year; more history, for `among` people."""
    return {
        "people": [Case(f"{count:,} people", count, 12) for count in people],
        "history": [
            Case("1 month" if months == 1 else f"{months} months", among, months) for months in (1, 24)
        ],
    }


def measure(
    stock: Stock, live: Sequence[Event], wanted: Sequence[Case], runs: int, console: Console
) -> list[Any]:
    """Microseconds a claim for each case, and their ratio to the first case's."""
    with ExitStack() as stack:
        benches = []
        for case in wanted:
            server = stack.enter_context(EmbeddedRedis())
            _fill(server, case, stock, live, console)
            bench = LogBench(server)
            stack.callback(bench.close)
            bench.observe(Stock(stock.registries, [], stock.history))
            benches.append(bench)
        size = len(live) // (runs + 1)
        parts = [live[number * size : (number + 1) * size] for number in range(runs + 1)]
        costs: list[list[dict[str, float]]] = [[] for _ in wanted]
        for number, part in enumerate(parts):
            for index, (case, bench) in enumerate(zip(wanted, benches, strict=True)):
                (run,) = bench.measure(encoded(_renamed(part, case, number)), LINES, 1).runs
                if number:  # the first part warms up
                    scale = 1e6 / run.claims
                    costs[index].append({"worker": run.worker * scale, "redis": run.redis * scale})
    first = 0.0
    found: list[dict[str, Any]] = []
    for case, taken in zip(wanted, costs, strict=True):
        both = median([cost["worker"] + cost["redis"] for cost in taken])
        first = first or both
        found.append(
            {
                "case": case.name,
                "worker_cpu_us": round(median([cost["worker"] for cost in taken])),
                "redis_cpu_us": round(median([cost["redis"] for cost in taken])),
                "cpu_us": round(both),
                "ratio": round(both / first, 2),
            }
        )
    return found


def _fill(server: EmbeddedRedis, case: Case, stock: Stock, live: Sequence[Event], console: Console) -> None:
    """Logs by Crible's own functions, so that they end where the live claims begin."""
    decoder = Decoder(None)
    first = decoder.decode(encoded(live[:1])[0])
    entry = next(
        event for event in map(decoder.decode, encoded(stock.people)) if isinstance(event, Beneficiary)
    )
    store = Store(server.url, require_aof=False)
    store.check()
    filler = Filler(store)
    end = day_number(first.event_time.date())
    life = Life(claims=1, lines=case.months * LINES_A_MONTH, days=case.months * MONTH, end=end, spread=True)
    filler.register(0, case.people, entry)
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(f"filling {case.name}", total=case.people)
        filler.fill(0, case.people, life, lambda done: bar.advance(task, done))
    store.close()
    settle()


def _renamed(events: Sequence[Event], case: Case, seed: int) -> list[Event]:
    """The same claims for people of this store, evenly drawn."""
    draw = random.Random(seed)
    return [{**event, "beneficiary": person(draw.randrange(case.people))} for event in events]

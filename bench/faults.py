"""The fault campaign: `python -m bench.faults --faults 1000 --seed 1 --resume`.

A campaign is a row of deployments, each of which takes a few faults. The same seed gives the same events and the
same faults, at moments that the machine decides. Results go to a file, a line a deployment, so that a campaign is run
in as many sittings as one likes.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from confluent_kafka import KafkaException
from redis.exceptions import RedisError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench.crew import Stuck
from bench.deployment import SHAPES, Deployment, Shape, deployed
from bench.fault_kinds import FAULTS, Fault, chosen
from bench.harm import HARMS, calm, events, judge
from bench.report import RESULTS
from bench.stream import Piece, pieces, shares
from tests.support.broken_worker import BUILDS

A_DEPLOYMENT = 20
TRAFFICS = 3  # different ones; an undisturbed run is made of each
TURN_S = 600.0
Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """One deployment to be: `number` in its campaign, `seed` its own."""

    seed: int
    number: int
    shape: Shape
    faults: int
    build: str | None = None

    @property
    def draw(self) -> random.Random:
        """Chances of this deployment."""
        return random.Random(f"{self.seed}/{self.number}/{self.shape.name}")

    @property
    def traffic(self) -> int:
        """Seed of its events."""
        return 100 + (self.seed + self.number) % TRAFFICS


def plans(seed: int, faults: int, shapes: Sequence[Shape], build: str | None = None) -> list[Plan]:
    """The deployments of a campaign, the shapes in turn."""
    found: list[Plan] = []
    while faults > 0:
        count = min(A_DEPLOYMENT, faults)
        found.append(Plan(seed, len(found), shapes[len(found) % len(shapes)], count, build))
        faults -= count
    return found


def run(plan: Plan, tick: Any = lambda fault: None, only: Sequence[str] = ()) -> Result:
    """One deployment from its start to the judgement over it; the line that is kept of it."""
    draw, started = plan.draw, time.monotonic()
    faults = [FAULTS[name] for name in only] or chosen(plan.shape, draw, plan.faults)
    done: list[Result] = []
    made = events(plan.traffic)
    calm(plan.traffic, plan.shape.tags)
    stuck, found, exits, ways = "", None, {}, {}
    with tempfile.TemporaryDirectory(prefix="crible-faults-", ignore_cleanup_errors=True) as folder:
        try:
            with deployed(plan.shape, made, Path(folder), plan.seed + plan.number, build=plan.build) as one:
                try:
                    for fault, share in zip(faults, shares(pieces(made), len(faults)), strict=True):
                        tick(fault)
                        done.append(_turn(one, fault, share, draw))
                    one.crew.stop()
                    found = judge(one, plan.traffic)
                finally:
                    exits = {str(code): count for code, count in one.crew.exits.items()}
                    ways = one.stream.ways
        except (AssertionError, OSError, RuntimeError, KafkaException, RedisError) as error:
            stuck = "".join(traceback.format_exception(error))[-4000:]
    return {
        "seed": plan.seed,
        "deployment": plan.number,
        "shape": plan.shape.name,
        "build": plan.build,
        "asked": plan.faults,
        "faults": done,
        "harm": found.counts() if found else {},
        "examples": found.examples() if found else {},
        "stuck": stuck,
        "exits": exits,
        "sent": ways,
        "seconds": round(time.monotonic() - started, 1),
    }


def _turn(one: Deployment, fault: Fault, share: Sequence[Piece], draw: random.Random) -> Result:
    """One fault with its share of the events under way; over when all that was sent is answered."""
    started = time.monotonic()
    failed: list[BaseException] = []

    def play() -> None:
        try:
            one.stream.play(share)
        except BaseException as error:
            failed.append(error)

    sender = threading.Thread(target=play, name="sender", daemon=True)
    sender.start()
    answered = f"all is answered after {fault.name}"
    if fault.last:
        one.crew.wait(lambda: not sender.is_alive(), answered, TURN_S)
    one.crew.work(draw.uniform(0.0, 0.5))
    note = fault.does(one, draw)
    struck = time.monotonic() - started
    one.crew.wait(lambda: not sender.is_alive(), answered, TURN_S)
    one.crew.withdraw()
    if failed:
        raise Stuck(f"after {fault.name}: {failed[0]!r}\n{one.crew.said()}") from failed[0]
    return {
        "fault": fault.name,
        "note": str(note or ""),
        "events": sum(map(len, share)),
        "struck": round(struck, 2),
        "seconds": round(time.monotonic() - started, 2),
    }


def harmed(result: Result) -> bool:
    """Whether a deployment shows harm, or did not come to its end."""
    return bool(result["stuck"]) or any(result["harm"].values())


def kept(path: Path) -> list[Result]:
    """The deployments that a file tells of."""
    return [orjson.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def summary(results: Iterable[Result]) -> Result:
    """A campaign as one object."""
    found = list(results)
    kinds: dict[str, Counter[str]] = {}
    for one in found:
        for fault in one["faults"]:
            row = kinds.setdefault(fault["fault"], Counter())
            row["faults"] += 1
            row["events"] += fault["events"]
            row[one["shape"]] += 1
    return {
        "faults": sum(row["faults"] for row in kinds.values()),
        "deployments": len(found),
        "stuck": sum(bool(one["stuck"]) for one in found),
        "harm": {name: sum(one["harm"].get(name, 0) for one in found) for name in HARMS},
        "exits": dict(sum((Counter(one["exits"]) for one in found), Counter())),
        "sent": dict(sum((Counter(one["sent"]) for one in found), Counter())),
        "seeds": sorted({one["seed"] for one in found}),
        "seconds": round(sum(one["seconds"] for one in found)),
        "kinds": {name: dict(row) for name, row in sorted(kinds.items())},
    }


def show(told: Result, console: Console) -> None:
    """The campaign as tables."""
    shapes = [name for name in SHAPES if any(name in row for row in told["kinds"].values())]
    table = Table("fault", "all", *shapes)
    for name, row in told["kinds"].items():
        table.add_row(name, str(row["faults"]), *(str(row.get(shape, 0)) for shape in shapes))
    console.print(table)
    table = Table("after all of them", "")
    for name in HARMS:
        table.add_row(name, str(told["harm"][name]))
    table.add_row("deployments that did not come to their end", str(told["stuck"]))
    table.add_row("exits for the supervisor, by code", str(told["exits"]))
    table.add_row("messages sent", str(told["sent"]))
    console.print(table)


def _names(known: Iterable[str]) -> Callable[[str], list[str]]:
    """Reads names with commas between them."""

    def names(text: str) -> list[str]:
        given = [name for name in text.split(",") if name]
        if strange := [name for name in given if name not in known]:
            raise argparse.ArgumentTypeError(f"{', '.join(strange)}: not one of {', '.join(known)}")
        return given

    return names


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "bench.faults", description="Faults, one at a time, under a stream of events."
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", type=int, default=40, help="how many in all")
    parser.add_argument("--shapes", type=_names(SHAPES), default=list(SHAPES), help=f"of {', '.join(SHAPES)}")
    parser.add_argument(
        "--only", type=_names(FAULTS), default=[], help="these faults in this order, for one deployment"
    )
    parser.add_argument("--build", choices=sorted(BUILDS), help="a build that is broken on purpose")
    parser.add_argument("--out", type=Path, default=RESULTS, help="directory of the results")
    parser.add_argument(
        "--resume", action="store_true", help="leave out the deployments that are in the file"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; 1 where there was harm, 2 where nothing could be tried."""
    told = _parser().parse_args(arguments)
    console = Console()
    shapes = []
    for name in told.shapes:
        reason = SHAPES[name].missing()
        if reason:
            console.print(f"left out: {name}: {reason}")
        else:
            shapes.append(SHAPES[name])
    for fault in FAULTS.values():
        if reason := fault.reason():
            console.print(f"left out: {fault.name}: {reason}")
    if not shapes:
        console.print("nothing was tried: no shape can run here")
        return 2
    only = told.only
    todo = plans(told.seed, len(only) or told.faults, shapes, told.build)
    told.out.mkdir(parents=True, exist_ok=True)
    path = told.out / f"faults-{told.seed}{'-' + told.build if told.build else ''}.jsonl"
    if not told.resume:
        path.unlink(missing_ok=True)
    results = kept(path)
    known = {(one["deployment"], one["shape"], one["asked"]) for one in results}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("faults", total=sum(plan.faults for plan in todo))
        for plan in todo:
            if (plan.number, plan.shape.name, plan.faults) in known:
                bar.advance(task, plan.faults)
                continue

            def tick(fault: Fault, shape: Shape = plan.shape) -> None:
                bar.update(task, advance=1, description=f"{shape.name}: {fault.name}")

            result = run(plan, tick, only)
            results.append(result)
            with path.open("ab") as file:
                file.write(orjson.dumps(result) + b"\n")
            if harmed(result):
                console.print(
                    f"deployment {plan.number}: {result['harm']} {result['examples']}\n{result['stuck']}"
                )
    total = summary(results)
    show(total, console)
    path.with_suffix(".json").write_bytes(orjson.dumps(total, option=orjson.OPT_INDENT_2))
    console.print(f"written to {path} and {path.with_suffix('.json').name}")
    return int(any(map(harmed, results)))


if __name__ == "__main__":
    raise SystemExit(main())

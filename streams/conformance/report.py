"""What came of the checks: a table for people, JSON for scripts."""

from __future__ import annotations

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from streams.conformance.suite import Outcome, Result

MARKS = {True: "[green]ok[/]", False: "[bold red]wrong[/]"}


def line(result: Result) -> str:
    """A failed check in one line: which, what was expected and seen, and what Crible loses by it."""
    found = f"expected {result.expected}; seen: {result.seen}"
    return f"{result.check.name}: {found}. Without it, {result.check.without}."


def show(outcome: Outcome, brokers: str, console: Console) -> None:
    """Print the table, then a line for each check that failed."""
    table = Table("check", "", "proves", "seconds", title=f"crible doctor --broker {brokers}")
    for one in outcome.results:
        table.add_row(one.check.name, MARKS[one.passed], Text(one.check.proves), f"{one.seconds:.1f}")
    console.print(table)
    for one in outcome.failed:
        console.print(Text(line(one)), soft_wrap=True)
    console.print(f"{len(outcome.results) - len(outcome.failed)} of {len(outcome.results)} checks passed")
    if outcome.left:
        console.print(Text(f"could not be deleted: {', '.join(outcome.left)}"), soft_wrap=True)


def to_json(outcome: Outcome, brokers: str) -> bytes:
    """The same as a JSON object, for scripts."""
    checks = [
        {
            "name": one.check.name,
            "passed": one.passed,
            "seconds": round(one.seconds, 3),
            "proves": one.check.proves,
            "without": one.check.without,
            "expected": one.expected,
            "seen": one.seen,
        }
        for one in outcome.results
    ]
    told = {
        "brokers": brokers,
        "checks": checks,
        "failed": len(outcome.failed),
        "left": list(outcome.left),
    }
    return orjson.dumps(told, option=orjson.OPT_INDENT_2)

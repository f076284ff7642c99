"""What a check of the state found and what an erasure does, as plain values and as pages."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from schemas.observation import entity_ref
from state.checkup import Problem, Report
from state.erasure import Plan
from state.kinds import split

SHOWN = 100
OPEN_KINDS = (
    "layout", "fence", "intern", "names", "memo", "p", "q", "n", "w", "g", "f", "x", "y", "t", "s", "z", "h", "i"
)  # fmt: skip
"""Letters of keys that name no person."""
PERSONAL = ("beneficiary:", "signal:", "alerts:", "outcomes:")
"""Kinds of model records that may bear a person's name."""
ACCOUNT = "t:b:"  # windows of a bank account, which may be a person's


def told_key(key: bytes, *, whole: bool) -> str:
    """A key as it may be shown: what could name a person stands as its reference unless `whole`."""
    prefix, name = split(key)
    letter, _, tail = name.partition(":")
    account = name.removeprefix("n:").startswith(ACCOUNT)
    named = letter not in OPEN_KINDS and not (letter == "m" and not tail.startswith(PERSONAL))
    if whole or not (account or named):
        return prefix + name
    if account:
        lead, _, tail = name.rpartition(ACCOUNT)
        return f"{prefix}{lead}{ACCOUNT}<{entity_ref(tail).hex()}>"
    kind = letter if letter != "m" else f"m:{tail.partition(':')[0]}"
    return f"{prefix}{kind[:20]}:<{entity_ref(tail).hex()}>"


def values(report: Report, *, with_keys: bool) -> dict[str, Any]:
    """The report as one JSON-able object. Bytes are estimated from samples of each kind."""
    return {
        "keys": sum(tally.keys for tally in report.kinds.values()),
        "bytes": sum(tally.bytes for tally in report.kinds.values()),
        "kinds": {
            name: {"keys": tally.keys, "bytes": tally.bytes, "measured": tally.measured}
            for name, tally in sorted(report.kinds.items())
        },
        "problems": [_problem(one, with_keys) for one in report.problems],
        "more_suspects": report.more,
    }


def _problem(one: Problem, with_keys: bool) -> dict[str, str]:
    key = told_key(one.key, whole=with_keys)
    return {"problem": one.problem, "kind": one.kind, "key": key, "detail": one.detail}


def show(report: Report, console: Console, *, with_keys: bool) -> None:
    """The report as tables: what there is, then what is wrong with it."""
    table = Table("kind", "keys", "bytes (about)", "bytes a key")
    for name, tally in sorted(report.kinds.items(), key=lambda pair: -pair[1].bytes):
        table.add_row(name, f"{tally.keys:,}", f"{tally.bytes:,}", f"{tally.bytes / max(1, tally.keys):,.0f}")
    total = sum(tally.keys for tally in report.kinds.values())
    size = sum(tally.bytes for tally in report.kinds.values())
    table.add_row(Text("all", style="bold"), f"{total:,}", f"{size:,}", "")
    console.print(table)
    if not report.problems:
        console.print(Text("nothing is wrong", style="green"))
        return
    counted = Counter((one.problem, one.kind) for one in report.problems)
    wrong = Table("problem", "kind", "keys")
    for (problem, kind), count in counted.most_common():
        wrong.add_row(Text(problem, style="bold red"), kind, f"{count:,}")
    console.print(wrong)
    for one in report.problems[:SHOWN]:
        console.print(
            Text(f"{told_key(one.key, whole=with_keys)}: {one.problem}: {one.detail}"), soft_wrap=True
        )
    left = len(report.problems) - SHOWN + report.more
    if left > 0:
        console.print(Text(f"and {left:,} more"))


def plan_values(plan: Plan) -> dict[str, Any]:
    """What an erasure found, as JSON-able values."""
    return {
        "removes": dict(sorted(plan.found.items())),
        "makes_anonymous": dict(sorted(plan.anonymous.items())),
        "held": plan.held,
        "cited_by_verdicts_on_others": plan.cited,
    }


def show_plan(plan: Plan, console: Console) -> None:
    """What an erasure would do."""
    if plan.empty and not plan.waiting:
        console.print(Text("nothing is kept of this beneficiary"))
        return
    table = Table("what", "how many", "becomes of it")
    for what, count in sorted(plan.found.items()):
        table.add_row(what, f"{count:,}", "removed" if what != "event records" else "lose every name")
    for what, count in sorted(plan.anonymous.items()):
        table.add_row(what, f"{count:,}", "stay counted, under an anonymous label")
    console.print(table)
    if plan.held:
        console.print(
            Text(
                f"{plan.held} answers hold money: their suspensions stand, and nothing will answer them again"
            )
        )
    if plan.waiting:
        console.print(Text(f"{plan.waiting} events are not answered yet"))


def show_end(left: Plan, remains: list[dict[str, Any]], console: Console, *, done: bool) -> None:
    """What became of it, and what remains where."""
    if done and left.empty and not left.waiting:
        console.print(Text("erased", style="bold green"))
    elif done:
        why = f"{left.waiting} events are still under way" if left.waiting else "more came meanwhile"
        console.print(Text(f"{why}: run this again when they are answered", style="bold red"))
    table = Table("remains", "what", "until", title="what remains", title_justify="left")
    for one in remains:
        table.add_row(*(Text(one[name]) for name in ("where", "what", "until")))
    console.print(table)

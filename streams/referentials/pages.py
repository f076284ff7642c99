"""Checks, differences, editions and rows of tables as plain values, and as pages for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from detectors.loads.changes import Change, Changes
from detectors.loads.ledger import Outcome
from detectors.loads.problem import Problem
from schemas.referential import KEYS, Row
from schemas.table_rows import COLUMNS
from streams.referentials.files import Source
from streams.referentials.topic import Standing

SIGNS: Final = {"added": "+", "removed": "-", "changed": "~"}
Told = dict[str, Any]


def problem_values(problems: Iterable[Problem], lines: Sequence[int] | None) -> list[Told]:
    """Problems as plain values, with the lines of the file."""
    return [
        {
            "line": None if one.row is None else (one.row + 1 if lines is None else lines[one.row]),
            "field": one.field,
            "value": one.value,
            "expected": one.expected,
            "told": one.told(lines),
        }
        for one in problems
    ]


def check_values(source: Source, problems: Sequence[Problem]) -> Told:
    """What a check found: problems, and in how many rows each column is known."""
    known = {
        column: filled
        for column in COLUMNS[source.name]
        if (filled := sum(row.get(column) is not None for row in source.rows))
    }
    return {
        "table": source.name,
        "rows": len(source.rows),
        "known": known,
        "wrong": len(problems),
        "problems": problem_values(problems, source.lines),
    }


def show_check(told: Told, most: int, console: Console) -> None:
    """Print what a check found, the first problems whole."""
    rows = told["rows"]
    partly = [f"{column} in {filled:,}" for column, filled in told["known"].items() if filled < rows]
    if told["wrong"]:
        _problems(told, most, console)
        return
    _line(console, f"{told['table']}: {rows:,} rows, nothing is wrong")
    if partly:
        _line(console, f"not known in every row: {', '.join(partly)}")


def end(told: dict[str, Any], *, dry_run: bool) -> str:
    """What became of a load, in one line."""
    if told["wrong"]:
        return "refused: what is in force stays" + ("" if dry_run else "; an alert went out")
    if told["sent"] and told["again"]:
        return (
            f"edition {told['edition']} is in force already: told again ({told['sent']}), its age begins anew"
        )
    if told["sent"]:
        return (
            f"edition {told['edition']} is loaded ({told['sent']}): workers take it up with their next batch"
        )
    return "nothing was sent"


def _problems(told: Told, most: int, console: Console) -> None:
    problems = "problem" if told["wrong"] == 1 else "problems"
    _line(console, f"{told['table']}: {told['wrong']:,} {problems} in {told['rows']:,} rows")
    for problem in told["problems"][:most]:
        _line(console, f"  {problem['told']}")
    if told["wrong"] > most:
        _line(console, f"  and {told['wrong'] - most:,} more (--first shows more of them, --json all)")


def diff_values(name: str, before: str, changes: Changes, source: Source) -> Told:
    """What a new edition changes."""
    return {
        "table": name,
        "against": before,
        "same": changes.same,
        **{kind: len(changes.of(kind)) for kind in SIGNS},
        "columns": changes.columns,
        "changes": [_change(name, change, source) for change in changes.changes],
    }


def _change(name: str, change: Change, source: Source) -> Told:
    return {
        "kind": change.kind,
        "key": dict(zip(KEYS[name], map(_plain, change.key), strict=True)),
        "line": None if change.row is None else source.lines[change.row],
        "columns": {column: list(pair) for column, pair in change.columns.items()},
        "periods": list(change.periods),
    }


def show_diff(told: Told, most: int, console: Console) -> None:
    """Print what a new edition changes, the first keys whole."""
    counts = ", ".join(f"{told[kind]:,} {kind}" for kind in SIGNS)
    _line(console, f"{told['table']} against {told['against']}: {counts}, {told['same']:,} as they were")
    if told["columns"]:
        _line(
            console, "changed columns: " + ", ".join(f"{name} {n:,}" for name, n in told["columns"].items())
        )
    for change in told["changes"][:most]:
        key = ", ".join("any" if part is None else str(part) for part in change["key"].values())
        said = "; ".join(
            f"{column} {_text(was)} -> {_text(now)}" for column, (was, now) in change["columns"].items()
        )
        if change["kind"] == "changed" and not said:
            said = f"{change['periods'][0]} periods -> {change['periods'][1]}"
        line = "" if change["line"] is None else f"line {change['line']}: "
        _line(console, f"  {SIGNS[change['kind']]} {line}{key}{': ' if said else ''}{said}")
    if len(told["changes"]) > most:
        _line(console, f"  and {len(told['changes']) - most:,} more (--first shows more of them, --json all)")


def list_values(there: Standing) -> list[Told]:
    """Every load that the topics hold, in the order in which they were made."""
    return [_outcome(outcome, there) for outcome in there.book.outcomes()]


def _outcome(outcome: Outcome, there: Standing) -> Told:
    sheet = outcome.sheet
    place = there.places.get((outcome.name, outcome.edition))
    return {
        "table": outcome.name,
        "edition": outcome.edition,
        "state": "refused" if outcome.problems else "in force",
        "rows": None if sheet is None else len(sheet.rows),
        "valid_from": None if sheet is None else sheet.valid_from.isoformat(),
        "valid_to": None if sheet is None or sheet.valid_to is None else sheet.valid_to.isoformat(),
        "loaded": outcome.loaded.isoformat(timespec="seconds"),
        "checksum": None if sheet is None else sheet.checksum,
        "position": None if place is None else f"{place[0]}/{place[1]}@{place[2]}",
        "problems": problem_values(outcome.problems, None),
    }


def show_list(told: Sequence[Told], console: Console) -> None:
    """Print the loads, and what is wrong with those that were refused."""
    columns = ("table", "edition", "state", "rows", "valid_from", "valid_to", "loaded", "position")
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for one in told:
        table.add_row(*(Text(_text(one[column])) for column in columns))
    console.print(table)
    for one in told:
        if one["problems"]:
            _line(console, f"{one['table']} {one['edition']}: {one['problems'][0]['told']}")


def row_values(rows: Iterable[Row]) -> list[Told]:
    """Rows as messages carry them; what is not known is left out."""
    return [msgspec.to_builtins(row) for row in rows]


def show_rows(rows: Sequence[Told], most: int, console: Console) -> None:
    """Print rows, one a line."""
    for row in rows[:most]:
        _line(console, ", ".join(f"{column} {_text(value)}" for column, value in row.items()))
    if len(rows) > most:
        _line(console, f"and {len(rows) - most:,} more (--first shows more of them, --json all)")


def _line(console: Console, text: str) -> None:
    """One line, however long: what a script cuts into lines is not folded, and brackets are no markup."""
    console.print(Text(text), soft_wrap=True)


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)


def _text(value: Any) -> str:
    return "-" if value is None else f"{value:,}" if isinstance(value, int) and value > 9_999 else str(value)

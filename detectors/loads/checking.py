"""The checks of a load, in the order in which they are told: its own rows first, then what is in force beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from detectors.base import Declaration
from detectors.loads import references, succession
from detectors.loads.meaning import contradictions
from detectors.loads.problem import Problem
from detectors.loads.sheet import Sheet
from detectors.policy import PolicyError, Thresholds
from schemas.referential import KEYS, POLICIES, TABLES, Policy, Row, Table, checksum
from schemas.table_rows import read_rows

Accepted = Mapping[str, Sequence[Sheet]]
"""Table -> its editions in force, whichever days they cover."""


def rows_alone(
    name: str,
    rows: Sequence[Mapping[str, Any]],
    declarations: Iterable[Declaration] = (),
    *,
    text: bool = False,
) -> tuple[list[Row | None], list[Problem]]:
    """The rows as structs, and what is wrong with them whatever is in force: in the order of the rows.

    Args:
        declarations: of the detectors that a policy may set.
        text: the values are text, as in CSV.
    Raises KeyError for an unknown table.
    """
    typed, faults = read_rows(name, rows, text=text)
    problems = [Problem(one.field, one.value, one.expected, one.row, one.twin) for one in faults]
    problems += contradictions(name, typed)
    if name == "detectors":
        problems += _unlawful(typed, tuple(declarations))
    return typed, sorted(problems, key=lambda one: -1 if one.row is None else one.row)


def load_alone(event: Table, declarations: Iterable[Declaration]) -> tuple[Sheet | None, list[Problem]]:
    """The sheet of a load, or None and what is wrong with it whatever is in force."""
    name = event.name
    if name not in TABLES:
        return None, [Problem("name", name, "one of " + ", ".join(TABLES))]
    if (name in POLICIES) != isinstance(event, Policy):
        return None, [Problem("type", event.type, "policy" if name in POLICIES else "referential")]
    problems = []
    if event.valid_to is not None and event.valid_to < event.valid_from:
        wanted = f"not before valid_from ({event.valid_from})"
        problems.append(Problem("valid_to", event.valid_to.isoformat(), wanted))
    given = checksum(event.rows)
    if event.checksum != given:
        problems.append(Problem("checksum", event.checksum, f"{given}, which the rows give"))
    typed, wrong = rows_alone(name, event.rows, declarations)
    problems += wrong
    if problems:
        return None, problems
    return sheet(event, [row for row in typed if row is not None]), []


def sheet(event: Table, rows: Sequence[Row]) -> Sheet:
    """The sheet of a load whose rows could be read."""
    return Sheet(
        event.name,
        event.edition,
        event.valid_from,
        event.valid_to,
        event.event_time,
        event.checksum,
        tuple(rows),
        bool(event.accept_loss),
        references.points(event.name, rows),
        len({tuple(getattr(row, column) for column in KEYS[event.name]) for row in rows}),
        references.offers(event.name, rows),
    )


def beside(candidate: Sheet, accepted: Accepted) -> list[Problem]:
    """What is wrong with a load because of what is in force: order, lost rows, references."""
    others = accepted.get(candidate.name, ())
    problems = [
        *succession.misplaced(candidate, others),
        *succession.hidden(candidate, others),
        *succession.shrunk(candidate, others),
    ]
    found = sorted(references.dangling(candidate, accepted), key=lambda one: (one.row or 0, one.field))
    return problems + found


def _unlawful(rows: Sequence[Row | None], declarations: tuple[Declaration, ...]) -> Iterable[Problem]:
    """Rows of the policy that name no detector or parameter, or give no number."""
    for index, row in enumerate(rows):
        if row is None:
            continue
        try:
            Thresholds(declarations, [row])  # type: ignore[list-item]
        except PolicyError as error:
            yield Problem(error.field, error.value, error.expected, index)

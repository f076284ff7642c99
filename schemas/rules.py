"""The rules of form that a type alone cannot say: years, order of dates, line numbers, what an action needs.

They run on every event that decoded, so they cost a few attribute reads; one that fails says where and why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, NamedTuple

from msgspec import inspect

from schemas import invalid
from schemas.approval import PriorApproval
from schemas.claim import Claim, Line, SickLeave
from schemas.control import Order, Signal
from schemas.enums import CARE_KINDS
from schemas.envelope import FIRST_DAY, LAST_DAY, MAX_LINES, Interval
from schemas.events import EVENTS, Event
from schemas.liquidation import Liquidation
from schemas.referential import POLICIES, TABLES, Policy, Table, checksum, overlap, rows_of
from schemas.registries import Beneficiary

_FIRST_YEAR, _LAST_YEAR = FIRST_DAY.year, LAST_DAY.year
_YEARS: Final = f"a year from {_FIRST_YEAR} to {_LAST_YEAR}"

_ORDERED: Final[dict[type, tuple[str, str]]] = {
    Interval: ("from_", "to"),
    Order: ("from_", "to"),
    Line: ("service_date", "service_end"),
    SickLeave: ("start", "end"),
    PriorApproval: ("valid_from", "valid_to"),
    Table: ("valid_from", "valid_to"),
    Beneficiary: ("birth_date", "death_date"),
}
"""Two days of a struct, of which the second may not come before the first."""


TWO_PEOPLE: Final = 2
"""Who suspend a payee or a network: nobody does so alone."""


class Fault(NamedTuple):
    """One rule that failed: the arguments of `Invalid`."""

    reason: str
    field: str
    value: str | None
    expected: str


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where a struct keeps days, lists of days, structs and lists of structs."""

    days: tuple[str, ...]
    days_of: Callable[[Any], tuple[Any, ...]]
    lists: tuple[str, ...]
    parts: tuple[str, ...]
    part_lists: tuple[str, ...]
    ordered: tuple[tuple[str, str], ...]


def fault(event: Event) -> Fault | None:
    """The first rule of form that the event breaks, or None."""
    found = days_fault(event, "")
    if found is not None:
        return found
    if isinstance(event, Claim):
        return _claim(event)
    if isinstance(event, Table):
        return _table(event)
    if isinstance(event, Liquidation) and event.cancels == event.event_id:
        return Fault(invalid.MALFORMED, "cancels", event.cancels, "the event_id of another event")
    if isinstance(event, Signal):
        return _signal(event)
    if isinstance(event, Order) and len({name.strip().casefold() for name in event.ordered_by}) < TWO_PEOPLE:
        return Fault(invalid.OUT_OF_RANGE, "ordered_by", None, "two different people")
    return None


def _claim(claim: Claim) -> Fault | None:
    lines = claim.lines
    if len(lines) > MAX_LINES:
        return Fault(invalid.TOO_MANY_LINES, "lines", str(len(lines)), f"at most {MAX_LINES} lines")
    if not lines and claim.action != "CANCEL" and claim.kind in CARE_KINDS:
        return Fault(invalid.MISSING_FIELD, "lines", None, "at least one line")
    if len({line.line for line in lines}) != len(lines):
        seen: set[int] = set()
        for index, line in enumerate(lines):
            if line.line in seen:
                path = f"lines[{index}].line"
                return Fault(invalid.DUPLICATE_LINE, path, str(line.line), "a number unique in its claim")
            seen.add(line.line)
    if claim.action != "SUBMIT":
        if claim.replaces is None:
            wanted = f"the event_id that {claim.action} applies to"
            return Fault(invalid.MISSING_FIELD, "replaces", None, wanted)
        if claim.replaces == claim.event_id:
            return Fault(invalid.MALFORMED, "replaces", claim.replaces, "the event_id of another event")
    return None


def _table(table: Table) -> Fault | None:
    name = table.name
    if name not in TABLES or (name in POLICIES) != isinstance(table, Policy):
        lawful = sorted(POLICIES if isinstance(table, Policy) else TABLES.keys() - POLICIES)
        return Fault(invalid.UNKNOWN_VALUE, "name", name, "one of " + ", ".join(lawful))
    computed = checksum(table.rows)
    if computed != table.checksum:
        return Fault(invalid.CHECKSUM, "checksum", table.checksum, computed)
    rows = rows_of(table)
    for index, row in enumerate(rows):
        found = days_fault(row, f"rows[{index}].")
        if found is not None:
            return found
    clash = overlap(name, rows)
    if clash is not None:
        return Fault(invalid.DUPLICATE_KEY, f"rows[{clash[0]}]", clash[1], "keys unique at any date")
    return None


def _signal(signal: Signal) -> Fault | None:
    if not _FIRST_YEAR <= int(signal.expires[:4]) <= _LAST_YEAR:
        return Fault(invalid.OUT_OF_RANGE, "expires", signal.expires, _YEARS)
    try:
        signal.ends  # noqa: B018 - raises on a day or an hour that does not exist
    except ValueError:
        wanted = "a date, or an instant with its offset"
        return Fault(invalid.MALFORMED, "expires", signal.expires, wanted)
    return None


def days_fault(part: Any, path: str) -> Fault | None:
    """The first day out of range or out of order in a struct and in the structs below it."""
    plan = _PLANS[type(part)]
    days = plan.days_of(part)
    for day in days:
        if day is not None and not _FIRST_YEAR <= day.year <= _LAST_YEAR:
            name = plan.days[days.index(day)]
            return Fault(invalid.OUT_OF_RANGE, path + _wire(name), day.isoformat(), _YEARS)
    for first, last in plan.ordered:
        start, end = getattr(part, first), getattr(part, last)
        if start is not None and end is not None and end < start:
            wanted = f"not before {_wire(first)} ({start.isoformat()})"
            return Fault(invalid.DATES_ORDER, path + _wire(last), end.isoformat(), wanted)
    for name in plan.lists:
        for index, day in enumerate(getattr(part, name) or ()):
            if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
                return Fault(invalid.OUT_OF_RANGE, f"{path}{name}[{index}]", day.isoformat(), _YEARS)
    for name in plan.parts:
        below = getattr(part, name)
        if below is not None and (found := days_fault(below, f"{path}{name}.")):
            return found
    for name in plan.part_lists:
        belows = getattr(part, name)
        if belows:
            for index, below in enumerate(belows):
                if found := days_fault(below, f"{path}{name}[{index}]."):
                    return found
    return None


def _wire(attribute: str) -> str:
    return attribute.rstrip("_")


def _bare(info: inspect.Type) -> inspect.Type:
    """The type behind `| None`."""
    if isinstance(info, inspect.UnionType):
        return next(option for option in info.types if not isinstance(option, inspect.NoneType))
    return info


def _structs(kinds: tuple[type, ...]) -> Iterator[inspect.StructType]:
    for info in inspect.multi_type_info(kinds):
        assert isinstance(info, inspect.StructType)
        yield info


def _reader(names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    """What reads these attributes of a struct at once."""
    if len(names) > 1:
        return attrgetter(*names)
    if not names:
        return lambda _: ()
    only = attrgetter(names[0])
    return lambda part: (only(part),)


def _plans(kinds: tuple[type, ...], known: dict[type, _Plan]) -> dict[type, _Plan]:
    for info in _structs(kinds):
        kind = info.cls
        days, lists, parts, part_lists = [], [], [], []
        for field in info.fields:
            below = _bare(field.type)
            if isinstance(below, (inspect.DateType, inspect.DateTimeType)):
                days.append(field.name)
            elif isinstance(below, inspect.StructType):
                parts.append(field.name)
                _plans((below.cls,), known)
            elif isinstance(below, inspect.VarTupleType):
                item = _bare(below.item_type)
                if isinstance(item, inspect.DateType):
                    lists.append(field.name)
                elif isinstance(item, inspect.StructType):
                    part_lists.append(field.name)
                    _plans((item.cls,), known)
        ordered = tuple(pair for base, pair in _ORDERED.items() if issubclass(kind, base))
        known[kind] = _Plan(
            tuple(days), _reader(days), tuple(lists), tuple(parts), tuple(part_lists), ordered
        )
    return known


_PLANS: Final[dict[type, _Plan]] = _plans((*EVENTS, *TABLES.values()), {})

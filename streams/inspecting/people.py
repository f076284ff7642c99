"""What the state holds of one beneficiary, as plain values."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import orjson

from detectors.models.records import Record, decode
from schemas.enums import CARE_GROUPS, COVERAGES, FACT_KINDS
from schemas.observation import Fact, LogLine, date_of
from schemas.outputs import Screened
from state.inspection import Inspection, Person
from streams import outputs, persons, signals
from streams.inspecting import counters
from streams.inspecting.verdicts import line_of, summary

WITHHELD = ("type", "version", "event_id", "beneficiary", "insured", "bank_account", "trace_id")
"""Fields of a registry entry that name a person, an account or a message."""


def beneficiary(state: Inspection, who: str, as_of: int | None, latest: int) -> dict[str, Any] | None:
    """Registry entry, log by day, windows, care counters, facts, holds, model and the last verdicts; None where
    nothing is known. `as_of` None: the last day in the log.
    """
    person = state.person(who)
    if not person.known:
        return None
    day = as_of if as_of is not None else max((line.day for line in person.log), default=0)
    name = state.name
    spans = counters.windows(day) if day else {}
    shown = [line for line in person.log if line.day <= day]
    records = _records(person)
    return {
        "as_of": date_of(day).isoformat() if day else None,
        "registry": _registry(person),
        "log": _days(shown, person, state),
        "windows": {span: _window(shown, day, days, state) for span, days in spans.items()},
        "care": {span: counters.care(shown, person.facts, day, days) for span, days in spans.items()},
        "facts": [_fact(fact, name) for fact in person.facts],
        "open_holds": [
            {"event_id": event_id, **orjson.loads(kept)} for event_id, kept in sorted(person.open.items())
        ],
        "liquidated": _liquidated(records),
        "model": _model(state.model(f"beneficiary:{who}")),
        "signal": signal(state, f"beneficiary:{who}"),
        "verdicts": [summary(record) for record in records[:latest]],
        "verdicts_kept": len(records),
    }


def signal(state: Inspection, entity: str) -> dict[str, Any] | None:
    """The last report on an entity."""
    blob = state.model(signals.name(entity))
    if blob is None:
        return None
    told = signals.read(blob)
    ends = dt.datetime.fromtimestamp(told.expires, dt.UTC)
    return {"source": told.source, "strength": told.strength, "expires": ends.isoformat()}


def model_values(record: Record) -> dict[str, Any]:
    """A model record by field names."""
    values: dict[str, Any] = {}
    for field in record.__struct_fields__:
        value = getattr(record, field)
        if isinstance(value, msgspec.Struct):
            value = {name: getattr(value, name) for name in value.__struct_fields__}
        if not isinstance(value, bytes):
            values[field] = value
    return values


def _model(blob: bytes | None) -> dict[str, Any] | None:
    return None if blob is None else model_values(decode("beneficiary", blob))


def _registry(person: Person) -> dict[str, Any] | None:
    if person.entry is None:
        return None
    entry = persons.read(person.entry.value)
    said: dict[str, Any] = msgspec.to_builtins(entry)
    return {name: value for name, value in said.items() if name not in WITHHELD and value is not None}


def _days(lines: list[LogLine], person: Person, state: Inspection) -> list[dict[str, Any]]:
    days: dict[int, list[dict[str, Any]]] = {}
    for line in lines:
        event = person.events.get(line.event)
        days.setdefault(line.day, []).append(
            {
                "event_id": event.event_id if event else None,
                "line": line.line,
                "care_group": CARE_GROUPS[line.group],
                "act": state.name(line.act),
                "site": state.name(line.site).lstrip("@") if line.site else None,
                "executor": state.name(line.executor) or None,
                "prescriber": state.name(line.prescriber) or None,
                "quantity": line.quantity / 100,
                "amount": line.amount,
                "coverage": COVERAGES[line.coverage],
                "arrived": dt.datetime.fromtimestamp(line.arrived, dt.UTC).isoformat(),
            }
        )
    return [{"date": date_of(day).isoformat(), "lines": entries} for day, entries in sorted(days.items())]


def _window(lines: list[LogLine], as_of: int, days: int, state: Inspection) -> dict[str, Any]:
    held = counters.inside(lines, as_of, days)
    grouped = {what: counters.by(held, key) for what, key in counters.dimensions(state.name).items()}
    return {"total": counters.sums(held), **grouped}


def _fact(fact: Fact, name: counters.NameOf) -> dict[str, Any]:
    kind = FACT_KINDS[fact.kind]
    said: dict[str, Any] = {"kind": kind, "from": date_of(fact.day).isoformat()}
    if kind == "STAY":
        said["until"] = date_of(fact.until).isoformat()
    else:
        said["key"] = fact.key if kind == "TOOTH" else name(fact.key)
    return {**said, "provider": name(fact.provider) or None}


def _records(person: Person) -> list[Screened]:
    """The live verdicts, the youngest first; those that were only observed are none."""
    found = [
        outputs.decode(revisions[max(revisions)])
        for revisions in person.verdicts.values()
        if any(revisions.values())
    ]
    return sorted(found, key=lambda record: (record.at, record.verdict_id), reverse=True)


def _liquidated(records: list[Screened]) -> dict[str, dict[str, int]]:
    """Base and complementary amounts of the liquidations and payments whose answers are kept."""
    found: dict[str, dict[str, int]] = {}
    for record in records:
        if (
            record.type in ("liquidation", "payment")
            and record.screened is not None
            and record.screened.lines
        ):
            kept = found.setdefault(record.type, {"base": 0, "complementary": 0, "lines": 0})
            for line in map(line_of, record.screened.lines):
                kept["base"] += line["base"] or 0
                kept["complementary"] += line["complementary"] or 0
                kept["lines"] += 1
    return found

"""What somebody executed and prescribed, counted exactly from every beneficiary's log: a walk over the whole state.

Windows end with the newest day of care that was found, or the day asked for. Nobody's patients are named.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from detectors.referentials import Referentials
from schemas.enums import CARE_GROUPS
from schemas.observation import Fact, LogLine, date_of
from schemas.outputs import Screened
from state import stored
from state.inspection import Inspection
from state.survey import Walk, load
from streams import outputs
from streams.inspecting import counters
from streams.inspecting.verdicts import summary

UNKNOWN = "not known"
KEPT = 1000  # verdicts held while walking; more are cut back to the youngest


@dataclass(slots=True)
class Practice:
    """Lines of care by patient, facts, and verdicts on claims that somebody executed lines of."""

    executed: list[list[LogLine]] = field(default_factory=list)
    prescribed: list[list[LogLine]] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    records: list[Screened] = field(default_factory=list)


def gather(
    state: Inspection, walk: Walk, name: str, latest: int, progress: Callable[[int], None] = lambda done: None
) -> Practice:
    """Walk every log, fact and verdict for what concerns `name`."""
    number, quoted = state.number(name), b'"' + name.encode() + b'"'
    found, met = Practice(), 0
    for server, items, count in walk.pages(lambda letter: letter in ("b", "k", "v")):
        for item in load(server, items):
            if item.letter == "b":
                lines = stored.log(item.value)
                for lists, mine in (
                    (found.executed, [line for line in lines if line.executor == number]),
                    (found.prescribed, [line for line in lines if line.prescriber == number]),
                ):
                    if mine:
                        lists.append(mine)
            elif item.letter == "k":
                found.facts += [fact for fact in stored.facts(item.value) if fact.provider == number]
            else:
                found.records += _verdicts(item.value, name, quoted)
                if len(found.records) > KEPT + latest:
                    found.records = _youngest(found.records, latest)
        met += count
        progress(met)
    found.records = _youngest(found.records, latest)
    return found


def told(
    practice: Practice, state: Inspection, as_of: int | None, referentials: Referentials | None
) -> dict[str, Any]:
    """The counters of what was executed and of what was prescribed, and the last verdicts."""
    lists = [*practice.executed, *practice.prescribed]
    day = as_of if as_of is not None else max((line.day for lines in lists for line in lines), default=0)
    if not day:
        return {"as_of": None, "executed": None, "prescribed": None, "verdicts": []}
    return {
        "as_of": date_of(day).isoformat(),
        "executed": _counted(practice.executed, practice.facts, day, state, referentials, "prescriber"),
        "prescribed": _counted(practice.prescribed, [], day, state, referentials, "executor"),
        "verdicts": [summary(record) for record in practice.records],
    }


def _counted(
    by_patient: Sequence[list[LogLine]],
    facts: Sequence[Fact],
    as_of: int,
    state: Inspection,
    referentials: Referentials | None,
    partner: str,
) -> dict[str, Any] | None:
    if not by_patient:
        return None
    lines = [line for patient in by_patient for line in patient]
    keys: dict[str, Callable[[LogLine], str]] = {
        "care_group": lambda line: CARE_GROUPS[line.group],
        partner: counters.dimensions(state.name)[partner],
    }
    if partner == "executor":  # domain.md C15: prescription by the type and sector of who executed it
        kinds: dict[int, tuple[str, str]] = {}

        def where(line: LogLine) -> tuple[str, str]:
            if line.executor not in kinds:
                entry = (
                    referentials.provider(state.name(line.executor))
                    if referentials and line.executor
                    else None
                )
                kinds[line.executor] = (entry.kind, entry.sector or UNKNOWN) if entry else (UNKNOWN, UNKNOWN)
            return kinds[line.executor]

        keys["establishment_type"] = lambda line: where(line)[0]
        keys["sector"] = lambda line: where(line)[1]
    spans = counters.windows(as_of)
    return {
        "windows": {
            span: {
                "total": counters.sums(held := counters.inside(lines, as_of, days)),
                "patients": sum(bool(counters.inside(patient, as_of, days)) for patient in by_patient),
                **{what: counters.by(held, key) for what, key in keys.items()},
            }
            for span, days in spans.items()
        },
        "care": {span: counters.care(lines, facts, as_of, days) for span, days in spans.items()},
    }


def _verdicts(revisions: dict[bytes, bytes], name: str, quoted: bytes) -> list[Screened]:
    blob = revisions.get(revisions.get(b"last", b""), b"")
    if quoted not in blob:
        return []
    record = outputs.decode(blob)
    return [record] if name in record.features.get("executors", ()) else []


def _youngest(records: list[Screened], count: int) -> list[Screened]:
    at = sorted(records, key=lambda record: (record.at, record.verdict_id), reverse=True)
    return at[:count]

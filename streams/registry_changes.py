"""A registry entry that comes late: which care it may say otherwise about, and the open claims to be answered again.

Held claims wait under the person's open events; released ones are found by the care log, so that nothing more is kept
of the millions of claims about which nothing ever changes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from detectors import catalogue, findings
from detectors.base import Detector, Finding
from detectors.filed import About, Filed
from schemas.observation import LogLine, date_of, day_number
from schemas.outputs import Screened
from schemas.registries import Beneficiary
from streams import persons
from streams.items import Shelf

RIGHTS_CHANGED, DEATH_CHANGED = "RIGHTS_CHANGED", "DEATH_CHANGED"
CAUSES: Final = (RIGHTS_CHANGED, DEATH_CHANGED)
OF_THE_PERSON: Final = tuple(d for d in catalogue.DETECTORS if d.declaration.code in ("E01", "E02"))
"""What rests on the registry entry alone, and is said otherwise when it changes."""
CODES: Final = frozenset(d.declaration.code for d in OF_THE_PERSON)
REACH_DAYS: Final = 760
"""Care that an entry is held against: what the care log reaches back, and a little."""
COVERING: Final = ("OPEN", "MAINTAINED")


def concerns_care(entry: Beneficiary) -> bool:
    """Whether an entry may close what was open: a death, or rights that do not cover the last 24 months whole.

    Of the entry alone, so that a replay asks the same; nearly all entries say no.
    """
    if entry.death_date is not None:
        return True
    if entry.rights is None:
        return False
    first = entry.event_time.date() - dt.timedelta(days=REACH_DAYS)
    return not any(
        right.status in COVERING and right.to is None and (right.from_ is None or right.from_ <= first)
        for right in entry.rights
    )


def in_question(entry: Beneficiary, log: Iterable[LogLine]) -> dict[bytes, str]:
    """Event reference -> why its claim is to be answered again: care after death, or on a day without rights."""
    death = None if entry.death_date is None else day_number(entry.death_date)
    found: dict[bytes, str] = {}
    for line in log:
        if death is not None and line.day > death:
            found[line.event] = DEATH_CHANGED
        elif entry.rights is not None and line.event not in found:
            day = date_of(line.day)
            if not any(right.covers(day) and right.status in COVERING for right in entry.rights):
                found[line.event] = RIGHTS_CHANGED
    return found


def cause_of(codes: Iterable[str]) -> str | None:
    """Why a held event is to be answered again when its person's entry changes; None where it does not rest on that."""
    told = set(codes)
    return DEATH_CHANGED if "E02" in told else RIGHTS_CHANGED if "E01" in told else None


def rechecked(
    record: Screened, filed: Filed | None, registry: bytes | None, shelf: Shelf, *, paid: bool
) -> list[Finding] | None:
    """The findings of a claim with what its person's entry says now; None where it says what it said, or cannot be
    asked.

    Of a claim that is paid already only care after death is told, for a control afterwards.
    """
    if registry is None or (fresh := looked_again(record, filed, registry, shelf, OF_THE_PERSON)) is None:
        return None
    if paid:
        fresh = [one for one in fresh if one.code != "E01"]
        fresh += [one for one in findings.kept(record.features) if one.code == "E01"]
        for one in fresh:
            one.review = True
    return replaced(record, fresh, CODES)


def looked_again(
    record: Screened,
    filed: Filed | None,
    registry: bytes | None,
    shelf: Shelf,
    detectors: Sequence[Detector],
) -> list[Finding] | None:
    """What some detectors say now of a claim as it was filed; None where it cannot be looked at again."""
    if filed is None or "case" not in record.features:
        return None
    person = None if registry is None else persons.read(registry)
    about = About(
        record.event_id,
        record.at,
        record.organism or "-",
        record.flow,
        record.claim_id,
        record.beneficiary or "-",
    )
    thresholds = shelf.referentials.thresholds(date_of(filed.deposit))
    context = filed.context(about, person, shelf.referentials, thresholds)
    return catalogue.run(context, detectors).findings


def replaced(record: Screened, fresh: list[Finding], codes: Collection[str]) -> list[Finding] | None:
    """The findings of a record with fresh ones in place of those of some codes; None where they say the same."""
    kept = findings.kept(record.features)
    if {_core(one) for one in kept if one.code in codes} == {_core(one) for one in fresh}:
        return None
    return [*fresh, *(one for one in kept if one.code not in codes)]


def _core(found: Finding) -> tuple[str, tuple[int, ...], bool]:
    return found.code, found.lines, found.review

"""How far INPE are in use: the share of lines that bear one, by kind of provider, over seven days of arrival.

E03 proposes a review until a kind is covered, and holds from then on. A missing INPE has no kind of its own:
the act's usual kind stands for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from detectors.models.records import CoverageRecord
from detectors.models.store import Records
from schemas.enums import CARE_KINDS
from schemas.warnings import HOME_COUNTRY, is_inpe

if TYPE_CHECKING:
    from detectors.referentials import Referentials
    from schemas.claim import Claim, Line

DAYS: Final = 7
LEAST_LINES: Final = 200
"""Lines of a kind in the seven days before its coverage means something."""
PHARMACY: Final = "PHARMACIE"
PRESCRIBER: Final = "MEDECIN"
"""Kind that stands for a prescriber who is not in the registry."""
Told = list[tuple[str, int, int]]


def told(claim: Claim, tables: Referentials) -> Told:
    """(kind, lines with a well-formed INPE, lines) of a claim of care, executors and prescribers together."""
    counts: dict[str, list[int]] = {}
    if claim.kind not in CARE_KINDS or claim.kind == "ETRANGER":
        return []
    for line in claim.lines:
        if line.country is not None and line.country != HOME_COUNTRY:
            continue
        executor, prescriber = line.executor, line.prescriber
        entry = None if executor is None else tables.providers.get(executor)
        kind = entry.kind if entry is not None else usual_kind(line, tables)
        if kind is not None:
            _count(counts, kind, executor)
        if prescriber is not None:
            doctor = tables.providers.get(prescriber)
            _count(counts, PRESCRIBER if doctor is None else doctor.kind, prescriber)
        elif line.nomenclature != "MED":
            act = tables.act(line.nomenclature, line.code, line.service_date)
            if act is not None and act.needs_prescription:
                _count(counts, PRESCRIBER, None)
    return [(kind, *count) for kind, count in counts.items()]  # type: ignore[misc]


def _count(counts: dict[str, list[int]], kind: str, number: str | None) -> None:
    """One place of a line where an INPE of that kind belongs."""
    count = counts.get(kind)
    if count is None:
        count = counts[kind] = [0, 0]
    count[0] += number is not None and is_inpe(number)
    count[1] += 1


def usual_kind(line: Line, tables: Referentials) -> str | None:
    """The kind that usually executes the act; None where the tables do not say."""
    if line.nomenclature == "MED":
        return PHARMACY
    act = tables.act(line.nomenclature, line.code, line.service_date)
    return act.allowed_kinds[0] if act is not None and act.allowed_kinds else None


def fold(record: CoverageRecord | None, day: int, claims: Told) -> CoverageRecord:
    """The record after one claim that arrived on that day; what is older than seven days is forgotten."""
    held = record or CoverageRecord()
    newest = max(held.newest, day)
    kinds = held.kinds
    if newest != held.newest:
        kept = {kind: _recent(days, newest) for kind, days in kinds.items()}
        kinds = {kind: days for kind, days in kept.items() if days}
    if day > newest - DAYS:
        kinds = dict(kinds)
        for kind, known, lines in claims:
            days = dict(kinds.get(kind, {}))
            before = days.get(day, (0, 0))
            days[day] = (before[0] + known, before[1] + lines)
            kinds[kind] = days
    return CoverageRecord(newest=newest, kinds=kinds)


def _recent(days: Mapping[int, tuple[int, int]], newest: int) -> dict[int, tuple[int, int]]:
    return {day: counts for day, counts in days.items() if day > newest - DAYS}


class Coverage(Mapping[str, float]):
    """Kind -> share (0..1) as the records stand at the moment of asking; kinds hardly seen are absent."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def __getitem__(self, kind: str) -> float:
        held = self._records.coverage
        counts = () if held is None else tuple(held.kinds.get(kind, {}).values())
        lines = sum(count[1] for count in counts)
        if lines < LEAST_LINES:
            raise KeyError(kind)
        return sum(count[0] for count in counts) / lines

    def __iter__(self) -> Iterator[str]:
        held = self._records.coverage
        return iter(() if held is None else tuple(kind for kind in held.kinds if self.get(kind) is not None))

    def __len__(self) -> int:
        return sum(1 for _ in self)

"""P05: many patients from one far commune within days, where hardly any came from before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from detectors.base import CannotCheck, Context, Declaration, Finding, Threshold, sorted_out
from detectors.campaigns import authorised
from detectors.findings import soft
from detectors.models.keys import opened
from detectors.places import kilometres, of_commune, of_provider
from schemas.observation import EPOCH_ORDINAL, date_of, day_number
from schemas.referential import CommuneRow

if TYPE_CHECKING:
    from detectors.referentials import Referentials
    from schemas.claim import Line
    from schemas.observation import Frequency
    from schemas.registries import Provider

CODE: Final = "P05"
WEEK, MONTH = 7, 30
REFERRAL: Final = frozenset({"CHU", "HOPITAL_PUBLIC", "HOPITAL_MILITAIRE"})
"""Kinds to which patients are sent from anywhere."""


class FarInflux:
    """P05."""

    declaration = Declaration(
        code=CODE,
        label_fr="Afflux groupé d'assurés d'une même localité éloignée",
        label_en="Geographic burst",
        label_ar="توافد جماعي لمؤمنين من منطقة بعيدة واحدة",
        nature="PRE",
        hard=False,
        weight=0.6,
        axis="care",
        case_of="provider",
        habit=True,
        reads=(
            "lines.executor",
            "lines.service_date",
            "beneficiary.commune",
            "providers.kind",
            "providers.lat",
            "providers.lon",
            "providers.active",
            "communes",
            "campaigns",
        ),
        windows=("patients from a commune 7 d / 30 d", "provider 30 d", "provider record"),
        thresholds={
            "beneficiaries": Threshold(
                10, "beneficiaries", "in 7 or 30 days: fewer may be a family or a chance"
            ),
            "base": Threshold(
                5, "ratio", "to the base rate: what came in the 30 days before, or the commune's share"
            ),
            "distance": Threshold(
                100, "km", "beyond a usual journey; above 50 km, from which on patients are counted"
            ),
        },
        caveats_fr=("Caravane autorisée (référentiel)", "Hôpital de recours : base habituelle élevée"),
        caveats_en=("Authorised caravan (referential)", "Referral hospital: a high usual base"),
    )

    def check(self, context: Context) -> Iterable[Finding | CannotCheck]:
        """One finding for each executor."""
        seen, least = context.seen, context.thresholds.lowest(CODE, "beneficiaries")
        for number, window in seen.executors.items():
            if number in seen.patients_from or window.patients_30d >= least:
                return sorted_out(CODE, self._answers(context))
        return ()

    def _answers(self, context: Context) -> Iterator[Finding | str | None]:
        seen, least = context.seen, context.value(CODE, "beneficiaries")
        for number, window in sorted(seen.executors.items()):
            month = seen.patients_from.get(number)
            if month is not None:
                week = seen.patients_of_week[number]
                if month.members >= least or week.members >= least:
                    yield self._burst(context, number, week, month)
            elif window.patients_30d >= least:
                yield self._unknown(context, number)

    @staticmethod
    def _unknown(context: Context, number: str) -> str | None:
        """Why nobody counted where the patient comes from; None: from near by."""
        person, tables = context.seen.beneficiary, context.referentials
        if person is None or person.commune is None:
            return "beneficiary" if person is None else "beneficiary.commune"
        day = max(line.service_date for line in context.claim.lines if line.executor == number)
        if of_commune(person.commune, day, tables) is None:
            return "communes"
        return "providers.lat" if of_provider(tables.provider(number), day, tables) is None else None

    def _burst(
        self, context: Context, number: str, week: Frequency, month: Frequency
    ) -> Finding | str | None:
        """The name of what is missing where the base rate is not known."""
        tables, person = context.referentials, context.seen.beneficiary
        entry = tables.provider(number)
        if person is None or person.commune is None or entry is None or entry.kind in REFERRAL:
            return None
        lines = [line for line in context.claim.lines if line.executor == number]
        day = max(line.service_date for line in lines)
        home, there = of_commune(person.commune, day, tables), of_provider(entry, day, tables)
        if home is None or there is None:
            return "communes"
        far = kilometres(home, there)
        if far <= context.value(CODE, "distance", entry.sector) or authorised(context, number, lines):
            return None
        if not self._history(context, number, entry, day_number(day)):
            return "history"
        expected = _share(person.commune, day, tables)
        if expected is None:
            return "communes.population"
        base = max(month.members_before, context.seen.executors[number].patients_30d * expected)
        factor, least = (context.value(CODE, name, entry.sector) for name in ("base", "beneficiaries"))
        for length, count, usual in ((MONTH, month.members, base), (WEEK, week.members, base * WEEK / MONTH)):
            if count >= max(least, factor * usual):
                row = tables.commune(person.commune, day)
                name = person.commune if row is None or row.name is None else row.name
                limit = max(least, factor * usual)
                return self._finding(
                    context, number, lines, length, count, usual, limit, far, name, entry.sector
                )
        return None

    @staticmethod
    def _history(context: Context, number: str, entry: Provider, day: int) -> bool:
        """Whether the 30 days before were watched; of one that has just opened there are none."""
        if opened(entry, context.claim.event_time.toordinal() - EPOCH_ORDINAL):
            return True
        record = None if context.evidence is None else context.evidence.habit(number)
        return record is not None and record.ramp.pace > 0 and record.ramp.first <= (day // MONTH - 1) * MONTH

    @staticmethod
    def _finding(
        context: Context,
        number: str,
        lines: list[Line],
        length: int,
        count: int,
        usual: float,
        limit: float,
        far: float,
        name: str,
        area: str | None,
    ) -> Finding:
        numbers = tuple(line.line for line in lines)
        person = context.seen.beneficiary
        return soft(
            context,
            CODE,
            numbers,
            area,
            value=float(count),
            threshold=round(limit, 2),
            window=f"{length} d",
            n=count,
            facts={
                "inpe": number,
                "n": count,
                "days": length,
                "commune": name,
                "kilometres": round(far),
                "usual": round(usual, 1),
                "day": date_of(max(day_number(line.service_date) for line in lines)).isoformat(),
            },
            scheme=f"{CODE}:{number}:{None if person is None else person.commune}",
        )


def _share(commune: str, day: dt.date, tables: Referentials) -> float | None:
    """The commune's share of the population of all; None where its own is not known."""
    row = tables.commune(commune, day)
    if row is None or row.population is None:
        return None
    known: dict[dt.date, int] = tables.memo.setdefault("population", {})
    if day not in known:
        rows = [one for one in tables.all_rows("communes", day) if isinstance(one, CommuneRow)]
        known[day] = sum(one.population or 0 for one in rows)
    return row.population / known[day] if known[day] else None

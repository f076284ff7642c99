"""B01: one sort of drug from ever more prescribers or pharmacies."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Iterable, Iterator
from typing import Final, NamedTuple

from detectors.base import CannotCheck, Context, Declaration, Finding, Threshold
from detectors.reading import DRUGS, at_stake, provider
from schemas.enums import CARE_GROUPS, FACT_KINDS
from schemas.observation import LogLine, date_of
from schemas.referential import DrugRow

PHARMACY: Final = CARE_GROUPS.index("PHARMACY")
STAY: Final = FACT_KINDS.index("STAY")
CLASSES: Final = (
    ("N05", "psychotropic"),
    ("N06", "psychotropic"),
    ("N02A", "opioid"),
    ("A10", "antidiabetic"),
)
"""ATC prefixes of what is resold or misused."""
COSTLY: Final = "costly"
Memo = dict[int, tuple[str, ...] | None]
"""Act -> its sorts of drug; kept as long as the tables."""
SHORT, LONG = 30, 90
ROLES: Final = ("prescribers", "pharmacies")
COUNTED: Final = tuple((role, days, f"{role}_{days}") for role in ROLES for days in (SHORT, LONG))
"""Whom, in how many days, the parameter with the threshold."""


class Count(NamedTuple):
    """How many prescribers or pharmacies, in how many days, against which threshold."""

    role: str
    days: int
    n: int
    threshold: float


class Shopping:
    """B01."""

    declaration = Declaration(
        code="B01",
        label_fr="Nomadisme médical ou pharmaceutique",
        label_en="Doctor/pharmacy shopping",
        label_ar="التنقل بين الأطباء أو الصيدليات",
        nature="PRE",
        hard=False,
        weight=0.5,
        axis="care",
        case_of="beneficiary",
        habit=True,
        reads=("lines.prescriber", "lines.executor", "lines.service_date", "drugs", "providers", "communes"),
        windows=("log 30/90 d", "facts"),
        needs="drugs",
        thresholds={
            "prescribers_30": Threshold(4, "prescribers", "in 30 days for one sort of drug"),
            "pharmacies_30": Threshold(4, "pharmacies", "in 30 days for one sort of drug"),
            "prescribers_90": Threshold(6, "prescribers", "in 90 days"),
            "pharmacies_90": Threshold(6, "pharmacies", "in 90 days"),
            "costly": Threshold(100_000, "centimes", "base price: about the dearest 6 % of the 2014 list"),
            "village": Threshold(15_000, "inhabitants", "where substitutes share one practice"),
            "shortage": Threshold(3, "days", "a tour of pharmacies with one prescription in hand"),
            "discharge": Threshold(7, "days", "ward doctors and the family doctor follow one another"),
        },
        caveats_fr=(
            "Remplaçants en zone rurale",
            "Rupture de stock : plusieurs pharmacies pour une même ordonnance",
            "Sortie d'hospitalisation",
        ),
        caveats_en=(
            "Rural substitutes",
            "Shortage: several pharmacies for one prescription",
            "Discharge from hospital",
        ),
    )

    def check(self, context: Context) -> Iterator[Finding | CannotCheck]:
        """One finding for each sort of drug that the claim dispenses."""
        if not context.drugs():
            return
        if not context.referentials.known("drugs"):
            yield CannotCheck("B01", "drugs")
            return
        costly = context.value("B01", "costly")
        memo: Memo = context.referentials.memo.setdefault(("B01", costly), {})
        own: dict[str, list[LogLine]] = {}
        unknown = False
        for line in context.seen.own:
            groups = memo[line.act] if line.act in memo else _groups(context, line.act, memo, costly)
            if groups is None:
                unknown = True
            elif groups:
                for group in groups:
                    own.setdefault(group, []).append(line)
        if not (own or unknown):
            return
        if unknown:
            yield CannotCheck("B01", "drugs.atc")
        for group, lines in sorted(own.items()):
            anchor = max(line.day for line in lines)
            uses = [
                line
                for line in context.seen.log
                if line.group == PHARMACY
                and anchor - LONG < line.day <= anchor
                and group in (_groups(context, line.act, memo, costly) or ())
            ]
            uses += lines
            count = self._count(context, uses, anchor)
            if count is not None:
                yield self._finding(context, group, lines, uses, anchor, count)

    def _count(self, context: Context, uses: list[LogLine], anchor: int) -> Count | None:
        """The first threshold reached once the innocent explanations are taken out."""
        limits = {(role, days): context.value("B01", name) for role, days, name in COUNTED}
        fewest = min(limits.values())
        if len(uses) < fewest:
            return None
        if max(len({line.prescriber for line in uses}), len({line.executor for line in uses})) < fewest:
            return None
        for role in ROLES:
            for days in (SHORT, LONG):
                threshold = limits[role, days]
                inside = [line for line in uses if line.day > anchor - days]
                plain = {line.prescriber if role == "prescribers" else line.executor for line in inside} - {0}
                if len(plain) < threshold:
                    continue
                named = self._prescribers if role == "prescribers" else self._pharmacies
                fair = set(named(context, inside))
                if len(fair) >= threshold:
                    return Count(role, days, len(fair), threshold)
        return None

    def _prescribers(self, context: Context, uses: Iterable[LogLine]) -> Iterator[Hashable]:
        after = int(context.value("B01", "discharge"))
        stays = [fact.until for fact in context.seen.facts if fact.kind == STAY]
        for line in uses:
            if line.prescriber == 0:
                continue
            discharged = next((end for end in stays if end <= line.day <= end + after), None)
            if discharged is not None:
                yield ("stay", discharged)
            else:
                yield self._practice(context, line.prescriber, line.day)

    def _pharmacies(self, context: Context, uses: Iterable[LogLine]) -> Iterator[Hashable]:
        tour = int(context.value("B01", "shortage"))
        latest: dict[int, tuple[int, Hashable]] = {}
        for line in sorted(uses, key=lambda each: each.day):
            if line.executor == 0:
                continue
            held = latest.get(line.prescriber) if line.prescriber else None
            if held is not None and line.day - held[0] <= tour:
                yield held[1]
                continue
            key = self._practice(context, line.executor, line.day)
            if line.prescriber:
                latest[line.prescriber] = (line.day, key)
            yield key

    @staticmethod
    def _practice(context: Context, number: int, day: int) -> Hashable:
        """The provider, or its village, where whoever is on duty serves everybody."""
        entry = provider(context, number)
        if entry is None or entry.commune is None:
            return number
        row = context.referentials.commune(entry.commune, date_of(day))
        if row is not None and row.population is not None:
            return ("village", entry.commune) if row.population < context.value("B01", "village") else number
        return ("village", entry.commune) if context.referentials.sole_of_kind(entry.inpe) else number

    @staticmethod
    def _finding(
        context: Context, group: str, own: list[LogLine], uses: list[LogLine], anchor: int, count: Count
    ) -> Finding:
        numbers = tuple(sorted({line.line for line in own}))
        inside = [line for line in uses if line.day > anchor - count.days]
        references = {(context.claim.beneficiary, line.event): None for line in inside if line not in own}
        return Finding(
            "B01",
            "S",
            weight=context.value("B01", "weight"),
            lines=numbers,
            amount=at_stake(context.claim, numbers),
            value=float(count.n),
            threshold=count.threshold,
            window=f"{count.days} d",
            n=len(inside),
            variant=count.role,
            facts={
                "group": group,
                "n": count.n,
                "days": count.days,
                "uses": len(inside),
                "day": date_of(anchor).isoformat(),
            },
            evidence=tuple(references),
        )


def _groups(context: Context, act: int, memo: Memo, costly: float) -> tuple[str, ...] | None:
    """The sorts of drug that the act is; None where the list does not say. By code, whatever the date."""
    if act in memo:
        return memo[act]
    nomenclature, _, code = context.name.get(act, "").partition("|")
    found: tuple[str, ...] | None = ()
    if nomenclature == DRUGS:
        row = latest(context, code)
        found = None if row is None or row.atc is None else _sorts(row, row.atc, costly)
    memo[act] = found
    return found


def _sorts(row: DrugRow, atc: str, costly: float) -> tuple[str, ...]:
    sorts = [name for prefix, name in CLASSES if atc.startswith(prefix)]
    if row.base_price is not None and row.base_price >= costly:
        sorts.append(COSTLY)
    return tuple(sorts)


def latest(context: Context, code: str) -> DrugRow | None:
    """The last row of a drug in the newest edition that lists it, whatever the date."""
    for edition in context.referentials.tables.get("drugs", ()):
        rows = [row for row in edition.index.get(code, ()) if isinstance(row, DrugRow)]
        if rows:
            return max(rows, key=lambda row: row.from_ or dt.date.min)
    return None

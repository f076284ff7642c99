"""U05: glasses or a device again before the last ones have had their time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from detectors.base import ADMINISTRATIVE_WEIGHT, CannotCheck, Context, Declaration, Finding, Threshold
from detectors.lifetime import DEVICE
from detectors.reading import act_name, act_of, age, at_stake, days
from schemas.claim import Line
from schemas.observation import Fact, date_of, day_number
from schemas.referential import ActRow

CODE: Final = "U05"
ADULT: Final = 18
HALF_YEAR: Final = 182


class EarlyRenewal:
    """U05."""

    declaration = Declaration(
        code=CODE,
        label_fr="Renouvellement anticipé (optique, dispositif)",
        label_en="Early renewal of optical/devices",
        label_ar="تجديد مبكر للنظارات أو الأجهزة",
        nature="ADM",
        hard=True,
        weight=0.6,
        axis="care",
        case_of="beneficiary",
        reads=(
            "lines.code",
            "lines.service_date",
            "lines.prescribed_on",
            "lines.prior_approval",
            "documents",
            "beneficiary.birth_date",
            "acts.device_class",
            "acts.min_interval_days",
            "acts.min_interval_days_child",
        ),
        windows=("facts", "log 24 mo"),
        needs="devices",
        thresholds={
            "adult": Threshold(730, "days", "glasses of an adult, where the act gives no interval"),
            "child": Threshold(365, "days", "glasses of a child, where the act gives no interval"),
            "repeated": Threshold(2, "early renewals in 6 months", "no sight changes as often"),
        },
        caveats_fr=("Changement de prescription", "Accord pour casse ou perte"),
        caveats_en=("Change of prescription", "Agreement after breakage or loss"),
        visibility="LIQUIDATOR",
    )

    def check(self, context: Context) -> Iterator[Finding | CannotCheck]:
        """Each class of device of the claim, once, against the supplies on record."""
        unknown: set[str] = set()
        classes: dict[str, list[tuple[Line, ActRow]]] = {}
        for line, row in context.acts():
            if line.care_group not in ("DEVICE", "OPTICAL"):
                continue
            if row is None:
                unknown.add("acts")
            elif row.device_class is not None:
                classes.setdefault(row.device_class, []).append((line, row))
        for name, lines in sorted(classes.items()):
            number = context.number.get(f"device|{name}", 0)
            facts = [fact for fact in context.seen.facts if fact.kind == DEVICE and fact.key == number]
            if facts:
                finding = self._judge(context, name, lines, facts, unknown)
                if finding is not None:
                    yield finding
        for missing in sorted(unknown):
            yield CannotCheck(CODE, missing)

    def _judge(
        self,
        context: Context,
        name: str,
        lines: list[tuple[Line, ActRow]],
        facts: list[Fact],
        unknown: set[str],
    ) -> Finding | None:
        line, row = max(lines, key=lambda each: max(days(each[0])))
        day = max(map(day_number, days(line)))
        others = {fact.day: fact for fact in facts if fact.day != day}
        if not others:
            return None
        nearest = min(others.values(), key=lambda fact: (abs(fact.day - day), fact.day))
        apart = abs(day - nearest.day)
        interval = self._interval(context, line, row, apart, unknown)
        if interval is None or apart >= interval or self._agreed(context, line):
            return None
        if self._changed(context, line, row, nearest):
            return None
        supplies = sorted({*others, day})
        early = [
            later
            for earlier, later in pairwise(supplies)
            if later - earlier < interval and day - HALF_YEAR < later <= day + HALF_YEAR
        ]
        recent = [one for one in early if max(early) - one < HALF_YEAR]
        hard = len(recent) >= context.value(CODE, "repeated")
        numbers = tuple(sorted(each.line for each, _ in lines))
        return Finding(
            CODE,
            "H" if hard else "S",
            weight=ADMINISTRATIVE_WEIGHT if hard else context.value(CODE, "weight"),
            nature="ADM",
            lines=numbers,
            amount=at_stake(context.claim, numbers),
            value=float(apart),
            threshold=float(interval),
            window="6 mo" if hard else "life",
            n=len(recent),
            variant="repeated" if hard else "early",
            facts={
                "label_fr": row.label_fr or name,
                "label_en": row.label_en or name,
                "day": date_of(day).isoformat(),
                "other_day": date_of(nearest.day).isoformat(),
                "days": interval,
                "n": len(recent),
            },
            evidence=((context.claim.beneficiary, nearest.event),),
        )

    @staticmethod
    def _interval(context: Context, line: Line, row: ActRow, apart: int, unknown: set[str]) -> int | None:
        """Days that must lie between two supplies, for this person's age; None where that is not known."""
        optical = line.care_group == "OPTICAL"
        grown, child = row.min_interval_days, row.min_interval_days_child
        if grown is None and optical:
            grown = int(context.value(CODE, "adult"))
        if child is None:
            child = int(context.value(CODE, "child")) if optical and row.min_interval_days is None else grown
        if grown is None or child is None:
            unknown.add("acts.min_interval_days")
            return None
        if grown == child or apart >= max(grown, child) or apart < min(grown, child):
            if grown != child and apart < min(grown, child):
                return min(grown, child)
            return max(grown, child)
        person = context.seen.beneficiary
        if person is None or person.birth_date is None:
            unknown.add("beneficiary.birth_date")
            return None
        return child if age(person.birth_date, line.service_date) < ADULT else grown

    @staticmethod
    def _agreed(context: Context, line: Line) -> bool:
        """An agreement covers the line: breakage, loss."""
        return line.prior_approval is not None or any(
            paper.type == "ACCORD" and (paper.lines is None or line.line in paper.lines)
            for paper in context.claim.documents or ()
        )

    @staticmethod
    def _changed(context: Context, line: Line, row: ActRow, nearest: Fact) -> bool:
        """Another article of the class, prescribed since the last supply: the prescription changed."""
        since: dt.date = date_of(nearest.day)
        if line.prescribed_on is None or line.prescribed_on <= since:
            return False
        own = context.number.get(act_name(line), 0)
        for earlier in context.seen.log:
            if earlier.day == nearest.day and earlier.event == nearest.event and earlier.act != own:
                act = act_of(context, earlier)
                if act is not None and act.device_class == row.device_class:
                    return True
        return False

"""B05: sick leaves that overlap, never end, begin without rights, or come in patterns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from detectors.base import HARD_WEIGHT, CannotCheck, Context, Declaration, Finding, Threshold
from detectors.reading import LEAVE, at_stake, same_body
from schemas.claim import Claim
from schemas.enums import CARE_GROUPS
from schemas.observation import LogLine, date_of, day_number

CODE: Final = "B05"
SICK: Final = CARE_GROUPS.index(LEAVE)
MONTHS_24: Final = 731
WEEK: Final = 7
MONDAY: Final = 3  # days from a Monday to 1970-01-01
HOLIDAYS: Final = frozenset({"FIXED", "MOVEABLE"})
WEEKEND: Final = (5, 6)


class Leave(NamedTuple):
    """Days off, both included, and what said so."""

    first: int
    last: int
    paid: int  # days
    event: bytes


class SickLeaves:
    """B05."""

    declaration = Declaration(
        code=CODE,
        label_fr="Arrêts de travail atypiques",
        label_en="Sick-leave patterns",
        label_ar="توقفات عن العمل غير اعتيادية",
        nature="MED",
        hard=True,
        weight=0.4,
        axis="care",
        case_of="beneficiary",
        habit=True,
        reads=(
            "sick_leave.start",
            "sick_leave.end",
            "sick_leave.extends",
            "sick_leave.employer",
            "sick_leave.contribution_days",
            "lines.prescriber",
            "lines.quantity",
            "calendar",
        ),
        windows=("log 24 mo", "leaves of a week"),
        kinds=("IJ",),
        needs="leave",
        thresholds={
            "weeks": Threshold(52, "weeks in 24 months", "the allowance ends there"),
            "contribution": Threshold(54, "days in 6 months", "opens the right to the allowance"),
            "late": Threshold(60, "days", "wages are declared the month after, and corrected the next"),
            "short": Threshold(7, "days", "a leave that a weekend doubles"),
            "adjacent": Threshold(4, "leaves in 90 days", "at a weekend or a holiday, all of them"),
            "employees": Threshold(5, "employees", "of one employer, by one prescriber, in one week"),
            "collusion": Threshold(0.7, "weight", "certificates sold at a place of work"),
            "share": Threshold(0.5, "share", "an epidemic fills every prescriber's waiting room"),
        },
        caveats_fr=(
            "Épidémie",
            "Travail saisonnier : les arrêts de l'employeur se répartissent entre prescripteurs",
            "Déclaration de salaires tardive",
        ),
        caveats_en=(
            "Epidemic",
            "Seasonal work: the employer's leaves spread over prescribers",
            "Wages declared late",
        ),
    )

    def check(self, context: Context) -> Iterator[Finding | CannotCheck]:
        """Hard rules first, then the beneficiary's habit, then the prescriber's week."""
        claim, leave = context.claim, context.claim.sick_leave
        if not any(line.care_group == LEAVE for line in claim.lines):
            return
        if leave is None or leave.start is None or leave.end is None:
            yield CannotCheck(CODE, "sick_leave" if leave is None else "sick_leave.start")
            return
        own = [line for line in context.seen.own if line.group == SICK]
        if not own:
            return
        first, last = day_number(leave.start), max(day_number(leave.start), day_number(leave.end))
        mine = Leave(first, last, sum(line.quantity for line in own) // 100, own[0].event)
        before = [
            line
            for line in context.seen.log
            if line.group == SICK
            and line.claim != own[0].claim
            and line.coverage == own[0].coverage
            and not any(same_body(line, each) for each in own)
        ]
        yield from self._rights(context, mine, before)
        yield from self._adjacent(context, mine, before)
        if claim.sick_leave is not None and claim.sick_leave.extends is None:
            yield from self._together(context)

    def _rights(
        self, context: Context, mine: Leave, before: list[LogLine]
    ) -> Iterator[Finding | CannotCheck]:
        earlier = [_leave(line) for line in before]
        met = [leave for leave in earlier if leave.first <= mine.last and mine.first <= leave.last]
        if met:
            days = min(met[0].last, mine.last) - max(met[0].first, mine.first) + 1
            told = {"first": date_of(met[0].first).isoformat(), "last": date_of(met[0].last).isoformat()}
            yield self._finding(context, "overlap", float(days), None, met, told)
        total = mine.paid + sum(leave.paid for leave in earlier if mine.last - leave.first < MONTHS_24)
        limit = context.value(CODE, "weeks") * WEEK
        if total > limit:
            facts = {"total": total, "limit": round(limit)}
            yield self._finding(context, "year", float(total), limit, earlier, facts)
        leave = context.claim.sick_leave
        assert leave is not None
        if leave.extends is not None:
            return
        if leave.contribution_days is None:
            yield CannotCheck(CODE, "sick_leave.contribution_days")
            return
        least = context.value(CODE, "contribution")
        if leave.contribution_days < least:
            finding = self._finding(
                context,
                "contribution",
                float(leave.contribution_days),
                least,
                [],
                {"contributed": leave.contribution_days, "least": round(least)},
            )
            came = day_number(context.claim.deposit_date)
            finding.review = came - mine.first < context.value(CODE, "late")
            yield finding

    def _adjacent(
        self, context: Context, mine: Leave, before: list[LogLine]
    ) -> Iterator[Finding | CannotCheck]:
        short = context.value(CODE, "short")
        near = [_leave(line) for line in before if mine.last - 90 < line.day <= mine.last]
        near = [leave for leave in (*near, mine) if leave.last - leave.first < short]
        if mine not in near or len(near) < context.value(CODE, "adjacent"):
            return
        tables = context.referentials
        if not tables.known("calendar", date_of(mine.first)):
            yield CannotCheck(CODE, "calendar")
            return

        def off(day: int) -> bool:
            date = date_of(day)
            return date.weekday() in WEEKEND or any(row.kind in HOLIDAYS for row in tables.calendar(date))

        beside = [
            leave
            for leave in near
            if off(leave.first - 1) or off(leave.last + 1) or off(leave.first) or off(leave.last)
        ]
        if mine in beside and len(beside) >= context.value(CODE, "adjacent"):
            yield self._finding(
                context,
                "adjacent",
                float(len(beside)),
                context.value(CODE, "adjacent"),
                beside,
                {"n": len(beside)},
                weight=context.value(CODE, "weight"),
            )

    def _together(self, context: Context) -> Iterator[Finding | CannotCheck]:
        claim = context.claim
        if claim.sick_leave is None or claim.sick_leave.employer is None:
            yield CannotCheck(CODE, "sick_leave.employer")
            return
        if not any(line.prescriber for line in claim.lines):
            yield CannotCheck(CODE, "lines.prescriber")
        for prescriber, (employer, own) in sorted(context.seen.leaves.items()):
            if own.members < context.value(CODE, "employees"):
                continue
            if employer.own < context.value(CODE, "share") * employer.total:
                continue  # the others' patients are ill too
            finding = self._finding(
                context,
                "together",
                float(own.members),
                context.value(CODE, "employees"),
                [],
                {"n": own.members, "inpe": prescriber, "total": employer.total},
                weight=context.value(CODE, "collusion"),
            )
            finding.scheme = f"B05:{prescriber}:{claim.sick_leave.employer}:{week_of(claim)}"
            yield finding

    @staticmethod
    def _finding(
        context: Context,
        variant: str,
        value: float,
        threshold: float | None,
        others: list[Leave],
        facts: Mapping[str, str | int],
        *,
        weight: float | None = None,
    ) -> Finding:
        numbers = tuple(line.line for line in context.claim.lines if line.care_group == LEAVE)
        leave, claim = context.claim.sick_leave, context.claim.beneficiary
        assert leave is not None
        windows = {"adjacent": "90 d", "together": "7 d", "contribution": "6 mo"}
        events = dict.fromkeys((claim, other.event) for other in others)
        own = context.seen.own[0].event
        return Finding(
            CODE,
            "H" if weight is None else "S",
            weight=HARD_WEIGHT if weight is None else weight,
            nature="MED",
            lines=numbers,
            amount=at_stake(context.claim, numbers),
            value=value,
            threshold=threshold,
            window=windows.get(variant, "24 mo"),
            n=len(others) or None,
            variant=variant,
            facts={"day": leave.start.isoformat() if leave.start else None, **facts},
            evidence=tuple(one for one in events if one[1] != own),
        )


def week_of(claim: Claim) -> int:
    """The number of the week, from Monday, in which the leave begins."""
    leave = claim.sick_leave
    start: dt.date = leave.start if leave is not None and leave.start is not None else claim.deposit_date
    return (day_number(start) + MONDAY) // WEEK


def _leave(line: LogLine) -> Leave:
    """An earlier leave as the log tells it: its first day, and so many paid days. The first days go unpaid, so that
    it ends that much later than is known."""
    paid = max(line.quantity // 100, 1)
    return Leave(line.day, line.day + paid - 1, line.quantity // 100, line.event)

"""U03: more dialysis than a patient has, or than a centre's machines can give."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Final

from detectors.base import HARD_WEIGHT, CannotCheck, Context, Declaration, Finding, Threshold
from detectors.reading import at_stake, days, inpe, same_body
from schemas.enums import CARE_GROUPS
from schemas.observation import LogLine, date_of, day_number

CODE: Final = "U03"
DIALYSIS: Final = CARE_GROUPS.index("DIALYSIS")
WEEK: Final = 7
ONE: Final = 100  # hundredths of a session
HOLIDAYS: Final = frozenset({"FIXED", "MOVEABLE"})


class DialysisFrequency:
    """U03."""

    declaration = Declaration(
        code=CODE,
        label_fr="Fréquence des séances de dialyse",
        label_en="Dialysis frequency",
        label_ar="وتيرة حصص تصفية الدم",
        nature="MED",
        hard=True,
        weight=0.5,
        axis="care",
        case_of="provider",
        reads=(
            "lines.sessions",
            "lines.service_date",
            "lines.quantity",
            "lines.executor",
            "coverage",
            "calendar",
            "providers.capacity",
        ),
        windows=("log 7 d", "day sheet"),
        needs="dialysis",
        thresholds={
            "week": Threshold(3, "sessions in 7 days", "the tariff's rhythm"),
            "hard": Threshold(5, "sessions in 7 days", "no indication gives as many"),
            "acute": Threshold(30, "days", "from the first session known: four a week may be needed"),
            "shifts": Threshold(3, "patients a machine and day", "three shifts of four hours"),
        },
        caveats_fr=(
            "Phase aiguë : quatre séances par semaine au début du traitement",
            "Patient en déplacement d'un centre à l'autre",
            "Séance décalée par un jour férié",
        ),
        caveats_en=(
            "Acute phase: four sessions a week when treatment begins",
            "Patient travelling between centres",
            "A session moved by a holiday",
        ),
    )

    def check(self, context: Context) -> Iterator[Finding | CannotCheck]:
        """Doubles of one day before weeks; then the centre's day."""
        seen = context.seen
        own = [line for line in seen.own if line.group == DIALYSIS]
        if not own:
            return
        loose = self._loose(context)
        if loose:
            yield CannotCheck(CODE, "lines.sessions")
        own = [line for line in own if line.line not in loose]
        if own:
            earlier = [
                line
                for line in seen.log
                if line.group == DIALYSIS
                and line.claim != own[0].claim
                and line.coverage == own[0].coverage
                and line.quantity <= 2 * ONE  # a month on one date says nothing of its days
            ]
            days_of = [line.day for line in own]
            first, last = min(days_of) - WEEK, max(days_of) + WEEK
            near = [
                line
                for line in earlier
                if first < line.day < last and not any(same_body(line, each) for each in own)
            ]
            double = self._double(context, own, near)
            yield from [double] if double is not None else self._week(context, own, near, earlier)
        yield from self._machines(context)

    @staticmethod
    def _loose(context: Context) -> set[int]:
        """Lines with several sessions whose days are not listed."""
        return {
            line.line
            for line in context.claim.lines
            if line.care_group == "DIALYSIS"
            and not line.sessions
            and line.quantity > 1
            and (line.service_end or line.service_date) > line.service_date
        }

    def _double(self, context: Context, own: list[LogLine], near: list[LogLine]) -> Finding | None:
        of_day: dict[int, list[LogLine]] = {}
        for line in (*own, *near):
            of_day.setdefault(line.day, []).append(line)
        for day in sorted({line.day for line in own}):
            found = of_day[day]
            total = sum(line.quantity for line in found)
            if total <= ONE:
                continue
            centres = {line.executor for line in found} - {0}
            variant = "centres" if len(centres) > 1 else "same_day"
            return self._finding(context, variant, found, day, total / ONE, 1.0, hard=True)
        return None

    def _week(
        self, context: Context, own: list[LogLine], near: list[LogLine], earlier: list[LogLine]
    ) -> Iterator[Finding | CannotCheck]:
        everything = sorted((*near, *own), key=lambda line: line.day)
        if sum(line.quantity for line in everything) <= context.value(CODE, "week") * ONE:
            return
        worst: tuple[float, int, list[LogLine]] | None = None
        own_days = {line.day for line in own}
        for end in sorted({line.day for line in everything}):
            inside = [line for line in everything if end - WEEK < line.day <= end]
            if own_days.isdisjoint(line.day for line in inside):
                continue
            total = sum(line.quantity for line in inside) / ONE
            if worst is None or total > worst[0]:
                worst = (total, end, inside)
        if worst is None or worst[0] <= context.value(CODE, "week"):
            return
        total, end, inside = worst
        hard = total >= context.value(CODE, "hard")
        if not hard:
            first = min(line.day for line in (*own, *earlier))
            if end - first < context.value(CODE, "acute"):
                return
            moved = self._moved(context, end)
            if moved is None:
                yield CannotCheck(CODE, "calendar")
                return
            if moved and total <= context.value(CODE, "week") + 1:
                return
        limit = context.value(CODE, "hard" if hard else "week")
        yield self._finding(context, "week", inside, end - WEEK + 1, total, limit, hard=hard)

    @staticmethod
    def _moved(context: Context, end: int) -> bool | None:
        """Whether a holiday lies in or beside the seven days; None where no calendar covers them."""
        tables = context.referentials
        around = [date_of(end - WEEK + offset) for offset in range(WEEK + 2)]
        if not tables.known("calendar", around[-1]):
            return None
        return any(row.kind in HOLIDAYS for day in around for row in tables.calendar(day))

    @staticmethod
    def _machines(context: Context) -> Iterator[Finding]:
        for (number, day), sheet in sorted(context.seen.days.items()):
            entry = context.referentials.provider(number)
            machines = None if entry is None or entry.capacity is None else entry.capacity.machines
            if machines is None:
                continue
            limit = machines * context.value(CODE, "shifts")
            lines = tuple(
                line.line
                for line in context.claim.lines
                if line.care_group == "DIALYSIS" and line.executor == number and _on(days(line), day)
            )
            if lines and sheet.beneficiaries > limit:
                yield Finding(
                    CODE,
                    "S",
                    weight=context.value(CODE, "weight"),
                    lines=lines,
                    amount=at_stake(context.claim, lines),
                    value=float(sheet.beneficiaries),
                    threshold=limit,
                    window="1 d",
                    n=sheet.beneficiaries,
                    variant="machines",
                    facts={
                        "inpe": number,
                        "day": date_of(day).isoformat(),
                        "n": sheet.beneficiaries,
                        "machines": machines,
                    },
                    scheme=f"U03:{number}:{day}",
                )

    @staticmethod
    def _finding(
        context: Context,
        variant: str,
        found: list[LogLine],
        day: int,
        value: float,
        limit: float,
        *,
        hard: bool,
    ) -> Finding:
        claim = context.seen.own[0].claim
        numbers = tuple(sorted({line.line for line in found if line.claim == claim}))
        events = dict.fromkeys(line.event for line in found if line.claim != claim)
        return Finding(
            CODE,
            "H" if hard else "S",
            weight=HARD_WEIGHT if hard else context.value(CODE, "weight"),
            nature="MED",
            lines=numbers,
            amount=at_stake(context.claim, numbers),
            value=value,
            threshold=limit,
            window="7 d" if variant == "week" else "1 d",
            n=len(found),
            variant=variant,
            facts={
                "sessions": value,
                "day": date_of(day).isoformat(),
                "inpe": inpe(context, found[-1].executor),
            },
            evidence=tuple((context.claim.beneficiary, event) for event in events),
        )


def _on(dates: tuple[dt.date, ...], day: int) -> bool:
    return any(day_number(each) == day for each in dates)

"""B03: far more files, or far more money, in thirty days than this beneficiary ever had."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from math import log
from typing import Final

from detectors.base import NEAR, CannotCheck, Context, Declaration, Finding, Threshold
from detectors.lifetime import STAY
from detectors.reading import age, at_stake
from detectors.tails import poisson_tail, robust_z
from schemas.enums import CARE_GROUPS
from schemas.observation import LogLine, date_of
from schemas.registries import Beneficiary

CODE: Final = "B03"
WINDOW: Final = NEAR
HALF_LIFE: Final = 90.0
GRAVE: Final = frozenset(
    CARE_GROUPS.index(group) for group in CARE_GROUPS if group in ("HOSPITALISATION", "DIALYSIS", "ONCOLOGY")
)
"""Care that explains all the rest."""
CHILD, SENIOR = 15, 60
LEAST_MAD: Final = 0.2
"""Of the logarithms of 30-day amounts: a spread of 20 % at least."""


class SuddenRise:
    """B03."""

    declaration = Declaration(
        code=CODE,
        label_fr="Hausse brutale des dossiers ou des montants",
        label_en="Sudden rise of files or amounts",
        label_ar="ارتفاع مفاجئ في الملفات أو المبالغ",
        nature="PRE",
        hard=False,
        weight=0.5,
        axis="care",
        case_of="beneficiary",
        habit=True,
        reads=(
            "lines.service_date",
            "lines.amount",
            "lines.prior_approval",
            "beneficiary.birth_date",
            "beneficiary.ald",
        ),
        windows=("log 30 d / 24 mo", "facts"),
        needs="log",
        thresholds={
            "files": Threshold(8, "files in 30 days", "fewer make a ratio of chance"),
            "p": Threshold(1e-5, "probability", "of so many at the usual rate"),
            "z": Threshold(4, "robust z", "of the logarithm of 30 days' amount"),
            "amount": Threshold(1_000_000, "centimes in 30 days", "10,000 MAD"),
            "history": Threshold(4, "periods of 30 days with care", "before, for an amount to compare with"),
            "child": Threshold(0.8, "files in 30 days", "a child's usual rate"),
            "adult": Threshold(0.6, "files in 30 days", "an adult's usual rate"),
            "senior": Threshold(1.2, "files in 30 days", "the usual rate from 60 on"),
            "ald": Threshold(2, "factor", "a long-term illness brings twice as many"),
            "gate": Threshold(90, "days", "after a new illness on record, surgery, childbirth"),
        },
        caveats_fr=("Nouvelle ALD", "Intervention chirurgicale", "Accouchement"),
        caveats_en=("New long-term illness", "Surgery", "Childbirth"),
    )

    def check(self, context: Context) -> Iterable[Finding | CannotCheck]:
        """Cheap counts of the last 30 days first; the history only for those who reach one of the thresholds."""
        seen, near = context.seen, context.near()
        if len(near) + len(seen.own) < context.value(CODE, "files"):  # there are no more files than lines
            amount = 0
            for held in (near, seen.own):
                for line in held:
                    amount += line.amount
            if amount <= context.value(CODE, "amount"):
                return ()
        return self._judge(context) if seen.own else ()

    def _judge(self, context: Context) -> Iterator[Finding | CannotCheck]:
        seen = context.seen
        day, coverage = max([own.day for own in seen.own]), seen.own[0].coverage
        recent = [
            line
            for line in reversed(context.near())
            if day - WINDOW < line.day <= day and line.coverage == coverage
        ]
        files = len(files_of([*recent, *seen.own]))
        amount = sum(line.amount for line in (*recent, *seen.own))
        many = files >= context.value(CODE, "files")
        dear = amount > context.value(CODE, "amount")
        if not (many or dear) or self._explained(context, recent, day):
            return
        before = [line for line in seen.log if line.day <= day - WINDOW and line.coverage == coverage]
        if many:
            yield from self._files(context, files, before, recent, day)
        if dear:
            yield from self._amount(context, amount, before, recent, day)

    @staticmethod
    def _explained(context: Context, recent: list[LogLine], day: int) -> bool:
        """A grave illness, an operation, a birth, an agreement: reasons for many files."""
        seen, gate = context.seen, context.value(CODE, "gate")
        if any(line.group in GRAVE for line in (*recent, *seen.own)):
            return True
        if any(line.prior_approval is not None for line in context.claim.lines):
            return True
        if any(fact.kind == STAY and fact.day <= day and day - fact.until <= gate for fact in seen.facts):
            return True
        person, today = seen.beneficiary, date_of(day)
        since = today - dt.timedelta(days=gate)
        return person is not None and any(
            period.from_ is not None and since <= period.from_ <= today for period in person.ald or ()
        )

    def _files(
        self, context: Context, files: int, before: list[LogLine], recent: list[LogLine], day: int
    ) -> Iterator[Finding | CannotCheck]:
        person = context.seen.beneficiary
        if person is None or person.birth_date is None:
            yield CannotCheck(CODE, "beneficiary" if person is None else "beneficiary.birth_date")
            return
        usual = max(own_rate(before, day - WINDOW), self._peers(context, person, person.birth_date, day))
        p = poisson_tail(files, usual)
        if p < context.value(CODE, "p"):
            yield self._finding(
                context,
                "files",
                recent,
                day,
                value=float(files),
                threshold=context.value(CODE, "files"),
                facts={"n": files, "usual": round(usual, 1)},
            )

    @staticmethod
    def _peers(context: Context, person: Beneficiary, birth: dt.date, day: int) -> float:
        today = date_of(day)
        years = age(birth, today)
        band = "child" if years < CHILD else "senior" if years >= SENIOR else "adult"
        ill = any(period.covers(today) for period in person.ald or ())
        return context.value(CODE, band) * (context.value(CODE, "ald") if ill else 1.0)

    def _amount(
        self, context: Context, amount: int, before: list[LogLine], recent: list[LogLine], day: int
    ) -> Iterator[Finding | CannotCheck]:
        periods: dict[int, int] = {}
        for line in before:
            place = (day - line.day) // WINDOW
            periods[place] = periods.get(place, 0) + line.amount
        logs = [log(total / 100) for total in periods.values() if total > 0]
        if len(logs) < context.value(CODE, "history"):
            yield CannotCheck(CODE, "history")
            return
        z = robust_z(log(amount / 100), logs, LEAST_MAD)
        if z is not None and z > context.value(CODE, "z"):
            middle = sorted(periods.values())[len(periods) // 2]
            yield self._finding(
                context,
                "amounts",
                recent,
                day,
                value=round(z, 2),
                threshold=context.value(CODE, "z"),
                facts={"total": amount, "usual": middle},
            )

    @staticmethod
    def _finding(
        context: Context,
        variant: str,
        recent: list[LogLine],
        day: int,
        *,
        value: float,
        threshold: float,
        facts: dict[str, float],
    ) -> Finding:
        lines = tuple(line.line for line in context.claim.lines)
        return Finding(
            CODE,
            "S",
            weight=context.value(CODE, "weight"),
            lines=lines,
            amount=at_stake(context.claim, lines),
            value=value,
            threshold=threshold,
            window="30 d",
            n=1 + len({line.claim for line in recent}),
            variant=variant,
            facts={**facts, "day": date_of(day).isoformat()},
            evidence=tuple(dict.fromkeys((context.claim.beneficiary, line.event) for line in recent)),
        )


def files_of(lines: Iterable[LogLine]) -> list[int]:
    """The days of the claims, or of the visits (day, executor) where there are fewer: the papers of one visit are
    one file, however many claims they come in."""
    lines = list(lines)
    claims = {line.claim: line.day for line in lines}
    visits = {(line.day, line.executor) for line in lines}
    return list(claims.values()) if len(claims) <= len(visits) else [day for day, _ in visits]


def own_rate(before: list[LogLine], until: int) -> float:
    """Files in 30 days, exponentially weighted with a half-life of 90 days, over what is known up to a day.

    The weights of the days on record add up to what the sum is divided by, so that a short history counts as what
    it is; one of less than 30 days counts as 30.
    """
    if not before:
        return 0.0
    decay: float = 0.5 ** (1.0 / HALF_LIFE)
    length = max(until - min(line.day for line in before) + 1, WINDOW)
    weight = (1.0 - decay**length) / (1.0 - decay)
    return float(WINDOW * sum(decay ** (until - day) for day in files_of(before)) / weight)

"""T04: amounts that stay just under one of the payer's control thresholds, or are split to stay under it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from detectors.base import CannotCheck, Context, Declaration, Finding, Threshold
from detectors.reading import DRUGS, at_stake, inpe
from detectors.referentials import Referentials
from detectors.tails import binomial_tail
from detectors.tariffs import at_tariff
from schemas.claim import Claim, Line
from schemas.observation import LogLine, date_of, day_number

CODE: Final = "T04"
BELOW, ABOVE = 0.9, 1.1
"""What counts as just under a threshold T, and as just over: [.9T, T) and [T, 1.1T)."""


class Close(NamedTuple):
    """What one executor bills in a claim, beside the threshold that it nearly reaches or just passes."""

    threshold: int  # centimes
    under: bool
    day: int  # newest day of care


def watched(claim: Claim, referentials: Referentials) -> tuple[int, ...] | None:
    """The control thresholds (centimes) that apply to the claim, ascending; None where no table is known."""
    asked = ("T04", claim.deposit_date, claim.flow, claim.organism)
    memo: dict[Any, tuple[int, ...] | None] = referentials.memo
    try:
        return memo[asked]
    except KeyError:
        rows = referentials.all_rows("thresholds", claim.deposit_date)
        values = {
            row.value
            for row in rows
            if row.value and row.flow in (None, claim.flow) and row.organism in (None, claim.organism)
        }
        known = referentials.known("thresholds", claim.deposit_date)
        memo[asked] = tuple(sorted(values)) if known else None
        return memo[asked]


def near(claim: Claim, referentials: Referentials) -> dict[str, Close]:
    """Executor -> the threshold that its lines come close to. Lines at their exact tariff have a natural price.

    An executor all of whose lines are at their tariff is left out: nobody chose that amount.
    """
    limits = watched(claim, referentials)
    if not limits or claim.coverage == "COMPLEMENTARY":
        return {}
    totals: dict[str, int] = {}
    for line in claim.lines:
        if line.executor is not None:
            totals[line.executor] = totals.get(line.executor, 0) + line.amount
    found = {}
    for executor, total in totals.items():
        limit = next((limit for limit in limits if BELOW * limit <= total < ABOVE * limit), None)
        if limit is None:
            continue
        lines = [line for line in claim.lines if line.executor == executor]
        if not all(fixed(claim, line, referentials) for line in lines):
            day = day_number(max(line.service_date for line in lines))
            found[executor] = Close(limit, total < limit, day)
    return found


def fixed(claim: Claim, line: Line, referentials: Referentials) -> bool:
    """Whether the amount is the tariff's or the drug list's, to the centime."""
    if line.nomenclature != DRUGS:
        return at_tariff(claim, line, referentials)
    row = referentials.drug(line.code, line.service_date)
    prices = () if row is None else (row.ppv, row.ph, row.base_price)
    return any(price is not None and abs(line.amount - price * line.quantity) < 1 for price in prices)


class ThresholdAvoidance:
    """T04."""

    declaration = Declaration(
        code=CODE,
        label_fr="Fractionnement ou montants juste sous le seuil de contrôle",
        label_en="Threshold avoidance (just-under, split)",
        label_ar="التجزئة أو مبالغ دون عتبة المراقبة بقليل",
        nature="PRE",
        hard=False,
        weight=0.5,
        axis="care",
        case_of="provider",
        reads=(
            "lines.amount",
            "lines.executor",
            "lines.service_date",
            "coverage",
            "thresholds",
            "letter_values",
            "drugs",
        ),
        windows=("near threshold 90 d", "log 72 h"),
        thresholds={
            "claims": Threshold(20, "claims", "fewer make a ratio of chance"),
            "ratio": Threshold(3, "claims under per claim over", "honest amounts lie as often over as under"),
            "p": Threshold(1e-4, "probability", "of so many under if each side were as likely"),
            "split": Threshold(0.6, "weight", "two files where one would have been controlled"),
            "hours": Threshold(72, "hours", "as days of care: three dates in a row"),
        },
        caveats_fr=("Prix naturel égal au seuil : forfait ou tarif exact",),
        caveats_en=("Natural price at the threshold: a package or an exact tariff",),
    )

    def check(self, context: Context) -> Iterable[Finding | CannotCheck]:
        """The executors' habit, then files of this beneficiary that together reach a threshold."""
        limits = watched(context.claim, context.referentials)
        if limits is None:
            return (CannotCheck(CODE, "thresholds"),)
        if not limits or context.claim.coverage == "COMPLEMENTARY":
            return ()
        habit = self._habit(context) if context.seen.near else ()
        split = self._split(context, limits) if context.near() else ()
        return (*habit, *split)

    @staticmethod
    def _habit(context: Context) -> Iterator[Finding]:
        close = near(context.claim, context.referentials)
        for number, (under, over) in sorted(context.seen.near.items()):
            of = close.get(number)
            if of is None or not of.under or under + over < context.value(CODE, "claims"):
                continue
            ratio = under / max(over, 1)
            p = binomial_tail(under, under + over, 0.5)
            if ratio < context.value(CODE, "ratio") or p >= context.value(CODE, "p"):
                continue
            lines = tuple(line.line for line in context.claim.lines if line.executor == number)
            yield Finding(
                CODE,
                "S",
                weight=context.value(CODE, "weight"),
                lines=lines,
                amount=at_stake(context.claim, lines),
                value=round(ratio, 2),
                threshold=context.value(CODE, "ratio"),
                window="90 d",
                n=under + over,
                variant="under",
                facts={"inpe": number, "under": under, "over": over, "limit": of.threshold},
                scheme=f"T04:{number}:{of.threshold}",
            )

    @staticmethod
    def _split(context: Context, limits: tuple[int, ...]) -> Iterator[Finding]:
        seen, reach = context.seen, int(context.value(CODE, "hours")) // 24
        days = [own.day for own in seen.own]
        first, last, coverage = min(days) - reach, max(days) + reach, seen.own[0].coverage
        others = [line for line in context.near() if first < line.day < last and line.coverage == coverage]
        if not others:
            return
        mine: dict[int, list[LogLine]] = {}
        for own in seen.own:
            if own.executor:
                mine.setdefault(own.executor, []).append(own)
        others = [line for line in others if line.executor in mine]
        if not others:
            return
        free = {
            line.line for line in context.claim.lines if not fixed(context.claim, line, context.referentials)
        }
        for executor, own_lines in sorted(mine.items()):
            billed = [line for line in own_lines if line.line in free]
            near_by = [line for line in others if line.executor == executor and _free(context, line)]
            if not billed or not near_by:
                continue
            best = _worst(billed, near_by, reach)
            total, largest = sum(best.values()), max(best.values())
            limit = next((limit for limit in limits if largest < limit <= total), None)
            if limit is None or len(best) < 2:
                continue
            lines = tuple(sorted({line.line for line in billed}))
            events = dict.fromkeys(line.event for line in near_by if line.claim in best)
            yield Finding(
                CODE,
                "S",
                weight=context.value(CODE, "split"),
                lines=lines,
                amount=at_stake(context.claim, lines),
                value=float(total),
                threshold=float(limit),
                window="72 h",
                n=len(best),
                variant="split",
                facts={
                    "inpe": inpe(context, executor),
                    "claims": len(best),
                    "total": total,
                    "limit": limit,
                    "day": date_of(min(line.day for line in billed)).isoformat(),
                },
                evidence=tuple((context.claim.beneficiary, event) for event in events),
            )


def _worst(own: list[LogLine], others: list[LogLine], reach: int) -> Mapping[bytes, int]:
    """Claim -> its amount, in the `reach` days that hold an own line and the most money."""
    best: dict[bytes, int] = {}
    for end in sorted({line.day for line in (*own, *others)}):
        inside = [line for line in (*own, *others) if end - reach < line.day <= end]
        if any(line.claim == own[0].claim for line in inside):
            sums: dict[bytes, int] = {}
            for line in inside:
                sums[line.claim] = sums.get(line.claim, 0) + line.amount
            if sum(sums.values()) > sum(best.values()):
                best = sums
    return best


def _free(context: Context, line: LogLine) -> bool:
    """Whether an earlier line's amount is none that the tables give."""
    nomenclature, _, code = context.name.get(line.act, "").partition("|")
    day, units, tables = date_of(line.day), line.quantity / 100, context.referentials
    if nomenclature == DRUGS:
        drug = tables.drug(code, day)
        prices: tuple[float | None, ...] = () if drug is None else (drug.ppv, drug.ph, drug.base_price)
    else:
        row = tables.act(nomenclature, code, day)
        number = inpe(context, line.executor)
        entry = None if number is None else tables.provider(number)
        kind, sector = (None, None) if entry is None else (entry.kind, entry.sector)
        if row is None or row.letter is None or row.coefficient is None:
            return True
        value = tables.letter_value(row.letter, day, kind, sector, context.claim.organism)
        prices = (None if value is None else value * row.coefficient,)
    return not any(price is not None and abs(line.amount - price * units) < 1 for price in prices)

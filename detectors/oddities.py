"""P06: more lines on Sundays and holidays than peers bill on them, and last digits that nobody drew by chance."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from detectors.base import CannotCheck, Context, Declaration, Finding, Threshold, sorted_out
from detectors.findings import soft
from detectors.grading import DIGITS, FREE_FEES, tally
from detectors.models.norms import unevenness
from detectors.reading import DRUGS, sector
from detectors.tails import binomial_z, digits_tail

if TYPE_CHECKING:
    from detectors.models.records import Norm, NormsRecord
    from schemas.claim import Line
    from schemas.observation import Shares

CODE: Final = "P06"
ON_DUTY: Final = frozenset(
    {"CLINIQUE", "CHU", "HOPITAL_PUBLIC", "HOPITAL_MILITAIRE", "PHARMACIE", "SAGE_FEMME", "TRANSPORT"}
)
"""Kinds that are open at night and on holidays, or take turns."""


class CalendarAndDigits:
    """P06."""

    declaration = Declaration(
        code=CODE,
        label_fr="Facturation les jours fériés ; montants ronds",
        label_en="Calendar and digit anomalies",
        label_ar="فوترة أيام العطل ومبالغ مستديرة",
        nature="PRE",
        hard=False,
        weight=0.2,
        axis="care",
        case_of="provider",
        habit=True,
        reads=(
            "lines.executor",
            "lines.service_date",
            "lines.amount",
            "lines.modifiers",
            "calendar",
            "letter_values",
            "acts",
            "providers.kind",
        ),
        windows=("days off 90 d", "last digits 180 d", "peers' habits"),
        thresholds={
            "z": Threshold(4, "standard deviations", "of a binomial at the peers' mean share"),
            "lines": Threshold(30, "lines in 90 days", "fewer make a share of chance"),
            "least": Threshold(0.005, "share of lines", "a date is mistyped as often, whatever the peers do"),
            "unevenness": Threshold(0.015, "mean absolute deviation", "Nigrini: last digits do not conform"),
            "p": Threshold(1e-4, "probability", "chi-squared of digits as uneven by chance"),
            "amounts": Threshold(
                300, "amounts in 180 days", "that no tariff gives: fewer are uneven by chance"
            ),
            "peers": Threshold(20, "providers", "fewer are no group"),
        },
        caveats_fr=(
            "Garde ou urgence : établissements, pharmacies et lignes de garde ne sont pas comptés",
            "Honoraires ronds par usage (150, 200, 250 MAD) : consultations non comptées, comparaison aux pairs",
        ),
        caveats_en=(
            "Duty or emergency: establishments, pharmacies and lines of duty work are not counted",
            "Fees round by custom (150, 200, 250 MAD): visits are not counted, peers are compared with",
        ),
    )

    def check(self, context: Context) -> Iterable[Finding | CannotCheck]:
        """At most one finding of each sort for each executor."""
        seen, least = context.seen, context.thresholds.lowest(CODE, "lines")
        for shares in seen.shares.values():
            if shares.off_days and shares.lines >= least:
                return sorted_out(CODE, self._answers(context))
        return sorted_out(CODE, self._answers(context)) if seen.digits else _without_tariffs(context)

    def _answers(self, context: Context) -> Iterator[Finding | str | None]:
        seen = context.seen
        for number, shares in sorted(seen.shares.items()):
            area = sector(context, number)
            if shares.off_days and shares.lines >= context.value(CODE, "lines", area):
                yield self._calendar(context, number, shares, area)
        for number, digits in sorted(seen.digits.items()):
            area = sector(context, number)
            if sum(digits) >= context.value(CODE, "amounts", area):
                yield self._digits(context, number, digits, area)
        for missing in _without_tariffs(context):
            yield missing.missing

    @staticmethod
    def _calendar(context: Context, number: str, shares: Shares, area: str | None) -> Finding | str | None:
        entry = context.referentials.provider(number)
        if entry is None or entry.kind in ON_DUTY:
            return None
        lines = _lines(context, number)
        if not all(context.referentials.known("calendar", line.service_date) for line in lines):
            return "calendar"
        off = tally(context.claim, lines, context.referentials).off
        if not off:
            return None
        norm = _norm(context, number, area, lambda norms: norms.off_days)
        if norm is None:
            return "peers"
        share = shares.off_days / shares.lines
        usual = max(norm[1], context.value(CODE, "least", area))
        z, limit = (
            binomial_z(shares.off_days, shares.lines, min(usual, 0.999)),
            context.value(CODE, "z", area),
        )
        if z <= limit or share <= norm[2]:
            return None
        facts = {
            "percent": round(100 * share),
            "lines": shares.lines,
            "usual": round(100 * norm[1], 1),
            "peers": norm[0],
        }
        return _finding(
            context,
            number,
            off,
            area,
            "calendar",
            "90 d",
            value=z,
            threshold=limit,
            n=shares.lines,
            facts=facts,
        )

    @staticmethod
    def _digits(
        context: Context, number: str, digits: tuple[int, ...], area: str | None
    ) -> Finding | str | None:
        uneven, n = unevenness(digits), sum(digits)
        limit = context.value(CODE, "unevenness", area)
        even = n / DIGITS
        chance = digits_tail(sum((count - even) ** 2 for count in digits) / even)
        if uneven <= limit or chance >= context.value(CODE, "p", area):
            return None
        norm = _norm(context, number, area, lambda norms: norms.digits)
        if norm is None:
            return "peers"
        if uneven <= norm[2]:
            return None
        free = tally(context.claim, _lines(context, number), context.referentials).free
        most = max(range(DIGITS), key=digits.__getitem__)
        facts = {"n": n, "digit": most, "percent": round(100 * digits[most] / n), "peers": norm[0]}
        return _finding(
            context, number, free, area, "digits", "180 d", value=uneven, threshold=limit, n=n, facts=facts
        )


def _without_tariffs(context: Context) -> tuple[CannotCheck, ...]:
    """Whether nobody could say which amounts are at a tariff."""
    for line in context.claim.lines:
        if line.nomenclature != DRUGS and line.care_group != FREE_FEES and line.executor is not None:
            day = line.service_date
            known: dict[dt.date, bool] = context.referentials.memo.setdefault("days with tariffs", {})
            if day not in known:
                known[day] = context.referentials.known("letter_values", day)
            return () if known[day] else (CannotCheck(CODE, "letter_values"),)
    return ()


def _lines(context: Context, number: str) -> list[Line]:
    return [line for line in context.claim.lines if line.executor == number]


def _norm(context: Context, number: str, area: str | None, of: Callable[[NormsRecord], Norm]) -> Norm | None:
    evidence = context.evidence
    return None if evidence is None else evidence.norm(number, context.value(CODE, "peers", area), of)


def _finding(
    context: Context,
    number: str,
    lines: tuple[int, ...],
    area: str | None,
    variant: str,
    window: str,
    *,
    value: float,
    threshold: float,
    n: int,
    facts: dict[str, Any],
) -> Finding:
    return soft(
        context,
        CODE,
        lines,
        area,
        value=round(value, 4),
        threshold=threshold,
        window=window,
        n=n,
        variant=variant,
        facts={"inpe": number, **facts},
        scheme=f"{CODE}:{number}",
    )

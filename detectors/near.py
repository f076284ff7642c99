"""D02: almost the same line in another claim, a few days or a few dirhams apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from detectors.base import NEAR, CannotCheck, Context, Declaration, Finding, Threshold
from detectors.reading import DRUGS, at_stake, inpe, same_body
from detectors.tariffs import tariff
from schemas.claim import Line
from schemas.observation import LogLine, date_of

CODE: Final = "D02"
WINDOW: Final = NEAR
ROUND: Final = 500  # centimes: fees are multiples of five dirhams
LEAST: Final = 0.05  # strength at both limits: the row fires there


class Match(NamedTuple):
    """An earlier line that resembles one of the claim's."""

    strength: float
    own: LogLine
    other: LogLine


class NearDuplicate:
    """D02."""

    declaration = Declaration(
        code=CODE,
        label_fr="Quasi-doublon",
        label_en="Near duplicate",
        label_ar="شبه تكرار",
        nature="PRE",
        hard=False,
        weight=0.5,
        axis="care",
        reads=(
            "lines.code",
            "lines.service_date",
            "lines.amount",
            "lines.executor",
            "coverage",
            "acts.series",
            "letter_values",
        ),
        windows=("log 30 d",),
        needs="near",
        thresholds={
            "days": Threshold(3, "days", "a date changed so that the copy is not the same"),
            "amount": Threshold(0.02, "share of the amount", "an amount changed by a few dirhams"),
        },
        caveats_fr=("Séances d'une même série", "Renouvellement d'un traitement chronique"),
        caveats_en=("Sessions of one series", "Refills of a chronic treatment"),
    )

    def check(self, context: Context) -> Iterator[Finding | CannotCheck]:
        """The closest match; drugs and acts that come in series are left out."""
        acts = {own.act for own in context.seen.own}
        near = [line for line in context.near() if line.act in acts]
        if not near:
            return
        rows = {line.line: (line, row) for line, row in context.acts()}
        unknown: set[str] = set()
        matches: list[Match] = []
        for own in context.seen.own:
            line, row = rows.get(own.line, (None, None))
            if line is None or line.nomenclature == DRUGS or len(line.sessions or ()) > 1:
                continue
            others = [
                other
                for other in near
                if other.act == own.act
                and other.coverage == own.coverage
                and abs(other.day - own.day) <= WINDOW
                and not same_body(other, own)
            ]
            if not others:
                continue
            if row is None or row.series is None:
                unknown.add("acts" if row is None else "acts.series")
            elif not row.series:
                matches += self._matches(context, line, own, others, unknown)
        for missing in sorted(unknown):
            yield CannotCheck(CODE, missing)
        if matches:
            yield self._finding(context, matches)

    @staticmethod
    def _matches(
        context: Context, line: Line, own: LogLine, others: list[LogLine], unknown: set[str]
    ) -> Iterator[Match]:
        days, share = context.value(CODE, "days"), context.value(CODE, "amount")
        unit = tariff(context.claim, line, context.referentials)
        # whoever bills the tariff, or a round fee, bills the same amount
        free = unit is not None and abs(line.amount - unit * line.quantity) >= 1 and line.amount % ROUND != 0
        for other in others:
            if own.site and other.site and own.site != other.site:
                continue  # another tooth, the other side
            apart = abs(other.day - own.day) / days
            larger = max(own.amount, other.amount)
            differ = abs(own.amount - other.amount) / larger / share if larger else 0.0
            if apart > 1.0:
                if differ > 1.0:
                    continue
                if unit is None:
                    unknown.add("letter_values")
                    continue
                if not free:
                    continue
            strength = 1.0 - (min(apart, 1.0) + (min(differ, 1.0) if free else 1.0)) / 2.0
            yield Match(max(strength, LEAST), own, other)

    @staticmethod
    def _finding(context: Context, matches: list[Match]) -> Finding:
        best = max(matches, key=lambda match: (match.strength, match.other.event))
        numbers = tuple(sorted({match.own.line for match in matches}))
        events = dict.fromkeys(match.other.event for match in matches)
        apart = abs(best.own.day - best.other.day)
        return Finding(
            CODE,
            "S",
            strength=round(best.strength, 4),
            weight=context.value(CODE, "weight"),
            lines=numbers,
            amount=at_stake(context.claim, numbers),
            value=float(apart),
            threshold=context.value(CODE, "days"),
            window="30 d",
            n=len({match.other.claim for match in matches}),
            variant="dated" if apart else "same_day",
            facts={
                "day": date_of(best.own.day).isoformat(),
                "other_day": date_of(best.other.day).isoformat(),
                "line_amount": best.own.amount,
                "other_amount": best.other.amount,
                "inpe": inpe(context, best.other.executor),
            },
            evidence=tuple((context.claim.beneficiary, event) for event in events),
        )

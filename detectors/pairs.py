"""U02: two acts that may not be billed together on one day by one provider."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from detectors.base import HARD_WEIGHT, CannotCheck, Context, Declaration, Finding, Threshold
from detectors.reading import DRUGS, at_stake, inpe
from schemas.claim import Line
from schemas.observation import LogLine, date_of
from schemas.referential import ActPairRow

SEPARATE: Final = frozenset({"DISTINCT_SITE", "DISTINCT_SESSION", "BILATERAL"})
"""Modifiers that state another site, side or session."""


class IncompatiblePair:
    """U02."""

    declaration = Declaration(
        code="U02",
        label_fr="Actes non cumulables facturés ensemble",
        label_en="Incompatible acts same day",
        label_ar="أعمال غير قابلة للجمع مفوترة معا",
        nature="TAR",
        hard=True,
        weight=0.6,
        axis="care",
        reads=(
            "lines.code",
            "lines.executor",
            "lines.service_date",
            "lines.modifiers",
            "coverage",
            "act_pairs",
        ),
        windows=("log 24 mo",),
        thresholds={"without_modifier": Threshold(0.6, "weight", "a modifier is often forgotten")},
        caveats_fr=("Sites ou séances distincts", "La table doit être celle du payeur"),
        caveats_en=("Distinct sites or sessions", "The table must be the payer's own"),
        visibility="LIQUIDATOR",
    )

    def check(self, context: Context) -> Iterable[Finding | CannotCheck]:
        """Pairs inside the claim, and between the claim and earlier ones of the same coverage."""
        if len(context.seen.own) + len(context.same_day()) < 2:
            return ()
        tables = context.referentials
        ruled = {
            line.line: line for line, _ in context.acts() if not tables.unpaired(line.code, line.service_date)
        }
        if not ruled:
            return ()
        if len(ruled) + len(context.same_day()) < 2:
            (only,) = ruled.values()
            if tables.known("act_pairs", only.service_date):
                return ()  # there is no other act that it could be paired with
        return self._pairs(context, ruled)

    def _pairs(self, context: Context, ruled: dict[int, Line]) -> Iterator[Finding | CannotCheck]:
        own_lines, earlier, tables = context.seen.own, context.same_day(), context.referentials
        lines, unknown = {line.line: line for line, _ in context.acts()}, False
        for position, own in enumerate(own_lines):
            line = ruled.get(own.line)
            if line is None or own.executor == 0:
                continue
            done: set[int] = set()
            for other in (*own_lines[position + 1 :], *earlier):
                if (
                    other.act == own.act
                    or other.executor != own.executor
                    or other.day != own.day
                    or other.coverage != own.coverage
                    or other.act in done
                ):
                    continue
                done.add(other.act)
                if not tables.known("act_pairs", line.service_date):
                    unknown = True
                    continue
                finding = self._judge(context, line, own, other, lines)
                if finding is not None:
                    yield finding
        if unknown:
            yield CannotCheck("U02", "act_pairs")

    def _judge(
        self, context: Context, line: Line, own: LogLine, other: LogLine, lines: dict[int, Line]
    ) -> Finding | None:
        nomenclature, _, code = context.name.get(other.act, "").partition("|")
        if nomenclature == DRUGS:
            return None
        pair = context.referentials.pair(line.code, code, line.service_date)
        if pair is None or pair.indicator is None:
            return None
        inside = other.claim == own.claim
        partner = lines.get(other.line) if inside else None
        if pair.indicator == 1 and self._apart(own, other, line, partner):
            return None
        # the second column's act is the one that is not paid beside the first
        second = line if pair.code_2 == line.code else partner
        if second is None:
            return self._finding(context, pair, line, own, other, "before", hard=False)
        hard = pair.indicator == 0
        return self._finding(context, pair, second, own, other, "never" if hard else "modifier", hard=hard)

    @staticmethod
    def _apart(own: LogLine, other: LogLine, line: Line, partner: Line | None) -> bool:
        if own.site and other.site and own.site != other.site:
            return True
        stated = {*(line.modifiers or ()), *((partner.modifiers or ()) if partner else ())}
        return not SEPARATE.isdisjoint(stated)

    @staticmethod
    def _finding(
        context: Context,
        pair: ActPairRow,
        line: Line,
        own: LogLine,
        other: LogLine,
        variant: str,
        *,
        hard: bool,
    ) -> Finding:
        inside = other.claim == own.claim
        return Finding(
            "U02",
            "H" if hard else "S",
            weight=HARD_WEIGHT if hard else context.value("U02", "without_modifier"),
            nature="TAR",
            lines=(line.line,),
            amount=at_stake(context.claim, (line.line,)),
            window="1 d",
            n=2,
            variant=variant,
            facts={
                "act_1": pair.code_1,
                "act_2": pair.code_2,
                "day": date_of(own.day).isoformat(),
                "inpe": inpe(context, own.executor),
                "reason": pair.reason,
            },
            evidence=() if inside else ((context.claim.beneficiary, other.event),),
        )

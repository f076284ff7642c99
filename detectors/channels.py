"""D04: the same care paid to the provider and refunded to the insured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from detectors.base import HARD_WEIGHT, CannotCheck, Context, Declaration, Finding, Threshold
from detectors.reading import at_stake, coverage_index, unlawful_twice
from schemas.enums import CLAIM_KINDS, COVERAGES
from schemas.observation import LogLine, date_of, day_number

CODE: Final = "D04"
INVOICED, REFUNDED = CLAIM_KINDS.index("FACTURE_TP"), CLAIM_KINDS.index("AMBULATOIRE")
COMPLEMENTARY: Final = COVERAGES.index("COMPLEMENTARY")


class DoubleChannel:
    """D04."""

    declaration = Declaration(
        code=CODE,
        label_fr="Même soin en tiers payant et en remboursement",
        label_en="Same care through two channels",
        label_ar="نفس العلاج عبر الطرف الثالث المؤدي والتعويض",
        nature="TAR",
        hard=True,
        weight=HARD_WEIGHT,
        axis="care",
        reads=("kind", "coverage", "lines.code", "lines.service_date", "acts.repeatable_same_day"),
        windows=("log 12 mo",),
        kinds=("AMBULATOIRE", "FACTURE_TP"),
        needs="same_day",
        thresholds={"window": Threshold(365, "days", "from the date of care to the deposit")},
        caveats_fr=("Part du patient prise en charge par la complémentaire : seule la base est comparée",),
        caveats_en=("Patient's share paid by the complementary scheme: only base parts are compared",),
        visibility="LIQUIDATOR",
    )

    def check(self, context: Context) -> Iterator[Finding | CannotCheck]:
        """Own lines whose act and day came by the other channel, where both concern the base scheme."""
        claim, seen = context.claim, context.seen
        if coverage_index(claim) == COMPLEMENTARY:
            return
        other = REFUNDED if claim.kind == "FACTURE_TP" else INVOICED
        since = day_number(claim.deposit_date) - int(context.value(CODE, "window"))
        care = {(own.act, own.day) for own in seen.own if own.day >= since}
        same = [
            line
            for line in context.same_day()
            if (line.act, line.day) in care and line.coverage != COMPLEMENTARY and line.kind in (other, None)
        ]
        if not same:
            return
        if any(line.kind is None for line in same):
            yield CannotCheck(CODE, "kind")
            same = [line for line in same if line.kind is not None]
        found: dict[int, list[LogLine]] = {}
        for own in seen.own:
            twins = [line for line in same if line.act == own.act and line.day == own.day]
            if not twins:
                continue
            missing = self._missing(context, own)
            if missing is None:
                found.setdefault(own.line, []).extend(twins)
            elif missing:
                yield CannotCheck(CODE, missing)
        if found:
            yield self._finding(context, found)

    @staticmethod
    def _missing(context: Context, own: LogLine) -> str | None:
        """None = a double; a field = it cannot be said; empty = the act may be done twice a day."""
        line = next((each for each in context.claim.lines if each.line == own.line), None)
        if line is None:
            return ""
        return unlawful_twice(line, next((row for each, row in context.acts() if each is line), None))

    @staticmethod
    def _finding(context: Context, found: dict[int, list[LogLine]]) -> Finding:
        numbers = tuple(sorted(found))
        twins = [line for number in numbers for line in found[number]]
        return Finding(
            CODE,
            "H",
            weight=HARD_WEIGHT,
            nature="TAR",
            lines=numbers,
            amount=at_stake(context.claim, numbers),
            window="12 mo",
            n=len({line.claim for line in twins}),
            variant="invoiced" if context.claim.kind == "AMBULATOIRE" else "refunded",
            facts={"day": date_of(twins[0].day).isoformat(), "lines": len(numbers)},
            evidence=tuple(dict.fromkeys((context.claim.beneficiary, line.event) for line in twins)),
        )

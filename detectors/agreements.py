"""T03: care that needs a prior agreement and has none, or goes beyond the one it has."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple
from zlib import crc32

from detectors.base import ADMINISTRATIVE_WEIGHT, CannotCheck, Context, Declaration, Finding, Threshold
from detectors.reading import DRUGS, abroad, at_stake, days
from schemas.claim import Claim, Line
from schemas.enums import APPROVAL_DECISIONS
from schemas.observation import Accord, date_of, entity_ref
from schemas.referential import ActRow

CODE: Final = "T03"
GRANTED, PENDING = APPROVAL_DECISIONS.index("GRANTED"), APPROVAL_DECISIONS.index("PENDING")
CARE, SESSIONS = -1, -2
"""`Accord.decision` of care that names the agreement; of care counted in sessions."""
HUNDREDTHS: Final = 100


class Excess(NamedTuple):
    """What is used and what was granted, in hundredths of a unit or in centimes; and the lines beyond."""

    variant: str
    used: int
    granted: int
    lines: list[Line]


class PriorAgreement:
    """T03."""

    declaration = Declaration(
        code=CODE,
        label_fr="Accord préalable absent ou dépassé",
        label_en="Prior agreement missing or exceeded",
        label_ar="الموافقة المسبقة غائبة أو متجاوزة",
        nature="ADM",
        hard=True,
        weight=0.5,
        axis="care",
        reads=(
            "lines.prior_approval",
            "lines.service_date",
            "lines.quantity",
            "lines.amount",
            "lines.modifiers",
            "coverage",
            "acts.prior_approval",
            "prior_approvals",
        ),
        windows=("accords 24 mo",),
        needs="agreement",
        thresholds={"tolerance": Threshold(100, "centimes", "rounding of an amount granted")},
        caveats_fr=("Soin d'urgence", "Accord demandé, pas encore rendu"),
        caveats_en=("Emergency care", "Agreement asked for and still pending"),
        visibility="LIQUIDATOR",
    )

    def check(self, context: Context) -> Iterator[Finding | CannotCheck]:
        """Lines without an agreement that they need, then each agreement that lines name."""
        named: dict[str, list[Line]] = {}
        bare: list[Line] = []
        unknown: set[str] = set()
        claim = context.claim
        for line, row in context.acts():
            if line.prior_approval is None and _needed(claim, line, row, unknown):
                bare.append(line)
        for line in claim.lines:
            if line.prior_approval is not None:
                named.setdefault(line.prior_approval, []).append(line)
            elif line.nomenclature == DRUGS and abroad(claim, line):
                bare.append(line)
        if not (bare or named or unknown):
            return
        if bare:
            yield self._finding(context, "missing", bare, day=bare[0].service_date)
        for pec, lines in sorted(named.items()):
            found = self._judge(context, lines, context.seen.accords.get(pec, ()))
            if found is None:
                unknown.add("prior_approvals")
            else:
                yield from found
        for missing in sorted(unknown):
            yield CannotCheck(CODE, missing)

    def _judge(
        self, context: Context, lines: list[Line], accords: Sequence[Accord]
    ) -> Iterator[Finding] | None:
        """What is wrong with the use of one agreement; None where no decision on it is known."""
        decisions = [one for one in accords if one.decision >= 0]
        return self._against(context, lines, decisions, accords) if decisions else None

    def _against(
        self, context: Context, lines: list[Line], decisions: list[Accord], accords: Sequence[Accord]
    ) -> Iterator[Finding]:
        last = [one for one in decisions if one.event == decisions[-1].event]
        whole = next(one for one in last if one.act == 0)
        if whole.decision != GRANTED:
            variant = "pending" if whole.decision == PENDING else "refused"
            yield self._finding(context, variant, lines, day=lines[0].service_date)
            return
        first, end = date_of(whole.first), date_of(whole.last)
        outside = [line for line in lines if not all(first <= day <= end for day in days(line))]
        if outside:
            day = next(day for day in days(outside[0]) if not first <= day <= end)
            yield self._finding(context, "dates", outside, day=day, first=first, last=end)
        if context.claim.coverage == "COMPLEMENTARY":
            return  # follows the base scheme's claim, which counts
        own = entity_ref(context.claim.claim_id)
        used = [one for one in accords if one.decision < 0 and one.claim != own]
        for excess in self._exceeded(context, lines, last, used):
            if excess is not None:
                yield self._beyond(context, excess, used)

    @staticmethod
    def _exceeded(
        context: Context, lines: list[Line], granted: list[Accord], used: list[Accord]
    ) -> Iterator[Excess | None]:
        tolerance = int(context.value(CODE, "tolerance"))
        for one in granted:
            if one.act:
                mine = [line for line in lines if code_number(line.code) == one.act]
                before = [use for use in used if use.act == one.act]
            else:
                mine, before = lines, used
            if not mine:
                continue
            if one.quantity >= 0:
                counted = mine if one.act else [line for line in mine if line.unit == "SESSION"]
                earlier = sum(use.quantity for use in before if one.act or use.decision == SESSIONS)
                told = [(line, round(line.quantity * HUNDREDTHS)) for line in counted]
                yield _over("quantity" if one.act else "sessions", told, earlier, one.quantity, 0)
            if one.amount >= 0 and not one.act:
                told = [(line, line.amount) for line in mine]
                yield _over("amount", told, sum(use.amount for use in before), one.amount, tolerance)

    def _beyond(self, context: Context, excess: Excess, used: list[Accord]) -> Finding:
        unit = 1 if excess.variant == "amount" else HUNDREDTHS
        finding = self._finding(
            context, excess.variant, excess.lines, used=excess.used / unit, granted=excess.granted / unit
        )
        finding.value, finding.threshold = excess.used / unit, excess.granted / unit
        entity = context.claim.beneficiary
        finding.evidence = tuple(dict.fromkeys((entity, use.event) for use in used))
        return finding

    @staticmethod
    def _finding(context: Context, variant: str, lines: list[Line], **facts: dt.date | float) -> Finding:
        urgent = all("EMERGENCY" in (line.modifiers or ()) for line in lines)
        numbers = tuple(sorted(line.line for line in lines))
        told = {name: fact.isoformat() if isinstance(fact, dt.date) else fact for name, fact in facts.items()}
        return Finding(
            CODE,
            "S" if urgent else "H",
            weight=context.value(CODE, "weight") if urgent else ADMINISTRATIVE_WEIGHT,
            nature="ADM",
            lines=numbers,
            amount=at_stake(context.claim, numbers),
            window="24 mo",
            n=len(numbers),
            variant=variant,
            facts={"code": lines[0].code, **told},
        )


def _needed(claim: Claim, line: Line, row: ActRow | None, unknown: set[str]) -> bool:
    if abroad(claim, line):
        return True
    if row is None or row.prior_approval is None:
        unknown.add("acts" if row is None else "acts.prior_approval")
        return False
    return row.prior_approval


def code_number(code: str) -> int:
    """The checksum by which an agreement names an act; never 0, which stands for all, and below 2**30, where the
    state's numbers of names begin."""
    return crc32(code.encode()) % 2**30 or 1


def _over(
    variant: str, told: list[tuple[Line, int]], earlier: int, granted: int, tolerance: int
) -> Excess | None:
    total = earlier + sum(units for _, units in told)
    if not told or total <= granted + tolerance:
        return None
    running, lines = earlier, []
    for line, units in sorted(told, key=lambda each: (each[0].service_date, each[0].line)):
        running += units
        if running > granted + tolerance:
            lines.append(line)
    return Excess(variant, total, granted, lines)

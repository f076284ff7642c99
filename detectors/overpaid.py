"""T01: was more liquidated than the tariff, the claim or a lawful rate allow?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from detectors.base import CannotCheck, Declaration, Finding, Threshold
from detectors.followers import FollowerContext
from detectors.settlement import PRICING
from schemas.claim import Line
from schemas.liquidation import Liquidation

Results = Iterator[Finding | CannotCheck]
FULL = 100.0  # percent
DRUGS = "MED"


class OverLiquidated:
    """T01."""

    declaration = Declaration(
        code="T01",
        label_fr="Montant liquidé supérieur au tarif, au montant déclaré, ou taux non justifié",
        label_en="Liquidated above tariff, above claimed, or rate without ground",
        label_ar="مبلغ مصفى يفوق التعريفة أو المبلغ المصرح به أو نسبة غير مبررة",
        nature="TAR",
        hard=True,
        weight=0.95,
        axis="care",
        reads=(
            "liquidation.base_amount",
            "liquidation.complementary_amount",
            "liquidation.basis_amount",
            "liquidation.rate",
            "liquidation.rate_ground",
            "acts.letter",
            "acts.coefficient",
            "letter_values",
            "drugs.base_price",
            "rates",
            "beneficiary.ald",
        ),
        windows=(),
        kinds=(),
        follows=("liquidation",),
        thresholds={"rounding": Threshold(1, "centimes a line", "each line is rounded to the centime")},
        caveats_fr=(
            "Changement de tarif : celui de la date des soins s'applique",
            "Arrondi au centime",
            "Forfait ou majoration que le référentiel ne connaît pas",
        ),
        caveats_en=(
            "Change of tariff: that of the date of care applies",
            "Rounding to the centime",
            "Package or surcharge that the referential does not know",
        ),
        visibility="LIQUIDATOR",
    )

    def check(self, context: FollowerContext) -> Results:
        """A hold for the tariff; an internal matter where somebody overrode a control to get there."""
        event = context.event
        if not isinstance(event, Liquidation) or event.action not in PRICING:
            return
        if event.base_amount is None and event.basis_amount is None and event.rate is None:
            return  # it confirms what another step has said
        if any(step.restates(event.line, event.event_time) for step in context.dossier.live().values()):
            return  # a later step has put it right, or will answer for itself
        filed = context.dossier.filed
        if filed is None:
            yield CannotCheck("T01", "claim")
            lines: list[Line] = []
        else:
            lines = [one.wire() for one in filed.lines if event.line in (None, one.line)]
            modified = any(one.modified for one in filed.lines if event.line in (None, one.line))
            yield from self._claimed(context, event, sum(line.amount for line in lines))
            if lines:
                yield from self._tariff(context, event, lines, modified=modified)
        yield from self._rate(context, event, lines)

    def _claimed(self, context: FollowerContext, event: Liquidation, claimed: int) -> Results:
        paid = (event.base_amount or 0) + (event.complementary_amount or 0)
        if paid > claimed + self._slack(context, event):
            yield self._finding(event, "claimed", paid, claimed, {"paid": paid, "claimed": claimed})

    @staticmethod
    def _slack(context: FollowerContext, event: Liquidation) -> float:
        """Centimes that rounding may add: as often as the step has lines."""
        filed = context.dossier.filed
        lines = 1 if filed is None or event.line is not None else len(filed.lines)
        return context.value("T01", "rounding") * max(lines, 1)

    def _tariff(
        self, context: FollowerContext, event: Liquidation, lines: list[Line], *, modified: bool
    ) -> Results:
        """The basis is at most the billed amount or the tariff, whichever is less."""
        basis = event.basis_amount
        if basis is None:
            yield CannotCheck("T01", "liquidation.basis_amount")
            return
        if modified:
            yield CannotCheck("T01", "letter_values")
            return  # a surcharge for the night or a holiday is in no table
        allowed = 0.0
        for line in lines:
            worth = self._worth(context, line)
            if worth is None:
                yield CannotCheck("T01", "drugs" if line.nomenclature == DRUGS else "letter_values")
                return
            allowed += min(worth, float(line.amount))
        if basis > allowed + context.value("T01", "rounding") * len(lines):
            facts = {"basis": basis, "tariff": round(allowed), "day": lines[0].service_date.isoformat()}
            yield self._finding(event, "tariff", basis, round(allowed), facts)

    @staticmethod
    def _worth(context: FollowerContext, line: Line) -> float | None:
        """Centimes of the line by the tables in force at the date of care; None where no row says."""
        tables, day = context.referentials, line.service_date
        if line.nomenclature == DRUGS:
            drug = tables.drug(line.code, day)
            if drug is None:
                return None
            price = drug.ppv if drug.base_price is None else drug.base_price
            return None if price is None else price * line.quantity
        act = tables.act(line.nomenclature, line.code, day)
        if act is None:
            return None
        letter = act.letter or line.letter
        coefficient = line.coefficient if act.coefficient is None else act.coefficient
        entry = tables.provider(line.executor or "")
        if letter is None or coefficient is None or entry is None:
            return None
        value = tables.letter_value(letter, day, entry.kind, entry.sector, context.event.organism)
        return None if value is None else value * coefficient * line.quantity

    def _rate(self, context: FollowerContext, event: Liquidation, lines: list[Line]) -> Results:
        """The base part is at most the basis at the rate in force, or in full with a ground."""
        lawful = self._lawful(context, event, lines)
        if isinstance(lawful, CannotCheck):
            yield lawful
            return
        if event.rate is not None and event.rate >= FULL > lawful:
            stake = event.base_amount or 0
            yield self._finding(event, "ground", stake, stake, {"rate": event.rate, "usual": lawful})
            return
        basis, base = event.basis_amount, event.base_amount
        if basis is None or base is None:
            return
        rate = lawful if event.rate is None else min(lawful, event.rate)
        most = basis * rate / FULL
        if base > most + self._slack(context, event):
            facts = {"base": base, "basis": basis, "rate": rate}
            yield self._finding(event, "rate", base, round(most), facts)

    @staticmethod
    def _lawful(context: FollowerContext, event: Liquidation, lines: list[Line]) -> float | CannotCheck:
        """The highest rate that a line of the step may have, in percent."""
        if event.rate_ground in ("ALC", "HOSPITAL", "EXEMPTION"):
            return FULL
        person = context.seen.person
        ill = None if person is None else person.ald
        tables = context.referentials
        if not lines:
            return CannotCheck("T01", "claim")
        best = 0.0
        for line in lines:
            entry = tables.provider(line.executor or "")
            kind, sector = (None, None) if entry is None else (entry.kind, entry.sector)
            usual = tables.rate(event.organism, line.care_group, line.service_date, sector, kind)
            if line.nomenclature == DRUGS:
                drug = tables.drug(line.code, line.service_date)
                usual = usual if drug is None or drug.rate is None else drug.rate
            if usual is None:
                return CannotCheck("T01", "rates")
            best = max(best, usual)
            for period in ill or ():
                if period.covers(line.service_date):
                    best = max(best, FULL if period.rate is None else period.rate)
        if best < FULL and ill is None:
            if event.rate_ground == "ALD":
                return FULL  # stated, and nothing contradicts it
            if (event.rate or 0) > best:
                return CannotCheck("T01", "beneficiary.ald")
        return best

    @staticmethod
    def _finding(
        event: Liquidation, variant: str, value: int, threshold: int, facts: Mapping[str, object]
    ) -> Finding:
        forced = event.action == "OVERRIDE" or any(
            control.result == "OVERRIDDEN" for control in event.controls or ()
        )
        stake = (event.base_amount or 0) + (event.complementary_amount or 0)
        return Finding(
            "T01",
            "H",
            weight=0.1,
            nature="INT" if forced else "TAR",
            lines=() if event.line is None else (event.line,),
            amount=stake,
            value=float(value),
            threshold=float(threshold),
            variant=variant,
            facts=dict(facts),
        )

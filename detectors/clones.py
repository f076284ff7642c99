"""P04: one provider bills the same acts at the same amounts for one beneficiary after another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from detectors.base import HARD_WEIGHT, CannotCheck, Context, Declaration, Finding, Threshold
from detectors.campaigns import authorised
from detectors.reading import DRUGS, at_stake
from schemas.claim import Line
from schemas.observation import Clones, CloneUse, Frequency, date_of, day_number, entity_ref
from schemas.registries import Provider

WEEK, MONTH = 7, 30


MOST_LIFT: Final = 100.0
"""What a sentence says at most: beyond it the figure only measures how little the peers bill."""
PRIOR_SHARE: Final = 0.05
"""How much of an unseen peer's claim is taken to bear the signature. With a whole claim, a provider with three
claims of peers beside it in the month never reached the lift of 5, whatever it billed (one injected family of ten)."""


class CloneClaims:
    """P04."""

    declaration = Declaration(
        code="P04",
        label_fr="Dossiers clonés : mêmes actes et mêmes montants chez des assurés différents",
        label_en="Clone claims",
        label_ar="ملفات مستنسخة: نفس الأعمال ونفس المبالغ لدى مؤمنين مختلفين",
        nature="PRE",
        hard=True,
        weight=0.8,
        axis="care",
        case_of="provider",
        reads=(
            "lines.code",
            "lines.quantity",
            "lines.amount",
            "lines.executor",
            "campaigns",
            "acts",
            "letter_values",
        ),
        windows=("clones 90 d", "signature peers 30 d"),
        needs="clones",
        thresholds={
            "beneficiaries": Threshold(8, "beneficiaries in 7 days", "two or three may chance to look alike"),
            "lift": Threshold(5, "ratio", "own share of the signature over the peers' share"),
            "group": Threshold(25, "beneficiaries in 30 days", "a family of claims: hold them together"),
            "common": Threshold(0.2, "share of peers", "a package that others bill too, wholly at tariff"),
        },
        caveats_fr=(
            "Campagne de dépistage autorisée",
            "Forfait habituel de la spécialité (cataracte)",
            "Factures de fin de mois en dialyse ou en oncologie",
        ),
        caveats_en=(
            "Authorised screening campaign",
            "Usual package of the speciality (cataract)",
            "Month-end invoices in dialysis or oncology",
        ),
    )

    def check(self, context: Context) -> Iterator[Finding | CannotCheck]:
        """One finding for each executor whose family of like claims this claim joins."""
        for number, clones in sorted(context.seen.clones.items()):
            if not clones.uses:
                continue
            lines = [line for line in context.claim.lines if line.executor == number]
            if not lines:
                continue
            entry = context.referentials.provider(number)
            area = None if entry is None else entry.sector
            fewest = context.value("P04", "beneficiaries", area)
            if 1 + len(clones.uses) < fewest:
                continue
            day = max(day_number(line.service_date) for line in lines)
            in_week = _distinct(clones.uses, entity_ref(context.claim.beneficiary), day, WEEK)
            if len(in_week) < fewest:
                continue
            peers = clones.group_peers
            if peers.total + peers.total_before <= peers.own + peers.own_before:
                yield CannotCheck("P04", "peers")
                continue
            lift = _lift(clones.signature_peers, peers)
            if lift < context.value("P04", "lift", area) or authorised(context, number, lines):
                continue
            if _members(clones) >= context.value("P04", "common", area):
                at_tariff = self._at_tariff(context, entry, lines)
                if at_tariff is None:
                    yield CannotCheck("P04", "letter_values")
                if at_tariff is not False:
                    continue
            yield self._finding(context, number, clones, lines, day, len(in_week), lift, area)

    @staticmethod
    def _finding(
        context: Context,
        number: str,
        clones: Clones,
        lines: list[Line],
        day: int,
        in_week: int,
        lift: float,
        area: str | None,
    ) -> Finding:
        in_month = len(_distinct(clones.uses, entity_ref(context.claim.beneficiary), day, MONTH))
        group = context.value("P04", "group", area)
        family = in_month >= group
        numbers = tuple(sorted(line.line for line in lines))
        amount = at_stake(context.claim, numbers)
        near = [use for use in clones.uses if abs(use.day - day) < MONTH]
        return Finding(
            "P04",
            "H" if family else "S",
            weight=HARD_WEIGHT if family else context.value("P04", "weight", area),
            lines=numbers,
            amount=amount,
            value=float(in_month if family else in_week),
            threshold=group if family else context.value("P04", "beneficiaries", area),
            window=f"{MONTH if family else WEEK} d",
            n=in_month,
            variant="family" if family else "clones",
            facts={
                "inpe": number,
                "n": in_month if family else in_week,
                "days": MONTH if family else WEEK,
                "amount": amount,
                "day": date_of(day).isoformat(),
                "lift": min(round(lift, 1), MOST_LIFT),
                "lines": len(lines),
            },
            evidence=tuple((number, use.event) for use in near),
            scheme=f"P04:{number}:{clones.signature}",
            group_hold=family,
        )

    @staticmethod
    def _at_tariff(context: Context, entry: Provider | None, lines: list[Line]) -> bool | None:
        """Whether every line costs exactly its tariff; None where a tariff is not known."""
        tables, organism = context.referentials, context.claim.organism
        for line in lines:
            unit: float | None
            if line.nomenclature == DRUGS:
                drug = tables.drug(line.code, line.service_date)
                unit = None if drug is None else drug.ppv
            else:
                act = tables.act(line.nomenclature, line.code, line.service_date)
                letter = line.letter or (None if act is None else act.letter)
                coefficient = line.coefficient
                if coefficient is None and act is not None:
                    coefficient = act.coefficient
                if letter is None or coefficient is None:
                    return None
                kind, sector = (None, None) if entry is None else (entry.kind, entry.sector)
                value = tables.letter_value(letter, line.service_date, kind, sector, organism)
                unit = None if value is None else value * coefficient
            if unit is None:
                return None
            if abs(line.amount - unit * line.quantity) > 1:  # one centime of rounding
                return False
        return True


def _distinct(uses: list[CloneUse], own: bytes, day: int, length: int) -> set[bytes]:
    """The most beneficiaries, this one included, in any `length` days of care around the claim's."""
    near = [use for use in uses if abs(use.day - day) < length]
    best = {own}
    for start in {day, *(use.day for use in near if use.day <= day)}:
        inside = {use.beneficiary for use in near if start <= use.day < start + length} | {own}
        if len(inside) > len(best):
            best = inside
    return best


def _lift(signature: Frequency, group: Frequency) -> float:
    """Own share of the signature over the peers' share, to which one claim of an unseen peer is added."""
    own = (signature.own + signature.own_before) / max(1, group.own + group.own_before)
    theirs = signature.total + signature.total_before - signature.own - signature.own_before
    everything = group.total + group.total_before - group.own - group.own_before
    return own / ((theirs + PRIOR_SHARE) / (everything + 1))


def _members(clones: Clones) -> float:
    """The share of the other providers of the group that bill the signature, in the bucket where more of them do."""
    mine, all_ = clones.signature_peers, clones.group_peers
    now = (mine.members - (mine.own > 0)) / max(1, all_.members - (all_.own > 0))
    before = (mine.members_before - (mine.own_before > 0)) / max(
        1, all_.members_before - (all_.own_before > 0)
    )
    return max(now, before)

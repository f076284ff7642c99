"""R01: a prescriber whose patients go to one executor, who executes what it prescribes, or who prescribes one brand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from detectors.base import CannotCheck, Context, Declaration, Finding, Threshold, sorted_out
from detectors.findings import soft
from detectors.neighbours import expected
from detectors.reading import DRUGS, sector
from detectors.steering import brand_of, choice

if TYPE_CHECKING:
    from schemas.claim import Line
    from schemas.observation import Brand, PairWindow

CODE: Final = "R01"


class Referral:
    """R01."""

    declaration = Declaration(
        code=CODE,
        label_fr="Concentration prescripteur–exécutant, auto-prescription, orientation vers une marque",
        label_en="Prescriber-executor concentration, self-referral, brand steering",
        label_ar="تركز بين الواصف والمنفذ أو وصف ذاتي أو توجيه نحو علامة",
        nature="PRE",
        hard=False,
        weight=0.5,
        axis="care",
        case_of="provider",
        habit=True,
        reads=(
            "lines.prescriber",
            "lines.executor",
            "acts.flagged_self_referral",
            "providers.owners",
            "providers.person",
            "providers.lat",
            "providers.lon",
            "communes",
            "drugs.atc",
            "drugs.brand",
        ),
        windows=("prescriber-executor pairs 90 d", "brands 90 d"),
        thresholds={
            "share": Threshold(0.6, "share of claims", "of the prescriber's that one executor bills"),
            "claims": Threshold(
                50, "claims in 90 or 180 days", "of the prescriber: fewer make a share of chance"
            ),
            "lift": Threshold(4, "ratio", "of that share to the one that distance alone would give"),
            "alternatives": Threshold(
                3, "providers", "of the executor's kind: with fewer there is no choice"
            ),
            "reach": Threshold(5, "km", "from the prescriber, of the alternatives; at most 10"),
            "brand": Threshold(0.9, "share of prescriptions", "of one brand in its ATC class of four levels"),
            "brand_peers": Threshold(0.4, "share of prescriptions", "of the brand among all others, at most"),
            "prescriptions": Threshold(
                50, "prescriptions in 90 to 180 days", "in the class: fewer are chance"
            ),
            "peers": Threshold(20, "prescribers", "of the class: fewer are no habit"),
        },
        caveats_fr=(
            "Seule pharmacie du village : au moins trois autres à 5 km",
            "Voisin le plus proche du cabinet",
        ),
        caveats_en=(
            "The only pharmacy in the village: at least three others within 5 km",
            "The nearest neighbour",
        ),
    )

    def check(self, context: Context) -> Iterable[Finding | CannotCheck]:
        """Self-referral by line, concentration by pair, brands by prescriber."""
        return sorted_out(CODE, self._answers(context)) if _concerned(context) else ()

    def _answers(self, context: Context) -> Iterator[Finding | str | None]:
        yield from self._own_acts(context)
        least = context.thresholds.lowest(CODE, "claims")
        for (prescriber, executor), pair in sorted(context.seen.pairs.items()):
            if pair.now.total + pair.before.total >= least:
                yield self._pair(context, prescriber, executor, pair)
        least = context.thresholds.lowest(CODE, "prescriptions")
        for prescriber, brand in sorted(context.seen.brands.items()):
            if brand.whole.own + brand.whole.own_before >= least:
                yield self._brand(context, prescriber, brand)
        brands = context.seen.brands
        for line in context.claim.lines:
            if line.nomenclature == DRUGS and line.prescriber is not None and line.prescriber not in brands:
                yield _unlisted(context, line)

    @staticmethod
    def _own_acts(context: Context) -> Iterator[Finding | str]:
        """Flagged acts that the prescriber executes, or that an establishment of its own does."""
        held: dict[tuple[str, str, str], list[int]] = {}
        for line, row in context.acts():
            prescriber, executor = line.prescriber, line.executor
            if prescriber is None or executor is None:
                continue
            same = prescriber == executor
            if row is None or row.flagged_self_referral is None:
                if same:
                    yield "acts" if row is None else "acts.flagged_self_referral"
                continue
            if not row.flagged_self_referral:
                continue
            owned = same or _owned(context, prescriber, executor)
            if owned is None:
                yield "providers.owners"
            elif owned:
                held.setdefault((prescriber, executor, "self" if same else "owner"), []).append(line.line)
        for (prescriber, executor, variant), numbers in held.items():
            yield _finding(
                context,
                variant,
                tuple(numbers),
                sector(context, executor),
                {"inpe": executor, "other": prescriber, "lines": len(numbers)},
                n=len(numbers),
                scheme=f"{CODE}:{prescriber}:{executor}",
            )

    @staticmethod
    def _pair(context: Context, prescriber: str, executor: str, pair: PairWindow) -> Finding | str | None:
        area = sector(context, executor)
        least = context.value(CODE, "claims", area)
        own, total, error, days = pair.now.own, pair.now.total, pair.now.error, 90
        if total < least:
            own, total, days = own + pair.before.own, total + pair.before.total, 180
            error += pair.before.error
        share = (own - error) / total if total else 0.0
        if total < least or share < context.value(CODE, "share", area):
            return None
        tables = context.referentials
        doctor, house = tables.provider(prescriber), tables.provider(executor)
        if doctor is None or house is None:
            return "providers"
        lines = [
            line for line in context.claim.lines if (line.prescriber, line.executor) == (prescriber, executor)
        ]
        day = max(line.service_date for line in lines)
        chance = expected(house, doctor, day, context.value(CODE, "reach", area), tables)
        if chance is None:
            return "providers.lat"
        alternatives, usual = chance
        limit = context.value(CODE, "lift", area)
        if alternatives < context.value(CODE, "alternatives", area) or share < limit * usual:
            return None
        facts = {
            "inpe": executor,
            "other": prescriber,
            "percent": round(100 * share),
            "n": total,
            "days": days,
            "peers": alternatives,
            "usual": round(100 * usual),
        }
        return _finding(
            context,
            "pair",
            tuple(line.line for line in lines),
            area,
            facts,
            value=round(share / usual, 2),
            threshold=limit,
            window=f"{days} d",
            n=total,
            scheme=f"{CODE}:{prescriber}:{executor}",
        )

    @staticmethod
    def _brand(context: Context, prescriber: str, seen: Brand) -> Finding | str | None:
        area = sector(context, prescriber)
        own, whole = seen.brand.own + seen.brand.own_before, seen.whole.own + seen.whole.own_before
        if whole < context.value(CODE, "prescriptions", area):
            return None
        share = own / whole
        if share < context.value(CODE, "brand", area):
            return None
        others = max(seen.whole.members, seen.whole.members_before) - 1
        if others < context.value(CODE, "peers", area):
            return "peers"
        everything = seen.whole.total + seen.whole.total_before - whole
        theirs = (seen.brand.total + seen.brand.total_before - own) / max(everything, 1)
        limit = context.value(CODE, "brand_peers", area)
        line = next(line for line in context.claim.lines if line.line == seen.line)
        chosen = choice(line, context.referentials)
        if theirs > limit or chosen is None:
            return None
        facts = {
            "inpe": prescriber,
            "drug": chosen.brand,
            "code": chosen.family,
            "percent": round(100 * share),
            "n": whole,
            "usual": round(100 * theirs),
            "peers": others,
        }
        return _finding(
            context,
            "brand",
            (line.line,),
            area,
            facts,
            value=round(share, 4),
            threshold=context.value(CODE, "brand", area),
            window="180 d",
            n=whole,
            scheme=f"{CODE}:{prescriber}:{chosen.family}:{chosen.brand}",
        )


def _concerned(context: Context) -> bool:
    """Whether anything at all may be said: asked of every claim, so that few go further."""
    seen, lowest = context.seen, context.thresholds.lowest
    if seen.pairs:
        least, part = lowest(CODE, "claims"), lowest(CODE, "share")
        for now, before in seen.pairs.values():
            total, own = now.total + before.total, now.own + before.own
            if total >= least and (own >= part * total or now.own >= part * now.total):
                return True
    if seen.brands:
        least = lowest(CODE, "prescriptions")
        for brand in seen.brands.values():
            if brand.whole.own + brand.whole.own_before >= least:
                return True
    for line in context.claim.lines:
        if line.prescriber is not None and (
            line.prescriber == line.executor
            or (line.nomenclature == DRUGS and line.prescriber not in seen.brands)
        ):
            return True
    for line, row in context.acts():
        if row is not None and row.flagged_self_referral and line.prescriber is not None:
            return True
    return False


def _unlisted(context: Context, line: Line) -> str | None:
    """What the list does not tell of a drug: class or brand."""
    row = context.referentials.drug(line.code, line.service_date)
    if row is None or row.atc is None:
        return "drugs" if row is None else "drugs.atc"
    return "drugs.brand" if brand_of(row) is None else None


def _owned(context: Context, prescriber: str, executor: str) -> bool | None:
    """Whether the prescriber, or the person behind it, is among the executor's owners; None: not known."""
    house = context.referentials.provider(executor)
    if house is None or house.owners is None:
        return None
    doctor = context.referentials.provider(prescriber)
    person = None if doctor is None else doctor.person
    return prescriber in house.owners or (person is not None and person in house.owners)


def _finding(
    context: Context,
    variant: str,
    lines: tuple[int, ...],
    area: str | None,
    facts: dict[str, Any],
    **fields: Any,
) -> Finding:
    return soft(
        context,
        CODE,
        lines,
        area,
        variant=variant,
        facts=facts,
        **fields,
    )

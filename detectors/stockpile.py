"""B02: more boxes at home than anybody takes, or always fetched before the last ones are used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from detectors.base import CARE_KINDS, CannotCheck, Context, Declaration, Finding, Threshold
from detectors.reading import DRUGS, act_name, at_stake, coverage_index, same_body
from detectors.shopping import latest
from detectors.stock import Medicine, Stock, posologies, stocks
from schemas.claim import Line
from schemas.enums import CARE_GROUPS
from schemas.observation import LogLine, date_of, day_number, entity_ref, event_ref

CODE: Final = "B02"
PHARMACY: Final = CARE_GROUPS.index("PHARMACY")
HALF_YEAR: Final = 180
MONTH: Final = 30
HARD_WEIGHT: Final = 0.95
TRAVEL: Final = "TRAVEL"
Memo = dict[int, Medicine | None]


class Stockpile:
    """B02."""

    declaration = Declaration(
        code=CODE,
        label_fr="Surstock de médicaments, renouvellement anticipé (boîte par boîte)",
        label_en="Stockpiling, early refill (box by box)",
        label_ar="تخزين الأدوية أو تجديد مبكر (علبة بعلبة)",
        nature="MED",
        hard=True,
        weight=0.5,
        axis="care",
        reads=(
            "lines.code",
            "lines.quantity",
            "lines.service_date",
            "lines.posology_per_day",
            "lines.duration_days",
            "lines.ald",
            "lines.modifiers",
            "coverage",
            "drugs",
        ),
        windows=("log 24 mo",),
        kinds=(*CARE_KINDS, "PEC_DEMANDE", "PEC_ACCORD"),
        needs="drugs",
        thresholds={
            "stock": Threshold(90, "days of supply", "three months are the longest dispensing"),
            "review": Threshold(180, "days of supply", "nobody is given half a year"),
            "early": Threshold(
                3, "refills in 180 days", "with more than a quarter of the last supply unused"
            ),
            "allowance": Threshold(60, "days of supply", "a supply for three months, or for a journey"),
        },
        caveats_fr=(
            "Posologie inconnue : la dose usuelle la remplace",
            "Provision de voyage",
            "Délivrance de trois mois en ALD",
        ),
        caveats_en=(
            "Unknown posology: the usual dose stands in",
            "Supply for a journey",
            "Three months dispensed for a long-term illness",
        ),
    )

    def check(self, context: Context) -> Iterator[Finding | CannotCheck]:
        """One finding for each medicine that the claim dispenses, or asks for."""
        boxes = [line for line in context.claim.lines if line.nomenclature == DRUGS]
        if not boxes:
            return
        if not context.referentials.known("drugs"):
            yield CannotCheck(CODE, "drugs")
            return
        memo: Memo = context.referentials.memo.setdefault(CODE, {})
        own = self._own(context, boxes)
        mine: dict[Medicine, list[LogLine]] = {}
        unknown = False
        for line in own:
            of = _medicine(context, line, memo)
            if of is None:
                unknown = True
            else:
                mine.setdefault(of, []).append(line)
        if unknown:
            yield CannotCheck(CODE, "drugs.dci")
        if not mine:
            return
        earlier: dict[Medicine, list[LogLine]] = {of: [] for of in mine}
        reference, coverage = own[0].claim, own[0].coverage
        for line in context.seen.log:
            if line.group == PHARMACY and line.coverage == coverage and line.claim != reference:
                of = memo[line.act] if line.act in memo else _medicine(context, line, memo)
                if of in earlier and not any(same_body(line, each) for each in mine[of]):
                    earlier[of].append(line)
        told = posologies(context.claim)
        said = {(line.event, line.line): told[line.line] for line in own if line.line in told}
        for of, lines in sorted(mine.items(), key=lambda item: str(item[0])):
            yield from self._judge(context, of, lines, earlier[of], said)

    @staticmethod
    def _own(context: Context, boxes: list[Line]) -> list[LogLine]:
        """The claim's dispensations; a request's are made here, since no window of consumption has them."""
        if context.seen.own:
            return [line for line in context.seen.own if line.group == PHARMACY]
        claim = context.claim
        event, reference, by = event_ref(claim.event_id), entity_ref(claim.claim_id), coverage_index(claim)
        made = []
        for line in boxes:
            act, day = context.number.get(act_name(line), 0), day_number(line.service_date)
            units = round(line.quantity * 100)
            made.append(
                LogLine(event, reference, day, 0, 0, 0, act, 0, units, line.amount, line.line, PHARMACY, by)
            )
        return made

    def _judge(
        self,
        context: Context,
        of: Medicine,
        own: list[LogLine],
        earlier: list[LogLine],
        said: dict[tuple[bytes, int], tuple[float | None, int | None]],
    ) -> Iterator[Finding | CannotCheck]:
        day = max(line.day for line in own)
        lines = [*earlier, *own]
        dose = next(
            (said[line.event, line.line] for line in own if said.get((line.event, line.line), (None,))[0]),
            None,
        )
        if (
            dose is not None
        ):  # the log knows no posology: a treatment is followed at the dose of its last ordonnance
            said = {(line.event, line.line): (dose[0], None) for line in earlier} | said
        stock = self._stock(context, of, lines, day, said)
        if stock is None:
            return
        if stock.unknown:
            yield CannotCheck(CODE, "drugs.units_per_box" if stock.units is None else "drugs.ddd")
        left = stock.left or 0.0
        limit, hard = context.value(CODE, "stock"), context.value(CODE, "review")
        allowed = context.value(CODE, "allowance") if self._long(context, own) else 0.0
        allowed += self._pack(context, of, own, day, said)
        if left > hard + allowed:
            yield self._finding(context, of, "review", own, earlier, day, left, hard)
        elif left > limit + allowed:
            yield self._finding(context, of, "stock", own, earlier, day, left, limit)
        elif stock.early >= context.value(CODE, "early"):
            recent = [line for line in lines if line.day > day - HALF_YEAR]
            again = self._stock(context, of, recent, day, said)
            if again is not None and again.early >= context.value(CODE, "early"):
                yield self._finding(
                    context, of, "early", own, earlier, day, float(again.early), context.value(CODE, "early")
                )

    @staticmethod
    def _stock(
        context: Context,
        of: Medicine,
        lines: list[LogLine],
        day: int,
        said: dict[tuple[bytes, int], tuple[float | None, int | None]],
    ) -> Stock | None:
        return stocks(lines, day, context.referentials, context.name, said).get(of)

    def _pack(
        self,
        context: Context,
        of: Medicine,
        own: list[LogLine],
        day: int,
        said: dict[tuple[bytes, int], tuple[float | None, int | None]],
    ) -> float:
        """How much longer than a month the claim's smallest box lasts: nobody can be given less than a box."""
        boxes = [line._replace(quantity=100) for line in own]
        days = [self._stock(context, of, [line], day, said) for line in boxes]
        return max(0.0, min((one.left or 0.0 for one in days if one is not None), default=0.0) - MONTH)

    @staticmethod
    def _long(context: Context, own: list[LogLine]) -> bool:
        """Whether several months at once are in order: a long-term illness, a journey, a long prescription."""
        numbers = {line.line for line in own}
        return any(
            line.ald is not None or TRAVEL in (line.modifiers or ()) or (line.duration_days or 0) > 31
            for line in context.claim.lines
            if line.line in numbers
        )

    @staticmethod
    def _finding(
        context: Context,
        of: Medicine,
        variant: str,
        own: list[LogLine],
        earlier: list[LogLine],
        day: int,
        value: float,
        limit: float,
    ) -> Finding:
        numbers = tuple(sorted({line.line for line in own}))
        hard = variant == "review"
        recent = [line for line in earlier if line.day > day - HALF_YEAR]
        boxes = sum(line.quantity for line in (*recent, *own)) / 100
        return Finding(
            CODE,
            "H" if hard else "S",
            weight=HARD_WEIGHT if hard else context.value(CODE, "weight"),
            nature="MED",
            lines=numbers,
            amount=at_stake(context.claim, numbers),
            value=round(value, 1),
            threshold=limit,
            window="180 d" if variant == "early" else "24 mo",
            n=len(recent) + len(own),
            variant=variant,
            facts={
                "drug": of[0] if of[1] is None else f"{of[0]} {of[1]}",
                "stock": round(value),
                "n": round(value),
                "boxes": boxes,
                "day": date_of(day).isoformat(),
            },
            evidence=tuple(dict.fromkeys((context.claim.beneficiary, line.event) for line in recent)),
            review=hard,
        )


def _medicine(context: Context, line: LogLine, memo: Memo) -> Medicine | None:
    """What a box holds; kept as long as the tables, whatever the date."""
    if line.act not in memo:
        nomenclature, _, code = context.name.get(line.act, "").partition("|")
        row = latest(context, code) if nomenclature == DRUGS else None
        memo[line.act] = None if row is None or row.dci is None else (row.dci, row.dose)
    return memo[line.act]

"""B02: more boxes at home than anybody takes, or always fetched before the last ones are used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Final

from detectors.base import CARE_KINDS, HARD_WEIGHT, CannotCheck, Context, Declaration, Finding, Threshold
from detectors.reading import DRUGS, act_name, at_stake, coverage_index, same_body
from detectors.shopping import latest
from detectors.stock import Medicine, Supply, posologies, stock_of
from schemas.claim import Line
from schemas.enums import CARE_GROUPS
from schemas.observation import LogLine, date_of, day_number, entity_ref, event_ref

CODE: Final = "B02"
PHARMACY: Final = CARE_GROUPS.index("PHARMACY")
HALF_YEAR: Final = 180
MONTH: Final = 30
TRAVEL: Final = "TRAVEL"
Dose = tuple[float | None, int | None]
"""Units a day, days: as far as the ordonnance says."""
UNSAID: Final[Dose] = (None, None)
Pack = tuple[Medicine, float | None, float | None]
"""Medicine, units in a box, usual units a day."""
Memo = dict[int, Pack | None]
"""Act -> its pack; kept as long as the tables, whatever the date."""
_day = attrgetter("day")


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
        case_of="beneficiary",
        habit=True,
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
        boxes = context.drugs()
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
            pack = memo[line.act] if line.act in memo else _pack(context, line, memo)
            if pack is None:
                unknown = True
            elif pack[0] in mine:
                mine[pack[0]].append(line)
            else:
                mine[pack[0]] = [line]
        if unknown:
            yield CannotCheck(CODE, "drugs.dci")
        if not mine:
            return
        earlier: dict[Medicine, list[LogLine]] = {of: [] for of in mine}
        reference, coverage, dates = own[0].claim, own[0].coverage, {line.day for line in own}
        for line in context.seen.log:
            if line.group == PHARMACY and line.coverage == coverage and line.claim != reference:
                pack = memo[line.act] if line.act in memo else _pack(context, line, memo)
                if pack is None or pack[0] not in mine:
                    continue
                if line.day in dates and any(same_body(line, each) for each in mine[pack[0]]):
                    continue
                before = earlier[pack[0]]
                if before and before[-1].day == line.day and any(same_body(line, each) for each in before):
                    continue  # a file that was sent twice supplied nobody twice, whichever of the two is judged
                before.append(line)
        told = posologies(boxes)
        limit, early = context.value(CODE, "stock"), context.value(CODE, "early")
        for of, lines in mine.items():
            if not _usual(lines, earlier[of], memo, told, limit, early):
                yield from self._judge(context, of, lines, earlier[of], memo, told)

    @staticmethod
    def _own(context: Context, boxes: Sequence[Line]) -> list[LogLine]:
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
        memo: Memo,
        told: Mapping[int, Dose],
    ) -> Iterator[Finding | CannotCheck]:
        doses = {line.line: told.get(line.line, UNSAID) for line in own}
        # the log knows no posology: a treatment is followed at the dose of its last ordonnance
        usual = (next((dose for dose, _ in doses.values() if dose), None), None)
        given = [_supply(line, memo, usual) for line in earlier]
        given += [_supply(line, memo, doses[line.line]) for line in own]
        given.sort(key=_day)
        day = max(line.day for line in own)
        stock = stock_of(given, day)
        if stock.unknown:
            yield CannotCheck(CODE, "drugs.units_per_box" if stock.units is None else "drugs.ddd")
        left, least = stock.left or 0.0, context.value(CODE, "early")
        limit, hard = context.value(CODE, "stock"), context.value(CODE, "review")
        if left > limit:
            allowed = context.value(CODE, "allowance") if self._long(context, own) else 0.0
            boxes = [_supply(line._replace(quantity=100), memo, doses[line.line]).days for line in own]
            # nobody can be given less than a box
            allowed += max(0.0, min((days for days in boxes if days is not None), default=0.0) - MONTH)
            if left > hard + allowed:
                yield self._finding(context, of, "review", own, earlier, day, left, hard)
                return
            if left > limit + allowed:
                yield self._finding(context, of, "stock", own, earlier, day, left, limit)
                return
        if stock.early >= least:
            recent = stock_of([supply for supply in given if supply.day > day - HALF_YEAR], day)
            if recent.early >= least:
                yield self._finding(context, of, "early", own, earlier, day, float(recent.early), least)

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


def _pack(context: Context, line: LogLine, memo: Memo) -> Pack | None:
    nomenclature, _, code = context.name.get(line.act, "").partition("|")
    row = latest(context, code) if nomenclature == DRUGS else None
    pack = None
    if row is not None and row.dci is not None:
        pack = ((row.dci, row.dose), row.units_per_box, row.ddd)
    memo[line.act] = pack
    return pack


def _usual(
    own: list[LogLine],
    earlier: list[LogLine],
    memo: Memo,
    told: Mapping[int, Dose],
    limit: float,
    early: float,
) -> bool:
    """Whether neither what is left nor the early refills reach a limit, at doses that are known: nearly always.

    Several boxes of one claim are no refills, unless as many claims as that came before or it is too much altogether.
    """
    usual = None
    for line in own:
        usual = usual or told.get(line.line, UNSAID)[0]
    given = sorted((*earlier, *own), key=_day)
    total, left, size, hasty, last, mine = 0.0, 0.0, 0.0, 0, given[0].day, own[0].claim
    for line in given:
        _, units, per_day = memo[line.act] or (None, None, None)
        per_day = (told.get(line.line, UNSAID)[0] if line.claim == mine else usual) or per_day
        if not units or not per_day:
            return False
        left -= line.day - last
        last = line.day
        if left <= 0.0:
            left = 0.0
        elif left > size / 4 > 0:
            hasty += 1
        size = line.quantity / 100 * units / per_day
        left += size
        total += size
    if left - (max([line.day for line in own]) - last) > limit:
        return False
    return hasty < early or (len(earlier) < early and total <= limit)


def _supply(line: LogLine, memo: Memo, dose: Dose) -> Supply:
    """How long a line's boxes last: at the dose given, else at the usual one, else as long as was prescribed."""
    held, boxes = memo[line.act], line.quantity / 100
    units = None if held is None or held[1] is None else boxes * held[1]
    per_day = dose[0] or (None if held is None else held[2])
    days = units / per_day if units is not None and per_day else None
    if days is None and dose[1]:
        days = float(dose[1])
    return Supply(line.day, boxes, units, days)

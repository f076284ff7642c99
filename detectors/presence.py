"""B04: one person in two places, or operated on twice for what is done once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from detectors.base import HARD_WEIGHT, CannotCheck, Context, Declaration, Finding, Threshold
from detectors.lifetime import ONCE
from detectors.places import Place, kilometres, of_provider
from detectors.reading import DRUGS, abroad, act_name, act_of, at_stake, days, inpe, number_of, provider
from schemas.claim import Line
from schemas.enums import CARE_GROUPS, CLAIM_KINDS, SIDES
from schemas.observation import Fact, LogLine, date_of, day_number
from schemas.referential import ActRow

CODE: Final = "B04"
ABROAD: Final = CLAIM_KINDS.index("ETRANGER")
PHARMACY: Final = CARE_GROUPS.index("PHARMACY")
TOWN_KM: Final = 30.0
"""Nearer than this, where a provider is put on the map says too little for a speed."""
UNKNOWN: Final[Place] = (999.0, 999.0)


class Visit(NamedTuple):
    """Where somebody was: own or earlier; `place` None abroad."""

    day: int
    minute: int | None
    provider: int
    place: Place | None
    line: int  # 0: of another claim
    event: bytes


class ImpossiblePresence:
    """B04."""

    declaration = Declaration(
        code=CODE,
        label_fr="Présence simultanée impossible, usage d'identité",
        label_en="Impossible presence / identity lending",
        label_ar="حضور متزامن مستحيل أو استعمال هوية",
        nature="PRE",
        hard=True,
        weight=0.7,
        axis="care",
        case_of="beneficiary",
        habit=True,
        reads=(
            "lines.service_date",
            "lines.service_time",
            "lines.executor",
            "lines.performer",
            "lines.place",
            "lines.country",
            "lines.side",
            "deposit_date",
            "channel",
            "acts.physical_presence",
            "acts.once_in_life",
            "acts.min_interval_days",
            "providers.lat",
            "providers.lon",
            "communes",
        ),
        windows=("log 24 mo", "facts"),
        thresholds={
            "distance": Threshold(200, "km", "two hours and a half of road between two visits"),
            "speed": Threshold(120, "km/h", "the limit on motorways"),
            "same": Threshold(7, "days", "dates of one operation on several papers"),
        },
        caveats_fr=(
            "Date de soins saisie à la date du dépôt",
            "Pharmacie : un proche vient chercher les médicaments",
        ),
        caveats_en=("Date of care typed as that of the deposit", "Pharmacy: the family fetches the drugs"),
    )

    def check(self, context: Context) -> Iterable[Finding | CannotCheck]:
        """Places of one day, then acts that are done once or seldom."""
        seen = context.seen
        if not seen.own:
            return ()
        answers: list[Finding | CannotCheck] = []
        claim = seen.own[0].claim
        executors = {own.executor for own in seen.own if own.group != PHARMACY}
        others = [
            line
            for line in context.same_day()
            if line.group != PHARMACY and (line.executor not in executors or not line.executor)
        ]
        unknown: set[str] = set()
        if (others and executors) or len(executors) > 1:
            found = self._apart(context, others, unknown)
            if found is not None:
                answers.append(found)
        for line, row in context.acts():
            if row is not None and (row.once_in_life or (row.min_interval_days and not row.device_class)):
                found = self._again(context, line, row, claim, unknown)
                if found is not None:
                    answers.append(found)
        if unknown:
            answers += [CannotCheck(CODE, missing) for missing in sorted(unknown)]
        return answers

    def _apart(self, context: Context, others: list[LogLine], unknown: set[str]) -> Finding | None:
        own = self._own(context, unknown)
        if not own:
            return None
        dates = {visit.day for visit in own}
        earlier = [visit for line in others if line.day in dates for visit in self._earlier(context, line)]
        best: tuple[float, Visit, Visit, str] | None = None
        for place, visit in enumerate(own):
            for other in (*own[place + 1 :], *earlier):
                if other.day != visit.day or (other.provider == visit.provider and visit.provider):
                    continue
                told = self._between(context, visit, other, unknown)
                if told is not None and (best is None or told[0] > best[0]):
                    best = (told[0], visit, other, told[1])
        return None if best is None else self._travel(context, *best)

    @staticmethod
    def _between(context: Context, one: Visit, other: Visit, unknown: set[str]) -> tuple[float, str] | None:
        if (one.place is None) != (other.place is None):
            return float("inf"), "abroad"
        if one.place is None or other.place is None:
            return None
        if UNKNOWN in (one.place, other.place):
            unknown.add("providers.lat")
            return None
        far = kilometres(one.place, other.place)
        if one.minute is not None and other.minute is not None:
            hours = abs(one.minute - other.minute) / 60
            fast = far > TOWN_KM and far > hours * context.value(CODE, "speed")
            return (far, "speed") if fast else None
        return (far, "distance") if far > context.value(CODE, "distance") else None

    def _own(self, context: Context, unknown: set[str]) -> list[Visit]:
        typed = {(own.line, own.day) for own in context.seen.own if own.typed}
        minutes = {own.line: own.minute for own in context.seen.own}
        event = context.seen.own[0].event
        found = []
        for line, row in context.acts():
            away = abroad(context.claim, line)
            if not away and (row is None or row.physical_presence is None):
                unknown.add("acts" if row is None else "acts.physical_presence")
                continue
            if row is not None and row.physical_presence is False:
                continue
            number = number_of(context, line.place or line.performer or line.executor)
            place = None if away else _place(context, number, day_number(line.service_date))
            for each in days(line):
                day = day_number(each)
                if (line.line, day) not in typed:
                    found.append(Visit(day, minutes.get(line.line), number, place, line.line, event))
        return found

    @staticmethod
    def _earlier(context: Context, line: LogLine) -> Iterator[Visit]:
        if line.typed or context.name.get(line.act, "").startswith(f"{DRUGS}|"):
            return
        if line.kind == ABROAD:
            yield Visit(line.day, None, 0, None, 0, line.event)
            return
        row = act_of(context, line)
        if row is not None and row.physical_presence and line.executor:
            place = _place(context, line.executor, line.day)
            yield Visit(line.day, line.minute, line.executor, place, 0, line.event)

    @staticmethod
    def _travel(context: Context, far: float, one: Visit, other: Visit, variant: str) -> Finding:
        numbers = tuple(sorted({one.line, other.line} - {0}))
        minutes = [visit.minute for visit in (one, other) if visit.minute is not None]
        speed = variant == "speed"
        return Finding(
            CODE,
            "S",
            weight=context.value(CODE, "weight"),
            lines=numbers,
            amount=at_stake(context.claim, numbers),
            value=None if variant == "abroad" else round(far, 1),
            threshold=None if variant == "abroad" else context.value(CODE, "speed" if speed else "distance"),
            window="1 d",
            n=2,
            variant=variant,
            facts={
                "day": date_of(one.day).isoformat(),
                "inpe": inpe(context, one.provider),
                "other": inpe(context, other.provider),
                "kilometres": None if variant == "abroad" else round(far),
                "minutes": abs(minutes[0] - minutes[1]) if len(minutes) == 2 else None,
            },
            evidence=() if other.line else ((context.claim.beneficiary, other.event),),
        )

    @staticmethod
    def _again(context: Context, line: Line, row: ActRow, claim: bytes, unknown: set[str]) -> Finding | None:
        """The same operation before or after: for life, or within the interval that the table gives."""
        act, day = context.number.get(act_name(line), 0), max(map(day_number, days(line)))
        same, side = context.value(CODE, "same"), line.side
        if row.once_in_life:
            facts = [fact for fact in context.seen.facts if fact.kind == ONCE and fact.key == act]
            before: Sequence[Fact | LogLine] = [one for one in facts if abs(one.day - day) > same]
            fitting = [one for one in before if isinstance(one, Fact) and _same_side(one.detail, side)]
            if before and not fitting and any(_unsure(one.detail, side) for one in facts):
                unknown.add("lines.side")
            before = fitting
        else:
            reach = row.min_interval_days or 0
            before = [
                one
                for one in context.seen.log
                if one.act == act and one.claim != claim and same < abs(one.day - day) < reach
            ]
        if not before:
            return None
        last = before[-1]
        return Finding(
            CODE,
            "H",
            weight=HARD_WEIGHT,
            lines=(line.line,),
            amount=at_stake(context.claim, (line.line,)),
            value=float(abs(day - last.day)),
            threshold=None if row.once_in_life else float(row.min_interval_days or 0),
            window="life" if row.once_in_life else f"{row.min_interval_days} d",
            n=len(before),
            variant="once" if row.once_in_life else "interval",
            facts={
                "label_fr": row.label_fr or row.code,
                "label_en": row.label_en or row.code,
                "day": date_of(day).isoformat(),
                "other_day": date_of(last.day).isoformat(),
                "days": row.min_interval_days or 0,
            },
            evidence=((context.claim.beneficiary, last.event),),
        )


def _place(context: Context, number: int, day: int) -> Place:
    return of_provider(provider(context, number), date_of(day), context.referentials) or UNKNOWN


def _same_side(detail: int, side: str | None) -> bool:
    """Whether both name the same side, or neither names one; both eyes at once hold either."""
    other = SIDES[detail - 1] if 0 < detail <= len(SIDES) else None
    return other == side or (side is not None and other is not None and "B" in (side, other))


def _unsure(detail: int, side: str | None) -> bool:
    return (detail == 0) != (side is None)

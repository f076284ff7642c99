"""U04: what cannot be done to a tooth that is gone, or was crowned not long ago."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from detectors.base import HARD_WEIGHT, CannotCheck, Context, Declaration, Finding, Threshold
from detectors.lifetime import Treatment, teeth
from detectors.reading import act_of, age, at_stake, days, inpe, number_of
from detectors.tariffs import tariff
from schemas.claim import Line
from schemas.enums import ToothClass
from schemas.observation import date_of, day_number

CODE: Final = "U04"
NEEDS_A_TOOTH: Final = frozenset({"CONSERVATIVE", "ENDODONTIC", "CROWN"})
PROSTHESES: Final = frozenset({"CROWN", "BRIDGE"})
ROOTED: Final = frozenset({"IMPLANT", "BRIDGE"})
"""What a crown may stand on once the tooth is gone."""
CAPPED: Final = frozenset({"CNSS"})
"""Organisms whose rules put a ceiling on prostheses (3,000 MAD per two years, press 2015)."""
SUCCEEDED: Final = 5
"""The first five permanent teeth of a quadrant follow deciduous ones of the same place."""
YEAR: Final = 365.25
Mouth = Mapping[int, tuple[Treatment, ...]]


class ImpossibleTooth:
    """U04."""

    declaration = Declaration(
        code=CODE,
        label_fr="Acte dentaire incohérent sur la même dent",
        label_en="Dental: act impossible on the tooth",
        label_ar="عمل أسنان غير ممكن على نفس السن",
        nature="MED",
        hard=True,
        weight=0.7,
        axis="care",
        case_of="provider",
        reads=(
            "lines.teeth",
            "lines.service_date",
            "lines.executor",
            "acts.tooth_class",
            "beneficiary.birth_date",
            "letter_values",
            "rates",
        ),
        windows=("facts", "log 24 mo"),
        needs="dental",
        thresholds={
            "renewal": Threshold(5, "years", "a crown lasts longer"),
            "ceiling": Threshold(300_000, "centimes", "prostheses paid in 24 months, CNSS"),
            "neighbour": Threshold(
                180, "days", "the tooth next to it was under treatment at the same dentist"
            ),
            "mixed": Threshold(13, "years", "before, deciduous and permanent teeth stand side by side"),
        },
        caveats_fr=(
            "Numéro de dent mal saisi (dent voisine)",
            "Confusion entre dents de lait et dents définitives",
        ),
        caveats_en=("Tooth number mistyped (the neighbour)", "Deciduous teeth numbered as permanent ones"),
    )

    def check(self, context: Context) -> Iterator[Finding | CannotCheck]:
        """Each tooth of the claim against what was done to it before and since; then the ceiling."""
        mouth: Mouth | None = None
        unknown: set[str] = set()
        crowned: list[Line] = []
        for line, row in context.acts():
            if line.care_group != "DENTAL":
                continue
            if row is None:
                unknown.add("acts")
            elif row.tooth_class is not None:
                if row.tooth_class in PROSTHESES:
                    crowned.append(line)
                if not line.teeth:
                    unknown.add("lines.teeth")
                    continue
                if mouth is None:
                    mouth = teeth(context.seen.facts)
                if mouth:
                    yield from self._line(context, line, row.tooth_class, mouth, unknown)
        if crowned and context.claim.organism in CAPPED and context.claim.coverage != "COMPLEMENTARY":
            yield from self._ceiling(context, crowned, unknown)
        for missing in sorted(unknown):
            yield CannotCheck(CODE, missing)

    def _line(
        self, context: Context, line: Line, done: ToothClass, mouth: Mouth, unknown: set[str]
    ) -> Iterator[Finding]:
        day = max(map(day_number, days(line)))
        for tooth in line.teeth or ():
            earlier = mouth.get(tooth, ())
            if done in NEEDS_A_TOOTH:
                gone = [one for one in earlier if one.tooth_class == "EXTRACTION" and one.day < day]
                rooted = done == "CROWN" and any(one.tooth_class in ROOTED for one in earlier)
                if gone and not rooted and not self._typing(context, line, tooth, gone[0], mouth, unknown):
                    yield self._finding(context, "gone", line, tooth, gone[0], hard=True)
                    return
            if done == "EXTRACTION":
                after = [one for one in earlier if one.tooth_class in NEEDS_A_TOOTH and one.day > day]
                fits = not any(one.tooth_class in ROOTED for one in earlier)
                known = Treatment(day, "EXTRACTION", number_of(context, line.executor), b"")
                if after and fits and not self._typing(context, line, tooth, known, mouth, unknown):
                    yield self._finding(context, "treated_since", line, tooth, after[0], hard=True)
                    return
            if done in PROSTHESES:
                years = context.value(CODE, "renewal")
                last = [one for one in earlier if one.tooth_class == done and one.day != day]
                near = [one for one in last if abs(day - one.day) < years * YEAR]
                if near:
                    yield self._finding(context, "again", line, tooth, near[-1], hard=False)
                    return

    @staticmethod
    def _typing(
        context: Context, line: Line, tooth: int, gone: Treatment, mouth: Mouth, unknown: set[str]
    ) -> bool:
        """Whether the tooth's number is likely to be another one's, on this line or on the extraction's."""
        day, reach = max(map(day_number, days(line))), context.value(CODE, "neighbour")
        provider = number_of(context, line.executor)
        for beside in neighbours(tooth):
            for one in mouth.get(beside, ()):
                if (
                    one.provider == provider
                    and one.tooth_class != "EXTRACTION"
                    and 0 <= day - one.day <= reach
                ):
                    return True
        if tooth > 48 or tooth % 10 > SUCCEEDED:
            return False
        person = context.seen.beneficiary
        if person is None or person.birth_date is None:
            unknown.add("beneficiary.birth_date")
            return True
        return age(person.birth_date, date_of(gone.day)) < context.value(CODE, "mixed")

    def _ceiling(self, context: Context, lines: list[Line], unknown: set[str]) -> Iterator[Finding]:
        """What the scheme pays for prostheses in 24 months, this claim's lines last."""
        claim, tables, total = context.claim, context.referentials, 0
        own = context.seen.own[0].claim if context.seen.own else b""
        for earlier in context.seen.log:
            row = act_of(context, earlier)
            if row is None or row.tooth_class not in PROSTHESES or earlier.claim == own or row.letter is None:
                continue
            entry = tables.provider(inpe(context, earlier.executor) or "")
            kind, sector = (None, None) if entry is None else (entry.kind, entry.sector)
            day = date_of(earlier.day)
            value = tables.letter_value(row.letter, day, kind, sector, claim.organism)
            rate = tables.rate(claim.organism, "DENTAL", day, sector, kind)
            if value is not None and rate is not None and row.coefficient is not None:
                reference = value * row.coefficient * earlier.quantity / 100
                total += round(min(earlier.amount, reference) * rate / 100)
        limit, beyond = context.value(CODE, "ceiling"), []
        for line in sorted(lines, key=lambda each: (each.service_date, each.line)):
            unit = tariff(claim, line, tables)
            entry = tables.provider(line.executor or "")
            kind, sector = (None, None) if entry is None else (entry.kind, entry.sector)
            rate = tables.rate(claim.organism, "DENTAL", line.service_date, sector, kind)
            if unit is None or rate is None:
                unknown.add("letter_values" if unit is None else "rates")
                return
            total += round(min(line.amount, unit * line.quantity) * rate / 100)
            if total > limit:
                beyond.append(line.line)
        if beyond:
            yield Finding(
                CODE,
                "H",
                weight=HARD_WEIGHT,
                nature="TAR",
                lines=tuple(sorted(beyond)),
                amount=at_stake(claim, beyond),
                value=float(total),
                threshold=limit,
                window="24 mo",
                n=len(beyond),
                variant="ceiling",
                facts={"total": total, "limit": round(limit)},
            )

    @staticmethod
    def _finding(
        context: Context, variant: str, line: Line, tooth: int, other: Treatment, *, hard: bool
    ) -> Finding:
        day = max(days(line))
        return Finding(
            CODE,
            "H" if hard else "S",
            weight=HARD_WEIGHT if hard else context.value(CODE, "weight"),
            nature="MED",
            lines=(line.line,),
            amount=at_stake(context.claim, (line.line,)),
            value=None if hard else round(abs((day - date_of(other.day)).days) / YEAR, 2),
            threshold=None if hard else context.value(CODE, "renewal"),
            window="life" if hard else "5 y",
            n=1,
            variant=variant,
            facts={
                "tooth": tooth,
                "day": day.isoformat(),
                "other_day": date_of(other.day).isoformat(),
                "inpe": inpe(context, other.provider),
            },
            evidence=((context.claim.beneficiary, other.event),),
        )


def neighbours(tooth: int) -> tuple[int, ...]:
    """The teeth beside one in its arch (FDI): across the midline the first tooth of the other side."""
    quadrant, place = divmod(tooth, 10)
    across = quadrant + 1 if quadrant % 2 else quadrant - 1
    return (tooth + 1, across * 10 + 1 if place == 1 else tooth - 1)

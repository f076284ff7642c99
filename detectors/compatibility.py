"""E05: an act that this person's sex or age rules out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from detectors.base import ADMINISTRATIVE_WEIGHT, CannotCheck, Context, Declaration, Finding, Threshold
from detectors.eligibility import ALL_KINDS
from detectors.reading import act_of, age, at_stake
from schemas.claim import Line
from schemas.referential import ActRow
from schemas.registries import Beneficiary

CODE: Final = "E05"


class IncompatibleAct:
    """E05."""

    declaration = Declaration(
        code=CODE,
        label_fr="Acte incompatible avec le sexe ou l'âge",
        label_en="Sex/age-incompatible act",
        label_ar="عمل لا يتوافق مع الجنس أو السن",
        nature="ADM",
        hard=True,
        weight=0.6,
        axis="care",
        reads=(
            "lines.code",
            "lines.service_date",
            "beneficiary.sex",
            "beneficiary.birth_date",
            "acts.sex",
            "acts.age_min",
            "acts.age_max",
            "acts.sex_age_absolute",
        ),
        windows=("log 24 mo",),
        kinds=ALL_KINDS,
        needs="bounds",
        thresholds={
            "earlier": Threshold(1, "other claims", "acts of the other sex before: the registry is wrong")
        },
        caveats_fr=(
            "Sexe mal saisi au fichier : d'autres dossiers portent des actes de l'autre sexe",
            "Erreur de rang : un autre ayant droit de la même immatriculation a pu recevoir le soin",
        ),
        caveats_en=(
            "Wrong sex in the registry: other claims bear acts of the other sex",
            "Wrong rank: another dependant of the same registration may have had the care",
        ),
        visibility="LIQUIDATOR",
    )

    def check(self, context: Context) -> Iterator[Finding | CannotCheck]:
        """One finding for each act and reason; what concerns the sex is put to review where the registry errs."""
        person, unknown = context.seen.beneficiary, set()
        found: dict[tuple[str, str], list[Line]] = {}
        rows: dict[tuple[str, str], ActRow] = {}
        for line, row in context.acts():
            if row is None:
                unknown.add("acts")
            elif row.sex is not None or row.age_min is not None or row.age_max is not None:
                variant = self._misfit(line, row, person, unknown)
                if variant is not None:
                    found.setdefault((variant, line.code), []).append(line)
                    rows[variant, line.code] = row
        for missing in sorted(unknown):
            yield CannotCheck(CODE, missing)
        for place, lines in sorted(found.items(), key=lambda item: item[0]):
            assert person is not None
            yield self._finding(context, place[0], rows[place], lines, person)

    @staticmethod
    def _misfit(line: Line, row: ActRow, person: Beneficiary | None, unknown: set[str]) -> str | None:
        if person is None:
            unknown.add("beneficiary")
            return None
        if row.sex is not None:
            if person.sex is None:
                unknown.add("beneficiary.sex")
            elif person.sex != row.sex:
                return "sex"
        if row.age_min is None and row.age_max is None:
            return None
        if person.birth_date is None:
            unknown.add("beneficiary.birth_date")
            return None
        years = age(person.birth_date, line.service_date)
        if row.age_min is not None and years < row.age_min:
            return "young"
        return "old" if row.age_max is not None and years > row.age_max else None

    @staticmethod
    def _finding(
        context: Context, variant: str, row: ActRow, lines: list[Line], person: Beneficiary
    ) -> Finding:
        numbers = tuple(line.line for line in lines)
        hard, claims = row.sex_age_absolute is True, set()
        if variant == "sex":
            others = {line.act: line for line in context.seen.log if line.claim != _own_claim(context)}
            claims = {
                line.claim for line in others.values() if (of := act_of(context, line)) and of.sex == row.sex
            }
        wrong = bool(claims) and len(claims) >= context.value(CODE, "earlier")
        alone = person.link == "ASSURE" and person.rank in (None, 0)
        bounds = {"young": row.age_min, "old": row.age_max}
        return Finding(
            CODE,
            "H" if hard else "S",
            weight=ADMINISTRATIVE_WEIGHT if hard else context.value(CODE, "weight"),
            nature="ADM",
            lines=numbers,
            amount=at_stake(context.claim, numbers),
            value=None
            if variant == "sex" or person.birth_date is None
            else age(person.birth_date, lines[0].service_date),
            threshold=bounds.get(variant),
            n=len(numbers),
            variant="registry" if wrong else variant if alone else f"{variant}_rank",
            facts={
                "label_fr": row.label_fr or row.code,
                "label_en": row.label_en or row.code,
                "day": lines[0].service_date.isoformat(),
                "age": None if person.birth_date is None else age(person.birth_date, lines[0].service_date),
                "bound": bounds.get(variant),
                "claims": len(claims),
                "rank": person.rank,
            },
            review=wrong,
        )


def _own_claim(context: Context) -> bytes | None:
    return context.seen.own[0].claim if context.seen.own else None

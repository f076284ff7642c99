"""E: was this person covered, and alive, at the date of care?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Final

from detectors.base import CARE_KINDS, REQUEST_KINDS, CannotCheck, Context, Declaration, Finding, Threshold
from detectors.reading import at_stake
from schemas.claim import Line
from schemas.registries import Right

ALL_KINDS: Final = CARE_KINDS + REQUEST_KINDS
PAID: Final = ("OPEN", "MAINTAINED")
"""Rights under which care is paid."""
Results = Iterator[Finding | CannotCheck]


def _dated(context: Context) -> list[tuple[int, dt.date]]:
    """(line, day) of all care; a request without lines is judged on its deposit, as line 0."""
    claim = context.claim
    dated = [(line.line, day) for line in claim.lines for day in line.sessions or (line.service_date,)]
    return dated or [(0, claim.deposit_date)]


def _lines(numbers: set[int]) -> tuple[int, ...]:
    return tuple(sorted(numbers - {0}))


class RightsNotOpen:
    """E01."""

    declaration = Declaration(
        code="E01",
        label_fr="Droits non ouverts à la date des soins",
        label_en="Rights not open at the date of care",
        label_ar="الحقوق غير مفتوحة في تاريخ العلاج",
        nature="ADM",
        hard=True,
        weight=0.1,
        axis="care",
        reads=("lines.service_date", "beneficiary.rights"),
        windows=(),
        kinds=ALL_KINDS,
        thresholds={"ttl": Threshold(5, "days", "rights often arrive late; checked again when they change")},
        caveats_fr=(
            "Déclarations de salaires ou score Tadamon arrivés en retard",
            "Maintien des droits après perte d'emploi, divorce ou décès de l'assuré (6, 12 ou 24 mois)",
        ),
        caveats_en=(
            "Wage declarations or the Tadamon score arrive late",
            "Rights maintained after loss of job, divorce or the insured's death (6, 12 or 24 months)",
        ),
        visibility="LIQUIDATOR",
    )

    def check(self, context: Context) -> Iterable[Finding | CannotCheck]:
        """Rights that are suspended, over or not begun do not cover; maintained ones do."""
        person = context.seen.beneficiary
        if person is None or person.rights is None:
            return (CannotCheck("E01", "beneficiary" if person is None else "beneficiary.rights"),)
        covered = None
        for _, day in _dated(context):
            if day == covered:
                continue
            for right in person.rights:
                if right.status in PAID and right.covers(day):
                    covered = day
                    break
            else:
                return self._uncovered(context, person.rights)
        return ()

    @staticmethod
    def _uncovered(context: Context, rights: tuple[Right, ...]) -> Results:
        uncovered: set[int] = set()
        first = dt.date.max
        for number, day in _dated(context):
            if any(right.status in PAID and right.covers(day) for right in rights):
                continue
            if any(right.status is None and right.covers(day) for right in rights):
                yield CannotCheck("E01", "beneficiary.rights.status")
                continue
            uncovered.add(number)
            first = min(first, day)
        if not uncovered:
            return
        last = _last_end(rights, first)
        yield Finding(
            "E01",
            "H",
            weight=0.1,
            nature="ADM",
            lines=_lines(uncovered),
            amount=at_stake(context.claim, uncovered),
            n=len(uncovered),
            variant="after" if last else "never",
            facts={"day": first.isoformat(), "last": last.isoformat() if last else None},
            hold_ttl_days=int(context.value("E01", "ttl")),
        )


def _last_end(rights: tuple[Right, ...], day: dt.date) -> dt.date | None:
    """The end of the last period of rights before that day."""
    ends = [r.to for r in rights if r.to is not None and r.to < day and r.status in PAID]
    return max(ends, default=None)


class CareAfterDeath:
    """E02."""

    declaration = Declaration(
        code="E02",
        label_fr="Soins postérieurs au décès",
        label_en="Care after death",
        label_ar="علاجات لاحقة لتاريخ الوفاة",
        nature="PRE",
        hard=True,
        weight=0.95,
        axis="care",
        case_of="beneficiary",
        reads=("lines.service_date", "lines.prescribed_on", "beneficiary.death_date", "acts.post_mortem"),
        windows=(),
        kinds=ALL_KINDS,
        thresholds={
            "grace": Threshold(1, "days", "a pharmacy visit by the family on the day itself"),
            "delivery": Threshold(30, "days", "a device ordered in life is delivered and invoiced later"),
        },
        caveats_fr=(
            "Date de décès erronée à l'état civil",
            "Appareillage commandé avant le décès et livré après",
            "Acte de constatation du décès",
        ),
        caveats_en=(
            "Wrong death date in the registry",
            "Device ordered before death and delivered after",
            "Certificate of death",
        ),
    )

    def check(self, context: Context) -> Iterable[Finding | CannotCheck]:
        """A person without a death date is alive as far as the registry knows."""
        person = context.seen.beneficiary
        if person is None:
            return (CannotCheck("E02", "beneficiary"),)
        return () if person.death_date is None else self._late(context, person.death_date)

    def _late(self, context: Context, death: dt.date) -> Results:
        claim = context.claim
        limit = death + dt.timedelta(days=context.value("E02", "grace"))
        late = {number for number, day in _dated(context) if day > limit}
        late -= {
            line.line for line in claim.lines if line.line in late and self._lawful(context, line, death)
        }
        if late:
            last = max(day for number, day in _dated(context) if number in late)
            yield Finding(
                "E02",
                "H",
                weight=0.95,
                lines=_lines(late),
                amount=at_stake(claim, late),
                value=float((last - death).days),
                threshold=context.value("E02", "grace"),
                n=len(late),
                facts={"death": death.isoformat(), "day": last.isoformat(), "days": (last - death).days},
            )

    @staticmethod
    def _lawful(context: Context, line: Line, death: dt.date) -> bool:
        act = context.referentials.act(line.nomenclature, line.code, line.service_date)
        if act is not None and act.post_mortem:
            return True
        if line.care_group not in ("DEVICE", "OPTICAL") or line.prescribed_on is None:
            return False
        delivery = dt.timedelta(days=context.value("E02", "delivery"))
        return line.prescribed_on <= death and line.service_date <= death + delivery

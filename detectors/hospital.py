"""U07: care elsewhere on a day that lies inside a hospital stay, and stays that overlap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from detectors.base import HARD_WEIGHT, CannotCheck, Context, Declaration, Finding, Threshold
from detectors.lifetime import STAY, Stay, inside, overlapping, stays
from detectors.plan import presence
from detectors.reading import abroad, at_stake, days, inpe, number_of, provider
from schemas.claim import Line
from schemas.enums import CARE_GROUPS
from schemas.observation import LogLine, date_of, day_number

CODE: Final = "U07"
IN_PERSON: Final = frozenset({"CONSULTATION", "DENTAL", "OPTICAL", "PARAMEDICAL"})
"""What a patient has to be there for, beside another stay."""
NOWHERE: Final = frozenset({"SICK_LEAVE"})
HOSPITAL: Final = "HOSPITALISATION"
INSIDE: Final = frozenset(CARE_GROUPS.index(group) for group in CARE_GROUPS if group in IN_PERSON)


class ElsewhereInHospital:
    """U07."""

    declaration = Declaration(
        code=CODE,
        label_fr="Soin hors établissement pendant une hospitalisation, séjours chevauchants",
        label_en="Elsewhere while hospitalised / overlapping stays",
        label_ar="علاج خارج المؤسسة أثناء الاستشفاء أو إقامات متداخلة",
        nature="PRE",
        hard=True,
        weight=0.3,
        axis="care",
        case_of="beneficiary",
        reads=(
            "lines.service_date",
            "lines.service_end",
            "lines.executor",
            "lines.performer",
            "lines.place",
            "lines.leaves",
            "lines.discharge",
            "providers.kind",
            "acts.physical_presence",
        ),
        windows=("facts", "log 24 mo"),
        needs="stay",
        thresholds={
            "discharge": Threshold(1, "days", "a discharge is often written a day late"),
        },
        caveats_fr=(
            "Examen sous-traité par l'établissement",
            "Transfert vers un autre établissement",
            "Permission de sortie",
            "Date de sortie saisie en retard",
        ),
        caveats_en=(
            "Test that the establishment gives out",
            "Transfer to another establishment",
            "Day leave",
            "Discharge written late",
        ),
    )

    def check(self, context: Context) -> Iterator[Finding | CannotCheck]:
        """Own lines inside a known stay; then what is on record inside the claim's own stays."""
        seen, claim = context.seen, context.claim
        own = [line for line in claim.lines if line.care_group == HOSPITAL and line.service_end is not None]
        if not own and not any(fact.kind == STAY for fact in seen.facts):
            return
        known = [*stays(seen.facts), *_of(context, own)]
        known = [stay for stay in known if stay.last - stay.first > 1]
        if not known:
            return
        unknown: set[str] = set()
        found: dict[str, list[tuple[Line, Stay]]] = {}
        for line in claim.lines:
            hit = self._hit(context, line, known, unknown)
            if hit is not None:
                found.setdefault(hit[0], []).append((line, hit[1]))
        for missing in sorted(unknown):
            yield CannotCheck(CODE, missing)
        for variant in ("stay", "person", "other"):
            if variant in found:
                yield self._finding(context, variant, found[variant])
        if own and "stay" not in found:
            yield from self._recorded(context, own)

    def _hit(
        self, context: Context, line: Line, known: Sequence[Stay], unknown: set[str]
    ) -> tuple[str, Stay] | None:
        if line.care_group in NOWHERE:
            return None
        grace = int(context.value(CODE, "discharge"))
        if line.care_group == HOSPITAL and line.service_end is not None:
            if line.discharge == "TRANSFER":
                grace += 1
            parts = presence(line)
            met = [
                stay
                for first, last in parts
                for stay in overlapping(known, first, last)
                if min(stay.last, last) - max(stay.first, first) > grace
            ]
        else:
            met = [
                stay
                for day in map(day_number, days(line))
                for stay in inside(known, day)
                if stay.last - day > grace
            ]
        if not met:
            return None
        at = {number_of(context, name) for name in (line.executor, line.performer, line.place)} - {0}
        if not at and not abroad(context.claim, line):
            unknown.add("lines.executor")
            return None
        if any(not stay.provider for stay in met):
            unknown.add("lines.executor")
        met = [stay for stay in met if stay.provider and stay.provider not in at]
        if not met:
            return None
        if line.care_group == HOSPITAL:
            entry = provider(context, number_of(context, line.executor))
            if entry is not None and entry.kind == "TRANSPORT":
                return None  # the ambulance that takes a patient to a test and back
            return "stay", met[0]
        if line.care_group in IN_PERSON:
            row = next((row for each, row in context.acts() if each is line), None)
            return None if row is not None and row.physical_presence is False else ("person", met[0])
        if number_of(context, line.prescriber) in {stay.provider for stay in met}:
            return None  # given out by the establishment
        return "other", met[0]

    @staticmethod
    def _recorded(context: Context, own: list[Line]) -> Iterator[Finding]:
        """Care on record inside the claim's own stay: the stay is not held for it, but looked at."""
        grace = int(context.value(CODE, "discharge"))
        for stay in _of(context, own):
            met: list[LogLine] = [
                line
                for line in context.seen.log
                if stay.first < line.day < stay.last - grace
                and line.group in INSIDE
                and line.executor not in (0, stay.provider)
            ]
            if stay.provider and met:
                numbers = tuple(line.line for line in own)
                yield Finding(
                    CODE,
                    "H",
                    weight=HARD_WEIGHT,
                    lines=numbers,
                    amount=at_stake(context.claim, numbers),
                    n=len(met),
                    variant="recorded",
                    facts={
                        "first": date_of(stay.first).isoformat(),
                        "last": date_of(stay.last).isoformat(),
                        "day": date_of(met[0].day).isoformat(),
                        "inpe": inpe(context, met[0].executor),
                        "house": inpe(context, stay.provider),
                    },
                    evidence=tuple(dict.fromkeys((context.claim.beneficiary, line.event) for line in met)),
                    review=True,
                )
                return

    @staticmethod
    def _finding(context: Context, variant: str, found: list[tuple[Line, Stay]]) -> Finding:
        hard = variant != "other"
        numbers = tuple(sorted({line.line for line, _ in found}))
        line, stay = found[0]
        events = dict.fromkeys(stay.event for _, stay in found if stay.event)
        return Finding(
            CODE,
            "H" if hard else "S",
            weight=HARD_WEIGHT if hard else context.value(CODE, "weight"),
            lines=numbers,
            amount=at_stake(context.claim, numbers),
            n=len(numbers),
            variant=variant,
            facts={
                "day": line.service_date.isoformat(),
                "inpe": line.executor,
                "first": date_of(stay.first).isoformat(),
                "last": date_of(stay.last).isoformat(),
                "house": inpe(context, stay.provider),
            },
            evidence=tuple((context.claim.beneficiary, event) for event in events),
        )


def _of(context: Context, lines: list[Line]) -> list[Stay]:
    """The stays of the claim's own lines; they have no event on record yet."""
    return [
        Stay(first, last, number_of(context, line.place or line.executor), b"")
        for line in lines
        for first, last in presence(line)
    ]

"""U06: more work in one day than a person can do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from detectors.base import HARD_WEIGHT, CannotCheck, Context, Declaration, Finding, Threshold
from detectors.reading import actor, at_stake, days
from schemas.claim import Line
from schemas.observation import date_of, day_number
from schemas.referential import ActRow

UNCOUNTED: Final = frozenset({"NIGHT", "EMERGENCY"})
"""Modifiers of duty work: such lines add no minutes to a day."""


class ImpossibleDay:
    """U06."""

    declaration = Declaration(
        code="U06",
        label_fr="Journée d'activité impossible",
        label_en="Impossible day",
        label_ar="يوم عمل مستحيل",
        nature="PRE",
        hard=True,
        weight=0.5,
        axis="care",
        case_of="provider",
        reads=(
            "lines.performer",
            "lines.executor",
            "lines.service_date",
            "providers.individual",
            "acts.minutes",
        ),
        windows=("day sheet",),
        thresholds={
            "soft": Threshold(12, "hours", "a long day"),
            "hard": Threshold(16, "hours", "no day is longer"),
            "span": Threshold(4, "hours", "from nothing to full strength above the long day"),
        },
        caveats_fr=(
            "INPE d'établissement partagé par plusieurs personnes",
            "Série de séances datées du même jour",
            "Garde de nuit",
        ),
        caveats_en=(
            "An establishment's INPE is shared by several people",
            "Series of sessions dated on one day",
            "Night duty",
        ),
    )

    def check(self, context: Context) -> Iterable[Finding | CannotCheck]:
        """Judges each day sheet that the claim touched; beyond the hard limit the claim is the excess."""
        found: list[Finding | CannotCheck] = []
        unknown: set[str] = set()
        for (number, day), sheet in sorted(context.seen.days.items()):
            entry = context.referentials.providers.get(number)
            sector = entry.sector if entry is not None else None
            soft, hours = context.value("U06", "soft", sector), sheet.minutes / 60
            if hours <= soft:
                continue
            if entry is None or entry.individual is None:
                unknown.add("providers" if entry is None else "providers.individual")
                continue
            if not entry.individual:
                continue
            lines = tuple(line.line for line in context.claim.lines if _worked(line, number, day))
            hard_limit = context.value("U06", "hard", sector)
            hard = hours > hard_limit
            finding = Finding(
                "U06",
                "H" if hard else "S",
                strength=1.0 if hard else min(1.0, (hours - soft) / context.value("U06", "span", sector)),
                weight=HARD_WEIGHT if hard else context.value("U06", "weight", sector),
                lines=lines,
                amount=at_stake(context.claim, lines),
                value=round(hours, 2),
                threshold=hard_limit if hard else soft,
                window="1 d",
                n=sheet.beneficiaries,
                variant=("impossible" if hard else "long") + ("_apart" if sheet.communes > 1 else ""),
                facts={
                    "inpe": number,
                    "day": date_of(day).isoformat(),
                    "hours": round(hours, 1),
                    "beneficiaries": sheet.beneficiaries,
                    "communes": sheet.communes,
                },
                scheme=f"U06:{number}:{day}",
            )
            found.append(finding)
        if unknown:
            found += [CannotCheck("U06", missing) for missing in sorted(unknown)]
        if not context.seen.days and any(_unmeasured(context, line, act) for line, act in context.acts()):
            found.append(CannotCheck("U06", "acts.minutes"))
        return found


def _worked(line: Line, number: str, day: int) -> bool:
    return (
        actor(line) == number
        and any(day_number(each) == day for each in days(line))
        and UNCOUNTED.isdisjoint(line.modifiers or ())
    )


def _unmeasured(context: Context, line: Line, act: ActRow | None) -> bool:
    """A line of an individual whose act has no standard time: the day cannot be added up."""
    entry = context.referentials.provider(actor(line) or "")
    return entry is not None and bool(entry.individual) and (act is None or act.minutes is None)

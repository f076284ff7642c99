"""P02: a provider codes the dearest acts of a key letter far oftener than its peers, or than it used to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from detectors.base import CannotCheck, Context, Declaration, Finding, Threshold, sorted_out
from detectors.findings import soft
from detectors.grading import gradable
from detectors.models.drift import alarm
from detectors.reading import sector
from detectors.tails import beta_above
from schemas.observation import EPOCH_ORDINAL, Grades, date_of

if TYPE_CHECKING:
    from detectors.models.records import Norm

CODE: Final = "P02"
LETTERED: Final = frozenset({"NGAP", "NABM"})
"""Nomenclatures whose acts have a key letter and a coefficient."""


class Upcoding:
    """P02."""

    declaration = Declaration(
        code=CODE,
        label_fr="Surcotation",
        label_en="Upcoding",
        label_ar="المبالغة في ترميز الأعمال",
        nature="PRE",
        hard=False,
        weight=0.5,
        axis="care",
        case_of="provider",
        habit=True,
        reads=(
            "lines.executor",
            "lines.letter",
            "lines.coefficient",
            "lines.ald",
            "lines.prior_approval",
            "acts",
            "providers",
        ),
        windows=("key letter 90 d", "peers' habits", "provider record"),
        thresholds={
            "posterior": Threshold(0.99, "probability", "that the rate lies above that of 95 % of the peers"),
            "lines": Threshold(30, "lines in 90 days", "of the letter: fewer make a share of chance"),
            "peers": Threshold(20, "providers", "with as many lines of the letter: fewer are no group"),
            "prior": Threshold(10, "lines", "what the peers' mean weighs beside the provider's own lines"),
            "least": Threshold(0.05, "share of lines", "a rate below it is no habit, whatever the peers do"),
            "alarm": Threshold(30, "days", "how long a rise of the mean coefficient is told"),
        },
        caveats_fr=(
            "Patientèle plus lourde : ALD, actes sous accord préalable (non comptés), centre de recours",
            "Nouvelle activité ou nouvel appareil",
        ),
        caveats_en=(
            "Graver cases: long-term illness, acts under prior agreement (not counted), reference centre",
            "A new activity or new equipment",
        ),
    )

    def check(self, context: Context) -> Iterable[Finding | CannotCheck]:
        """One finding for each executor and letter of which this claim has a line at the top."""
        least = context.thresholds.lowest(CODE, "lines")
        for seen in context.seen.grades.values():
            if seen.here and seen.lines >= least:
                return sorted_out(CODE, self._answers(context))
        return _unknown(context)

    def _answers(self, context: Context) -> Iterator[Finding | str | None]:
        for missing in _unknown(context):
            yield missing.missing
        for (number, letter), seen in sorted(context.seen.grades.items()):
            if seen.here:
                area = sector(context, number)
                if seen.lines >= context.value(CODE, "lines", area):
                    yield from self._compared(context, number, letter, seen, area)

    def _compared(
        self, context: Context, number: str, letter: str, seen: Grades, area: str | None
    ) -> Iterator[Finding | str | None]:
        """Beside the peers; a rise is told where it does not end below their mean."""
        evidence, limit = context.evidence, context.value(CODE, "posterior", area)
        norm = None
        if evidence is not None:
            norm = evidence.norm(
                number, context.value(CODE, "peers", area), lambda norms: norms.letters.get(letter)
            )
        risen = self._risen(context, number, letter, area)
        if norm is None:
            yield "peers"
        else:
            p = self._posterior(context, seen, norm, norm[2], area)
            if p > limit:
                yield self._finding(context, number, letter, seen, norm, "peers", area, p=p)
                return
            if self._posterior(context, seen, norm, norm[1], area) <= limit:
                return
        if risen is not None:
            yield self._finding(context, number, letter, seen, norm, "drift", area, risen=risen)

    @staticmethod
    def _risen(context: Context, number: str, letter: str, area: str | None) -> int | None:
        """Day of a recent alarm of the mean coefficient."""
        record = None if context.evidence is None else context.evidence.habit(number)
        if record is None or not (day := alarm(record.drifts, letter)):
            return None
        since = context.claim.event_time.toordinal() - EPOCH_ORDINAL - day
        return day if 0 <= since <= context.value(CODE, "alarm", area) else None

    @staticmethod
    def _posterior(context: Context, seen: Grades, norm: Norm, share: float, area: str | None) -> float:
        """How probable it is that the provider's rate lies above a share; its prior is the peers' mean."""
        weight, mean = context.value(CODE, "prior", area), norm[1]
        least = context.value(CODE, "least", area)
        return beta_above(
            max(share, least), weight * mean + seen.top, weight * (1 - mean) + seen.lines - seen.top
        )

    @staticmethod
    def _finding(
        context: Context,
        number: str,
        letter: str,
        seen: Grades,
        norm: Norm | None,
        variant: str,
        area: str | None,
        *,
        p: float | None = None,
        risen: int | None = None,
    ) -> Finding:
        return soft(
            context,
            CODE,
            seen.here,
            area,
            value=round(seen.top / seen.lines, 4) if p is None else round(p, 4),
            threshold=None if p is None else context.value(CODE, "posterior", area),
            window="90 d",
            n=seen.lines,
            variant=variant,
            facts={
                "inpe": number,
                "letter": letter,
                "percent": round(100 * seen.top / seen.lines),
                "lines": seen.lines,
                "usual": None if norm is None else round(100 * norm[2]),
                "peers": 0 if norm is None else norm[0],
                "day": None if risen is None else date_of(risen).isoformat(),
            },
            scheme=f"{CODE}:{number}:{letter}",
        )


def _unknown(context: Context) -> tuple[CannotCheck, ...]:
    """That an act is not in the table: whether it is coded high cannot be said."""
    for line, row in context.acts():
        if (
            row is None
            and line.nomenclature in LETTERED
            and gradable(line)
            and (line.executor, line.letter) not in context.seen.grades
        ):
            return (CannotCheck(CODE, "acts"),)
    return ()

"""P01: a provider far above others of its kind, speciality and sector."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import exp, inf
from typing import TYPE_CHECKING

from detectors.base import CannotCheck, Context, Declaration, Finding, Threshold
from detectors.reading import at_stake, sector
from detectors.tails import NORMAL

if TYPE_CHECKING:
    from detectors.models.activity import Activity


class PeerOutlier:
    """P01."""

    declaration = Declaration(
        code="P01",
        label_fr="Activité très supérieure aux pairs",
        label_en="Peer outlier",
        label_ar="نشاط يفوق النظراء بكثير",
        nature="PRE",
        hard=False,
        weight=0.3,
        axis="arrival",
        case_of="provider",
        habit=True,
        reads=("lines.executor", "lines.amount", "providers"),
        windows=("provider 30 d", "peers"),
        thresholds={
            "z": Threshold(3.5, "robust z", "about one provider in 4,000 if logarithms were normal"),
            "z_strong": Threshold(5, "robust z", "beyond any spread of honest practice seen"),
            "weight_strong": Threshold(0.5, "weight", "from the strong z on"),
            "claims": Threshold(30, "claims in 30 days", "fewer make ratios of chance"),
            "peers": Threshold(20, "providers", "fewer are no group"),
        },
        caveats_fr=("Centre de référence", "Seul spécialiste de la province"),
        caveats_en=("Reference centre", "Only specialist of the province"),
    )

    def check(self, context: Context) -> Iterable[Finding | CannotCheck]:
        """One finding for each executor, on the ratio that stands out most."""
        busy = [
            number
            for number, window in context.seen.executors.items()
            if window.claims_30d >= context.value("P01", "claims", sector(context, number))
        ]
        return self._judge(context, sorted(busy)) if busy else ()

    @staticmethod
    def _judge(context: Context, busy: list[str]) -> Iterator[Finding | CannotCheck]:
        evidence = context.evidence
        missing = False
        for number in busy:
            area = sector(context, number)
            figures = evidence.activity_of.get(number, ()) if evidence is not None else ()
            fewest = context.value("P01", "peers", area)
            worst, z = None, -inf
            for figure in figures:
                if figure.n_peers >= fewest and figure.mad > 0 and (own := _z(figure)) > z:
                    worst, z = figure, own
            if worst is None:
                missing = True
                continue
            limit = context.value("P01", "z", area)
            if z < limit:
                continue
            strong = context.value("P01", "z_strong", area)
            lines = tuple(line.line for line in context.claim.lines if line.executor == number)
            yield Finding(
                "P01",
                "S",
                weight=context.value("P01", "weight_strong" if z >= strong else "weight", area),
                lines=lines,
                amount=at_stake(context.claim, lines),
                value=round(z, 2),
                threshold=strong if z >= strong else limit,
                window="30 d",
                n=worst.n_peers,
                variant=worst.metric,
                facts={
                    "inpe": number,
                    "value": round(exp(worst.value), 2),
                    "median": round(exp(worst.median), 2),
                    "times": round(exp(worst.value - worst.median), 1),
                    "peers": worst.n_peers,
                },
                peers=worst.beside,
            )
        if missing:
            yield CannotCheck("P01", "peers")


def _z(figure: Activity) -> float:
    return NORMAL * (figure.value - figure.median) / figure.mad

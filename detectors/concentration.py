"""L04: a liquidator meets one beneficiary or provider more often than the agency's routing gives."""

from __future__ import annotations

from collections.abc import Iterator

from detectors.base import CannotCheck, Declaration, Finding, Threshold
from detectors.followers import FollowerContext
from detectors.mandates import case_of, internal
from detectors.tails import poisson_tail
from schemas.liquidation import Liquidation
from schemas.observation import PairWindow

Results = Iterator[Finding | CannotCheck]


class Concentration:
    """L04."""

    declaration = Declaration(
        code="L04",
        label_fr="Concentration liquidateur–assuré ou –prestataire",
        label_en="Liquidator–beneficiary or –provider concentration",
        label_ar="تركز بين المصفي والمؤمن له أو مقدم الخدمات",
        nature="INT",
        hard=False,
        weight=0.6,
        axis="arrival",
        case_of="liquidator",
        reads=("liquidation.liquidator", "routing", "liquidators.rights"),
        windows=("steps of the pair and of the partner, 30 d",),
        kinds=(),
        follows=("liquidation",),
        thresholds={
            "ratio": Threshold(5, "times", "meetings over those that the agency's routing gives"),
            "count": Threshold(10, "files", "fewer meet by chance"),
            "p": Threshold(1e-4, "probability", "Poisson tail of the meetings"),
        },
        caveats_fr=("Portefeuille dédié : la table de routage le dit",),
        caveats_en=("Dedicated portfolio: the routing table says so",),
        visibility="AUDIT_ONLY",
    )

    def check(self, context: FollowerContext) -> Results:
        """The meetings against the liquidator's share of the agency, for the beneficiary and whoever is paid."""
        event = context.event
        if not isinstance(event, Liquidation):
            return
        share = self._share(context, event)
        if share is None:
            yield CannotCheck("L04", "routing" if context.referentials.liquidators else "liquidators")
            return
        for partner, window in (
            ("beneficiary", context.seen.of_beneficiary),
            ("provider", context.seen.of_provider),
        ):
            if window is not None:
                yield from self._pair(context, event, partner, window, share)

    @staticmethod
    def _pair(
        context: FollowerContext, event: Liquidation, partner: str, window: PairWindow, share: float
    ) -> Results:
        size = _steps_a_file(context, event)
        met = (window.now.own - window.now.error) / size
        expected = share * window.now.total / size
        least, ratio = context.value("L04", "count"), context.value("L04", "ratio")
        if met < least or met < ratio * expected:
            return
        tail = poisson_tail(int(met), expected)
        if tail < context.value("L04", "p"):
            yield internal(
                "L04",
                event,
                partner,
                {"n": round(met), "usual": round(expected, 1), "inpe": event.payee_inpe},
                cls="S",
                weight=context.value("L04", "weight"),
                value=met / expected if expected else met,
                threshold=ratio,
                window="30 d",
                n=round(met),
                scheme=case_of("L04", context, event.liquidator),
            )

    @staticmethod
    def _share(context: FollowerContext, event: Liquidation) -> float | None:
        """The share of the agency's files that are this liquidator's: by the routing table, else even shares."""
        if event.agency is None:
            return None
        tables = context.referentials
        day = tables.local_date(event.event_time)
        routed = list(tables.rows("routing", event.agency, day))
        if routed:
            return next((row.share for row in routed if row.liquidator == event.liquidator), 0.0)
        entry = context.liquidator
        if entry is None:
            return None
        crowd = tables.memo.setdefault("crowd of liquidators", {})
        asked = event.agency, entry.role, day
        if asked not in crowd:
            crowd[asked] = sum(
                other.role == entry.role
                and any(one.covers(day) and one.agency in (None, event.agency) for one in other.rights or ())
                for other in tables.liquidators.values()
            )
        return 1 / crowd[asked] if crowd[asked] else None


def _steps_a_file(context: FollowerContext, event: Liquidation) -> int:
    """How many steps one file takes: they meet once, however many lines it has."""
    mine = sum(step.liquidator == event.liquidator for step in context.dossier.steps.values())
    filed = context.dossier.filed
    lines = len(filed.lines) if filed is not None and event.line is not None else 1
    return max(mine, lines, 1)

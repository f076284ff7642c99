"""L03: controls put aside more often than others in the role do, or for a large amount."""

from __future__ import annotations

from collections.abc import Iterator

from detectors.base import CannotCheck, Declaration, Finding, Threshold
from detectors.followers import FollowerContext
from detectors.mandates import case_of, internal
from detectors.tails import beta_binomial_below
from schemas.liquidation import Liquidation
from schemas.observation import LiquidatorCounts

Results = Iterator[Finding | CannotCheck]


def overrides(event: Liquidation) -> bool:
    """Whether the step puts a control aside."""
    return event.action == "OVERRIDE" or any(one.result == "OVERRIDDEN" for one in event.controls or ())


class Overrides:
    """L03."""

    declaration = Declaration(
        code="L03",
        label_fr="Taux anormal de forçages de contrôle",
        label_en="Abnormal override of controls",
        label_ar="نسبة غير عادية لتجاوز المراقبة",
        nature="INT",
        hard=False,
        weight=0.5,
        axis="arrival",
        case_of="liquidator",
        reads=("liquidation.controls", "liquidation.action", "liquidation.base_amount"),
        windows=("liquidator 30 d", "role 30 d"),
        kinds=(),
        follows=("liquidation",),
        thresholds={
            "probability": Threshold(0.99, "probability", "how rare the count is among peers of the role"),
            "controls": Threshold(200, "controls", "fewer say nothing of a habit"),
            "prior": Threshold(
                0.3, "share", "controls not passed that are overridden, before the role is known"
            ),
            "prior_weight": Threshold(100, "controls", "what the role must have seen to count as much"),
            "likeness": Threshold(40, "controls", "how alike the rates of honest liquidators are"),
            "single": Threshold(500_000, "centimes", "5,000 MAD: one override worth a look"),
            "single_weight": Threshold(0.6, "weight", "one large override"),
        },
        caveats_fr=(
            "Liquidateur chargé des dossiers complexes : plus de contrôles échouent, pas plus de forçages",
        ),
        caveats_en=("Liquidator of complex files: more controls fail, not more are overridden",),
        visibility="AUDIT_ONLY",
    )

    def check(self, context: FollowerContext) -> Results:
        """The share of failed controls that is overridden, against the role's; and one large override."""
        event = context.event
        if not isinstance(event, Liquidation) or not overrides(event):
            return
        amount = (event.base_amount or 0) + (event.complementary_amount or 0)
        if amount > context.value("L03", "single"):
            yield internal(
                "L03",
                event,
                "single",
                {},
                cls="S",
                weight=context.value("L03", "single_weight"),
                value=float(amount),
                threshold=context.value("L03", "single"),
                scheme=case_of("L03", context, event.liquidator),
            )
        counts = context.seen.acts
        if counts is None:
            yield CannotCheck("L03", "liquidator")
        elif counts.controls >= context.value("L03", "controls"):
            yield from self._rate(context, event, counts)

    @staticmethod
    def _rate(context: FollowerContext, event: Liquidation, counts: LiquidatorCounts) -> Results:
        trials = counts.failed + counts.overridden
        role = context.seen.role
        others = overridden = 0
        if role is not None:
            others = max(role.failed + role.overridden - trials, 0)
            overridden = max(role.overridden - counts.overridden, 0)
        weight, prior = context.value("L03", "prior_weight"), context.value("L03", "prior")
        usual = (weight * prior + overridden) / (weight + others)
        likeness = context.value("L03", "likeness")
        below = beta_binomial_below(counts.overridden, trials, usual * likeness, (1 - usual) * likeness)
        least = context.value("L03", "probability")
        if below > least:
            yield internal(
                "L03",
                event,
                "rate",
                {
                    "percent": round(100 * counts.overridden / trials),
                    "usual": round(100 * usual),
                    "n": trials,
                },
                cls="S",
                weight=context.value("L03", "weight"),
                value=below,
                threshold=least,
                window="30 d",
                n=counts.controls,
                scheme=case_of("L03", context, event.liquidator),
            )

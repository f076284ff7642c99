"""L03, L04 and L05: is what this liquidator does, with whom and when, like what others in the role do?"""

from __future__ import annotations

from collections.abc import Iterator

from detectors.base import CannotCheck, Declaration, Finding, Threshold
from detectors.followers import FollowerContext
from detectors.mandates import case_of, internal, off
from detectors.tails import beta_binomial_below, poisson_tail
from schemas.liquidation import Liquidation
from schemas.observation import LiquidatorCounts, PairWindow

Results = Iterator[Finding | CannotCheck]
HOUR = 3600


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


class OddHours:
    """L05."""

    declaration = Declaration(
        code="L05",
        label_fr="Liquidation hors horaires ou à cadence anormale",
        label_en="Out-of-hours or inhuman speed",
        label_ar="تصفية خارج أوقات العمل أو بوتيرة غير عادية",
        nature="INT",
        hard=False,
        weight=0.3,
        axis="arrival",
        reads=("liquidation.event_time", "liquidation.duration_ms", "liquidation.role", "calendar"),
        windows=("liquidator 1 h",),
        kinds=(),
        follows=("liquidation",),
        thresholds={
            "opens": Threshold(7, "hour", "local time"),
            "closes": Threshold(20, "hour", "local time"),
            "ramadan_closes": Threshold(24, "hour", "work moves to the evening in Ramadan"),
            "seconds": Threshold(5, "seconds", "nobody reads a file faster"),
            "override": Threshold(0.3, "weight", "added where the step overrides a control"),
        },
        caveats_fr=(
            "Compte de traitement par lot",
            "Horaires de ramadan",
            "Heures supplémentaires de fin de trimestre, inscrites au registre",
        ),
        caveats_en=("Batch account", "Hours of Ramadan", "Overtime at the end of a quarter, in the registry"),
        visibility="AUDIT_ONLY",
    )

    def check(self, context: FollowerContext) -> Results:
        """The hour, the day, and whether hands can be that fast; said once a step."""
        event = context.event
        if not isinstance(event, Liquidation):
            return
        entry = context.liquidator
        if event.role == "BATCH" or (entry is not None and entry.role == "BATCH"):
            return
        variant, facts, value, threshold = self._when(context, event)
        if variant is None:
            variant, facts, value, threshold = self._pace(context, event)
        if variant is None:
            if not context.referentials.known("calendar"):
                yield CannotCheck("L05", "calendar")
            return
        weight = context.value("L05", "weight")
        weight += context.value("L05", "override") if overrides(event) else 0.0
        yield internal(
            "L05",
            event,
            variant,
            facts,
            cls="S",
            weight=min(weight, 0.95),
            value=value,
            threshold=threshold,
            scheme=case_of("L05", context, event.liquidator),
        )

    @staticmethod
    def _when(
        context: FollowerContext, event: Liquidation
    ) -> tuple[str | None, dict[str, object], float | None, float | None]:
        if context.excepted():
            return None, {}, None, None
        local = event.event_time.astimezone(context.referentials.zone)
        day = local.date()
        facts: dict[str, object] = {"day": day.isoformat(), "time": f"{local:%H:%M}"}
        if off(context, day):
            return "day", facts, None, None
        fasting = any(row.kind == "RAMADAN" for row in context.referentials.calendar(day))
        opens = context.value("L05", "opens")
        closes = context.value("L05", "ramadan_closes" if fasting else "closes")
        hour = local.hour + local.minute / 60
        if opens <= hour < closes:
            return None, {}, None, None
        return "hours", facts, hour, opens if hour < opens else closes

    @staticmethod
    def _pace(
        context: FollowerContext, event: Liquidation
    ) -> tuple[str | None, dict[str, object], float | None, float | None]:
        least = context.value("L05", "seconds")
        if event.duration_ms is not None and event.duration_ms < least * 1000:
            seconds = event.duration_ms / 1000
            return "haste", {"seconds": seconds}, seconds, least
        window = context.seen.liquidator
        if window is not None and window.claims_1h > HOUR / least:
            return "pace", {"count": round(window.claims_1h)}, HOUR / window.claims_1h, least
        return None, {}, None, None

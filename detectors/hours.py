"""L05: liquidation at hours when nobody is at work, or faster than hands are."""

from __future__ import annotations

from collections.abc import Iterator

from detectors.base import CannotCheck, Declaration, Finding, Threshold
from detectors.followers import FollowerContext
from detectors.mandates import case_of, internal, off
from detectors.overrides import overrides
from schemas.liquidation import Liquidation

Results = Iterator[Finding | CannotCheck]
HOUR = 3600


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
        case_of="liquidator",
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

"""L01 and L02: may this liquidator do this step, on this file?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from detectors.base import CannotCheck, Declaration, Finding, Threshold
from detectors.followers import FollowerContext
from schemas.liquidation import Liquidation
from schemas.referential import CalendarRow
from schemas.registries import Liquidator, LiquidatorRight

Results = Iterator[Finding | CannotCheck]
SUNDAY = 6
BY_HAND = ("REGISTER", "COMPUTE", "MODIFY")


def off(context: FollowerContext, day: dt.date) -> bool:
    """Whether a day is a Sunday or a holiday by the payer's calendar."""
    rows: tuple[CalendarRow, ...] = context.referentials.calendar(day)
    return day.weekday() == SUNDAY or any(row.kind in ("SUNDAY", "FIXED", "MOVEABLE") for row in rows)


def internal(code: str, event: Liquidation, variant: str, facts: dict[str, Any], **fields: Any) -> Finding:
    """A finding about who liquidates, on the line that the step is about."""
    return Finding(
        code,
        fields.pop("cls", "H"),
        nature="INT",
        lines=() if event.line is None else (event.line,),
        amount=(event.base_amount or 0) + (event.complementary_amount or 0),
        variant=variant,
        facts=facts,
        **fields,
    )


def case_of(code: str, context: FollowerContext, name: str) -> str:
    """One case a liquidator, row and month: forty steps of one night are one alert."""
    day = context.referentials.local_date(context.event.event_time)
    return f"{code}:{name}:{day:%Y-%m}"


class Unauthorised:
    """L01."""

    declaration = Declaration(
        code="L01",
        label_fr="Liquidateur non habilité",
        label_en="Unauthorised or out-of-scope liquidator",
        label_ar="مصفي غير مؤهل",
        nature="INT",
        hard=True,
        weight=0.95,
        axis="arrival",
        case_of="liquidator",
        reads=("liquidation.liquidator", "liquidation.role", "liquidation.mutuelle", "liquidators.rights"),
        windows=("liquidator 30 d",),
        kinds=(),
        follows=("liquidation",),
        thresholds={
            "grace": Threshold(1, "working days", "rights of somebody new may reach the registry late")
        },
        caveats_fr=("Habilitation nouvelle transmise avec un jour ouvré de retard", "Délégation en cours"),
        caveats_en=("New rights that reach the registry one working day late", "Delegation in force"),
        visibility="AUDIT_ONLY",
    )

    def check(self, context: FollowerContext) -> Results:
        """Rights that have ended have no grace; those that begin tomorrow do."""
        event, tables = context.event, context.referentials
        if not isinstance(event, Liquidation):
            return
        if not tables.liquidators:
            yield CannotCheck("L01", "liquidators")
            return
        scheme = case_of("L01", context, event.liquidator)
        entry = context.liquidator
        if entry is None:
            if self._new(context):
                yield CannotCheck("L01", "liquidators.entry")
            else:
                yield internal("L01", event, "unknown", {}, weight=0.95, scheme=scheme)
            return
        if entry.rights is None:
            yield CannotCheck("L01", "liquidators.rights")
            return
        day = tables.local_date(event.event_time)
        rights, roles = list(entry.rights), {entry.role}
        for lent in entry.delegations or ():
            other = tables.liquidators.get(lent.of or "")
            if other is not None and lent.covers(day):
                rights += other.rights or ()
                roles.add(other.role)
        variant, facts = self._fault(context, event, rights, day)
        if variant is None and event.role is not None and event.role not in roles:
            variant, facts = "role", {"role": event.role}
        if variant is not None:
            yield internal("L01", event, variant, facts, weight=0.95, scheme=scheme)

    def _fault(
        self, context: FollowerContext, event: Liquidation, rights: list[LiquidatorRight], day: dt.date
    ) -> tuple[str | None, dict[str, Any]]:
        """What is wrong with the rights that day: over or not begun, then where they reach."""
        until = self._grace(context, day)
        live = [
            one for one in rights if one.covers(day) or (one.from_ is not None and day < one.from_ <= until)
        ]
        if not live:
            ended = [one.to for one in rights if one.to is not None and one.to < day]
            return ("ended", {"last": max(ended).isoformat()}) if ended else ("never", {})
        if not any(one.mutuelle in (None, event.mutuelle) or event.mutuelle is None for one in live):
            return "mutuelle", {}
        if not any(self._reaches(one, event) for one in live):
            return "scope", {}
        return None, {}

    @staticmethod
    def _reaches(right: LiquidatorRight, event: Liquidation) -> bool:
        if event.mutuelle is not None and right.mutuelle not in (None, event.mutuelle):
            return False
        if event.agency is not None and right.agency not in (None, event.agency):
            return False
        return right.scope is None or bool({event.role, event.action, event.flow} & set(right.scope))

    @staticmethod
    def _grace(context: FollowerContext, day: dt.date) -> dt.date:
        """The last day on which rights may begin that are used already."""
        left = int(context.value("L01", "grace"))
        while left > 0:
            day += dt.timedelta(days=1)
            left -= not off(context, day)
        return day

    def _new(self, context: FollowerContext) -> bool:
        """Whether nobody saw this account before the last working day: the registry may still learn of it."""
        counts, window = context.seen.acts, context.seen.liquidator
        if counts is None or window is None:
            return True
        day = context.referentials.local_date(context.event.event_time)
        back = int(context.value("L01", "grace"))
        since = day
        while back > 0:
            since -= dt.timedelta(days=1)
            back -= not off(context, since)
        span = (day - since).days
        recent = window.claims_1d if span == 0 else window.claims_2d if span == 1 else window.claims_7d
        return counts.steps <= recent


class OwnFile:
    """L02."""

    declaration = Declaration(
        code="L02",
        label_fr="Séparation des tâches non respectée",
        label_en="Four-eyes or own-file violation",
        label_ar="عدم احترام الفصل بين المهام",
        nature="INT",
        hard=True,
        weight=0.95,
        axis="arrival",
        case_of="liquidator",
        reads=(
            "liquidation.liquidator",
            "liquidation.action",
            "liquidation.controls",
            "liquidators.linked_beneficiaries",
            "liquidators.delegations",
        ),
        windows=("the claim's steps",),
        kinds=(),
        follows=("liquidation",),
        visibility="AUDIT_ONLY",
        caveats_fr=("Petite agence : exception déléguée, inscrite au registre",),
        caveats_en=("Small agency: a delegated exception that stands in the registry",),
    )

    def check(self, context: FollowerContext) -> Results:
        """One pair of eyes where two are due, an own hold overridden, or one's own family's file."""
        event = context.event
        if not isinstance(event, Liquidation):
            return
        entry = context.liquidator
        yield from self._linked(event, entry, context)
        if context.excepted():
            return
        mine = [
            step
            for name, step in context.dossier.live().items()
            if step.liquidator == event.liquidator and step.meets(event.line) and name != event.event_id
        ]
        done = {step.action for step in mine}
        if (event.action == "VALIDATE" and done & set(BY_HAND)) or (
            event.action in BY_HAND and "VALIDATE" in done
        ):
            yield internal("L02", event, "eyes", {}, weight=0.95)
        elif mine and self._overrides(context, event):
            yield internal("L02", event, "override", {}, weight=0.95)

    @staticmethod
    def _linked(event: Liquidation, entry: Liquidator | None, context: FollowerContext) -> Results:
        if entry is None or entry.linked_beneficiaries is None:
            missing = "liquidators" if entry is None else "liquidators.linked_beneficiaries"
            yield CannotCheck("L02", missing)
            return
        filed, person = context.dossier.filed, context.seen.person
        concerned = {event.beneficiary}
        concerned |= {filed.insured} if filed is not None else set()
        concerned |= {person.insured} if person is not None else set()
        if concerned & set(entry.linked_beneficiaries):
            yield internal("L02", event, "linked", {}, weight=0.95)

    @staticmethod
    def _overrides(context: FollowerContext, event: Liquidation) -> bool:
        """Whether the step puts an open hold aside: it names the verdict, or overrides while one stands."""
        lines = () if event.line is None else (event.line,)
        holds = context.dossier.blocking(lines, event.event_time)
        named = {
            control.verdict_id
            for control in event.controls or ()
            if control.result == "OVERRIDDEN" and control.verdict_id is not None
        }
        if any(hold.verdict_id in named for hold in holds):
            return True
        return event.action in ("OVERRIDE", "RELEASE") and bool(holds)

"""E: were those who acted known, active and allowed to, and does an order suspend their payments?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from operator import attrgetter

from detectors.base import CARE_KINDS, CannotCheck, Context, Declaration, Finding, Threshold
from detectors.eligibility import ALL_KINDS
from detectors.models.coverage import PRESCRIBER, usual_kind
from detectors.reading import DRUGS, LEAVE, abroad, at_stake, days
from detectors.referentials import Referentials
from schemas.claim import Line
from schemas.envelope import Interval
from schemas.referential import ActRow
from schemas.registries import Provider
from schemas.warnings import is_inpe

Results = Iterator[Finding | CannotCheck]
ROLES = ("executor", "performer", "place", "prescriber")
_actors = attrgetter(*ROLES)


class UnknownInpe:
    """E03."""

    declaration = Declaration(
        code="E03",
        label_fr="INPE absent, invalide ou inconnu",
        label_en="INPE missing, malformed or unknown",
        label_ar="الرقم الوطني للمهني غائب أو غير صالح أو غير معروف",
        nature="ADM",
        hard=True,
        weight=0.1,
        axis="care",
        reads=(
            "lines.executor",
            "lines.prescriber",
            "providers",
            "acts.allowed_kinds",
            "acts.needs_prescription",
        ),
        windows=("inpe coverage 7 d",),
        kinds=ALL_KINDS,
        thresholds={
            "coverage_to_hold": Threshold(
                0.95, "share", "INPE is not generalised; 0 holds always, above 1 never"
            )
        },
        caveats_fr=("Généralisation de l'INPE inachevée", "Plusieurs INPE pour une même personne"),
        caveats_en=("INPE not yet generalised", "Several INPE for one person"),
        visibility="LIQUIDATOR",
    )

    def check(self, context: Context) -> Iterable[Finding | CannotCheck]:
        """One finding for each kind of defect and role; a review until coverage allows a hold."""
        defects: dict[tuple[str, str], list[Line]] = {}
        unknown: set[str] = set()
        claim, tables = context.claim, context.referentials
        for line, act in context.rows():
            if abroad(claim, line):
                continue
            defect = _executor(line, act, tables, unknown)
            if defect is not None:
                defects.setdefault((defect, "executor"), []).append(line)
            if line.prescriber is None and line.nomenclature == DRUGS:
                continue  # acts.needs_prescription says nothing of drugs
            defect = _prescriber(line, act, tables, unknown)
            if defect is not None:
                defects.setdefault((defect, "prescriber"), []).append(line)
        return self._answers(context, defects, unknown) if defects or unknown else ()

    def _answers(
        self, context: Context, defects: dict[tuple[str, str], list[Line]], unknown: set[str]
    ) -> Results:
        for missing in sorted(unknown):
            yield CannotCheck("E03", missing)
        floor = context.value("E03", "coverage_to_hold")
        for (defect, role), lines in sorted(defects.items(), key=lambda item: item[0]):
            numbers = {line.line for line in lines}
            coverages = [self._coverage(context, line, role) for line in lines]
            yield Finding(
                "E03",
                "H",
                weight=0.1,
                nature="ADM",
                lines=tuple(sorted(numbers)),
                amount=at_stake(context.claim, numbers),
                n=len(numbers),
                variant=f"{defect}_{role}",
                facts={"inpe": getattr(lines[0], role), "day": lines[0].service_date.isoformat()},
                review=any(coverage is None or coverage < floor for coverage in coverages) and floor > 0,
            )

    @staticmethod
    def _coverage(context: Context, line: Line, role: str) -> float | None:
        """The INPE coverage of the kind that stands there, or usually does; None where it is unknown."""
        tables = context.referentials
        entry = tables.provider(getattr(line, role) or "")
        if entry is not None:
            kind: str | None = entry.kind
        else:
            kind = usual_kind(line, tables) if role == "executor" else PRESCRIBER
        return None if kind is None else tables.coverage.get(kind)


def _executor(line: Line, act: ActRow | None, tables: Referentials, unknown: set[str]) -> str | None:
    """What is wrong with a line's executor."""
    number = line.executor
    if number is None:
        return None if line.care_group == LEAVE else "missing"
    entry = tables.providers.get(number)
    defect = _standing(number, entry, line.service_date, tables, unknown)
    if defect is None and entry is not None and act is not None and act.allowed_kinds:
        return None if entry.kind in act.allowed_kinds else "kind"
    return defect


def _prescriber(line: Line, act: ActRow | None, tables: Referentials, unknown: set[str]) -> str | None:
    """What is wrong with a line's prescriber, or with its absence."""
    if line.prescriber is not None:
        entry = tables.providers.get(line.prescriber)
        return _standing(line.prescriber, entry, line.service_date, tables, unknown)
    if act is None or act.needs_prescription is None:
        unknown.add("acts" if act is None else "acts.needs_prescription")
        return None
    return "missing" if act.needs_prescription else None


def _standing(
    number: str, entry: Provider | None, day: dt.date, tables: Referentials, unknown: set[str]
) -> str | None:
    """Why the registry does not let a number act on that day."""
    if not is_inpe(number):
        return "malformed"
    if entry is None:
        if tables.providers:
            return "unknown"
        unknown.add("providers")
        return None
    if entry.active is None:
        return None
    for span in entry.active:
        if span.covers(day):
            return None
    return "inactive"


class ExcludedActor:
    """E04."""

    declaration = Declaration(
        code="E04",
        label_fr="Professionnel exclu, radié ou suspendu",
        label_en="Excluded, struck-off or suspended actor",
        label_ar="مهني مستبعد أو مشطوب عليه أو موقوف",
        nature="PRE",
        hard=True,
        weight=0.95,
        axis="care",
        case_of="provider",
        reads=("lines.executor", "lines.performer", "lines.place", "lines.prescriber", "providers", "orders"),
        windows=(),
        kinds=ALL_KINDS,
        caveats_fr=("Homonyme : l'identité n'est comparée que par l'INPE",),
        caveats_en=("Namesake: identity is compared by INPE only",),
    )

    def check(self, context: Context) -> Results:
        """Exclusions at the date of care (a prescriber: of prescribing); orders at arrival."""
        excluded: dict[tuple[str, str], set[int]] = {}
        unknown: set[str] = set()
        providers = context.referentials.providers
        spans: dict[str | None, tuple[Interval, ...]] = {}
        for line in context.claim.lines:
            for number in _actors(line):
                if number is None:
                    continue
                entry = providers.get(number)
                if entry is None or entry.excluded is None:
                    unknown.add("providers" if entry is None else "providers.excluded")
                elif entry.excluded:
                    spans[number] = entry.excluded
        for line in context.claim.lines if spans else ():
            for role, number in zip(ROLES, _actors(line), strict=True):
                if number in spans:
                    on = (line.prescribed_on or line.service_date,) if role == "prescriber" else days(line)
                    if any(span.covers(day) for span in spans[number] for day in on):
                        excluded.setdefault((number, role), set()).add(line.line)
        if unknown:
            for missing in sorted(unknown):
                yield CannotCheck("E04", missing)
        if excluded:
            for (known, role), lines in sorted(excluded.items()):
                yield self._finding(context, f"excluded_{role}", lines, {"inpe": known})
        if context.referentials.orders and context.claim.kind in CARE_KINDS:
            yield from self._orders(context)

    def _orders(self, context: Context) -> Results:
        tables = context.referentials
        today = tables.local_date(context.claim.event_time)
        ordered: dict[str, set[int]] = {}
        for line in context.claim.lines:
            entry = tables.provider(line.executor or "")
            entities = [f"provider:{line.executor}"]
            if entry is not None and entry.network is not None:
                entities.append(f"network:{entry.network}")
            for entity in entities:
                if tables.order(entity, today) is not None:
                    ordered.setdefault(entity, set()).add(line.line)
        for entity, lines in sorted(ordered.items()):
            order = tables.orders[entity]
            kind, _, number = entity.partition(":")
            facts = {"order": order.order_id, "from": order.from_.isoformat(), kind: number}
            finding = self._finding(context, f"order_{kind}", lines, facts)
            finding.scope = order.scope
            yield finding

    @staticmethod
    def _finding(context: Context, variant: str, lines: set[int], facts: dict[str, str]) -> Finding:
        return Finding(
            "E04",
            "H",
            weight=0.95,
            lines=tuple(sorted(lines)),
            amount=at_stake(context.claim, lines),
            n=len(lines),
            variant=variant,
            facts=facts,
        )


class SuspendedPayee:
    """ORD: not one of the catalogue's detectors, but a named human order that the stream applies."""

    declaration = Declaration(
        code="ORD",
        label_fr="Suspension de paiement ordonnée",
        label_en="Payment suspended by order",
        label_ar="تعليق الأداء بأمر",
        nature="PRE",
        hard=True,
        weight=0.95,
        axis="arrival",
        case_of="beneficiary",
        reads=("beneficiary", "orders"),
        windows=(),
        needs="orders",
    )

    def check(self, context: Context) -> Results:
        """An order against the beneficiary holds whatever is payable to him."""
        claim, tables = context.claim, context.referentials
        if not tables.orders:
            return
        order = tables.order(f"beneficiary:{claim.beneficiary}", tables.local_date(claim.event_time))
        if order is not None:
            yield Finding(
                "ORD",
                "H",
                weight=0.95,
                amount=at_stake(claim, ()),
                facts={"order": order.order_id, "from": order.from_.isoformat()},
                scope=order.scope,
            )

"""A stage for detectors: referentials, registries and windows built by hand, the claim in its wire form."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import msgspec

from detectors import plan
from detectors.base import CARE_KINDS, CannotCheck, Context, Declaration, Detector, Finding
from detectors.book import ReferentialBook
from detectors.catalogue import BY_CODE as ALL_BY_CODE
from detectors.catalogue import DETECTORS
from detectors.findings import from_record, to_record
from detectors.reading import coverage_index
from detectors.sentences import write
from schemas.claim import Claim
from schemas.control import Order
from schemas.enums import CARE_GROUPS, CLAIM_KINDS
from schemas.observation import Fact, LogLine, Observation, day_number, entity_ref, event_ref, marked
from schemas.referential import Policy, Referential, checksum
from schemas.registries import Beneficiary, Provider
from tests.detectors import examples

ENVELOPE = {"version": 1, "event_time": "2026-03-10T09:00:00Z", "organism": "CNOPS", "flow": "AMO"}
DOCTOR, PHARMACY, OTHER = "104512345", "207711223", "104599999"
DAY = dt.date(2026, 3, 2)
BOX = "6118001230068"
BY_CODE: dict[str, Detector] = {detector.declaration.code: detector for detector in DETECTORS}


class Numbers(dict[str, int]):
    """Names numbered as the state does: nine-digit INPE are themselves, others from 2**30 up."""

    def __init__(self, names: dict[int, str]) -> None:
        self.names = names

    def __missing__(self, name: str) -> int:
        number = int(name) if len(name) == 9 and name.isdigit() else 2**30 + len(self)
        self[name] = number
        self.names[number] = name
        return number

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name else default


def day(offset: int = 0) -> str:
    """An ISO date that many days from the usual day of care."""
    return (DAY + dt.timedelta(days=offset)).isoformat()


class Scene:
    """Collects what surrounds a claim, then plays one detector on it."""

    def __init__(self) -> None:
        self.book = ReferentialBook()
        self.names: dict[int, str] = {}
        self.numbers = Numbers(self.names)
        self.seen = Observation()
        self.coverage: dict[str, float] = {}
        self.evidence: Any = None

    def table(
        self,
        name: str,
        *rows: dict[str, Any],
        edition: str = "1",
        valid_from: str = "2020-01-01",
        **more: Any,
    ) -> Scene:
        kind = Policy if name == "detectors" else Referential
        body = {**ENVELOPE, "event_id": f"{name}-{edition}", "name": name, "edition": edition}
        body |= {"type": kind.__struct_config__.tag, "valid_from": valid_from, "rows": rows}
        load = self.book.apply(msgspec.convert({**body, "checksum": checksum(rows), **more}, kind))
        assert load is not None
        assert load.reason is None, load.reason
        return self

    def act(self, code: str = "CS", nomenclature: str = "NGAP", **columns: Any) -> Scene:
        """The acts table with one row more than before."""
        self._acts = [*getattr(self, "_acts", []), {"nomenclature": nomenclature, "code": code, **columns}]
        return self.table("acts", *self._acts)

    def provider(self, inpe: str = DOCTOR, kind: str = "MEDECIN", **fields: Any) -> Scene:
        body = {**ENVELOPE, "type": "provider", "event_id": f"p-{inpe}", "inpe": inpe, "kind": kind, **fields}
        self.book.apply(msgspec.convert(body, Provider))
        return self

    def order(self, entity: str, scope: str = "PAYEE", **fields: Any) -> Scene:
        body = {**ENVELOPE, "type": "order", "event_id": "o-1", "order_id": "ORD-7", "entity": entity}
        body |= {"scope": scope, "from": "2026-01-01", "ordered_by": ["a", "b"], "motive": "m", **fields}
        self.book.apply(msgspec.convert(body, Order))
        return self

    def person(self, **fields: Any) -> Scene:
        body = {**ENVELOPE, "type": "beneficiary", "event_id": "b-1", "beneficiary": "B-1", "insured": "A-1"}
        self.seen.beneficiary = msgspec.convert({**body, **fields}, Beneficiary)
        return self

    def claim(self, *lines: dict[str, Any], **fields: Any) -> Claim:
        body = {**ENVELOPE, "type": "claim", "event_id": "C-1", "claim_id": "D-1", "kind": "AMBULATOIRE"}
        body |= {"beneficiary": "B-1", "insured": "A-1", "deposit_date": "2026-03-10", "coverage": "BASE"}
        body["lines"] = [{"line": number, **line} for number, line in enumerate(lines, 1)]
        return msgspec.convert({**body, **fields}, Claim)

    def log_of(self, claim: Claim) -> list[LogLine]:
        """The lines of a claim as the beneficiary's log keeps them."""
        return [
            LogLine(
                event=event_ref(claim.event_id),
                claim=entity_ref(claim.claim_id),
                day=day_number(date),
                arrival=marked(
                    int(claim.event_time.timestamp()),
                    CLAIM_KINDS.index(claim.kind),
                    int(line.service_time[:2]) * 60 + int(line.service_time[3:])
                    if line.service_time
                    else None,
                    typed=claim.channel not in ("FSE", "TP")
                    and claim.kind != "FACTURE_TP"
                    and date == claim.deposit_date,
                ),
                executor=self.numbers[line.executor] if line.executor else 0,
                prescriber=self.numbers[line.prescriber] if line.prescriber else 0,
                act=self.numbers[f"{line.nomenclature}|{line.code}"],
                site=self.numbers[f"@{line.teeth}|{line.side}"] if line.teeth or line.side else 0,
                quantity=round(line.quantity * 100) // len(line.sessions or (1,)),
                amount=line.amount // len(line.sessions or (1,)),
                line=line.line,
                group=CARE_GROUPS.index(line.care_group),
                coverage=coverage_index(claim),
            )
            for line in claim.lines
            for date in line.sessions or (line.service_date,)
        ]

    def earlier(self, *lines: dict[str, Any], number: int = 1, **fields: Any) -> Scene:
        """Another claim of the beneficiary, already in the log."""
        fields = {"event_id": f"C-before-{number}", "claim_id": f"D-before-{number}", **fields}
        self.seen.log += self.log_of(self.claim(*lines, **fields))
        return self

    def facts(self, *lines: dict[str, Any], number: int = 1, **fields: Any) -> Scene:
        """Another claim of the beneficiary: in the log, and what of it stays known for good."""
        fields = {"event_id": f"C-before-{number}", "claim_id": f"D-before-{number}", **fields}
        claim = self.claim(*lines, **fields)
        self.seen.log += self.log_of(claim)
        for fact in plan.facts(claim, self.book.snapshot()):
            key = fact.key if isinstance(fact.key, int) else self.numbers[fact.key]
            by = self.numbers[fact.provider] if fact.provider else 0
            event = event_ref(claim.event_id)
            self.seen.facts.append(Fact(event, fact.day, fact.until, fact.kind, key, by, fact.detail))
        return self

    def context(self, claim: Claim) -> Context:
        self.seen.own = self.log_of(claim) if claim.kind in CARE_KINDS else []
        self.seen.log.sort(key=lambda line: line.day)
        self.seen.facts.sort(key=lambda fact: fact.day)
        referentials = replace(self.book.snapshot(), coverage=self.coverage)
        thresholds = referentials.thresholds(claim.deposit_date)
        return Context(claim, self.seen, referentials, thresholds, self.evidence, self.numbers, self.names)

    def play(
        self, code: str, *lines: dict[str, Any], **fields: Any
    ) -> tuple[list[Finding], list[CannotCheck]]:
        """(findings, cannot check) of one detector; what holds for all of them is checked here."""
        context = self.context(self.claim(*lines, **fields))
        found = list(BY_CODE[code].check(context))
        assert found == list(BY_CODE[code].check(context)), "a detector answers the same twice"
        self.seen.log.sort(key=lambda line: (line.day, line.event), reverse=True)
        self.seen.log.sort(
            key=lambda line: line.day
        )  # as if what is dated alike had come the other way round
        again = list(BY_CODE[code].check(self.context(self.claim(*lines, **fields))))
        assert list(map(_core, again)) == list(map(_core, found)), "the order of arrival changes the answer"
        findings = [item for item in found if isinstance(item, Finding)]
        numbers = {line.line for line in context.claim.lines}
        for finding in findings:
            assert finding.code == code
            assert numbers.issuperset(finding.lines)
            assert 0 < finding.strength <= 1
            assert from_record(msgspec.json.decode(msgspec.json.encode(to_record(finding)))) == finding
            assert None not in write(code, finding.variant, finding.facts, finding.amount), "no sentence"
        examples.meet(context.claim, findings)
        return findings, [item for item in found if isinstance(item, CannotCheck)]


def _core(item: Finding | CannotCheck) -> tuple[Any, ...]:
    """What an answer says, whichever of two records alike it cites."""
    if isinstance(item, CannotCheck):
        return (item.code, item.missing)
    return (
        item.code,
        item.cls,
        item.variant,
        item.lines,
        item.value,
        item.weight,
        item.strength,
        item.review,
    )


def consultation(**fields: Any) -> dict[str, Any]:
    """A line: a visit of 250 MAD."""
    line = {"care_group": "CONSULTATION", "nomenclature": "NGAP", "code": "CS", "quantity": 1, "unit": "ACT"}
    return {**line, "amount": 25_000, "service_date": day(), "executor": DOCTOR, **fields}


def box(**fields: Any) -> dict[str, Any]:
    """A line: one box of 95 MAD."""
    line = {"care_group": "PHARMACY", "nomenclature": "MED", "code": BOX, "quantity": 1, "unit": "BOX"}
    line |= {"unit_price": 9_500, "amount": 9_500, "service_date": day(), "executor": PHARMACY}
    return {**line, "prescriber": DOCTOR, **fields}


def declaration(code: str) -> Declaration:
    """The declaration of a detector."""
    return ALL_BY_CODE[code]

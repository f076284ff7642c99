"""A stage for the loop: wire messages built by hand, screened by the real thing from an event log."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from schemas.referential import checksum
from streams.config import Settings
from streams.event_log import LogScreening, screen_log
from streams.messages import Output

START = dt.datetime(2026, 3, 10, 9, tzinfo=dt.UTC)
DOCTOR, PHARMACY, STRUCK_OFF = "104512345", "207711223", "104599999"
Event = dict[str, Any]
PAID_AS_FILED: Event = {"code": "Y01", "parameter": "needs_liquidation", "value": 0}


@dataclass
class Said:
    """Everything that a run put out, by topic."""

    records: list[Event] = field(default_factory=list)
    verdicts: list[Event] = field(default_factory=list)
    suspensions: list[Event] = field(default_factory=list)
    alerts: list[Event] = field(default_factory=list)
    internal: list[Event] = field(default_factory=list)
    letters: list[dict[str, str]] = field(default_factory=list)
    topics: Counter[str] = field(default_factory=Counter)

    def take(self, outputs: Sequence[Output]) -> None:
        for output in outputs:
            self.topics[output.topic] += 1
            if output.topic == "dead-letters":
                headers = {name: value.decode() for name, value in output.headers}
                self.letters.append({**headers, "received": output.value.decode(errors="replace")})
                continue
            kept = {
                "screened": self.records,
                "verdicts": self.verdicts,
                "payment-suspensions": self.suspensions,
                "fraud-alerts": self.alerts,
                "internal-alerts": self.internal,
            }.get(output.topic)
            if kept is not None:
                kept.append(orjson.loads(output.value))

    def of(self, event_id: str) -> list[Event]:
        """The revisions of an event's record, in order."""
        return [record for record in self.records if record["event_id"] == event_id]

    def live(self, event_id: str) -> Event:
        """The last revision."""
        return self.of(event_id)[-1]

    def public(self, event_id: str) -> Event:
        """The last revision as a liquidator reads it."""
        return [verdict for verdict in self.verdicts if verdict["event_id"] == event_id][-1]

    def states(self, event_id: str) -> list[str]:
        """The states of an event's suspension, in order."""
        return [one["state"] for one in self.suspensions if one["event_id"] == event_id]


class Stage:
    """Screens logs on one server; `url` None = a private one for each run."""

    def __init__(self, url: str | None) -> None:
        self.url = url
        self._name = 0

    def screen(
        self, lines: Iterable[Event | bytes], *, size: int = 128, observe_only: bool = False, tags: int = 1
    ) -> Said:
        """Screen a log of events (or raw lines); another call goes on with what the first one left."""
        said = Said()
        self._name += 1
        job = LogScreening(Settings(tags=tags), self.url, f"log-{self._name}", size, observe_only)
        raw = (line if isinstance(line, bytes) else orjson.dumps(line) for line in lines)
        screen_log(job, (line + b"\n" for line in raw), said.take)
        return said


class Desk:
    """Writes events, each a minute after the one before."""

    def __init__(self) -> None:
        self.now = START
        self.number = 0

    def event(self, type_: str, **fields: Any) -> Event:
        self.now += dt.timedelta(minutes=1)
        self.number += 1
        at = fields.pop("at", self.now)
        body = {
            "type": type_,
            "version": 1,
            "event_id": f"E-{self.number}",
            "organism": "CNOPS",
            "flow": "AMO",
        }
        return {**body, "event_time": at.isoformat(), "ingest_time": at.isoformat(), **fields}

    def claim(self, event_id: str, *lines: Event, who: str = "B-1", **fields: Any) -> Event:
        body: Event = {"event_id": event_id, "claim_id": f"D-{event_id}", "kind": "AMBULATOIRE"}
        body |= {"beneficiary": who, "insured": f"A-{who}", "deposit_date": "2026-03-10", "coverage": "BASE"}
        body["lines"] = [{"line": n, **line} for n, line in enumerate(lines or (visit(),), 1)]
        return self.event("claim", **{**body, **fields})

    def correct(self, original: Event, event_id: str, *lines: Event, **fields: Any) -> Event:
        more = {"claim_id": original["claim_id"], "replaces": original["event_id"], "action": "CORRECT"}
        return self.claim(event_id, *lines, **{**more, **fields}, who=original["beneficiary"])

    def cancel(self, original: Event, event_id: str, **fields: Any) -> Event:
        return self.correct(original, event_id, action="CANCEL", lines=[], **fields)

    def follow(self, type_: str, claim: Event, event_id: str, **fields: Any) -> Event:
        return self.event(
            type_,
            **{
                "event_id": event_id,
                "claim_id": claim["claim_id"],
                "beneficiary": claim["beneficiary"],
                **fields,
            },
        )

    def liquidation(self, claim: Event, event_id: str, **fields: Any) -> Event:
        more = {"line": 1, "action": "COMPUTE", "liquidator": "L-1", "base_amount": 20_000}
        return self.follow("liquidation", claim, event_id, **{**more, **fields})

    def payment(self, claim: Event, event_id: str, *lines: int, **fields: Any) -> Event:
        more = {"payment_id": f"P-{event_id}", "payee": "INSURED", "status": "ORDERED", "base_amount": 20_000}
        more["lines"] = [{"line": line, "base_amount": 20_000} for line in lines]
        return self.follow("payment", claim, event_id, **{**more, **fields})

    def review(self, claim: Event, outcome: str, revision: int = 1, **fields: Any) -> Event:
        more = {"verdict_id": f"V-{claim['event_id']}-{revision}", "outcome": outcome, "decided_by": ["R-1"]}
        return self.follow("review", claim, f"RV-{self.number}", **{**more, **fields})

    def person(
        self, who: str = "B-1", opened: str = "2020-01-01", to: str | None = None, **fields: Any
    ) -> Event:
        rights = [{"from": opened, "to": to, "manager": "CNOPS", "status": "OPEN"}]
        more = {"beneficiary": who, "insured": f"A-{who}", "rights": rights, "ald": []}
        return self.event("beneficiary", **{**more, **fields})

    def provider(self, inpe: str, kind: str = "MEDECIN", **fields: Any) -> Event:
        more = {"sector": "PRIVATE", "specialty": "GP", "excluded": [], "commune": "C1"}
        return self.event("provider", inpe=inpe, kind=kind, **{**more, **fields})

    def table(self, name: str, *rows: Event, **fields: Any) -> Event:
        more = {"edition": "1", "valid_from": "2015-01-01", "checksum": checksum(rows), "rows": rows}
        type_ = "policy" if name == "detectors" else "referential"
        return self.event(type_, name=name, **{**more, **fields})

    def world(self, *, strict: bool = False) -> list[Event]:
        """Registries and tables: two doctors of whom one is struck off, a pharmacy, two people, two acts.

        `strict`: what nobody liquidated is not payable, as is usual; most tests need no liquidation.
        """
        act = {"nomenclature": "NGAP", "letter": "C", "coefficient": 1, "care_group": "CONSULTATION"}
        act |= {"minutes": 15, "allowed_kinds": ["MEDECIN"], "needs_prescription": False}
        act["repeatable_same_day"] = False
        return [
            *([] if strict else [self.table("detectors", PAID_AS_FILED)]),
            self.table("acts", {**act, "code": "C"}, {**act, "code": "K"}),
            self.provider(DOCTOR),
            self.provider(STRUCK_OFF, excluded=[{"from": "2025-01-01", "to": None, "reason": "struck off"}]),
            self.provider(PHARMACY, "PHARMACIE", specialty=None),
            self.person("B-1"),
            self.person("B-2"),
        ]


def visit(executor: str | None = DOCTOR, **fields: Any) -> Event:
    """A line: a visit of 250 MAD on 2 March 2026."""
    line = {"care_group": "CONSULTATION", "nomenclature": "NGAP", "code": "C", "quantity": 1, "unit": "ACT"}
    return {**line, "amount": 25_000, "service_date": "2026-03-02", "executor": executor, **fields}


def held(**fields: Any) -> Event:
    """A line that is held for fraud review: its executor was struck off."""
    return visit(STRUCK_OFF, code="K", **fields)


def stable(record: Event) -> Event:
    """A record without what a clock or a position put into it."""
    return {name: value for name, value in record.items() if name not in ("issued_at", "input")}

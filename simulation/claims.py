"""From care to claims: what an insured puts in an envelope (a dossier), and the counter that files it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simulation import clock
from simulation.acts import ACT
from simulation.draw import Draw
from simulation.drugs import Drug
from simulation.places import COMMUNES
from simulation.population import ILLNESSES, Person
from simulation.providers import Provider
from simulation.tables import Event, rate_of

UNITS = {"SEJOUR": "DAY", "DM": "ITEM", "IJ": "DAY"}
DELAYS = {"PAPER": 8.0, "PORTAL": 4.0, "TP": 4.0}  # mean days between care and deposit
CONVENTIONAL = "ACHAMIL"  # this world's regime under a convention of its own
LONGEST = 55  # days; the payer's limit is 60
Blame = tuple[str, str, str]
"""Truth class, scheme and case"""
Step = tuple[int, Event, bool | Blame]
"""Instant, liquidation or payment, whether it is at fault (as the dossier says, or as said here)"""
Handling = Callable[[Draw, Event, list[Step]], list[Step]]
"""What somebody in the back office makes of a claim's usual steps"""


@dataclass(slots=True)
class Dossier:
    """A file in the making: lines, documents and what the payer owes for each line."""

    person: Person
    day: int
    kind: str = "AMBULATOIRE"
    lines: list[Event] = field(default_factory=list)
    documents: list[Event] = field(default_factory=list)
    dues: list[tuple[int, int, int]] = field(default_factory=list)
    """(line, basis, base part) in centimes"""
    last: int = 0
    payee: str | None = None
    """INPE of the provider paid directly (tiers payant), else the insured is paid"""
    sick_leave: Event | None = None
    approvals: list[Event] = field(default_factory=list)
    truth: str = "HONEST"
    scheme: str | None = None
    case: str | None = None
    """Which performance of the scheme it belongs to"""
    faults: dict[int, str] | None = None
    """Line -> what is wrong with it; None = every line, with what the scheme says"""
    handling: Handling | None = None
    """What happens to it in the back office, where that is a scheme or a look-alike"""
    handled: tuple[str, str] | None = None
    """Truth class and scheme of the steps at fault"""
    coverage: str | None = None
    """What the file is for, where that is not what the insured is covered for"""
    delay: int | None = None
    """Days between the care and the counter, where they matter"""

    def act(
        self,
        code: str,
        executor: Provider,
        day: int,
        *,
        quantity: int = 1,
        unit_price: int | None = None,
        prescriber: Provider | None = None,
        prescribed_on: int | None = None,
        prescription: str | None = None,
        **more: Any,
    ) -> int:
        """Add an act; returns its line number. `more` are wire fields of the line."""
        act = ACT[code]
        price = executor.fee(code) if unit_price is None else unit_price
        unit = "SESSION" if act.extra.get("series") else UNITS.get(act.nomenclature, "ACT")
        line: Event = {
            "line": len(self.lines) + 1,
            "care_group": act.group,
            "nomenclature": act.nomenclature,
            "code": code,
            "letter": act.letter,
            "coefficient": act.coefficient,
            "quantity": quantity,
            "unit": unit,
            "unit_price": price,
            "amount": price * quantity,
            "service_date": clock.text(day),
            "executor": executor.inpe,
        }
        if prescriber is not None:
            line["prescriber"] = prescriber.inpe
            line["prescribed_on"] = clock.text(day if prescribed_on is None else prescribed_on)
            if prescription:
                line["prescription"] = prescription
        if executor.individual and act.minutes and "sessions" not in more:
            executor.booked[day] = executor.booked.get(day, 0) + act.minutes * quantity
        return self._add(
            line, day, min(price, act.tariff) * quantity, rate_of(self.organism, act.group), more
        )

    def drug(
        self,
        drug: Drug,
        boxes: int,
        pharmacy: Provider,
        day: int,
        prescriber: Provider,
        prescription: str,
        written: int,
        days: int | None = None,
        **more: Any,
    ) -> int:
        """Add boxes of a drug; returns its line number."""
        price = drug.ppv(day)
        line: Event = {
            "line": len(self.lines) + 1,
            "care_group": "PHARMACY",
            "nomenclature": "MED",
            "code": drug.ean13,
            "quantity": boxes,
            "unit": "BOX",
            "unit_price": price,
            "amount": price * boxes,
            "service_date": clock.text(day),
            "executor": pharmacy.inpe,
            "prescriber": prescriber.inpe,
            "prescription": prescription,
            "prescribed_on": clock.text(written),
        }
        if days:
            line["posology_per_day"] = drug.per_day
            line["duration_days"] = days
        return self._add(line, day, min(price, drug.base) * boxes, drug.rate, more)

    def _add(self, line: Event, day: int, basis: int, rate: int, more: dict[str, Any]) -> int:
        """Keep a line and what is due for it; long-term illness raises the rate."""
        if self.person.ald is not None:
            line["ald"] = self.person.ald
            line["diagnosis"] = ILLNESSES[self.person.ald][3]
            rate = max(rate, ILLNESSES[self.person.ald][2])
        line.update(more)
        self.lines.append(line)
        self.dues.append((line["line"], basis, round(basis * rate / 100)))
        end = more.get("service_end")
        self.last = max(self.last, day if end is None else clock.ordinal(end))
        return len(self.lines)

    def document(
        self,
        type_: str,
        number: str,
        issuer: Provider,
        day: int,
        lines: list[int],
        renewals: int | None = None,
    ) -> None:
        """Attach a document that covers those lines."""
        document: Event = {
            "type": type_,
            "number": number,
            "issuer": issuer.inpe,
            "date": clock.text(day),
            "lines": lines,
        }
        if renewals is not None:
            document["renewals"] = renewals
        self.documents.append(document)

    @property
    def organism(self) -> str:
        """Who manages the insured."""
        return self.person.household.organism

    @property
    def amount(self) -> int:
        """Billed, centimes."""
        return sum(line["amount"] for line in self.lines)


@dataclass(slots=True)
class Filed:
    """A claim event on its way, and what the back office and the truth file need of it."""

    event: Event
    dossier: Dossier
    ingest: int


class Desk:
    """The organisms' counters: identifiers, channels, deposit days and the clock of arrival."""

    def __init__(self, seed: int, draw: Draw) -> None:
        self._draw = draw
        self._prefix = f"S{seed:x}"
        self._events = 0
        self._claims = 0

    def event_id(self) -> str:
        """A fresh event identifier."""
        self._events += 1
        return f"{self._prefix}-{self._events:08d}"

    def claim_id(self, day: int) -> str:
        """A fresh claim identifier."""
        self._claims += 1
        return f"D-{clock.text(day)[:4]}-{self._claims:07d}"

    def envelope(self, type_: str, at: int, organism: str, ingest: int | None = None) -> Event:
        """The fields that every event carries. `at` and `ingest` are instants."""
        return {
            "type": type_,
            "version": 1,
            "event_id": self.event_id(),
            "event_time": clock.iso(at),
            "ingest_time": clock.iso(at if ingest is None else ingest),
            "organism": organism,
            "flow": "AMO",
        }

    def person_envelope(self, type_: str, at: int, person: Person, ingest: int | None = None) -> Event:
        """An envelope with the administration of the person's household."""
        home = person.household
        event = self.envelope(type_, at, home.organism, ingest)
        if home.mutuelle is not None:
            event["mutuelle"] = home.mutuelle
        if home.regime == CONVENTIONAL:
            event["flow"] = "CONV"
        event["agency"] = home.agency
        event["region"] = COMMUNES[home.commune].region
        return event

    def file(self, dossier: Dossier, *, person: Person | None = None, delay: int | None = None) -> Filed:
        """File a dossier: a channel, the deposit, the keying in. `delay` in days overrides the wait."""
        draw = self._draw
        person = person or dossier.person
        if dossier.kind == "FACTURE_TP":
            channel = "TP"
        else:
            point = draw.unit()
            channel = "PAPER" if point < 0.55 else "PORTAL" if point < 0.8 else "FSE"
        day = dossier.last
        if channel == "FSE" and delay is None:
            at = clock.instant(day, 19 * 3600 + draw.integer(0, 7000))
        else:
            wait = draw.geometric(DELAYS.get(channel, 4.0)) if delay is None else delay
            day += min(wait, LONGEST)
            late = channel == "PORTAL"
            day = day if late else clock.office_day(day)
            first, last = (8 * 3600, 23 * 3600) if late else (30600, 55800 if clock.ramadan(day) else 59400)
            # Care of the same day is filed in the evening at the earliest.
            at = clock.instant(
                day, draw.integer(first, last) if day > dossier.last else 20 * 3600 + draw.integer(0, 7000)
            )
        batch, ingest = None, at + draw.integer(2, 90)
        if channel == "PAPER":
            run = clock.office_day(day + draw.integer(1, 4))
            batch = f"LOT-{person.household.agency}-{run % 10000}-{draw.integer(1, 4)}"
            ingest = clock.instant(run, 18 * 3600 + draw.integer(0, 5400))
        event = self.person_envelope("claim", at, person, ingest)
        event["channel"] = channel
        event["claim_id"] = self.claim_id(day)
        event["kind"] = dossier.kind
        event["coverage"] = dossier.coverage or ("BOTH" if person.household.mutuelle else "BASE")
        event["beneficiary"] = person.beneficiary
        event["insured"] = person.household.insured
        event["deposit_date"] = clock.text(day)
        event["declared_total"] = dossier.amount
        if batch is not None:
            event["batch"] = batch
        if dossier.kind == "IJ":
            event["flow"] = "RG"
            event["sick_leave"] = dossier.sick_leave
        event["documents"] = dossier.documents
        event["lines"] = dossier.lines
        return Filed(event, dossier, ingest)

    def again(self, filed: Filed, at: int, ingest: int) -> Event:
        """The same dossier under a new event identifier, at another time."""
        event = dict(filed.event)
        event.update(event_id=self.event_id(), event_time=clock.iso(at), ingest_time=clock.iso(ingest))
        return event

"""A small AMO for the models: claims, registries and windows by hand, and a loop that scores, then learns."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterable
from typing import Any

import msgspec

from detectors.models import Evidence, Records, Score, assess, score, view
from detectors.models.folds import (
    fold_beneficiary,
    fold_learning,
    fold_provider,
    learning,
    provider_activity,
    touched,
)
from detectors.models.keys import Pair, View
from schemas.claim import Claim
from schemas.observation import LogLine, Observation, ProviderWindow, day_number
from schemas.referential import CommuneRow
from schemas.registries import Provider
from tests.detectors import examples

START = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
DOCTOR, PHARMACY = "100000001", "200000001"


class Registry:
    """Providers and communes as plain dictionaries."""

    def __init__(self, *providers: Provider) -> None:
        self.providers = {entry.inpe: entry for entry in providers}
        self.communes: dict[str, CommuneRow] = {}

    def provider(self, inpe: str) -> Provider | None:
        return self.providers.get(inpe)

    def commune(self, code: str, day: dt.date) -> CommuneRow | None:
        return self.communes.get(code)


def provider(inpe: str, kind: str = "MEDECIN", **more: Any) -> Provider:
    """A registry entry."""
    body = {
        "version": 1,
        "event_id": f"P{inpe}",
        "event_time": START,
        "organism": "CNOPS",
        "inpe": inpe,
        "kind": kind,
    }
    return msgspec.convert({**body, "sector": "PRIVATE", **more, "type": "provider"}, Provider)


def line(number: int = 1, amount: int = 15_000, executor: str | None = DOCTOR, **more: Any) -> dict[str, Any]:
    """A line in its wire form."""
    return {
        "line": number,
        "care_group": "CONSULTATION",
        "nomenclature": "NGAP",
        "code": "CS",
        "quantity": 1,
        "unit": "ACT",
        "amount": amount,
        "service_date": "2026-01-05",
        "executor": executor,
        **more,
    }


def claim(*lines: dict[str, Any], at: dt.datetime = START, beneficiary: str = "B1", **more: Any) -> Claim:
    """A claim of those lines."""
    body = {
        "type": "claim",
        "version": 1,
        "event_id": "E1",
        "event_time": at,
        "organism": "CNOPS",
        "claim_id": "C1",
        "kind": "AMBULATOIRE",
        "beneficiary": beneficiary,
        "insured": beneficiary,
        "deposit_date": at.date(),
        "lines": list(lines),
        **more,
    }
    return msgspec.convert(body, Claim)


def entry(day: int, executor: str = DOCTOR, amount: int = 15_000) -> LogLine:
    """A line of the beneficiary's log."""
    return LogLine(b"", b"", day, 0, int(executor), 0, 1, 0, 100, amount, 1, 0, 0)


def window(**values: float) -> ProviderWindow:
    """A provider's window, zero where nothing is said."""
    return ProviderWindow(**{name: values.get(name, 0.0) for name in ProviderWindow._fields})


class Loop:
    """Scores and learns event by event, with all records as bytes between events."""

    def __init__(self, registry: Registry, batch: int = 1) -> None:
        self.registry, self.batch = registry, batch
        self.store: dict[Pair, bytes] = {}
        self._records, self._seen = Records(), 0

    def play(self, event: Claim, seen: Observation) -> tuple[View, Evidence, Score]:
        """One event, in line."""
        if self._seen % self.batch == 0:
            self.flush()
        self._seen += 1
        records = self._records
        looked = view(event, seen, self.registry)
        self._load(looked.wanted)
        evidence = assess(looked, records)
        found = score(evidence.findings, records.fusion)
        examples.meet(event, evidence.findings)
        told, lesson = provider_activity(looked, records), learning(looked, found.value)
        if looked.feeds:
            own = fold_beneficiary(records.beneficiary(event.beneficiary), looked, records)
            records.put("beneficiary", event.beneficiary, own)
        for inpe, figures in told:
            records.put("provider", inpe, fold_provider(records.provider(inpe), figures))
        self._load(touched(lesson))
        records.update(fold_learning(records, lesson))
        return looked, evidence, found

    def flush(self) -> None:
        """Write what changed, and forget the decoded records."""
        self.store.update(self._records.changed())
        self._records = Records()

    def _load(self, pairs: Iterable[Pair]) -> None:
        self._records.add({pair: self.store.get(pair) for pair in self._records.missing(pairs)})


class Town:
    """Seeded claims of doctors and pharmacies, with the windows that the state would give."""

    def __init__(self, seed: int, doctors: int = 30, pharmacies: int = 25, people: int = 120) -> None:
        self._rng = random.Random(seed)
        self.doctors = [str(100000001 + index) for index in range(doctors)]
        self.pharmacies = [str(200000001 + index) for index in range(pharmacies)]
        self.people = people
        self.registry = Registry(
            *(provider(inpe, specialty="GP") for inpe in self.doctors),
            *(provider(inpe, "PHARMACIE") for inpe in self.pharmacies),
        )
        self._logs: dict[str, list[LogLine]] = {}
        self._seen: dict[str, list[tuple[int, str, int, int]]] = {}

    def event(self, index: int) -> tuple[Claim, Observation]:
        """The index-th claim, an hour after the one before."""
        rng = self._rng
        at = START + dt.timedelta(hours=index)
        day = (at - dt.timedelta(days=rng.randrange(3))).date().isoformat()
        doctor, shop = rng.choice(self.doctors), rng.choice(self.pharmacies)
        lines = [line(1, round(15_000 * rng.lognormvariate(0, 0.2)), doctor, service_date=day)]
        for number in range(2, 2 + rng.randrange(3)):
            amount = round(8_000 * rng.lognormvariate(0, 0.6))
            lines.append(
                line(
                    number,
                    amount,
                    shop,
                    care_group="PHARMACY",
                    nomenclature="MED",
                    code=f"D{number}",
                    service_date=day,
                )
            )
        made = claim(*lines, at=at, beneficiary=f"B{rng.randrange(self.people)}")
        return made, self.observe(made)

    def observe(self, event: Claim) -> Observation:
        """What the state would say of the claim."""
        seen = Observation(log=list(self._logs.get(event.beneficiary, [])))
        seen.own = [
            entry(day_number(item.service_date), item.executor or "0", item.amount) for item in event.lines
        ]
        self._logs.setdefault(event.beneficiary, []).extend(seen.own)
        today = day_number(event.event_time.date())
        for inpe in dict.fromkeys(item.executor for item in event.lines if item.executor):
            mine = [item for item in event.lines if item.executor == inpe]
            past = self._seen.setdefault(inpe, [])
            new = all(beneficiary != event.beneficiary for _, beneficiary, _, _ in past)
            past.append((today, event.beneficiary, sum(item.amount for item in mine), len(mine)))
            month = [item for item in past if item[0] > today - 30]
            seen.executors[inpe] = window(
                claims_30d=len(month),
                lines_30d=sum(item[3] for item in month),
                amount_30d=sum(item[2] for item in month),
                patient_days_30d=len({item[:2] for item in month}),
                patients_30d=len({item[1] for item in month}),
                active_days_30d=len({item[0] for item in month}),
                claims_1d=sum(item[0] == today for item in month),
                claims_2d=sum(item[0] >= today - 1 for item in month),
                patient_new=float(new),
            )
        return seen

"""The dossiers of a world: what every build said of each before it was paid, beside what is true of it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from streams.evaluation.ranking import Ranked
from streams.evaluation.reviewers import Answered, Reviewers
from streams.evaluation.scorers import AMOUNT, AmountScore, Scorers
from streams.messages import Output

CONTROLS = frozenset(("FRAUD_REVIEW", "MEDICAL_REVIEW"))
Truth = Mapping[str, Any]


@dataclass(slots=True)
class Dossier:
    """One claim with its corrections and what followed it. Money in centimes."""

    number: int
    """In order of arrival"""
    class_: str = "HONEST"
    scheme: str | None = None
    case: str | None = None
    money: int = 0
    scores: dict[str, float] = field(default_factory=dict)
    held: bool = False
    alerted: bool = False
    paid: bool = False
    inside: bool = False
    """Its own file is honest, and somebody inside did wrong with it."""

    def say(self, told: Mapping[str, float]) -> None:
        """Take the highest score of every build, as long as nothing is paid."""
        if not self.paid:
            for name, value in told.items():
                self.scores[name] = max(value, self.scores.get(name, value))


class Dossiers:
    """Takes events, truths and outputs as they come."""

    def __init__(self, reviewers: Reviewers) -> None:
        self.reviewers = reviewers
        self.all: dict[str, Dossier] = {}
        self.truths: dict[str, Truth] = {}
        self.scorers, self._amounts = Scorers(), AmountScore()
        self._terms: dict[str, list[Mapping[str, Any]]] = {}
        self._days: dict[str, dt.date] = {}

    def expect(self, event: Mapping[str, Any], truth: Truth | None) -> None:
        """An event on its way, with what is true of it."""
        if truth is None or event["event_id"] in self.truths:
            return
        self.truths[event["event_id"]] = truth
        one = self.all.setdefault(truth["claim_id"], Dossier(len(self.all)))
        if event["type"] == "claim":
            self._days[event["event_id"]] = dt.datetime.fromisoformat(event["ingest_time"]).date()
            one.say({AMOUNT: self._amounts.of(event) if event["lines"] else 0.0})
            if truth["class"] == "FRAUD" or one.class_ == "HONEST":
                one.class_, one.scheme, one.case = truth["class"], truth["scheme"], truth["case"]
            one.money = max(one.money, _at_stake(truth))
        elif truth["class"] == "FRAUD" and one.class_ != "FRAUD":
            one.inside = True

    def take(self, outputs: Iterable[Output]) -> None:
        """Outputs of the loop."""
        for output in outputs:
            if output.topic == "screened":
                self._record(orjson.loads(output.value))
            elif output.topic == "fraud-alerts":
                for claim in orjson.loads(output.value)["claims"]:
                    if (one := self.all.get(claim["claim_id"])) is not None:
                        one.alerted = True

    def _record(self, record: dict[str, Any]) -> None:
        one = self.all.get(record["claim_id"])
        if one is None:
            return
        if record["type"] == "payment":
            one.paid = True
            return
        one.say(self.scorers.of(record))
        if record["decision"] == "HOLD" and record["purpose"] in CONTROLS and not one.paid:
            one.held = True
        day = self._days.get(record["event_id"])
        if record["type"] == "claim" and day is not None:
            self._terms[record["verdict_id"]] = record["features"].get("terms", [])
            if day in self.reviewers.days or not record.get("cause"):
                verdict = Answered(
                    record["verdict_id"],
                    record["beneficiary"],
                    record["claim_id"],
                    record["organism"],
                    record["score"] or 0.0,
                )
                self.reviewers.answered(day, record["event_id"], verdict)

    def outcomes(self, now: dt.datetime) -> Iterable[dict[str, Any]]:
        """Reviews that are due; the parts that learn do so."""
        for review in self.reviewers.outcomes(now, self.truths):
            self.scorers.learn(review, self._terms.get(review["verdict_id"], ()))
            yield review

    def ranked(self, name: str, *, without: Iterable[str] = (), errors: bool = True) -> list[Ranked]:
        """A build's ranking of the dossiers that frauds of claims may lie in.

        `without`: typologies whose dossiers are left out. `errors`: honest errors count as not found rightly; else they
        are left out too. What somebody inside did to an honest file is apart.
        """
        left = frozenset(without)
        floor = min((one.scores[name] for one in self.all.values() if name in one.scores), default=0.0)
        return [
            Ranked(one.scores.get(name, floor), one.class_ == "FRAUD", one.money)
            for one in self.all.values()
            if not one.inside
            and (one.class_ != "FRAUD" or one.scheme not in left)
            and (errors or one.class_ != "ERROR")
        ]

    def cases(self) -> dict[tuple[str, str], list[Dossier]]:
        """(typology, case) -> its dossiers in order of arrival."""
        found: dict[tuple[str, str], list[Dossier]] = defaultdict(list)
        for one in sorted(self.all.values(), key=lambda one: one.number):
            if one.class_ == "FRAUD" and one.scheme and one.case:
                found[one.scheme, one.case].append(one)
        return found


def _at_stake(truth: Truth) -> int:
    return sum(line["amount"] for line in truth["lines"] if line["class"] == "FRAUD")

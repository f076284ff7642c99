"""The controllers of a simulated world: each day they look at the riskiest files of it, and say days later what they
found.

They take what the score ranks first, a share of the day's files, and some at random, which are the only fair sample.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Event = dict[str, Any]
OUTCOMES = {"FRAUD": "CONFIRMED_FRAUD", "ERROR": "ERROR"}
"""What a file of that class turns out to be; any other is LEGITIMATE."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """`share` of a day's files is looked at, of which `at_random` are drawn; it takes `days`; `wrong` outcomes are
    the opposite of the truth; `people` share the work.
    """

    share: float = 0.01
    at_random: float = 0.05
    days: int = 5
    wrong: float = 0.0
    people: int = 4


@dataclass(slots=True)
class Answered:
    """The last verdict of a file, as far as a controller asks."""

    verdict_id: str
    beneficiary: str
    claim_id: str
    organism: str
    score: float


@dataclass(slots=True)
class Reviewers:
    """Told of verdicts as they come; asked for the outcomes that are due. The same seed reviews the same files."""

    capacity: Capacity
    seed: int
    days: dict[dt.date, dict[str, Answered]] = field(default_factory=dict)
    made: int = 0
    _due: list[Event] = field(default_factory=list)
    _draw: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._draw = random.Random(f"reviewers {self.seed}")

    def answered(self, day: dt.date, event_id: str, one: Answered) -> None:
        """A verdict on a claim that arrived on that day."""
        self.days.setdefault(day, {})[event_id] = one

    def outcomes(self, now: dt.datetime, truths: Mapping[str, Mapping[str, Any]]) -> Iterator[Event]:
        """Reviews that are due. The files of every day before today are chosen now.

        Args:
            truths: event id -> its line of truth.
        """
        for day in sorted(day for day in self.days if day < now.date()):
            self._choose(day, self.days.pop(day), truths)
        while self._due and dt.datetime.fromisoformat(self._due[0]["event_time"]) <= now:
            yield self._due.pop(0)

    def _choose(
        self, day: dt.date, files: Mapping[str, Answered], truths: Mapping[str, Mapping[str, Any]]
    ) -> None:
        count = self.capacity.share * len(files)
        count = int(count) + (self._draw.random() < count % 1)
        drawn = round(count * self.capacity.at_random + self._draw.random() - 0.5)
        first = sorted(files, key=lambda name: (-files[name].score, name))[: max(count - drawn, 0)]
        others = sorted(files.keys() - set(first))
        chosen = first + self._draw.sample(others, min(max(drawn, 0), len(others)))
        at = dt.datetime.combine(day, dt.time(17), dt.UTC) + dt.timedelta(days=self.capacity.days)
        for event_id in chosen:
            self._due.append(self._review(files[event_id], at, truths.get(event_id)))

    def _review(self, one: Answered, at: dt.datetime, truth: Mapping[str, Any] | None) -> Event:
        self.made += 1
        outcome = OUTCOMES.get(truth["class"] if truth else "", "LEGITIMATE")
        if self._draw.random() < self.capacity.wrong:
            outcome = "LEGITIMATE" if outcome == "CONFIRMED_FRAUD" else "CONFIRMED_FRAUD"
        person = f"R-{self._draw.randrange(self.capacity.people) + 1}"
        stamp = at.isoformat()
        review: Event = {
            "type": "review",
            "version": 1,
            "event_id": f"RV-{self.seed}-{self.made}",
            "event_time": stamp,
            "ingest_time": stamp,
            "organism": one.organism,
            "verdict_id": one.verdict_id,
            "claim_id": one.claim_id,
            "beneficiary": one.beneficiary,
            "outcome": outcome,
            "decided_by": [person],
        }
        if outcome == "CONFIRMED_FRAUD" and truth is not None:
            lines = [line["line"] for line in truth["lines"] if line["class"] == "FRAUD"]
            if lines:
                review["lines"] = lines
        return review

"""Known wrongs put into an imported log, each with its truth: duplicates, acts after death, clones.

What is injected looks like its surroundings: copies of the log's own claims under new identifiers, at the
same providers, in the log's own years.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

from simulation.draw import Draw

Event = dict[str, Any]
FAMILY, FAMILY_DAYS = 30, 7
LEAST = 100_000  # centimes: from 1,000 MAD on a single line makes a signature
DUPLICATE, AFTER_DEATH, CLONES = "duplicate", "after_death", "clone_family"


def inject(
    events: Iterable[Event], seed: int = 1, *, duplicates: int = 200, deaths: int = 200, families: int = 10
) -> Iterator[tuple[Event, Event | None]]:
    """The log with what was injected, in order of arrival; only injected claims have a line of truth.

    Raises `ValueError` when the log has too few claims, deaths or people for what is asked.
    """
    log = list(events)
    injector = _Injector(log, Draw(seed, "inject"))
    added = [
        *injector.duplicates(duplicates),
        *injector.after_death(deaths),
        *(pair for family in range(families) for pair in injector.family(family)),
    ]
    # At the same instant what was there comes first: a copy never overtakes its original.
    tagged: list[tuple[str, int, int, Event, Event | None]] = [
        (event["ingest_time"], 0, i, event, None) for i, event in enumerate(log)
    ]
    tagged += [(event["ingest_time"], 1, i, event, truth) for i, (event, truth) in enumerate(added)]
    tagged.sort(key=lambda entry: (_when(entry[0]), entry[1], entry[2]))
    for _, _, _, event, truth in tagged:
        yield event, truth


def _when(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _stamp(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


class _Injector:
    """Draws originals from a log and makes copies."""

    def __init__(self, log: list[Event], draw: Draw) -> None:
        self.draw = draw
        self.claims = [e for e in log if e["type"] == "claim" and e["lines"][0]["amount"] > 0]
        people = [e for e in log if e["type"] == "beneficiary"]
        self.death = {e["beneficiary"]: e["death_date"] for e in people if e.get("death_date")}
        self.birth = {e["beneficiary"]: e["birth_date"] for e in people}
        self.made = 0

    def duplicates(self, count: int) -> Iterator[tuple[Event, Event]]:
        """The same file again within three weeks, under new identifiers."""
        living = [c for c in self.claims if c["beneficiary"] not in self.death]
        self._enough(living, count, "claims of living people")
        for original in self.draw.sample(living, count):
            at = _when(original["ingest_time"]) + timedelta(days=self.draw.integer(1, 20))
            yield self._copy(original, at, DUPLICATE)

    def after_death(self, count: int) -> Iterator[tuple[Event, Event]]:
        """Care of the dead, dated three days to seven months after, filed some days later."""
        by_person: dict[str, list[Event]] = {}
        for claim in self.claims:
            if claim["beneficiary"] in self.death and claim["lines"][0]["care_group"] == "CONSULTATION":
                by_person.setdefault(claim["beneficiary"], []).append(claim)
        dead = sorted(by_person)
        self._enough(dead, 1, "dead people with claims")
        for i in range(count):
            person = dead[i % len(dead)]
            original = self.draw.pick([c for c in by_person[person] if "Death" not in c["claim_id"]])
            care = date.fromisoformat(self.death[person]) + timedelta(
                days=3 + i // len(dead) * 9 + self.draw.integer(0, 8)
            )
            at = datetime.fromisoformat(f"{care}T09:00:00+00:00") + timedelta(days=self.draw.integer(1, 9))
            yield self._copy(original, at, AFTER_DEATH, care=care, act=self._lively(original))

    def family(self, index: int) -> Iterator[tuple[Event, Event]]:
        """Thirty people, one provider, one act, one amount, one week."""
        busy = Counter(c["ingest_time"][:7] for c in self.claims if c["ingest_time"] >= "2012")
        month = self.draw.pick([month for month, n in sorted(busy.items()) if n >= 20] or sorted(busy))
        first = date.fromisoformat(f"{month}-{self.draw.integer(1, 20):02d}")
        alive = [
            person
            for person, birth in sorted(self.birth.items())
            if birth < str(first) and self.death.get(person, "9999") > str(first + timedelta(days=60))
        ]
        self._enough(alive, FAMILY, f"people alive in {month}")
        near = [
            c
            for c in self.claims
            if c["ingest_time"][:4] == month[:4] and c["lines"][0]["care_group"] == "CONSULTATION"
        ]
        pattern = self.draw.pick(near)
        amount = LEAST + 5_000 * self.draw.integer(1, 30) + index * 100
        for person in self.draw.sample(alive, FAMILY):
            care = first + timedelta(days=self.draw.integer(0, FAMILY_DAYS - 1))
            at = datetime.fromisoformat(f"{care}T18:00:00+00:00") + timedelta(
                days=self.draw.integer(1, 6), seconds=self.made
            )
            event, truth = self._copy(
                pattern, at, CLONES, care=care, act={"amount": amount, "unit_price": amount}
            )
            event["beneficiary"] = event["insured"] = person
            event["declared_total"] = truth["amount"] = amount
            truth["family"] = index
            yield event, truth

    def _lively(self, original: Event) -> Event:
        """The original's act, unless it is one that is lawful after death."""
        lawful = original["lines"][0]["code"] == "SNOMED-308646001"
        return {"code": "SNOMED-185347001"} if lawful else {}

    def _copy(
        self, original: Event, at: datetime, scheme: str, care: date | None = None, act: Event | None = None
    ) -> tuple[Event, Event]:
        """A claim like another under new identifiers, filed at `at`, with its truth."""
        self.made += 1
        event = copy.deepcopy(original)
        event["event_id"] = event["claim_id"] = f"J-{self.made:05d}-{original['claim_id'][:8]}"
        event["event_time"] = event["ingest_time"] = _stamp(at)
        event["deposit_date"] = str(at.date())
        line = event["lines"][0]
        line.update(act or {})
        if care is not None:
            line["service_date"] = str(care)
            line.pop("service_end", None)
        truth = {
            "event_id": event["event_id"],
            "claim_id": event["claim_id"],
            "class": "FRAUD",
            "scheme": scheme,
            "amount": line["amount"],
        }
        return event, truth

    @staticmethod
    def _enough(found: list[Any], wanted: int, what: str) -> None:
        if len(found) < wanted:
            raise ValueError(f"expected at least {wanted} {what} in the log, found {len(found)}")

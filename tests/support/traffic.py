"""Seeded input for the guarantees: simulated claims with what follows them, retries, corrections and bad
messages.

It comes in phases. Kafka keeps no order between topics, so that two runs would lawfully differ where a claim
and the registry entry of its person race; a phase is sent when everything before it has been answered, and
what is inside one phase does not depend on the order of its topics.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from schemas.topics import TOPIC_OF
from simulation import Plan, World, generate

REGISTRIES = frozenset(("provider", "liquidator", "referential", "policy"))
Event = dict[str, Any]


class Message(NamedTuple):
    """One record to produce."""

    topic: str
    key: bytes | None
    value: bytes | None


@dataclass(slots=True)
class Traffic:
    """Registries, read before a worker is ready, and the phases that follow."""

    registries: list[Message] = field(default_factory=list)
    phases: list[list[Message]] = field(default_factory=list)

    @property
    def events(self) -> int:
        """Messages of all phases."""
        return sum(map(len, self.phases))


def traffic(seed: int, *, claims: int, rounds: int) -> Traffic:
    """About `claims` claims over `rounds` rounds; the same seed gives the same bytes."""
    draw = random.Random(seed)
    made = Traffic()
    people: dict[str, Event] = {}
    filed: list[Event] = []
    following: dict[str, list[Event]] = {}
    for event, truth in generate(World(seed), Plan(claims=420, days=24, live_days=20, settle="all")):
        kind = event["type"]
        if kind in REGISTRIES:
            made.registries += _wire([event])
        elif kind == "beneficiary":
            people.setdefault(event["beneficiary"], event)
        elif kind == "claim":
            # Frauds and look-alikes have the families that are answered again; of the others a share will do.
            if truth is None or truth["class"] != "HONEST" or "replaces" in event or draw.random() < 0.35:
                filed.append(event)
        elif kind in ("liquidation", "payment"):
            following.setdefault(event["claim_id"], []).append(event)
    filed = [event for event in filed if "replaces" not in event][:claims] + [
        event for event in filed if "replaces" in event
    ]
    known = {event["event_id"] for event in filed}
    filed = [event for event in filed if event.get("replaces") is None or event["replaces"] in known]
    filed.sort(key=lambda event: str(event["ingest_time"]))
    size = -(-len(filed) // rounds)
    seen: set[str] = set()
    for number in range(rounds):
        batch = filed[number * size : (number + 1) * size]
        made.phases += _round(draw, number, batch, people, following, seen)
    return made


def _round(
    draw: random.Random,
    number: int,
    batch: list[Event],
    people: dict[str, Event],
    following: dict[str, list[Event]],
    seen: set[str],
) -> Iterator[list[Message]]:
    new = [name for name in dict.fromkeys(event["beneficiary"] for event in batch) if name not in seen]
    seen.update(new)
    late = set(draw.sample(new, len(new) // 10))  # their rights arrive after their claims
    yield list(_wire(people[name] for name in new if name in people and name not in late))
    claims = [event for event in batch if "replaces" not in event]
    corrections = [event for event in batch if "replaces" in event]
    orders = [
        event for claim in claims for event in following.get(claim["claim_id"], ()) if draw.random() < 0.5
    ]
    payments = [event for event in orders if event["type"] == "payment"]
    steps = [event for event in orders if event["type"] == "liquidation"]
    early, early_steps = payments[: len(payments) // 6], steps[: len(steps) // 6]
    yield list(_wire(early))
    yield list(_wire(early_steps))
    with_retries: list[Event] = []
    for event in claims:
        with_retries.append(event)
        if draw.random() < 0.04:
            with_retries.append({**event, "ingest_time": event["event_time"]})
    said = list(_wire(with_retries))
    for at, message in zip(sorted(draw.sample(range(len(said)), 6)), _bad(claims[0], number), strict=True):
        said.insert(at, message)
    yield said
    yield list(_wire(steps[len(early_steps) :]))
    retried = draw.sample(claims, min(4, len(claims)))
    cancelled = [_cancel(event) for event in draw.sample(claims, min(2, len(claims)))]
    yield list(_wire([*corrections, *retried, *cancelled]))
    yield list(_wire(payments[len(early) :]))
    yield list(_wire(people[name] for name in new if name in people and name in late))


def _cancel(claim: Event) -> Event:
    body = {"action": "CANCEL", "replaces": claim["event_id"], "lines": [], "documents": []}
    return {**claim, **body, "event_id": f"{claim['event_id']}-cancel"}


def _wire(events: Iterable[Event]) -> Iterator[Message]:
    for event in events:
        topic = TOPIC_OF[event["type"]]
        yield Message(topic.name, topic.key_of(event).encode(), orjson.dumps(event))


def _bad(claim: Event, number: int) -> list[Message]:
    """Six that cannot be read, each in its own way; two of them name the claim that they are about."""
    key = claim["beneficiary"].encode()
    wrong = {**claim, "event_id": f"bad-{number}", "claim_id": f"bad-{number}", "lines": [{"line": "one"}]}
    alien = {**claim, "event_id": f"key-{number}", "claim_id": f"key-{number}"}
    other = {**claim, "lines": [{**claim["lines"][0], "amount": 1}]}
    return [
        Message("claims", key, orjson.dumps(claim)[: 40 + number]),
        Message("claims", key, orjson.dumps(wrong)),
        Message("claims", b"somebody-else", orjson.dumps(alien)),
        Message("claims", key, b""),
        Message("claims", key, None),
        Message("claims", key, orjson.dumps({**other, "event_id": claim["event_id"], "type": "claim"})),
    ]

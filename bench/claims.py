"""Claims for measuring: a simulated world's registries and history, and live claims of a wanted size."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from schemas.enums import CARE_KINDS
from simulation import Plan, World, generate

Event = dict[str, Any]
CONTROL = frozenset(("provider", "liquidator", "referential", "policy", "order"))
SETTLED = frozenset(("liquidation", "payment"))
SLACK = 0.05
"""Lines a claim by which the mean of a selection may miss what was wanted."""


@dataclass(slots=True)
class Stock:
    """One simulated world in order of arrival: what comes first, what is observed, what is screened."""

    registries: list[Event] = field(default_factory=list)
    people: list[Event] = field(default_factory=list)
    history: list[Event] = field(default_factory=list)
    live: list[Event] = field(default_factory=list)


def simulate(claims: int, history: int, seed: int = 1) -> Stock:
    """A world of about `claims` claims, of which the first `history` are there to be observed."""
    stock = Stock()
    for event, _ in generate(World(seed), Plan(claims=claims, days=210, settle="none")):
        if event["type"] in CONTROL:
            stock.registries.append(event)
        elif event["type"] == "claim":
            (stock.history if len(stock.history) < history else stock.live).append(event)
        elif event["type"] not in SETTLED:
            stock.people.append(event)
    return stock


def take(live: list[Event], lines: float, count: int) -> list[Event]:
    """Take `count` claims of `lines` lines on average out of `live`, the first ones, in order of arrival.

    Raises ValueError where there are too few of them.
    """
    chosen: list[Event] = []
    left: list[Event] = []
    total = 0
    for event in live:
        own = len(event["lines"])
        wanted = own >= lines if total < lines * len(chosen) else own <= lines
        if own and wanted and len(chosen) < count:
            chosen.append(event)
            total += own
        else:
            left.append(event)
    if len(chosen) < count or abs(total / count - lines) > SLACK + 2 / count:
        mean = total / max(1, len(chosen))
        raise ValueError(f"{len(chosen)} claims of {mean:.2f} lines, wanted {count} of {lines}")
    live[:] = left
    return chosen


def eligible(events: Iterable[Event]) -> list[Event]:
    """Claims that every build of the comparison treats alike: first submissions of care with an executor, once each,
    by `event_time`.

    Corrections and resubmissions would cost Crible work that the other builds do not do at all; and a claim that comes
    days late finds only days, not hours, in Crible's tiles, so that the windows could not be compared.
    """
    chosen: dict[str, Event] = {}
    for event in events:
        care = event["kind"] in CARE_KINDS and event.get("action", "SUBMIT") == "SUBMIT"
        if care and any(line.get("executor") for line in event["lines"]):
            chosen.setdefault(event["event_id"], event)
    return sorted(chosen.values(), key=lambda event: dt.datetime.fromisoformat(event["event_time"]))


def encoded(events: Sequence[Event]) -> list[bytes]:
    """Lines of an event log."""
    return [orjson.dumps(event) for event in events]

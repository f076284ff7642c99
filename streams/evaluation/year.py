"""One simulated year through the loop, on a Redis that ends with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import orjson

from detectors.catalogue import DECLARATIONS
from simulation import Plan, World, generate
from simulation.tables import Event, checksum
from simulation.world import Scale
from streams.config import Settings
from streams.evaluation.figures import Report, report
from streams.evaluation.scores import Scores
from streams.event_log import LogScreening, screen_log

Progress = Callable[[int, int], None]
PEOPLE_PER_CLAIM = 0.3
LATE_AND_COPIED, STAGED = 1.08, 1_260
"""Claims for each file of care (corrections, requests, month-end invoices), and those of one wave: to tell how far
the run is"""


@dataclass(frozen=True, slots=True)
class Year:
    """How much to simulate: files of care over `days`, and `waves` in which every scheme is played once."""

    seed: int = 1
    claims: int = 100_000
    days: int = 365
    waves: int = 20
    providers: int = 2

    @property
    def plan(self) -> Plan:
        """The plan of the simulator."""
        return Plan(
            claims=self.claims,
            days=self.days,
            live_days=0,
            settle="all",
            waves=self.waves,
            requests=0.02,
        )

    @property
    def expected(self) -> int:
        """About how many claims that makes."""
        return round(self.claims * LATE_AND_COPIED + self.waves * STAGED)

    def world(self) -> World:
        """The people, providers and desks."""
        people = max(6_000, round(self.claims * PEOPLE_PER_CLAIM))
        return World(self.seed, people, scale=Scale(self.providers, agencies=1, liquidators=10, routed=2))


QUICK = Year(claims=9_000, days=150, waves=3, providers=1)


def evaluate(year: Year, progress: Progress) -> Report:
    """Simulate and screen a year; `progress` is told (claims screened, claims expected).

    Raises ValueError for a year without room for its waves, and what the embedded Redis raises.
    """
    scores = Scores()
    expected = year.expected
    claims = 0

    def lines() -> Iterator[bytes]:
        nonlocal claims
        for event, truth in generate(year.world(), year.plan):
            scores.expect(event, truth)
            if event["type"] == "claim":
                claims += 1
                if claims % 500 == 0:
                    progress(claims, max(expected, claims))
            yield orjson.dumps(enforced(event))

    screen_log(LogScreening(Settings(), None, f"year-{year.seed}", 128), lines(), scores.take)
    progress(claims, claims)
    return report(year.seed, year.waves, scores, DECLARATIONS)


def enforced(event: Event) -> Event:
    """The simulator's policy with every detector of the catalogue in force; any other event as it is."""
    if event["type"] != "policy" or event["name"] != "detectors":
        return event
    pattern = dict.fromkeys(event["rows"][0])
    rows: list[Event] = [
        {**pattern, "code": one.code, "mode": "enforce", "reason": "evaluation"} for one in DECLARATIONS
    ]
    return {**event, "rows": rows, "checksum": checksum(rows)}

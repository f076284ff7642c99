"""One small world and its stream, shared by the tests of this folder: building it takes half a second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from simulation import Plan, World, generate

Event = dict[str, Any]
PLAN = Plan(claims=4000, days=60, live_days=20)
PEOPLE = 2500


@dataclass(frozen=True)
class Run:
    """A stream in full, with the world that it left behind."""

    world: World
    pairs: list[tuple[Event, Event | None]]
    boundary: str

    def of(self, type_: str) -> list[Event]:
        """The events of a type."""
        return [event for event, _ in self.pairs if event["type"] == type_]

    def claims(self, class_: str, scheme: str | None = None) -> list[Event]:
        """Claims of a truth class and scheme."""
        return [
            event
            for event, truth in self.pairs
            if truth is not None
            and truth["class"] == class_
            and (scheme is None or truth["scheme"] == scheme)
        ]


def make_run(seed: int) -> Run:
    """A run of the small plan."""
    world = World(seed, PEOPLE)
    boundary = PLAN.boundary(world)
    return Run(world, list(generate(world, PLAN)), boundary.isoformat())


@pytest.fixture(scope="session")
def run() -> Run:
    """The run of seed 7."""
    return make_run(7)

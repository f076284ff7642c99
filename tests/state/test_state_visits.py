"""What a tile's patient list holds does not tell in which order the claims came: partitions have none between them."""

from __future__ import annotations

import itertools
from typing import Any

import redis

from state.batch import Span
from state.store import Store
from tests.state.naive_state import Event

INPUT = "claims|topic-id|0"
NOON = 1_700_049_600


def visit(number: int, days: int) -> Event:
    instant = NOON + days * 86400
    return Event(f"E{number}", 0, "amina", "100000001", "100000002", instant, (instant // 86400,), 100, 1)


def test_the_days_of_a_patient_are_kept_in_their_own_order(store: Store, raw: redis.Redis) -> None:
    visits = [visit(number, days) for number, days in enumerate((0, 3, 1, 7))]
    seen: set[Any] = set()
    for order in itertools.permutations(visits):
        raw.flushall()
        fresh = Store(store._servers._url, tags=1, require_aof=False)
        fresh.check()
        fresh.own([INPUT])
        fresh.observe([Span(INPUT, -1, len(order) - 1)], [event.ask(at) for at, event in enumerate(order)])
        fresh.close()
        seen.add(tuple(sorted(raw.hgetall("{s0}:n:p:100000001").items())))
    assert len(seen) == 1
    assert seen != {()}

"""Counters that are full refuse what would not fit: nothing is counted wrongly in silence."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from schemas.observation import entity_ref, event_ref
from state import BadFormat, Store, ops
from state.batch import Ask, Span

INPUT = "claims|topic-id|0"
MOST = 2**31 - 1


def ask(offset: int, op: ops.Op) -> Ask:
    name = f"E{offset}"
    return Ask(
        input=0,
        offset=offset,
        content=bytes(16),
        event_id=name,
        ref=event_ref(name),
        claim_id=name,
        beneficiary="amina",
        away=[op],
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda by: ops.day("100000001", 20_000, by, entity_ref("amina"), 0),
        lambda by: ops.sums("p", "100000001", [1, by], bucket=7, slots=3, days=30),
    ],
    ids=["day sheet", "sums"],
)
def test_a_full_counter_is_refused(store: Store, raw: redis.Redis, make: Callable[[int], ops.Op]) -> None:
    store.own([INPUT])
    store.observe([Span(INPUT, -1, 0)], [ask(0, make(MOST))])
    before = {key: raw.dump(key) for key in raw.scan_iter() if b":w:" in key or b":s:" in key}
    assert len(before) == 1
    with pytest.raises(BadFormat, match="is full"):
        store.observe([Span(INPUT, 0, 1)], [ask(1, make(1))])
    assert {key: raw.dump(key) for key in raw.scan_iter() if b":w:" in key or b":s:" in key} == before

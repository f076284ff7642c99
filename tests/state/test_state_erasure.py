"""One person taken out: nothing of him is found any more, and everybody else's counters go on as if he had stayed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.observation import entity_ref, event_ref
from state import HashWrite, Servers, Store, keys
from state.batch import Entry, Span
from state.embedded import EmbeddedRedis
from state.erasure import Erasure, Plan
from state.survey import Pace
from tests.state.naive_state import USES, Event, Naive, decoded
from tests.state.test_state_oracle import INPUT, PEOPLE, feed, fresh, streams

GONE = PEOPLE[0]


def forget(url: str, person: str = GONE, upto: int = 10**9) -> Plan:
    """Erase, and see that a second look finds nothing."""
    servers = Servers(url, None)
    erasure = Erasure(servers, Pace(0))
    plan = erasure.plan(person, lambda where, offset: offset <= upto)
    erasure.run(plan)
    again = erasure.plan(person, lambda where, offset: offset <= upto)
    if not again.waiting:
        assert again.empty, again
        assert not again.sheets
    servers.close()
    return plan


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(before=streams(cross=False), after=streams(cross=False), tags=st.sampled_from([1, 3]))
def test_without_the_person_the_counters_go_on_alike(
    server: EmbeddedRedis, before: list[Event], after: list[Event], tags: int
) -> None:
    """Against the oracle, in which the erased events belong to nobody: later corrections and cancellations of them,
    their resubmissions, the person's new claims and everybody else's."""
    store, oracle = fresh(server, tags), Naive()
    answers = feed(store, before, [])
    assert [decoded(answer) for answer in answers] == [oracle.apply(event) for event in before]
    forget(server.url)
    erased = {event_ref(event.name) for event in oracle.live if event.person == GONE}
    oracle.live = [
        replace(event, person="nobody") if event.person == GONE else event for event in oracle.live
    ]
    oracle.people = {name: "" if who == GONE else who for name, who in oracle.people.items()}
    oracle.instead = {key: name for key, name in oracle.instead.items() if oracle.people.get(key[0]) != ""}
    found = []
    for offset, event in enumerate(after, len(before)):
        found += store.observe([Span(INPUT, offset - 1, offset)], [event.ask(offset)])
    for event, answer in zip(after, found, strict=True):
        expected = list(oracle.apply(event))
        if len(expected) > 1:
            uses: Any = expected[USES]
            expected[USES] = [use for use in uses if use.event not in erased]
        assert decoded(answer) == tuple(expected)
    store.close()


def claim(number: int, person: str = GONE, undo: str | None = None) -> Event:
    instant = 1_700_000_000 + number * 60
    return Event(
        f"E{number}", 0, person, "100000001", "100000002", instant, (instant // 86400,), 100, 1, undo
    )


def holds(raw: redis.Redis, text: bytes) -> list[bytes]:
    """Keys whose name, fields or value contain a text."""
    found = []
    for key in raw.scan_iter():
        parts: Any = []
        match raw.type(key):
            case b"string":
                parts = [raw.get(key)]
            case b"list":
                parts = raw.lrange(key, 0, -1)
            case b"hash":
                parts = [part for pair in raw.hgetall(key).items() for part in pair]
        if any(text in part for part in (key, *parts)):
            found.append(key)
    return found


def record(store: Store, offset: int, person: str = GONE) -> None:
    """A verdict, a claim's state and an open event, as screening writes them."""
    name = f"E{offset}"
    entry = Entry(
        input=0,
        offset=offset,
        beneficiary=person,
        event_id=name,
        revision=1,
        blob=b'{"beneficiary":"%s","decision":"HOLD"}' % person.encode(),
        writes=[
            HashWrite(keys.claim("claim " + name), {f"a:{name}": b"1"}, 1000),
            HashWrite(keys.open_events(person), {name: b"{}"}),
        ],
    )
    models = {f"beneficiary:{person}": b"usual"}
    assert store.record([Span(INPUT, offset - 1, offset)], [entry], models) == [entry.blob]


def test_nothing_is_left_of_the_person(store: Store, raw: redis.Redis) -> None:
    store.own([INPUT])
    said = ("signal", "alerts", "alerts:audit", "outcomes")
    store.put_models({f"{kind}:beneficiary:{GONE}": b"told" for kind in said})
    for offset, event in enumerate([claim(0), claim(1, "karim"), claim(2), claim(3, undo="E2")]):
        store.observe([Span(INPUT, offset - 1, offset)], [event.ask(offset)])
        record(store, offset, event.person)
    for text in (GONE.encode(), entity_ref(GONE)):
        assert holds(raw, text)
    others = {key: raw.dump(key) for key in holds(raw, b"karim")}
    plan = forget(store._servers._url)
    assert plan.held == 3
    assert plan.found["verdicts"] == plan.found["open events"] == plan.found["answers in claim states"] == 3
    for text in (GONE.encode(), entity_ref(GONE), event_ref("E0"), event_ref("E2"), b"claim E0", b"claim E2"):
        left = [key for key in holds(raw, text) if b":x:" not in key and b":y:" not in key]
        # what was answered for others within the memo's last blocks may cite the person's uses, by reference
        assert [key for key in left if b":memo:" not in key] == []
    assert holds(raw, GONE.encode()) == []
    assert all(b":memo:" in key for key in holds(raw, entity_ref(GONE)))
    assert {key: raw.dump(key) for key in holds(raw, b"karim")} == others
    assert store.verdict("karim", "E1") is not None


def test_a_record_keeps_its_age(store: Store, raw: redis.Redis) -> None:
    """An undo of an old event finds an expired sheet in order, also after the erasure."""
    store.own([INPUT])
    store.observe([Span(INPUT, -1, 0)], [claim(0).ask(0)])
    records = [key for key in raw.scan_iter() if b":x:" in key or b":y:" in key]
    for key in records:
        raw.expire(key, 500 * 86400)
    forget(store._servers._url)
    assert all(499 * 86400 < raw.ttl(key) <= 500 * 86400 for key in records)
    raw.delete(*(key for key in raw.scan_iter() if b":w:" in key or b":f:" in key))
    store.observe([Span(INPUT, 0, 1)], [claim(1, undo="E0").ask(1)])


def test_an_event_whose_answer_is_not_out_stays_whole(store: Store, raw: redis.Redis) -> None:
    store.own([INPUT])
    for offset in range(3):
        store.observe([Span(INPUT, offset - 1, offset)], [claim(offset).ask(offset)])
        record(store, offset)
    plan = forget(store._servers._url, upto=1)
    assert plan.waiting == 1
    (log,) = [key for key in raw.scan_iter() if key.endswith(b":b:amina")]
    lines: Any = raw.get(log)
    assert event_ref("E2") in lines
    assert event_ref("E0") not in lines
    assert store.models([f"beneficiary:{GONE}"]) == [b"usual"]
    # taken again after a crash, it is answered as before
    again = store.observe([Span(INPUT, 1, 2)], [claim(2).ask(2)])[0]
    assert (again.status, again.recorded) == ("NEW", b'{"beneficiary":"amina","decision":"HOLD"}')
    store.observe([Span(INPUT, 2, 3)], [claim(3, undo="E2").ask(3)])
    record(store, 3)
    assert forget(store._servers._url).waiting == 0
    assert holds(raw, GONE.encode()) == []


def test_planning_changes_nothing(store: Store, raw: redis.Redis) -> None:
    store.own([INPUT])
    for offset in range(3):
        store.observe([Span(INPUT, offset - 1, offset)], [claim(offset).ask(offset)])
    before = {key: raw.dump(key) for key in raw.scan_iter()}
    servers = Servers(store._servers._url, None)
    plan = Erasure(servers, Pace(0)).plan(GONE, lambda where, offset: True)
    assert not plan.empty
    assert {key: raw.dump(key) for key in raw.scan_iter()} == before
    servers.close()


@pytest.mark.parametrize("days", [100, 500])
def test_old_visits_go_too(store: Store, raw: redis.Redis, days: int) -> None:
    """A patient list keeps visits that left the ring until it is pruned: by these nobody is known either."""
    store.own([INPUT])
    store.observe([Span(INPUT, -1, 0)], [claim(0).ask(0)])
    later = replace(claim(1, "karim"), instant=claim(0).instant + days * 86400)
    store.observe([Span(INPUT, 0, 1)], [later.ask(1)])
    forget(store._servers._url)
    assert all(b":memo:" in key for key in holds(raw, entity_ref(GONE)))

"""Where new loads of tables take effect: one offset a partition, recorded, never taken back."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator

import msgspec
import pytest

from detectors.referentials import Referentials
from state import EmbeddedRedis, Layout, Span, Store
from state.errors import BadFormat
from streams import effects
from streams.effects import Effect, Effects
from streams.messages import Batch, Message
from tests.streams.stage import Desk, Event, Said, Stage

INPUT = "claims|t|0"
FIRST = Referentials(loads=(("drugs", "1", "sha256:a"),), read={"referentials/0": 1})
SECOND = Referentials(loads=(*FIRST.loads, ("drugs", "2", "sha256:b")), read={"referentials/0": 2})


@pytest.fixture
def store(server: EmbeddedRedis, stage: Stage) -> Iterator[Store]:
    """A store of the emptied server."""
    assert stage.url == server.url
    opened = Store(server.url)
    opened.check(Layout())
    opened.own([INPUT])
    yield opened
    opened.close()


def batch(first: int, last: int) -> Batch:
    messages = [Message("claims", INPUT, 0, offset, None, b"") for offset in range(first, last + 1)]
    return Batch(messages, [Span(INPUT, first - 1, last)])


def screen(
    told: Effects, store: Store, given: Batch, tables: Referentials, standing: int = -1
) -> dict[str, int]:
    """The steps of a batch that concern effects. `standing`: last offset that was decided before."""
    assert told.in_force(given, lambda: tables) is tables
    fresh = [(message.input, message.offset) for message in given.messages if message.offset > standing]
    store.put_models(told.due(fresh))
    return told.recorded(given)


def recorded(store: Store) -> list[Effect]:
    (blob,) = store.models([effects.name(INPUT)])
    return list(effects.read(blob).effects)


def test_each_load_has_one_offset(store: Store) -> None:
    told = Effects(store)
    assert screen(told, store, batch(0, 4), FIRST) == {INPUT: 0}
    assert screen(told, store, batch(5, 9), FIRST) == {}
    assert screen(told, store, batch(10, 14), SECOND) == {INPUT: 10}
    assert screen(told, store, batch(15, 19), SECOND) == {}
    assert [(one.offset, one.loads) for one in recorded(store)] == [(0, FIRST.loads), (10, SECOND.loads)]


def test_a_batch_taken_again_moves_nothing(store: Store) -> None:
    assert screen(Effects(store), store, batch(0, 9), FIRST) == {INPUT: 0}
    again = Effects(store)  # the worker was killed before it committed
    assert screen(again, store, batch(0, 9), FIRST, standing=9) == {}
    assert [one.offset for one in recorded(store)] == [0]


def test_what_was_decided_before_a_crash_stays_under_the_tables_of_then(store: Store) -> None:
    assert screen(Effects(store), store, batch(0, 9), FIRST) == {INPUT: 0}
    again = Effects(store)
    assert screen(again, store, batch(0, 9), SECOND, standing=9) == {}
    assert screen(again, store, batch(10, 19), SECOND, standing=12) == {INPUT: 13}
    assert [one.offset for one in recorded(store)] == [0, 13]


def test_a_batch_that_was_not_recorded_has_no_effect(store: Store) -> None:
    told = Effects(store)
    screen(told, store, batch(0, 9), FIRST)
    told.in_force(batch(10, 19), lambda: SECOND)
    told.due([(INPUT, 10)])  # and Redis was away
    assert screen(told, store, batch(10, 14), SECOND) == {INPUT: 10}
    assert [one.offset for one in recorded(store)] == [0, 10]


def test_a_worker_that_has_read_less_waits(store: Store) -> None:
    screen(Effects(store), store, batch(0, 9), SECOND)
    other = Effects(store)
    reads = iter([FIRST, FIRST, SECOND])
    assert other.in_force(batch(10, 19), lambda: next(reads)) is SECOND
    assert next(reads, None) is None


def test_it_waits_once_for_topics_made_anew(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    screen(Effects(store), store, batch(0, 9), SECOND)
    anew = dataclasses.replace(SECOND, read={"referentials/0": 1})
    other = Effects(store, patience=0.1)
    assert screen(other, store, batch(10, 19), anew) == {}
    assert screen(other, store, batch(20, 29), anew) == {}
    assert screen(Effects(store), store, batch(30, 39), anew) == {}  # who comes later does not wait either
    assert caplog.text.count("were their topics made anew?") == 1
    assert [one.offset for one in recorded(store)] == [0]


def test_the_worker_itself_asks_redis_only_where_others_may_have_been(store: Store) -> None:
    told = Effects(store)
    screen(told, store, batch(0, 9), FIRST)
    elsewhere = Effects(store)
    screen(elsewhere, store, batch(10, 19), SECOND)
    later = dataclasses.replace(SECOND, read={"referentials/0": 3})
    assert screen(told, store, batch(20, 29), later) == {}
    assert [one.offset for one in recorded(store)] == [0, 10]


def test_a_record_of_a_newer_release_is_refused() -> None:
    blob = msgspec.msgpack.encode(effects.Record(effects.VERSION + 1))
    with pytest.raises(BadFormat, match="holds effects in version 2, this release reads up to 1"):
        effects.read(blob)


def boxes(desk: Desk, first: int, count: int) -> Iterator[Event]:
    for number in range(first, first + count):
        line = {
            "care_group": "PHARMACY",
            "nomenclature": "MED",
            "code": "6118001230068",
            "quantity": 1,
            "unit": "BOX",
        }
        line |= {"unit_price": 9_500, "amount": 9_500, "service_date": "2026-03-02", "executor": "207711223"}
        yield desk.claim(f"C-{number}", line, who=f"B-{number}")


def editions(said: Said) -> list[tuple[int, str, bool]]:
    """(line of the log, editions of the drugs named, whether the price was found too high) of every claim."""
    return [
        (one["input"]["offset"], one["referentials"]["drugs"], "T02" in {r["code"] for r in one["reasons"]})
        for one in said.records
    ]


@pytest.mark.parametrize("size", [1, 7, 128])
def test_in_an_event_log_a_load_decides_from_its_line_on(stage: Stage, size: int) -> None:
    desk = Desk()
    drug = {"ean13": "6118001230068", "ppv": 9_500}
    log = [desk.table("drugs", drug), *boxes(desk, 0, 20)]
    log += [desk.table("drugs", drug | {"ppv": 5_000}, edition="2", valid_from="2015-01-02")]
    log += [
        *boxes(desk, 20, 20),
        desk.table("drugs", edition="3", valid_from="2015-01-03"),
        *boxes(desk, 40, 5),
    ]
    found = editions(stage.screen(log, size=size))
    assert found == [
        (line, "1" if line < 21 else "2,1", line > 21)
        for line in (*range(1, 21), *range(22, 42), *range(43, 48))
    ]
    store = Store(stage.url or "", require_aof=False)
    store.check(Layout())
    (blob,) = store.models([effects.name("log|log-1|0")])
    told = [(one.offset, [load[1] for load in one.loads]) for one in effects.read(blob).effects]
    assert told == [(1, ["1"]), (22, ["1", "2"])]
    assert all(one.at <= dt.datetime.now(dt.UTC).timestamp() for one in effects.read(blob).effects)
    store.close()

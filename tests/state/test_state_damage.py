"""Refused before anything is written: lost keys, foreign formats, wrong types. And bounded memory."""

from __future__ import annotations

import pytest
import redis

from schemas.observation import entity_ref
from state import codecs, ops
from state.batch import Ask, Span
from state.errors import BadFormat, Lost
from state.store import Store
from tests.state.naive_state import Event

INPUT = "claims|topic-id|0"
DAY = 86400


def claim(number: int, undo: str | None = None) -> Event:
    instant = 1_700_000_000 + number * 60
    return Event(f"E{number}", 0, "amina", "100000001", "100000002", instant, (instant // DAY,), 100, 1, undo)


def observe(store: Store, offset: int, undo: str | None = None) -> None:
    store.observe([Span(INPUT, offset - 1, offset)], [claim(offset, undo).ask(offset)])


def names(raw: redis.Redis, pattern: str) -> list[bytes]:
    return [key for key in raw.keys(pattern) if isinstance(key, bytes)]


def everything(raw: redis.Redis) -> dict[bytes, bytes]:
    return {key: raw.dump(key) or b"" for key in names(raw, "*")}


@pytest.mark.parametrize(
    "pattern", ["*:b:amina", "*:k:amina", "{*}:p:100000001", "*:w:*", "*:f:*", "*:n:q:*", "*:s:p:*", "*:z:*"]
)
def test_a_key_that_is_gone_is_not_undone_in_silence(store: Store, raw: redis.Redis, pattern: str) -> None:
    store.own([INPUT])
    observe(store, 0)
    gone = [key for key in names(raw, pattern) if b":n:p:" not in key]
    assert gone
    raw.delete(*gone)
    before = everything(raw)
    with pytest.raises(Lost, match="a value of kind") as refused:
        observe(store, 1, undo="E0")
    assert not any(name in str(refused.value) for name in ("amina", "100000001", "100000002", "unknown"))
    after = everything(raw)
    home = {key for key in after if before.get(key) != after[key]}
    # with several tags the home tag may have answered before another one refuses; where a tag refuses,
    # nothing changed
    assert not home or len(store._servers.prefixes) > 1


@pytest.mark.parametrize(
    ("pattern", "told"),
    [("*:b:amina", "kind logs"), ("{*}:p:100000001", "kind tiles"), ("*:w:*", "kind sheets")],
)
def test_a_foreign_format_is_refused_and_names_nobody(
    store: Store, raw: redis.Redis, pattern: str, told: str
) -> None:
    store.own([INPUT])
    observe(store, 0)
    (key,) = [key for key in names(raw, pattern) if b":n:" not in key]
    raw.set(key, b"\x00 written by nobody here")
    with pytest.raises(BadFormat, match=told) as refused:
        observe(store, 1)
    assert not any(name in str(refused.value) for name in ("amina", "100000001"))


def test_a_wrong_type_leaves_everything_as_it_was(server_url: str, raw: redis.Redis) -> None:
    store = Store(server_url, tags=1, require_aof=False)
    store.check()
    store.own([INPUT])
    observe(store, 0)
    raw.delete("{s0}:q:100000002")
    raw.rpush("{s0}:q:100000002", "a list")
    before = everything(raw)
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        observe(store, 1)
    assert everything(raw) == before
    store.close()


def test_an_old_key_may_have_expired(server_url: str, raw: redis.Redis) -> None:
    """A sheet lives 130 days after its last use: taking out an older event finds nothing and is right."""
    store = Store(server_url, tags=1, require_aof=False)
    store.check()
    store.own([INPUT])
    observe(store, 0)
    (event_key,) = raw.keys("*:x:*")
    raw.expire(event_key, raw.ttl(event_key) - 131 * DAY)
    raw.delete(*raw.keys("*:w:*"), *raw.keys("*:f:*"), *raw.keys("*:g:*"))
    observe(store, 1, undo="E0")
    store.close()


def test_patients_of_long_ago_are_forgotten(server_url: str, raw: redis.Redis) -> None:
    store = Store(server_url, tags=1, require_aof=False)
    store.check()
    store.own([INPUT])
    offset = 0
    for day in range(0, 1000, 10):
        asks = []
        for patient in range(20):
            who = f"patient {day} {patient}"
            op = ops.tile(
                "p", "100000001", instant=day * DAY, day=day, lines=1, amount=1, beneficiary=entity_ref(who)
            )
            asks.append(Ask(input=0, offset=offset, content=b"%16d" % offset, beneficiary=who, away=[op]))
            offset += 1
        answers = store.observe([Span(INPUT, offset - 21, offset - 1)], asks)
    last = answers[-1].away[0]
    assert last is not None
    window = codecs.window(last)
    assert (window.patients_30d, window.claims_30d) == (60, 60)
    assert raw.hlen("{s0}:n:p:100000001") <= 2 * 200 + 64
    store.close()


def test_old_lines_are_forgotten_and_late_ones_still_find_their_place(
    server_url: str, raw: redis.Redis
) -> None:
    store = Store(server_url, tags=1, require_aof=False)
    store.check()
    store.own([INPUT])
    for offset in range(60):
        event = Event(f"E{offset}", 0, "amina", "1", "2", offset * 20 * DAY, (offset * 20,), 7, 0)
        log = store.observe([Span(INPUT, offset - 1, offset)], [event.ask(offset)])[0].home[0]
        assert [line.day for line in codecs.unpack_log(log or b"")] == [
            day for day in range(0, offset * 20, 20) if day >= offset * 20 - 731
        ]
    assert raw.strlen("{s0}:b:amina") < 60 * 64
    store.close()

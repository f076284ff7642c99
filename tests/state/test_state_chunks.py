"""A batch in many calls answers and leaves what it does in one; what one call refuses, the later ones do not do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from state import calls, chain, chunks, keys
from state.batch import Ask, Entry, HashWrite, Span
from state.embedded import EmbeddedRedis
from state.errors import Gap, OtherLog
from state.store import Store
from tests.state.naive_state import Event
from tests.state.test_state_fences import INPUT, SECOND, batch, claim, entry
from tests.state.test_state_oracle import SETTINGS, fresh, streams

WHOLE = 1 << 30


@contextmanager
def chunked(size: int, verdicts: int = 1) -> Iterator[None]:
    """Calls of at most `size` ops, and of at most so many verdicts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "OPS_A_CALL", size)
        patch.setattr(calls, "VERDICTS_A_CALL", verdicts)
        yield


def contents(server: EmbeddedRedis) -> dict[bytes, object]:
    """What every key holds and whether it expires; names of the batches' parts are not stored anywhere."""
    with redis.Redis.from_url(server.url) as client:
        held: dict[bytes, object] = {}
        for key in client.scan_iter():
            kind = client.type(key)
            value = client.hgetall(key) if kind == b"hash" else client.dump(key)
            held[key] = value, int(client.ttl(key)) > 0
        return held


def asks_of(events: list[Event], second: list[bool]) -> tuple[list[Span], list[Ask]]:
    """The events, in their order, from two inputs."""
    ends, asks = [-1, -1], []
    for event, other in zip(events, second, strict=True):
        ends[other] += 2  # offsets with holes
        ask = event.ask(ends[other])
        ask.input = int(other)
        asks.append(ask)
    return [Span(INPUT, -1, ends[0] + 3), Span(SECOND, -1, ends[1])], asks


def run(server: EmbeddedRedis, tags: int, spans: list[Span], asks: list[Ask]) -> tuple[object, ...]:
    store = fresh(server, tags)
    store.own([SECOND])
    answers = store.observe(spans, asks)
    replay = store.observe(spans, asks)
    entries = [
        Entry(
            input=ask.input, offset=ask.offset, beneficiary=ask.beneficiary, event_id=str(ask.event_id),
            revision=1, blob=b"%d" % index, writes=[HashWrite(keys.claim(ask.claim_id), {"at": b"%d" % index}, 900)],
        )
        for index, ask in enumerate(asks)
    ]  # fmt: skip
    recorded = store.record(spans, entries, {"provider:1": b"model"})
    again = store.record(spans, entries, {"provider:1": b"other"})
    seen = store.observe(spans, asks)
    fences = store.own([INPUT, SECOND])
    store.close()
    return answers, replay, recorded, again, seen, fences, contents(server)


@SETTINGS
@given(
    events=streams(cross=True),
    tags=st.sampled_from([1, 3]),
    size=st.integers(1, 60),
    verdicts=st.integers(1, 5),
    data=st.data(),
)
def test_many_calls_do_what_one_does(
    server: EmbeddedRedis, events: list[Event], tags: int, size: int, verdicts: int, data: st.DataObject
) -> None:
    second = data.draw(st.lists(st.booleans(), min_size=len(events), max_size=len(events)))
    spans, asks = asks_of(events, second)
    with chunked(WHOLE, WHOLE):
        whole = run(server, tags, spans, asks)
    with chunked(size, verdicts):
        assert run(server, tags, spans, asks) == whole


def test_calls_after_a_refused_one_are_refused(store: Store, raw: redis.Redis) -> None:
    store.own([INPUT])
    spans, asks = batch(0, 9)
    with chunked(WHOLE):
        first = store.observe([Span(INPUT, -1, 3)], asks[:4])
    (log,) = raw.keys("*:b:amina")
    held = raw.get(log)
    raw.set(log, b"\x02 of a later version")
    with chunked(1), pytest.raises(Exception, match="holds logs in version 2"):
        store.observe(spans, asks)
    assert store.own([INPUT])[INPUT].observed == 3
    raw.set(log, held or b"")
    with chunked(1):
        answers = store.observe(spans, asks)
    assert answers[:4] == first
    raw.flushall()
    store.check()
    store.own([INPUT])
    with chunked(WHOLE):
        assert store.observe(spans, asks) == answers


def test_nothing_is_applied_after_an_event_of_another_log(store: Store) -> None:
    """The calls behind the fences refuse nothing by their spans; the chain does."""
    store.own([INPUT])
    store.observe(*batch(0, 3))
    spans, asks = batch(0, 9)
    asks[1] = claim(20).ask(1)
    with chunked(1), pytest.raises(OtherLog):
        store.observe(spans, asks)
    assert store.own([INPUT])[INPUT].observed == 3


def test_a_crash_between_verdicts_and_what_makes_them_known(server: EmbeddedRedis) -> None:
    store = fresh(server, 1)
    spans, asks = batch(0, 5)
    store.observe(spans, asks)
    entries = [entry(offset, b"first %d" % offset) for offset in range(6)]
    with chunked(WHOLE, 2):
        commands = calls.record_commands("{s0}:", spans, store._epochs, entries, {"provider:1": b"model"})
        store._servers.run([(0, command) for command in commands[:2]], [INPUT])
        assert len(commands) == 3
        other = calls.record_commands("{s0}:", spans, store._epochs, entries, {"provider:1": b"model"})
        with pytest.raises(Gap):  # the last one alone, without those before it, does nothing
            store._servers.run([(0, other[2])], [INPUT])
    assert [answer.recorded for answer in store.observe(spans, asks)] == [None] * 6
    assert store.verdict("amina", "E0") is None
    assert store.models(["provider:1"]) == [None]
    second = [entry(offset, b"second %d" % offset) for offset in range(6)]
    stand = store.record(spans, second, {"provider:1": b"model"})
    assert stand == [b"first %d" % offset for offset in range(4)] + [b"second 4", b"second 5"]
    assert [answer.recorded for answer in store.observe(spans, asks)] == stand
    assert store.verdict("amina", "E0") == b"first 0"
    store.close()


def test_many_models_are_written_by_a_call_of_their_own(server: EmbeddedRedis) -> None:
    store = fresh(server, 1)
    spans, asks = batch(0, 5)
    store.observe(spans, asks)
    entries = [entry(offset, b"blob %d" % offset) for offset in range(6)]
    models = {f"provider:{number}": b"model %d" % number for number in range(400)}
    sizes = [
        [
            len(command) - 3 - int(command[2])
            for command in calls.record_commands("{s0}:", spans, {}, entries, told)
        ]
        for told in ({}, models)
    ]
    assert sizes == [[7], [7, 401]]
    assert store.record(spans, entries, models) == [entry.blob for entry in entries]
    assert store.models(list(models)) == list(models.values())
    assert [answer.recorded for answer in store.observe(spans, asks)] == [entry.blob for entry in entries]
    store.close()


def test_a_chain_numbers_its_calls() -> None:
    first, second = chain.Chain(), chain.Chain()
    assert first.link(last=False)[1:] == (0, False)
    assert first.link(last=True)[1:] == (1, True)
    assert first.link(last=True)[0] != second.link(last=True)[0]

"""Fences, memo and epochs: what a replay, a rewind, a second owner and another log get."""

from __future__ import annotations

import pytest
import redis

from schemas.observation import event_ref
from state import keys
from state.batch import Ask, Entry, HashDelete, HashWrite, Span
from state.errors import Gap, OtherLog, Seen, Stale
from state.ops import Op, read_claim, read_open, read_verdict, register, registered
from state.store import Store
from tests.state.naive_state import Event

INPUT = "claims|topic-id|0"
SECOND = "payments|topic-id|0"


def claim(number: int, undo: str | None = None) -> Event:
    instant = 1_700_000_000 + number * 60
    return Event(
        f"E{number}",
        0,
        "amina",
        "100000001",
        "100000002",
        instant,
        (instant // 86400,),
        100 + number,
        1,
        undo,
    )


def batch(first: int, last: int) -> tuple[list[Span], list[Ask]]:
    asks = [claim(offset).ask(offset) for offset in range(first, last + 1)]
    return [Span(INPUT, first - 1, last)], asks


def entry(offset: int, blob: bytes = b"verdict", revision: int = 0) -> Entry:
    return Entry(
        input=0, offset=offset, beneficiary="amina", event_id=f"E{offset}", revision=revision, blob=blob
    )


def test_a_replay_gets_the_same_answers_whatever_its_batches(store: Store) -> None:
    store.own([INPUT])
    first = store.observe(*batch(0, 4)) + store.observe(*batch(5, 9))
    replay = store.observe(*batch(0, 1)) + store.observe(*batch(2, 7)) + store.observe(*batch(8, 9))
    assert replay == first
    assert store.own([INPUT])[INPUT].observed == 9


def test_a_replay_may_run_into_new_events(store: Store, raw: redis.Redis) -> None:
    store.own([INPUT])
    first = store.observe(*batch(0, 4))
    further = store.observe(*batch(3, 8))
    assert further[:2] == first[3:]
    raw.flushall()
    store.check()
    store.own([INPUT])
    assert store.observe(*batch(0, 8)) == first + further[2:]


def test_holes_in_the_offsets_are_normal_and_missing_events_are_not(store: Store) -> None:
    store.own([INPUT])
    store.observe([Span(INPUT, -1, 10)], [claim(3).ask(3)])
    with pytest.raises(Gap) as gap:
        store.observe([Span(INPUT, 11, 12)], [claim(12).ask(12)])
    assert (gap.value.input, gap.value.fence) == (INPUT, 10)
    assert store.observe([Span(INPUT, 10, 20)], [claim(12).ask(12)])[0].status == "NEW"


def test_a_batch_of_dead_letters_moves_every_fence(store: Store) -> None:
    store.own([INPUT])
    dead = Ask(input=0, offset=7, content=b"\xfe" * 16)
    answer = store.observe([Span(INPUT, -1, 7)], [dead])[0]
    assert (answer.status, answer.home, answer.away, answer.recorded) == ("NONE", [], [], None)
    assert store.record([Span(INPUT, -1, 7)], [], {}) == []
    fences = store.own([INPUT])[INPUT]
    assert (fences.observed, fences.recorded, set(fences.recorded_by_tag)) == (7, 7, {7})
    assert store.observe([Span(INPUT, 5, 7)], [dead])[0].status == "NONE"


def test_another_event_at_a_known_offset_is_another_log(store: Store) -> None:
    store.own([INPUT])
    store.observe(*batch(0, 3))
    with pytest.raises(OtherLog) as other:
        store.observe([Span(INPUT, 1, 2)], [claim(8).ask(2)])
    assert (other.value.input, other.value.offset) == (INPUT, 2)


def test_several_inputs_have_their_own_fences(store: Store) -> None:
    store.own([INPUT, SECOND])
    payment = Ask(
        input=1, offset=40, content=b"p" * 16, event_id="P40", ref=event_ref("P40"), beneficiary="amina"
    )
    store.observe([Span(INPUT, -1, 0), Span(SECOND, -1, 40)], [claim(0).ask(0), payment])
    with pytest.raises(Gap) as gap:
        store.observe([Span(INPUT, 0, 1), Span(SECOND, 41, 42)], [claim(1).ask(1)])
    assert (gap.value.input, gap.value.fence) == (SECOND, 40)
    assert store.own([INPUT])[INPUT].observed == 0


def test_a_lower_epoch_is_refused(store: Store, server_url: str) -> None:
    late = Store(server_url, require_aof=False)
    assert late.own([INPUT])[INPUT].epoch == 1
    assert store.own([INPUT])[INPUT].epoch == 2
    for call in (
        lambda: late.observe(*batch(0, 0)),
        lambda: late.record([Span(INPUT, -1, 0)], [], {}),
        lambda: late.advance(INPUT, -1, 0, {}),
    ):
        with pytest.raises(Stale) as stale:
            call()
        assert (stale.value.input, stale.value.epoch) == (INPUT, 2)
    assert store.own([INPUT])[INPUT].observed == -1
    late.close()


def test_begin_applies_to_new_inputs_only(store: Store) -> None:
    store.begin(INPUT, 499)
    assert store.own([INPUT])[INPUT].observed == 499
    store.begin(INPUT, 7)
    assert store.own([INPUT])[INPUT].recorded == 499


def test_what_was_recorded_wins(store: Store) -> None:
    store.own([INPUT])
    spans, asks = batch(0, 2)
    store.observe(spans, asks)
    entries = [entry(offset, b"first %d" % offset) for offset in range(3)]
    assert store.record(spans, entries, {"provider:1": b"a"}) == [b"first 0", b"first 1", b"first 2"]
    assert [answer.recorded for answer in store.observe(spans, asks)] == [b"first 0", b"first 1", b"first 2"]
    second = store.record(spans, [entry(offset, b"other") for offset in range(3)], {"provider:1": b"b"})
    assert second == [b"first 0", b"first 1", b"first 2"]
    assert store.models(["provider:1", "provider:none"]) == [b"a", None]
    mixed = store.record([Span(INPUT, 1, 4)], [entry(2, b"other"), entry(4, b"new")], {"provider:1": b"c"})
    assert mixed == [b"first 2", b"new"]
    assert store.models(["provider:1"]) == [b"c"]


def test_recording_ahead_of_the_fence_is_a_gap(store: Store) -> None:
    store.own([INPUT])
    with pytest.raises(Gap):
        store.record([Span(INPUT, 3, 4)], [entry(4)], {"provider:1": b"x"})
    assert store.models(["provider:1"]) == [None]


def test_each_offset_keeps_its_own_revision(store: Store) -> None:
    store.own([INPUT])
    store.observe(*batch(0, 0))
    store.record([Span(INPUT, -1, 0)], [entry(0, b"one", 0)], {})
    rescreen = Ask(
        input=0, offset=1, content=b"r" * 16, beneficiary="amina", home_reads=[read_verdict("amina", "E0")]
    )
    assert store.observe([Span(INPUT, 0, 1)], [rescreen])[0].home_reads == [[b"0", b"one"]]
    again = Entry(input=0, offset=1, beneficiary="amina", event_id="E0", revision=1, blob=b"two")
    store.record([Span(INPUT, 0, 1)], [again], {})
    assert store.record([Span(INPUT, 0, 1)], [again], {}) == [b"two"]
    resent = claim(0).ask(2)
    answers = store.observe([Span(INPUT, -1, 2)], [claim(0).ask(0), rescreen, resent])
    assert [answer.recorded for answer in answers] == [b"one", None, b"two"]
    assert [answer.status for answer in answers] == ["NEW", "NONE", "SAME"]


def test_a_duplicate_in_one_batch_gets_the_first_verdict(store: Store) -> None:
    store.own([INPUT])
    duplicate = Entry(input=0, offset=1, beneficiary="amina", event_id="E0", revision=0, blob=b"recomputed")
    assert store.record([Span(INPUT, -1, 1)], [entry(0, b"one"), duplicate], {}) == [b"one", b"one"]


def test_a_reused_name_changes_nothing(store: Store) -> None:
    store.own([INPUT])
    store.observe(*batch(0, 0))
    reused = claim(0).ask(1)
    reused.content = b"other content..."
    reused.undo = event_ref("E0")
    assert store.observe([Span(INPUT, 0, 1)], [reused])[0].status == "OTHER"
    sheet = store.observe([Span(INPUT, 1, 2)], [claim(2).ask(2)])[0].away[2]
    assert sheet is not None
    assert sheet[:4] == (10 + 100 + 10 + 102).to_bytes(4, "little")


def test_hashes_are_written_once_with_their_verdict(store: Store, raw: redis.Redis) -> None:
    store.own([INPUT])
    writes = [
        HashWrite(keys.claim("C1"), {"state": b"HELD", "amount": b"5"}, 1000),
        HashWrite(keys.open_events("amina"), {"E0": b"open", "E9": b"gone"}),
    ]
    held = Entry(
        input=0, offset=0, beneficiary="amina", event_id="E0", revision=0, blob=b"v", ttl=5000, writes=writes,
        deletes=[HashDelete(keys.open_events("amina"), ["E9"])],
    )  # fmt: skip
    store.record([Span(INPUT, -1, 0)], [held], {})
    held.writes = [HashWrite(keys.claim("C1"), {"state": b"CHANGED"})]
    store.record([Span(INPUT, -1, 0)], [held], {})
    ask = Ask(
        input=0, offset=0, content=b"c" * 16, beneficiary="amina",
        home_reads=[read_claim("amina", "C1"), read_open("amina")],
    )  # fmt: skip
    reads = store.observe([Span(INPUT, -1, 0)], [ask])[0].home_reads
    assert reads == [{b"state": b"HELD", b"amount": b"5"}, {b"E0": b"open"}]
    (verdict_key,) = raw.keys("*:v:E0")
    (claim_key,) = raw.keys("*:c:C1")
    assert 4900 < raw.ttl(verdict_key) <= 5000
    assert 900 < raw.ttl(claim_key) <= 1000


def test_a_fold_advances_once(store: Store) -> None:
    store.own([INPUT])
    models = {f"provider:{number}": b"%d" % number for number in range(12)}
    store.advance(INPUT, -1, 10, models)
    assert store.models(list(models)) == list(models.values())
    with pytest.raises(Seen):
        store.advance(INPUT, -1, 10, {"provider:1": b"again"})
    with pytest.raises(Gap) as gap:
        store.advance(INPUT, 5, 20, {"provider:1": b"between"})
    assert gap.value.fence == 10
    assert store.models(["provider:1"]) == [b"1"]
    store.advance(INPUT, 10, 20, {"provider:1": b"next"})
    assert store.own([INPUT])[INPUT].recorded == 20


def test_the_latest_registry_entry_stands(store: Store) -> None:
    store.own([INPUT])

    def offer(offset: int, op: Op) -> bytes | None:
        ask = Ask(input=0, offset=offset, content=b"%16d" % offset, beneficiary="amina", home=[op])
        return store.observe([Span(INPUT, offset - 1, offset)], [ask])[0].home[0]

    assert offer(0, registered("amina")) is None
    assert offer(1, register("amina", b"first", 1_000, 1)) == b"first"
    assert offer(2, register("amina", b"older", -5, 2)) == b"first"
    assert offer(3, register("amina", b"same instant", 1_000, 3)) == b"same instant"
    assert offer(4, registered("amina")) == b"same instant"


def test_a_replay_with_other_ops_gets_what_is_remembered(store: Store) -> None:
    """A referential that came in between may change what is asked; the memo answers what was applied."""
    store.own([INPUT])
    full = claim(0).ask(0)
    first = store.observe([Span(INPUT, -1, 0)], [full])[0]
    full.away = [full.away[1], full.away[0], registered("100000009")]
    replay = store.observe([Span(INPUT, -1, 0)], [full])[0]
    assert replay.home == first.home
    assert replay.away == [first.away[1], first.away[0], None]


def test_forgotten_answers_are_said_to_be_gone(store: Store, raw: redis.Redis) -> None:
    store.own([INPUT])
    first = store.observe(*batch(0, 0))
    for block in range(1, 12):
        offset = block * keys.MEMO_BLOCK
        store.observe([Span(INPUT, offset - keys.MEMO_BLOCK, offset)], [claim(block).ask(offset)])
    store.forget_memo(INPUT, 3 * keys.MEMO_BLOCK)
    assert store.observe(*batch(0, 0)) == first
    store.forget_memo(INPUT, 11 * keys.MEMO_BLOCK)
    assert not raw.keys(f"*memo:?:{INPUT}:0")
    replay = store.observe(*batch(0, 0))[0]
    assert (replay.status, replay.gone) == ("NEW", True)
    resent = claim(0).ask(1)
    assert store.observe([Span(INPUT, 0, 1)], [resent])[0].status == "SAME"


def test_identities_are_kept(store: Store) -> None:
    store.own([INPUT])
    store.observe(*batch(0, 1))
    store.observe([Span(INPUT, 1, 2)], [claim(2, undo="E1").ask(2)])
    pairs = [("amina", event_ref(f"E{number}")) for number in (0, 1, 7)]
    found = store.identify(pairs)
    assert [identity and identity.event_id for identity in found] == ["E0", "E1", None]
    assert found[1] == ("E1", "claim E1", "amina")
    assert store.identify([]) == []


def test_names_become_numbers_and_come_back(store: Store, server_url: str) -> None:
    store.intern(["NGAP|C", "NABM|0100", "123456789", "NGAP|C"])
    assert [store.number(name) for name in ("", "123456789", "NGAP|C", "NABM|0100")] == [
        0, 123456789, keys.FIRST_NAME, keys.FIRST_NAME + 1,
    ]  # fmt: skip
    second = Store(server_url, require_aof=False)
    assert second.name(keys.FIRST_NAME + 1) == "NABM|0100"
    assert second.number("clinique é") == keys.FIRST_NAME + 2
    assert store.name(keys.FIRST_NAME + 2) == "clinique é"
    assert (store.name(7), store.name(0)) == ("000000007", "")
    assert store.name(store.number("000000000")) == "000000000"
    with pytest.raises(KeyError):
        store.name(keys.FIRST_NAME + 99)
    second.close()

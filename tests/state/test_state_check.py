"""The state checked against itself: sound where it is sound, and each kind of damage found where it was done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis

from schemas.observation import event_ref
from state import Servers, Store
from state.batch import Entry, HashWrite, Span
from state.checkup import Checkup, Problem, Report
from state.errors import BadFormat
from state.survey import Pace
from state.unpacking import unpack
from tests.state.naive_state import Event

INPUT = "claims|topic-id|0"
INSTANT = 1_700_000_000
TODAY = INSTANT // 86400
READERS: dict[str, Callable[[Any], Any]] = {
    "v": lambda blob: blob.decode(),
    "c": dict,
    "o": dict,
    "m:provider": bytes.decode,
    "m:beneficiary": bytes.decode,
}


def fill(store: Store) -> None:
    """A few claims of two people, one corrected, with verdicts and models."""
    store.own([INPUT])
    people = ("amina", "karim", "amina", "amina")
    for offset, person in enumerate(people):
        undo = "E0" if offset == 3 else None
        event = Event(
            f"E{offset}", 0, person, "100000001", "100000002", INSTANT + offset, (TODAY,), 100, 1, undo
        )
        store.observe([Span(INPUT, offset - 1, offset)], [event.ask(offset)])
        entry = Entry(
            input=0,
            offset=offset,
            beneficiary=person,
            event_id=f"E{offset}",
            revision=1,
            blob=person.encode(),
            writes=[
                HashWrite(f"c:claim {offset}", {"a:E": b"1"}, 1000),
                HashWrite(f"o:{person}", {"E": b"1"}),
            ],
        )
        store.record([Span(INPUT, offset - 1, offset)], [entry], {"provider:100000001": b"m"})
    store.intern(["NGAP|C"])


def check(store: Store) -> Report:
    servers = Servers(store._servers._url, None)
    report = Checkup(servers, READERS, TODAY, Pace(0)).run()
    servers.close()
    return report


def key(raw: redis.Redis, letter: str) -> str:
    """The first key of a kind."""
    names: list[str] = [str(name.decode()) for name in raw.scan_iter()]
    return min(name for name in names if name.partition(":")[2].startswith(letter + ":"))


def test_a_sound_state_has_no_problems_and_is_not_changed(store: Store, raw: redis.Redis) -> None:
    fill(store)
    before = {name: (raw.dump(name), raw.ttl(name)) for name in raw.scan_iter()}
    report = check(store)
    assert report.problems == []
    assert sum(tally.keys for tally in report.kinds.values()) == len(before)
    assert report.kinds["care logs"].keys == 2
    assert report.kinds["verdicts"].keys == 4
    assert all(tally.measured == tally.keys and tally.bytes > 0 for tally in report.kinds.values())
    assert {name: raw.dump(name) for name in raw.scan_iter()} == {
        name: dump for name, (dump, _) in before.items()
    }


def _cut(raw: redis.Redis, name: str) -> None:
    stored: Any = raw.get(name)
    raw.set(name, stored[:-1], keepttl=True)


DAMAGE: dict[str, tuple[Callable[[redis.Redis, str], Any], str, set[str]]] = {
    "a log cut off": (_cut, "b", {"damaged"}),
    "facts cut off": (_cut, "k", {"damaged"}),
    "tiles cut off": (_cut, "p", {"damaged"}),
    "a sheet cut off": (_cut, "w", {"damaged"}),
    "a clone use cut off": (_cut, "g", {"damaged"}),
    "a later version": (lambda raw, name: raw.setrange(name, 0, b"\x07"), "b", {"damaged"}),
    "a total that does not add up": (lambda raw, name: raw.hset(name, "", "99"), "f", {"damaged"}),
    "a patient lost": (lambda raw, name: raw.hdel(name, raw.hkeys(name)[0]), "n", {"damaged"}),
    "a revision lost": (lambda raw, name: raw.hdel(name, "1"), "v", {"damaged"}),
    "no expiry": (lambda raw, name: raw.persist(name), "w", {"no expiry"}),
    "another type": (lambda raw, name: (raw.delete(name), raw.rpush(name, "x")), "b", {"wrong type", "orphan"}),
    "a log lost": (lambda raw, name: raw.delete(name), "b", {"orphan"}),
    "tiles lost": (lambda raw, name: raw.delete(name), "q", {"orphan"}),
    "a sheet lost": (lambda raw, name: raw.delete(name), "w", {"orphan"}),
    "a stranger's key": (lambda raw, name: raw.set("session:7", "x"), "b", {"unknown key"}),
    "a key of no kind": (lambda raw, name: raw.set("{s0}:zz:1", "x"), "b", {"unknown key"}),
    "a tag of another layout": (lambda raw, name: raw.set("{s9}:b:amina", "x"), "b", {"unknown key"}),
    "a model of no kind": (lambda raw, name: raw.set("{s0}:m:zz:1", "x", ex=9), "b", {"damaged", "wrong tag"}),
    "memo of an unknown input": (lambda raw, name: raw.hset("{s0}:memo:h:other|id|0:0", "r0", "1"), "b", {"orphan"}),
}  # fmt: skip


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_found(store: Store, raw: redis.Redis, what: str) -> None:
    fill(store)
    act, letter, expected = DAMAGE[what]
    name = key(raw, letter)
    assert name
    act(raw, name)
    problems = check(store).problems
    found = {problem.problem for problem in problems}
    assert found
    assert found <= expected
    if expected == {"damaged"} and letter not in ("n", "b"):
        assert [problem.key.decode() for problem in problems if problem.problem == "damaged"] == [
            name
        ] or letter == "m"


def test_lines_and_verdicts_without_their_event(store: Store, raw: redis.Redis) -> None:
    fill(store)
    raw.delete(*(name for name in raw.scan_iter() if name.endswith(event_ref("E1").hex().encode())))
    found = {problem.kind for problem in check(store).problems if problem.problem == "orphan"}
    assert found == {"care logs", "permanent facts", "verdicts", "clone uses"}


def test_a_line_of_a_cancelled_event_is_an_orphan(store: Store, raw: redis.Redis) -> None:
    fill(store)
    (name,) = [name for name in raw.scan_iter() if name.endswith(b":x:" + event_ref("E1").hex().encode())]
    raw.setrange(name, 1, b"C")
    problems = check(store).problems
    assert ("orphan", "care logs") in {(one.problem, one.kind) for one in problems}


def test_a_key_in_another_tag(server_url: str, raw: redis.Redis) -> None:
    store = Store(server_url, tags=3, require_aof=False)
    store.check()
    fill(store)
    right = key(raw, "b")
    prefix, _, rest = right.partition(":")
    wrong = next(p for p in store._servers.prefixes if not p.startswith(prefix)) + rest
    raw.copy(right, wrong)
    problems = [one for one in check(store).problems if one.problem == "wrong tag"]
    assert [one.key.decode() for one in problems] == [wrong]
    assert all(isinstance(one, Problem) for one in problems)
    store.close()


def test_the_pace_is_kept() -> None:
    now, slept = [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    pace = Pace(100, sleep, lambda: now[0])
    for _ in range(10):
        pace.step(50)
    assert sum(slept) == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("packed", "value"),
    [
        (b"\x93\x01\xa2b:\xd9\x02\xff\xfe", [1, b"b:", b"\xff\xfe"]),
        (b"\x92\xff\xd3\xff\xff\xff\xff\xff\xff\xff\xfe", [-1, -2]),
        (b"\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00", 1.0),
        (b"\x80", []),
        (b"\xdc\x00\x01\xc3", [True]),
    ],
)
def test_what_redis_packs_is_read(packed: bytes, value: Any) -> None:
    assert unpack(packed) == value


@pytest.mark.parametrize(
    "packed", [b"", b"\x91", b"\xa5abc", b"\x01\x02", b"\x81\x01\x02", b"\xc1", b"\x91" * 50]
)
def test_what_is_no_packed_value_is_refused(packed: bytes) -> None:
    with pytest.raises(BadFormat):
        unpack(packed)

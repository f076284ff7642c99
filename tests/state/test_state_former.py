"""State that an earlier release wrote: the present one goes on with it as if it had written it itself."""

from __future__ import annotations

import json
import lzma
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from state import keys, kinds, ops, stored
from state.batch import Ask, Span
from state.embedded import EmbeddedRedis
from state.errors import BadFormat, ConfigurationError, OtherLog
from state.formats import FORMATS, OF_KEYS
from state.store import Store
from tests.state.naive_state import DAY, Event, Naive, decoded
from tests.state.test_state_oracle import SETTINGS, fresh, streams
from tests.support import former_state as former

FILE = Path(__file__).parent / "data" / "version1.json.xz"
TILE_HEAD, SUMS = 21, 73  # where the sums of a tile begin that version 1 had not, and where they end
VERSIONLESS = (b"n", b"v", b"m", b"c", b"o", b"fence", b"intern", b"names", b"layout")
HEAD_OF_EVENT = 30  # version, state, content hash, crc of the input, offset
END = former.FIRST_HALF + 15


def former_keys(tags: int) -> list[dict[str, Any]]:
    kept: list[dict[str, Any]] = json.loads(lzma.decompress(FILE.read_bytes()))[str(tags)]
    return kept


def begun(server: EmbeddedRedis, tags: int, *, before: bool) -> Store:
    """A store on a Redis where the first half was lived through by an earlier release, or by this one."""
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
        store = Store(server.url, tags=tags, require_aof=False)
        if before:
            former.load(client, former_keys(tags))
        else:
            former.first_half(store)
    store.check()
    store.own([former.INPUT])
    return store


def kind_of(key: bytes) -> bytes:
    return key.partition(b"}:")[2].partition(b":")[0]


def contents(client: redis.Redis) -> dict[bytes, Any]:
    """What every key holds and whether it expires; of the memo only that it is there."""
    held: dict[bytes, Any] = {}
    for key in client.scan_iter():
        value = former.read(client, key)
        if kind_of(key) == b"layout":
            value = json.loads(value)
        elif kind_of(key) in (b"memo", b"c"):
            value = sorted(value)  # what claims hold is read by `streams`
        elif kind_of(key) in (b"p", b"q"):
            value = value[:69] + value[73:]  # without the half-day in which its expiry was set
        elif kind_of(key) in (b"x", b"y") and value[1:2] == b"T":
            continue  # a former one lies in more tags, and does not say for whom nor what came instead
        elif kind_of(key) in (b"x", b"y") and len(value) > HEAD_OF_EVENT:
            told = value[
                HEAD_OF_EVENT:
            ]  # the effects' integers have other widths: what they take out is seen below
            at = 4 + int.from_bytes(told[:2], "little") + int.from_bytes(told[2:4], "little")
            live = value[1:2] == b"L" and told[at:] not in (b"", b"\x90")
            # whether a cancellation, which did nothing, was itself superseded is known only where the line is
            value = value[2:HEAD_OF_EVENT], told[:at], live
        held[key] = value, client.ttl(key) > 0
    return held


def went_on(server: EmbeddedRedis, tags: int, *, before: bool) -> list[Any]:
    """All that is seen of the first half again, of the second, and of cancelling everything."""
    store = begun(server, tags, before=before)
    with redis.Redis.from_url(server.url) as client:
        seen: list[Any] = [
            former.observe(store, 0, former.FIRST_HALF),
            former.record(store, 0, former.FIRST_HALF),
        ]
        refs = [(each.beneficiary, each.ref) for each in former.asks(0, END) if each.ref]
        seen += [store.identify(refs), store.models([*former.MODELS]), store.number("B2")]
        seen += [former.observe(store, former.FIRST_HALF, END), former.record(store, former.FIRST_HALF, END)]
        seen += [store.verdict(former.PEOPLE[0], "E0"), contents(client)]
        seen += [former.observe(store, 0, END)]
        whole = len(former.history())
        seen += [former.cancel(store, END, range(whole)), contents(client)]
    store.close()
    return seen


@pytest.mark.parametrize("tags", [1, 3])
def test_a_former_state_goes_on_like_one_of_today(server: EmbeddedRedis, tags: int) -> None:
    of_today, of_before = (went_on(server, tags, before=before) for before in (False, True))
    assert Counter(answer.status for answer in of_today[0]) == {"NONE": 3, "NEW": 15}
    assert Counter(answer.status for answer in of_today[5])["NEW"] > 8
    for mine, other in zip(of_before, of_today, strict=True):
        assert mine == other


def versions(client: redis.Redis) -> dict[str, set[int]]:
    """The first bytes of the values of each kind."""
    found: dict[str, set[int]] = {}
    for key in client.scan_iter():
        kind = kind_of(key)
        if kind in VERSIONLESS:
            continue
        stored = former.read(client, key)
        if kind == b"f":
            values = [stored.get(b"")]
        elif kind == b"memo":
            values = [value for name, value in stored.items() if not name.startswith(b"r")]
        else:
            values = [stored]
        found.setdefault(OF_KEYS[kind.decode()], set()).update(value[0] for value in values if value)
    return found


def test_the_file_is_of_version_1_and_what_is_touched_becomes_the_present_one(
    server: EmbeddedRedis, raw: redis.Redis
) -> None:
    former.load(raw, former_keys(1))
    held = versions(raw)
    assert (held["tiles"], held["memo"]) == ({1}, {0x94})
    assert held["families"] <= set(b"0123456789")
    store = begun(server, 1, before=True)
    former.observe(store, former.FIRST_HALF, END)
    store.close()
    held = versions(raw)
    assert held.pop("memo") == {0x94, FORMATS["memo"]}
    assert {kind: {FORMATS[kind]} for kind in held} == held


@pytest.mark.parametrize("tags", [1, 3])
def test_checks_and_people_read_former_values(server: EmbeddedRedis, raw: redis.Redis, tags: int) -> None:
    former.load(raw, former_keys(tags))
    for key in raw.scan_iter():
        letter, kind, _ = kinds.kind_of(kinds.split(key)[1])
        assert kind is not None, letter
        if kind.read is not None:
            kind.read(former.read(raw, key))
    (key,) = raw.scan_iter("*}:p:100000001")
    of_before = stored.tiles(former.read(raw, key))
    assert len(of_before.days) > 5
    of_today = begun(server, tags, before=False)
    assert stored.tiles(former.read(raw, key)) == of_before
    assert former.read(raw, key)[0] == FORMATS["tiles"]
    of_today.close()


def test_the_layout_record_is_raised_and_keeps_older_releases_out(
    server: EmbeddedRedis, raw: redis.Redis
) -> None:
    former.load(raw, former_keys(1))
    assert json.loads(raw.get("{s0}:layout") or b"")["formats"]["tiles"] == 1
    store = begun(server, 1, before=True)
    layout = json.loads(raw.get("{s0}:layout") or b"")
    assert layout["formats"] == FORMATS
    layout["formats"]["tiles"] += 1
    raw.set("{s0}:layout", json.dumps(layout))
    with pytest.raises(
        ConfigurationError, match="holds tiles in version 3, this release reads up to 2: run the release"
    ):
        store.check()
    store.close()


@pytest.mark.parametrize("letter", ["b", "k", "r", "d", "g", "w", "p", "q", "x"])
def test_a_newer_value_stops_the_worker_and_names_nobody(
    server: EmbeddedRedis, raw: redis.Redis, letter: str
) -> None:
    store = begun(server, 1, before=True)
    for key in raw.scan_iter(f"*}}:{letter}:*"):
        raw.setrange(key, 0, bytes([FORMATS[OF_KEYS[letter]] + 1]))
    held = contents(raw)
    with pytest.raises(BadFormat) as told:
        former.observe(store, former.FIRST_HALF, END)
    known = FORMATS[OF_KEYS[letter]]
    assert f"holds {OF_KEYS[letter]} in version {known + 1}, this release reads up to {known}: run" in str(
        told.value
    )
    assert not any(name in str(told.value) for name in (*former.PEOPLE, *former.PROVIDERS, "document 1"))
    assert contents(raw) == held
    store.close()


@pytest.mark.parametrize("field", ["family", "memo"])
def test_a_newer_field_stops_the_worker(server: EmbeddedRedis, raw: redis.Redis, field: str) -> None:
    store = begun(server, 1, before=True)
    if field == "family":
        for key in raw.scan_iter("*}:f:*"):
            raw.hset(key, "", b"\x03 of tomorrow")
    else:
        raw.hset("{s0}:" + keys.memo("h", former.INPUT, 4), "4", b"\x03 of tomorrow")
    with pytest.raises(BadFormat, match=r"in version 3, this release reads up to 2: run"):
        former.observe(store, 0, END)
    store.close()


@pytest.mark.parametrize("cut", [1, 200, 3380])
def test_a_former_tile_that_was_cut_is_refused(server: EmbeddedRedis, raw: redis.Redis, cut: int) -> None:
    store = begun(server, 1, before=True)
    for key in raw.scan_iter("*}:p:*"):
        raw.set(key, (raw.get(key) or b"")[:cut])
    with pytest.raises(BadFormat, match="kind tiles is damaged"):
        former.observe(store, former.FIRST_HALF, END)
    store.close()


def test_a_former_log_that_is_not_this_one_is_told(server: EmbeddedRedis, raw: redis.Redis) -> None:
    store = begun(server, 1, before=True)
    other = former.ask(former.history()[5], 4)
    with pytest.raises(OtherLog):
        store.observe([Span(former.INPUT, 3, 4)], [other])
    store.close()


def lowered(client: Any) -> None:
    """Every tile and family as version 1 packed it."""
    for key in client.scan_iter():
        value = former.read(client, key)
        if kind_of(key) in (b"p", b"q") and value[0] == FORMATS["tiles"]:
            client.set(key, b"\x01" + value[1:TILE_HEAD] + value[SUMS:], keepttl=True)
        elif kind_of(key) == b"f" and value[b""][0] == FORMATS["families"]:
            client.hset(key, "", b"%d" % int.from_bytes(value[b""][5:9], "little"))


@settings(SETTINGS, max_examples=60)
@given(events=streams(cross=True), data=st.data())
def test_windows_raised_at_any_time_answer_like_the_oracle(
    server: EmbeddedRedis, events: list[Event], data: st.DataObject
) -> None:
    store, oracle = fresh(server, 1), Naive()
    asks = [event.ask(offset) for offset, event in enumerate(events)]
    for at, (event, ask) in enumerate(zip(events, asks, strict=True)):
        if data.draw(st.booleans()):
            with redis.Redis.from_url(server.url) as client:
                lowered(client)
        (answer,) = store.observe([Span(former.INPUT, at - 1, at)], [ask])
        assert decoded(answer) == oracle.apply(event)
    store.close()


def test_a_full_tile_is_raised_to_the_byte(server: EmbeddedRedis, raw: redis.Redis) -> None:
    """Every slot of every ring holds something of its own: each window's ends count."""
    end = former.START // DAY * DAY + DAY - 1
    back = [
        seconds * n
        for seconds, most, least in ((DAY, 100, 3), (3600, 80, 4), (300, 55, -1))
        for n in range(most, least, -1)
    ]
    tiles = []
    for before in (False, True):
        store = fresh(server, 1)
        for offset, seconds in enumerate([*back, 0]):
            if before and offset == len(back):
                lowered(raw)
            instant = end - seconds
            op = ops.tile(
                "p", "100000001", instant=instant, day=instant // DAY, lines=1 + offset % 7,
                amount=1000 + offset * offset, beneficiary=b"%8d" % (offset % 60),
            )  # fmt: skip
            asked = Ask(input=0, offset=offset, content=b"%16d" % offset, beneficiary="a", away=[op])
            answer = store.observe([Span(former.INPUT, offset - 1, offset)], [asked])
        tiles.append((contents(raw), answer))
        store.close()
    assert tiles[0] == tiles[1]

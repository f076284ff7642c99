"""A snapshot says what it holds, gives back what went in, and is refused whole where anything of it is wrong."""

from __future__ import annotations

import datetime as dt
import math
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.models import records
from detectors.models import snapshot as module
from detectors.models.fusion import BINS
from detectors.models.keys import SINGLE, Pair
from detectors.models.quantile import BINS as SCORE_BINS
from detectors.models.snapshot import ALONE, MOST_EDITION, SHARED, Snapshot, SnapshotError, pack, unpack
from tests.models.test_records import FULL

TAKEN = dt.datetime(2026, 3, 31, 12, tzinfo=dt.UTC)
FINITE = st.floats(-1e15, 1e15, allow_nan=False)
COUNTS = st.integers(0, 2**53)


def entity(kind: str) -> str:
    return SINGLE if kind in ALONE else f"{kind}|é 1"


def whole() -> dict[Pair, records.Record]:
    """A record of each kind that a snapshot may hold."""
    made: dict[Pair, records.Record] = {(kind, entity(kind)): FULL[kind] for kind in SHARED}
    made["fusion", SINGLE] = msgspec.structs.replace(FULL["fusion"], bins=(records.Bin(),) * 3)
    made["quantile", SINGLE] = records.QuantileRecord(edition=3, flag=0.03, counts=tuple(range(SCORE_BINS)))
    made["provider", "104512345"] = records.ProviderRecord(
        claims=3, ramp=records.Ramp(came=(1,) * 12, given=(0,) * 12)
    )
    del made["provider", entity("provider")]
    return made


def sealed(body: bytes, **head: Any) -> bytes:
    """A file whose first line is right for what follows, whatever that is."""
    said = {"crible_models": 1, "bytes": len(body), "sha256": sha256(body).hexdigest(), **head}
    return msgspec.json.encode(said) + b"\n" + body


def of_lines(*lines: bytes, **announced: int) -> bytes:
    """A well sealed file of these record lines."""
    about = msgspec.json.encode({"taken": TAKEN, "records": announced})
    return sealed(b"\n".join((about, *lines)) + b"\n")


def test_it_gives_back_every_kind() -> None:
    found = unpack(pack(Snapshot(TAKEN, whole())))
    assert (found.taken, found.records) == (TAKEN, whole())
    assert {pair: records.encode(record) for pair, record in found.records.items()} == {
        pair: records.encode(record) for pair, record in whole().items()
    }
    assert set(found.counts()) == set(SHARED) == set(records.KINDS) - {"beneficiary"}
    assert unpack(pack(Snapshot(TAKEN, {}))).records == {}


records_of = st.fixed_dictionaries(
    {},
    optional={
        "fusion": st.builds(
            records.FusionRecord,
            edition=st.integers(0, MOST_EDITION),
            weights=st.dictionaries(st.text(max_size=12), FINITE, max_size=20),
            reviews=COUNTS,
            frauds=COUNTS,
            bins=st.sampled_from([0, len(BINS) + 1]).flatmap(
                lambda count: st.tuples(*[st.builds(records.Bin, COUNTS, FINITE, FINITE)] * count)
            ),
            calibrated=st.booleans(),
            recent=st.binary(max_size=64),
        ),
        "peers": st.builds(
            records.PeerRecord, n=COUNTS, mean=FINITE, var=st.floats(0, 1e15), recent=st.binary(max_size=64)
        ),
    },
)


@given(records_of, st.text(min_size=1, max_size=40), st.datetimes(timezones=st.just(dt.UTC)))
@settings(max_examples=150, deadline=None)
def test_round_trips_are_equal_to_the_last_bit(
    drawn: dict[str, records.Record], group: str, taken: dt.datetime
) -> None:
    held = {(kind, SINGLE if kind == "fusion" else group): record for kind, record in drawn.items()}
    file = pack(Snapshot(taken, held))
    found = unpack(file)
    assert found.records == held
    assert [records.encode(found.records[pair]) for pair in held] == [
        records.encode(record) for record in held.values()
    ]
    assert pack(found) == file


@given(st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_random_bytes_are_refused(data: bytes) -> None:
    for file in (data, sealed(data), sealed(data + b"\n"), of_lines(data)):
        with pytest.raises(SnapshotError):
            unpack(file)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_flipped_bit_is_refused(data: st.DataObject) -> None:
    file = bytearray(pack(Snapshot(TAKEN, whole())))
    place = data.draw(st.integers(0, len(file) * 8 - 1))
    file[place // 8] ^= 1 << place % 8
    with pytest.raises(SnapshotError):
        unpack(bytes(file))


def test_every_truncation_is_refused() -> None:
    file = pack(Snapshot(TAKEN, {("peers", "x"): FULL["peers"]}))
    for length in range(len(file)):
        with pytest.raises(SnapshotError):
            unpack(file[:length])
    with pytest.raises(SnapshotError, match="cut short or added to"):
        unpack(file + b"\n")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | FINITE | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=30,
)


@given(st.sampled_from(SHARED), st.integers(0, 30), JSON)
@settings(max_examples=400, deadline=None)
def test_what_is_accepted_is_a_record_that_redis_gives_back(kind: str, place: int, value: Any) -> None:
    """Well sealed, one value of a good record put in place of another: refused, or as good as any."""
    values = msgspec.json.decode(records.encode_plain(whole().get((kind, entity(kind)), FULL[kind])))
    values[place % len(values)] = value
    line = msgspec.json.encode([kind, entity(kind), values])
    try:
        (found,) = unpack(of_lines(line, **{kind: 1})).records.values()
    except SnapshotError:
        return
    assert records.decode(kind, records.encode(found)) == found


BAD = {
    "another version": (sealed(b"\n", crible_models=2), "is of version 2, this Crible reads version 1"),
    "no snapshot": (b"\x80\x04\x95pickle", "is no snapshot of models"),
    "nothing": (b"", "is no snapshot of models"),
    "another field": (sealed(b"{}\n", more=1), "is no snapshot of models"),
    "unknown kind": (of_lines(b'["weights","x",[1]]', weights=1), "line 3: kind 'weights' is not known"),
    "a person": (
        of_lines(b'["beneficiary","B-1",[1,9,0,0]]', beneficiary=1),
        "line 3: kind 'beneficiary' names people and is in no snapshot",
    ),
    "not a number": (of_lines(b'["peers","x",[1,3,NaN,0]]', peers=1), "line 3: is no record"),
    "infinite": (of_lines(b'["peers","x",[1,3,1e999,0]]', peers=1), "line 3: .*out of range"),
    "null for a number": (of_lines(b'["peers","x",[1,3,null,0]]', peers=1), "line 3: .*Expected `float`"),
    "newer record": (
        of_lines(b'["peers","x",[9,3,0,0]]', peers=1),
        "line 3: .*'peers' has version 9, this Crible reads up to 1",
    ),
    "no version": (of_lines(b'["peers","x",[]]', peers=1), "line 3: .*no version"),
    "deep": (of_lines(b'["peers","x",' + b"[" * 100_000 + b"]" * 100_000 + b"]", peers=1), "line 3: "),
    "another name": (
        of_lines(b'["fusion","mine",[1]]', fusion=1),
        "line 3: there is one record of kind 'fusion', and it is named 'score'",
    ),
    "no name": (of_lines(b'["peers","",[1]]', peers=1), "line 3: the name of its entity is empty"),
    "twice": (of_lines(b'["peers","x",[1]]', b'["peers","x",[1]]', peers=2), "is there twice"),
    "out of order": (of_lines(b'["peers","y",[1]]', b'["peers","x",[1]]', peers=2), "out of order"),
    "another count": (of_lines(b'["peers","x",[1]]', peers=2), r"announces \{'peers': 2\}, there are"),
    "a long ring": (
        of_lines(b'["quantile","score",[1,3,0.1,[' + b"1," * 5000 + b"1]]]", quantile=1),
        "line 3: quantile.counts has 5,001 entries, not 0 or 102",
    ),
    "many weights": (
        of_lines(
            msgspec.json.encode(["fusion", SINGLE, [1, 1, {f"T@{n}": 1.0 for n in range(5000)}]]), fusion=1
        ),
        "line 3: fusion.weights has 5,000 entries, not at most 4,096",
    ),
    "a long line": (
        of_lines(b'["peers","x",[1,3,0,0,"' + b"A" * (1 << 20) + b'"]]', peers=1),
        "line 3: is longer than 1,048,576 bytes",
    ),
    "an edition without a next": (
        of_lines(b'["fusion","score",[1,9007199254740992]]', fusion=1),
        "line 3: fusion.edition is 9007199254740992",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_the_refusal_names_what_is_wrong(what: str) -> None:
    data, message = BAD[what]
    with pytest.raises(SnapshotError, match=message):
        unpack(data)


def test_a_file_too_large_is_refused_before_it_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 100)
    with pytest.raises(SnapshotError, match="larger than 100 bytes"):
        unpack(pack(Snapshot(TAKEN, whole())))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e300])
def test_no_snapshot_is_made_of_what_would_be_refused(bad: float) -> None:
    with pytest.raises(SnapshotError):
        pack(Snapshot(TAKEN, {("peers", "x"): records.PeerRecord(mean=bad)}))


def test_an_earlier_layout_is_raised() -> None:
    """As in Redis: version 1 of a provider's record had fewer fields."""
    former = (
        b"[1" + records.encode_plain(records.ProviderRecord(claims=5))[2:].rpartition(b",[0,0,0.0")[0] + b"]"
    )
    assert records.decode_plain("provider", former) == records.ProviderRecord(claims=5)
    with pytest.raises(records.RecordError, match="version 3"):
        records.decode_plain("provider", b"[3]")

"""Models put in force and taken back, with somebody learning meanwhile."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import redis

from detectors.catalogue import BY_CODE
from detectors.models import fusion
from detectors.models.keys import SINGLE, Pair
from detectors.models.records import FusionRecord, PeerRecord, Record, RecordError, encode
from detectors.models.score import start_weight
from detectors.models.snapshot import Snapshot, SnapshotError, pack, unpack
from state import BadFormat, EmbeddedRedis, Gap, Stale, Store
from streams import snapshots
from streams.inspecting.models import shown
from streams.model_folds import LearnerFold, name

LEARNER = "learning|abc|0"
FUSION = ("fusion", SINGLE)
TAKEN = dt.datetime(2026, 3, 31, 12, tzinfo=dt.UTC)


def learned(reviews: int, **more: Any) -> FusionRecord:
    """The weights after some reviews of one upcoding."""
    record = FusionRecord()
    for number in range(reviews):
        terms = [{"code": "P01", "value": 1.0, "start": start_weight(0.5)}]
        outcome = "CONFIRMED_FRAUD" if number % 3 else "LEGITIMATE"
        record = fusion.fold(record, fusion.message(f"V-{number}", outcome, [f"r-{number}"], {}, terms))
    return msgspec.structs.replace(record, **more)


def snapshot(records: dict[Pair, Record]) -> Snapshot:
    return unpack(pack(Snapshot(TAKEN, records)))


@pytest.fixture(params=[1, 3], ids=["one-tag", "three-tags"])
def store(request: pytest.FixtureRequest, server: EmbeddedRedis) -> Iterator[Store]:
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
    opened = Store(server.url, tags=request.param)
    opened.check()
    yield opened
    opened.close()


def standing(store: Store, pair: Pair = FUSION) -> Any:
    return snapshots.read(store, [pair]).get(pair)


class Learner:
    """The learner's loop, a step at a time: it owns its input, reads, folds, and writes with its fence."""

    def __init__(self, url: str, tags: int) -> None:
        self.store = Store(url, tags=tags)
        self.at = -1
        self.reads = 0

    def begin(self) -> None:
        self.at = self.store.own([LEARNER])[LEARNER].recorded

    def read(self) -> dict[str, bytes]:
        """What a review makes of the weights that stand now; written by `write`."""
        self.reads += 1
        terms = [{"code": "P01", "value": 1.0, "start": start_weight(0.5)}]
        lesson = fusion.message("V-1", "CONFIRMED_FRAUD", [f"somebody-{self.reads}"], {}, terms)
        fold = LearnerFold()
        keys = fold.keys([lesson])
        return fold.apply(dict(zip(keys, self.store.models(keys), strict=True)), [lesson])

    def write(self, changed: dict[str, bytes]) -> None:
        self.store.advance(LEARNER, self.at, self.at + 1, changed)
        self.at += 1


@pytest.fixture
def learner(server: EmbeddedRedis, store: Store) -> Iterator[Learner]:
    one = Learner(server.url, len(store._servers.prefixes))
    one.begin()
    one.write(one.read())
    yield one
    one.store.close()


def test_an_import_replaces_adds_and_leaves_and_goes_back(store: Store) -> None:
    there: dict[Pair, Record] = {
        FUSION: learned(3),
        ("peers", "a"): PeerRecord(n=1),
        ("peers", "b"): PeerRecord(n=2),
    }
    store.put_models({name(pair): encode(record) for pair, record in there.items()})
    given: dict[Pair, Record] = {
        FUSION: learned(9),
        ("peers", "b"): PeerRecord(n=20),
        ("peers", "c"): PeerRecord(n=30),
    }
    wanted = [*there, ("peers", "c")]

    number = snapshots.put(store, snapshot(given))
    after = snapshots.read(store, wanted)
    assert after == {**there, **given, FUSION: learned(9, edition=10)}

    back, pairs = snapshots.roll_back(store)
    assert back > number
    assert set(pairs) == set(given)
    before = snapshots.read(store, wanted)
    assert before == {**there, FUSION: learned(3, edition=11), ("peers", "c"): PeerRecord()}

    snapshots.roll_back(store)
    assert snapshots.read(store, wanted) == {**after, FUSION: learned(9, edition=12)}


def test_no_edition_means_two_sets_of_weights(store: Store) -> None:
    store.put_models({name(FUSION): encode(learned(8))})
    snapshots.put(store, snapshot({FUSION: learned(2)}))
    assert standing(store) == learned(2, edition=9)
    snapshots.roll_back(store)
    assert standing(store) == learned(8, edition=10)


def test_there_is_nothing_to_go_back_to(store: Store) -> None:
    with pytest.raises(SnapshotError, match="nothing was imported"):
        snapshots.roll_back(store)


def test_a_fold_that_read_before_an_import_does_not_write_after_it(store: Store, learner: Learner) -> None:
    late = learner.read()
    snapshots.put(store, snapshot({FUSION: learned(30)}))
    with pytest.raises(Stale):
        learner.write(late)
    assert standing(store).weights == learned(30).weights
    learner.begin()
    assert learner.at == 0  # nothing of its input is lost, or folded twice
    learner.write(learner.read())
    assert (standing(store).reviews, standing(store).edition) == (31, 32)


def test_an_import_that_was_outrun_reads_again(
    store: Store, learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The learner takes its input back between the import's look and its writing, and learns one more."""
    plain, outrun = snapshots._piece, [True]

    def slow(*arguments: Any) -> dict[str, bytes]:
        written = plain(*arguments)
        if outrun.pop():
            outrun.append(False)
            learner.begin()
            learner.write(learner.read())
        else:
            outrun.append(False)
        return written

    monkeypatch.setattr(snapshots, "_piece", slow)
    before = standing(store)
    snapshots.put(store, snapshot({FUSION: learned(30)}))
    assert standing(store).weights == learned(30).weights
    snapshots.roll_back(store)
    assert standing(store).reviews == before.reviews + 1  # what was learned in between is what comes back


def test_of_two_imports_at_once_one_says_so(
    store: Store, server: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Store(server.url, tags=len(store._servers.prefixes))
    plain, outrun = snapshots._piece, [True, False, False]

    def slow(*arguments: Any) -> dict[str, bytes]:
        if outrun.pop(0):
            snapshots.put(other, snapshot({FUSION: learned(5)}))
        return plain(*arguments)

    monkeypatch.setattr(snapshots, "_piece", slow)
    with pytest.raises((Stale, Gap)):
        snapshots.put(store, snapshot({FUSION: learned(30)}))
    assert standing(store).weights == learned(5).weights
    other.close()


def test_an_import_that_ended_in_the_middle_goes_back(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "PIECE", 2)
    there: dict[Pair, Record] = {("peers", f"g{n}"): PeerRecord(n=n) for n in range(5)}
    store.put_models({name(pair): encode(record) for pair, record in there.items()})
    snapshots.put(store, snapshot({pair: PeerRecord(n=50) for pair in there}))
    snapshots.roll_back(store)
    assert snapshots.read(store, there) == there
    plain, left = snapshots._piece, [1, 1, 0]

    def dying(*arguments: Any) -> dict[str, bytes]:
        if not left.pop(0):
            raise KeyboardInterrupt
        return plain(*arguments)

    monkeypatch.setattr(snapshots, "_piece", dying)
    with pytest.raises(KeyboardInterrupt):
        snapshots.put(store, snapshot({pair: PeerRecord(n=70) for pair in there}))
    monkeypatch.setattr(snapshots, "_piece", plain)
    reached = dict.fromkeys(list(there)[:4], PeerRecord(n=70))
    assert snapshots.read(store, there) == {**there, **reached}
    assert len(snapshots.roll_back(store)[1]) == 4
    assert snapshots.read(store, there) == there
    snapshots.put(store, snapshot({pair: PeerRecord(n=90) for pair in there}))
    assert snapshots.read(store, there) == dict.fromkeys(there, PeerRecord(n=90))


def test_a_good_record_mends_a_damaged_one(store: Store) -> None:
    store.put_models({name(FUSION): b"\x93nonsense"})
    with pytest.raises(RecordError):
        standing(store)
    snapshots.put(store, snapshot({FUSION: learned(4)}))
    assert standing(store) == learned(4, edition=5)


def test_damaged_marks_are_said(store: Store) -> None:
    snapshots.put(store, snapshot({FUSION: learned(4)}))
    store.put_models({"former-fusion:score": b"\x01"})
    with pytest.raises(BadFormat, match="former record of kind 'fusion' is damaged"):
        snapshots.roll_back(store)
    store.put_models({snapshots.LAST: b"\x01"})
    with pytest.raises(BadFormat, match="the record of the last import is damaged"):
        snapshots.roll_back(store)
    assert standing(store) == learned(4, edition=5)


def test_the_weights_are_told_in_words() -> None:
    start = start_weight(0.5)
    key = f"P01@{start:.4g}"
    said = {
        start: "as it started",
        start * 1.001: "reviews moved it by less than 1%",
        start * 1.5: "reviews raised it by 50%",
        start * 0.8: "reviews lowered it by 20%",
        start * 0.1: "at its floor, 35% of its start: reviews rejected it",
    }
    for weight, words in said.items():
        (term,) = shown(FusionRecord(weights={key: weight}))["terms"]
        assert (term["in_words"], term["detector"]) == (words, BY_CODE["P01"].label_en)
    (strange,) = shown(FusionRecord(weights={"nothing": 1.0}))["terms"]
    assert (strange["detector"], strange["in_words"]) == (None, "of no term of this release")

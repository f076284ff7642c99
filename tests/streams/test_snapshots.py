"""Models put in force and taken back, with somebody learning meanwhile, and `crible models` as an operator uses it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import orjson
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
from streams.config import Settings
from streams.event_log import LogScreening, screen_log
from streams.inspecting.models import shown
from streams.messages import Output
from streams.model_folds import LearnerFold, name
from tests.streams.stage import Desk, Stage, held, visit
from tests.streams.test_inspect import crible

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


# -- the command


def reviewed(stage: Stage, count: int) -> Desk:
    """Screened claims, some of which a person looked at."""
    desk = Desk()
    claims = [desk.claim(f"C-{n}", held(), visit(), who=f"B-{n}") for n in range(count)]
    reviews = [desk.review(one, "CONFIRMED_FRAUD") for one in claims]
    stage.screen([*desk.world(), *claims, *reviews])
    return desk


def said(server: EmbeddedRedis, *arguments: str) -> Any:
    done = crible(server, "models", *arguments, "--json")
    assert done.exit_code == 0, done.output
    return orjson.loads(done.stdout)


def test_export_import_and_rollback_by_hand(stage: Stage, server: EmbeddedRedis, tmp_path: Path) -> None:
    reviewed(stage, 3)
    first = said(server, "show")
    assert first["reviews"] == 3
    assert {"term", "detector", "start", "weight", "alone", "in_words"} == first["terms"][0].keys()
    kinds = said(server, "list")["kinds"]
    assert kinds["fusion"]["records"] == 1
    assert "3 reviews, 3 of them" in kinds["fusion"]["learned"]
    assert abs(dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(kinds["fusion"]["written"])).days == 0
    assert kinds["provider"]["records"] > 0

    file = tmp_path / "all.snapshot"
    counts = said(server, "export", str(file))["records"]
    assert counts == {kind: one["records"] for kind, one in kinds.items() if one["records"]}
    assert "B-1" not in file.read_text()
    shown = said(server, "show", "--file", str(file))
    assert shown == first
    assert said(server, "import", str(file), "--dry-run")["number"] is None
    assert said(server, "list")["last_import"] is None

    started = tmp_path / "start.snapshot"
    started.write_bytes(pack(Snapshot(TAKEN, {FUSION: FusionRecord()})))
    assert said(server, "import", str(started), "--yes")["kinds"] == {
        "fusion": {"new": 0, "replaced": 1, "same": 0}
    }
    assert said(server, "show")["terms"] == []
    assert said(server, "list")["last_import"]["records"] == {"fusion": 1}
    assert crible(server, "state", "check").exit_code == 0
    assert crible(server, "models", "rollback", given="n\n").exit_code == 1
    assert said(server, "show")["terms"] == []
    done = crible(server, "models", "rollback", given="y\n")
    assert done.exit_code == 0
    assert "as before import 1: 1 fusion (import 3)" in done.stdout
    assert said(server, "show") == {**first, "edition": first["edition"] + 2}
    same = said(server, "import", str(file), "--dry-run")["kinds"]
    assert {kind: one["same"] for kind, one in same.items()} == counts


def test_screening_uses_what_was_imported(stage: Stage, server: EmbeddedRedis, tmp_path: Path) -> None:
    desk = reviewed(stage, 2)
    file = tmp_path / "score.snapshot"
    said(server, "export", str(file), "--kind", "fusion")
    before = unpack(file.read_bytes())
    (record,) = before.records.values()
    assert isinstance(record, FusionRecord)
    halved = msgspec.structs.replace(
        record, weights={key: weight / 2 for key, weight in record.weights.items()}
    )
    file.write_bytes(pack(Snapshot(TAKEN, {FUSION: halved})))

    first = stage.screen([*desk.world(), desk.claim("N-1", held(), visit(), who="B-9")]).live("N-1")
    said(server, "import", str(file), "--yes")
    second = stage.screen([*desk.world(), desk.claim("N-2", held(), visit(), who="B-8")]).live("N-2")
    assert second["score"] < first["score"]


def test_an_empty_deployment_takes_a_snapshot(stage: Stage, server: EmbeddedRedis, tmp_path: Path) -> None:
    file = tmp_path / "score.snapshot"
    file.write_bytes(pack(Snapshot(TAKEN, {FUSION: learned(5)})))
    assert crible(server, "models", "show").exit_code == 1
    done = crible(server, "models", "import", str(file), given="y\n")
    assert done.exit_code == 0, done.output
    assert "in force as import" in done.stdout
    assert said(server, "show")["reviews"] == 5
    reviewed(stage, 1)
    assert said(server, "show")["reviews"] == 6


@pytest.mark.parametrize("harm", ["short", "flipped", "pickle", "empty"])
def test_a_bad_file_changes_nothing(
    stage: Stage,
    server: EmbeddedRedis,
    tmp_path: Path,
    harm: str,
) -> None:
    reviewed(stage, 1)
    good = pack(Snapshot(TAKEN, {FUSION: learned(5)}))
    file = tmp_path / "bad.snapshot"
    flipped = good.replace(b'"P01', b'"P02')
    assert flipped != good
    file.write_bytes(
        {"short": good[:-9], "flipped": flipped, "pickle": b"\x80\x04K\x01.", "empty": b""}[harm]
    )
    with redis.Redis.from_url(server.url) as client:
        before = {key: client.dump(key) for key in client.scan_iter()}
        with pytest.raises(SnapshotError, match=r"bad\.snapshot: (was cut|its checksum|is no snapshot)"):
            crible(server, "models", "import", str(file), "--yes")
        assert {key: client.dump(key) for key in client.scan_iter()} == before


def test_what_cannot_be_done_is_said(server: EmbeddedRedis, stage: Stage, tmp_path: Path) -> None:
    reviewed(stage, 1)
    file = tmp_path / "all.snapshot"
    said(server, "export", str(file))
    with pytest.raises(ValueError, match="there already"):
        crible(server, "models", "export", str(file))
    said(server, "export", str(file), "--force")
    assert crible(server, "models", "export", str(tmp_path / "x"), "--kind", "beneficiary").exit_code == 2
    assert crible(server, "models", "show", "peers", "nobody").exit_code == 1
    assert crible(server, "models", "import", str(file), "--json").exit_code == 2
    assert list(tmp_path.iterdir()) == [file]


def test_a_log_under_way_stops_and_goes_on_from_what_was_imported(
    server: EmbeddedRedis, stage: Stage
) -> None:
    desk = Desk()
    claims = [desk.claim(f"C-{n}", who=f"B-{n}") for n in range(400)]
    lines = [orjson.dumps(event) + b"\n" for event in [*desk.world(), *claims]]
    job = LogScreening(Settings(tags=1), server.url, "log", 128)
    store, imported = Store(server.url, tags=1), PeerRecord(n=7)
    answered: list[bytes] = []

    def take(outputs: Sequence[Output]) -> None:
        answered.extend(output.value for output in outputs if output.topic == "screened")

    def halfway(count: int) -> None:
        if count == 256:
            snapshots.put(store, snapshot({FUSION: learned(5), ("peers", "mark"): imported}))

    with pytest.raises(Stale, match=r"log\|log\|0"):
        screen_log(job, lines, take, halfway)
    assert 0 < len(answered) < 400
    answered.clear()
    assert screen_log(job, lines, take) == len(lines)
    assert {orjson.loads(one)["event_id"] for one in answered} == {claim["event_id"] for claim in claims}
    assert standing(store) == learned(5, edition=6)
    assert standing(store, ("peers", "mark")) == imported
    store.close()

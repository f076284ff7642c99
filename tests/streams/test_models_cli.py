"""`crible models` as an operator uses it: exported, imported, rolled back, and refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest
import redis

from detectors.models.records import FusionRecord, PeerRecord
from detectors.models.snapshot import Snapshot, SnapshotError, pack, unpack
from state import EmbeddedRedis, Stale, Store
from streams import snapshots
from streams.config import Settings
from streams.event_log import LogScreening, screen_log
from streams.messages import Output
from tests.streams.stage import Desk, Stage, held, visit
from tests.streams.test_inspect import crible
from tests.streams.test_snapshots import FUSION, TAKEN, learned, snapshot, standing


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

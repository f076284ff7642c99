"""A snapshot comes into force while a worker answers and its loops learn: nothing of it is written over."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import orjson

from detectors.models.keys import SINGLE, Pair
from detectors.models.records import FusionRecord, PeerRecord, QuantileRecord, Record
from detectors.models.snapshot import Snapshot, pack, unpack
from state import EmbeddedRedis, Store
from streams import snapshots
from streams.broker import EmbeddedBroker
from tests.streams.test_inspect import crible
from tests.support.course import Course
from tests.support.published import published
from tests.support.traffic import traffic
from tests.support.worker import Worker

MARK = "Z99@1"
FUSION, QUANTILE = ("fusion", SINGLE), ("quantile", SINGLE)
SECONDS = 60.0
IMPORTS = 4


def quantile(store: Store) -> QuantileRecord:
    """As it stands; empty before the first lesson."""
    record = snapshots.read(store, [QUANTILE]).get(QUANTILE, QuantileRecord())
    assert isinstance(record, QuantileRecord)
    return record


def wait_beyond(store: Store, edition: int) -> None:
    deadline = time.monotonic() + SECONDS
    while quantile(store).edition <= edition:
        assert time.monotonic() < deadline, "the learner learns no more"
        time.sleep(0.1)


def test_a_running_worker_goes_on_from_what_was_imported(tmp_path: Path) -> None:
    events = traffic(5, claims=60, rounds=1)
    messages = [message for phase in events.phases for message in phase]
    half = len(messages) // 2  # what comes first are people's registry entries: they teach nothing
    share = half // (IMPORTS + 1)
    file = tmp_path / "models.snapshot"
    with EmbeddedBroker() as broker, EmbeddedRedis(durable=True) as server:
        course = Course(broker.bootstrap, server.url, tmp_path)
        course.send(events.registries)
        store = Store(server.url)
        with Worker(course.settings, tmp_path) as worker:
            worker.wait_ready()
            course.send(messages[:half])
            wait_beyond(store, 0)
            for number in range(IMPORTS):
                done = crible(server, "models", "export", str(file), "--force", **course.settings)
                assert done.exit_code == 0, done.output
                given: dict[Pair, Record] = dict(unpack(file.read_bytes()).records)
                ahead = msgspec.structs.replace(quantile(store), edition=1_000_000 * (number + 1))
                given |= {FUSION: FusionRecord(weights={MARK: float(number)}), QUANTILE: ahead}
                given["peers", "mark"] = PeerRecord(n=number)
                file.write_bytes(pack(Snapshot(unpack(file.read_bytes()).taken, given)))
                start = half + share * number
                course.send(messages[start : start + share])  # learned meanwhile
                done = crible(server, "models", "import", str(file), "--yes", "--json", **course.settings)
                assert done.exit_code == 0, done.output
                assert orjson.loads(done.stdout)["number"] is not None
                assert quantile(store).edition >= ahead.edition
            course.send(messages[half + share * IMPORTS :])
            course.wait_quiet(120)
            wait_beyond(store, 1_000_000 * IMPORTS)  # it learns on, from what was imported
            standing = snapshots.read(store, [FUSION, ("peers", "mark")])
            assert standing["peers", "mark"] == PeerRecord(n=IMPORTS - 1)
            fused = standing[FUSION]
            assert isinstance(fused, FusionRecord)
            assert fused.weights[MARK] == IMPORTS - 1
            assert fused.edition >= IMPORTS
            assert "Traceback" not in worker.said()
            assert worker.terminate() == 0, worker.said()
        store.close()
        assert published(broker.bootstrap).duplicated() == []
        assert crible(server, "state", "check").exit_code == 0
        course.close()

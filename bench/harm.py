"""What faults have done to a run: measured against an undisturbed run of one worker over the same events."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import orjson

from bench.deployment import Deployment
from bench.stream import Stream, pieces
from detectors import decision, findings
from detectors.book import ReferentialBook
from schemas.decode import Decoder
from schemas.outputs import Screened
from state import EmbeddedRedis, codecs
from streams import outputs
from streams.messages import Message as Read
from tests.support import keyspace
from tests.support.apache_kafka import ApacheKafka
from tests.support.published import Place, Published, published
from tests.support.rough import SETTINGS
from tests.support.traffic import Traffic, traffic
from tests.support.worker import Worker

SAID_ONCE = ("payment-suspensions", "fraud-alerts", "internal-alerts")
COUNTED = ("b", "d", "f", "g", "h", "i", "k", "n", "p", "q", "r", "s", "t", "w", "x", "y", "z")
"""Kinds of keys whose content follows from the events alone. Verdicts and models also tell in which order partitions
were read, and are compared where there is one partition."""

Answer = tuple[int | Place, str]


@dataclass(slots=True)
class Told:
    """A run's outcome, places told as numbers of messages, so that runs on different brokers compare."""

    answered: set[int | Place]
    dead: Counter[Answer]
    verdicts: dict[str, Any]
    told: Counter[tuple[str, bytes]]
    counters: dict[str, Any]


@dataclass(slots=True)
class Harm:
    """Examples of each kind; nothing in any of the lists: no harm."""

    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    conflicting: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)
    suspensions: list[str] = field(default_factory=list)
    counters: list[str] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """How many of each."""
        return {name: len(getattr(self, name)) for name in HARMS}

    def any(self) -> bool:
        """Whether there is harm."""
        return any(self.counts().values())

    def examples(self) -> dict[str, list[str]]:
        """The first of each, where there are any."""
        return {name: getattr(self, name)[:3] for name in HARMS if getattr(self, name)}


HARMS = tuple(Harm.__dataclass_fields__)


@lru_cache(maxsize=4)
def events(seed: int) -> Traffic:
    """The traffic of a deployment."""
    return traffic(seed, claims=320, rounds=4)


@lru_cache(maxsize=8)
def calm(seed: int, tags: int) -> Told:
    """What one worker makes of the traffic where nothing happens to it."""
    made = events(seed)
    with (
        tempfile.TemporaryDirectory(prefix="crible-calm-") as folder,
        ApacheKafka() as broker,
        EmbeddedRedis(durable=True) as server,
    ):
        settings = SETTINGS | {"CRIBLE_TAGS": str(tags), "CRIBLE_BATCH_SIZE": "64"}
        stream = Stream(broker.bootstrap, server.url, Path(folder), settings, partitions=1, seed=seed)
        stream.send(made.registries)
        with Worker(stream.settings, Path(folder)) as worker:
            worker.wait_ready()
            stream.play(pieces(made))
            assert worker.terminate() == 0, worker.said()
        stream.close()
        return _told(published(broker.bootstrap), keyspace.dump(server.url), stream.sent)


def judge(one: Deployment, seed: int) -> Harm:
    """Everything that is not as it must be, once the stream is answered and the workers are gone."""
    said = one.outcome()
    found, calm_run = Harm(), calm(seed, one.shape.tags)
    mine = _told(said, one.store.dump(), one.stream.sent)
    found.lost = sorted(map(str, calm_run.answered - mine.answered))
    found.duplicated = said.duplicated()
    found.conflicting = [str(name) for name, texts in said.contents.items() if len(texts) > 1]
    found.undecided = _undecided(said, events(seed))
    found.suspensions = _suspensions(said)
    if one.shape.strict:
        names = calm_run.verdicts.keys() | mine.verdicts.keys()
        found.changed = sorted(n for n in names if calm_run.verdicts.get(n) != mine.verdicts.get(n))
        found.changed += [
            f"dead letter {name}" for name in calm_run.dead - mine.dead + (mine.dead - calm_run.dead)
        ]
        found.changed += [f"{name}" for name in calm_run.told - mine.told + (mine.told - calm_run.told)]
    keys = sorted(calm_run.counters.keys() | mine.counters.keys())
    found.counters = [
        key
        for key in keys
        if (one.shape.strict or key.partition(":")[0] in COUNTED)
        and calm_run.counters.get(key) != mine.counters.get(key)
    ]
    return found


def _told(said: Published, state: dict[str, Any], sent: dict[Place, int]) -> Told:
    """Places become numbers; where a record stood is left out of it."""
    return Told(
        answered={sent.get(place, place) for place in said.sent()},
        dead=Counter({(sent.get(place, place), why): n for (place, why), n in said.dead.items()}),
        verdicts={name: _unplaced(record) for name, record in said.records.items()},
        told=said.told,
        counters={name: _stored(name, value) for name, value in state.items()},
    )


def _unplaced(record: Any) -> Any:
    return (
        {name: value for name, value in record.items() if name != "input"}
        if isinstance(record, dict)
        else record
    )


def _stored(name: str, value: Any) -> Any:
    kind = name.partition(":")[0]
    if kind == "v":
        return {revision: _unplaced(said) for revision, said in value.items()}
    if kind == "r":  # stamped with event time and offset
        return codecs.registry_value(value)
    return value


def _records(said: Published) -> list[tuple[Screened, bytes]]:
    """Every record published, each once."""
    blobs = [min(texts) for (topic, _), texts in said.contents.items() if topic == "screened"]
    return [(outputs.decode(blob), blob) for blob in blobs]


def _undecided(said: Published, made: Traffic) -> list[str]:
    """Claims whose verdict is not what `decide` makes of the features recorded with it."""
    book, decoder = ReferentialBook(), Decoder(None)
    for message in made.registries:
        if message.value and orjson.loads(message.value)["type"] in ("referential", "policy"):
            book.apply(decoder.decode(message.value))
    wrong = []
    for record, _ in _records(said):
        if record.type != "claim" or "case" not in record.features:
            continue
        if (record.cause or "").startswith(("REVIEW", "REPLACED")):
            continue  # a person or a correction has decided
        case = decision.from_record(record.features["case"])
        kept = [findings.from_record(each) for each in record.features["findings"]]
        assert case.deposit is not None
        again = decision.decide(case, kept, book.snapshot().thresholds(case.deposit))
        names = [name for name in again.__struct_fields__ if name not in ("good_cause", "priority")]
        if any(getattr(again, name) != getattr(record, name) for name in names):
            wrong.append(record.verdict_id)
    return wrong


def _suspensions(said: Published) -> list[str]:
    """Suspensions and alerts beyond or below one for each record that asks for one."""
    nowhere = Read("", "", 0, 0, None, None)
    wanted: Counter[tuple[str, bytes]] = Counter()
    for record, blob in _records(said):
        for output in outputs.of_record(
            record, blob, nowhere, again=False, before=record.features.get("before")
        ):
            if output.topic in SAID_ONCE:
                plain = keyspace.without_clock(orjson.loads(output.value))
                wanted[output.topic, orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)] += 1
    wrong = (wanted - said.told) + (said.told - wanted)
    return [f"{topic} {msgspec.json.decode(text).get('verdict_id')}" for topic, text in wrong.elements()]

"""Puts a worker together: waits for Redis and the broker, checks both, and wires the loops that will run."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import TimeoutError as RedisSlow

from monitoring.metrics import Endpoint, Metrics
from schemas.decode import Decoder
from schemas.pseudonym import Pseudonyms
from state import Layout, Store
from streams import model_folds
from streams.away import Away
from streams.config import Settings
from streams.control import ControlDesk
from streams.folding import FoldLoop
from streams.heap import settle
from streams.kafka_source import ORDER, KafkaSource
from streams.loop import ScreeningLoop
from streams.model_folds import LearnerFold, ProfilingFold
from streams.positions import Settler
from streams.referentials.alerts import Alarm
from streams.registries import RegistryReader
from streams.screening import Screener
from streams.topics import BrokerAway, Topics
from streams.transactions import Transactions
from streams.waiting import Waiting

log = logging.getLogger("crible.assembly")

BROKER_SECONDS = 5.0


class TopicsMissing(RuntimeError):
    """Topics are missing or not as they must be; the message lists each with the command that mends it."""


@dataclass(slots=True)
class Assembly:
    """A worker's parts. Each loop has a store of its own: a store is not for sharing between threads."""

    settings: Settings
    metrics: Metrics
    endpoint: Endpoint
    decoder: Decoder
    registries: RegistryReader
    desk: ControlDesk
    screening: ScreeningLoop
    folds: dict[str, FoldLoop]
    stores: list[Store]

    def loops(self) -> dict[str, Callable[[threading.Event], None]]:
        """What runs, each in a thread: registries are read whole before the first claim is."""

        def screen(stop: threading.Event) -> None:
            self.registries.wait_whole(stop)
            self.screening.run(stop)

        return {
            "registries": self.registries.run,
            "screening": screen,
            **{name: fold.run for name, fold in self.folds.items()},
        }

    def close(self) -> None:
        """Free the port and the connections."""
        self.metrics.down()
        self.endpoint.close()
        for store in self.stores:
            store.close()


def assemble(
    settings: Settings,
    stop: threading.Event,
    on_ready: Callable[[], None],
    on_caught_up: Callable[[], None] | None = None,
) -> Assembly | None:
    """A worker ready to run, or None when told to stop while waiting.

    With `on_caught_up` it is one that loads history: it observes only, and calls that once nothing more comes.

    Raises PortError, ConfigurationError, TopicsMissing or PseudonymKeyError: each says what to do.
    """
    metrics = Metrics()
    endpoint = Endpoint(metrics, settings.metrics_port, settings.metrics_host)
    away = Away(metrics)
    pseudonyms = (
        Pseudonyms.from_file(Path(settings.pseudonym_key_file)) if settings.pseudonym_key_file else None
    )
    topic_ids = _topics(settings, stop, away)
    if topic_ids is None:
        return None
    ids, partitions = topic_ids
    layout = Layout(
        topics=ids, partitions=partitions, pseudonyms=pseudonyms.fingerprint() if pseudonyms else ""
    )
    stores = [Store(settings.redis, tags=settings.tags) for _ in range(4)]
    for store in stores:
        if not _redis(store, layout, stop, away):
            return None
    client = _client(settings)
    decoder = Decoder(pseudonyms)
    alarm = Alarm(client)
    registries = RegistryReader(client, decoder, metrics, alarm)
    screener = Screener(
        stores[0],
        decoder,
        lambda: registries.current,
        metrics,
        inline=settings.profiling == "inline",
        observe_only=on_caught_up is not None,
        verdict_days=settings.verdict_days,
    )
    transactions = Transactions(
        client, f"{settings.group}-{settings.worker_id}", timeout=settings.transaction_timeout_ms / 1000
    )
    source = KafkaSource(
        _member(settings, "screening"),
        transactions,
        Settler(stores[0], client, ids),
        size=settings.batch_size,
        history=on_caught_up is not None,
    )

    def ready() -> None:
        settle()
        metrics.ready(True)
        on_ready()

    folds = {
        topic: FoldLoop(
            topic, _member(settings, topic), ids[topic], store, fold, watched=on_caught_up is not None
        )
        for topic, store, fold in (
            ("provider-activity", stores[1], ProfilingFold()),
            ("learning", stores[2], LearnerFold()),
        )
    }

    def learnt(since: float) -> bool:
        return all(fold.level(since) for fold in folds.values())

    return Assembly(
        settings,
        metrics,
        endpoint,
        decoder,
        registries,
        ControlDesk(stores[3]),
        ScreeningLoop(
            source,
            screener,
            stores[0],
            layout,
            metrics,
            ready,
            on_caught_up,
            learnt,
            Waiting(stores[0], lambda: registries.current) if on_caught_up is None else None,
        ),
        folds,
        stores,
    )


def _client(settings: Settings) -> dict[str, Any]:
    """What every client starts from. librdkafka's own lines come with --verbose; else the loops say what is
    wrong, once.
    """
    return {"log_level": 6 if log.isEnabledFor(logging.INFO) else 2, **settings.client()}


def _member(settings: Settings, role: str) -> dict[str, Any]:
    """A consumer of one of the worker's groups, with a name that survives a restart."""
    return {
        **_client(settings),
        "group.id": settings.group if role == "screening" else f"{settings.group}-{role}",
        "group.instance.id": f"{settings.worker_id}-{role}",
    }


def _topics(
    settings: Settings, stop: threading.Event, away: Away
) -> tuple[dict[str, str], dict[str, int]] | None:
    topics = Topics(settings.client(), timeout=BROKER_SECONDS)
    while not stop.is_set():
        try:
            findings = topics.check()
            if findings:
                lines = [f"  {finding.topic} {finding.problem}: {finding.fix}" for finding in findings]
                raise TopicsMissing("topics are not as they must be:\n" + "\n".join(lines))
            away.back("broker")
            count = topics.partitions()
            return topics.ids([*ORDER, *model_folds.TOPICS]), dict.fromkeys(ORDER, count)
        except BrokerAway as error:
            away.missing("broker", error)
            stop.wait(0.5)
    return None


def _redis(store: Store, layout: Layout, stop: threading.Event, away: Away) -> bool:
    while not stop.is_set():
        try:
            store.check(layout)
            away.back("redis")
            return True
        except (RedisAway, RedisSlow) as error:
            away.missing("redis", error)
            stop.wait(0.5)
    return False

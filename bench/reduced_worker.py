"""`python -m bench.reduced_worker BROKER REDIS`: Crible's loop over Kafka with the reduced screener."""

from __future__ import annotations

import signal
import sys
import threading

from bench.reduced import Reduced
from monitoring.metrics import Metrics
from schemas.decode import Decoder
from state import Layout, Store
from streams.config import Settings
from streams.heap import settle
from streams.kafka_source import ORDER, KafkaSource
from streams.loop import ScreeningLoop
from streams.positions import Settler
from streams.topics import Topics
from streams.transactions import Transactions


def main(broker: str, redis: str) -> None:
    """Run until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    client = {"log_level": 2, **Settings(brokers=broker).client()}
    ids, metrics = Topics(client).ids(list(ORDER)), Metrics()
    layout = Layout(topics=ids, partitions=dict.fromkeys(ORDER, 1), pseudonyms="")
    store = Store(redis)
    store.check(layout)
    source = KafkaSource(
        {**client, "group.id": "bench-reduced", "group.instance.id": "bench-reduced"},
        Transactions(client, "bench-reduced", timeout=10.0),
        Settler(store, client, ids),
        size=128,
    )

    def ready() -> None:
        settle()
        print("ready", flush=True)

    ScreeningLoop(source, Reduced(store, Decoder(None), metrics), store, layout, metrics, ready).run(stop)
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The control plane rests between its fetches, and still hears everything."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.protocol.fetch import FetchRequest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from streams.broker import EmbeddedBroker
from streams.control_transport import rest_before_fetches


async def _fetches(bootstrap: str, rest: float) -> tuple[int, list[bytes]]:
    """How often a consumer of a silent topic asks in half a second, and what it read before."""
    consumer: Any = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    send, asked = consumer._client.send, [0]

    async def counted(node: int, request: Any, **options: Any) -> Any:
        asked[0] += isinstance(request, FetchRequest)
        return await send(node, request, **options)

    consumer._client.send = counted
    if rest:
        rest_before_fetches(consumer, rest)
    await consumer.start()
    try:
        consumer.assign([TopicPartition("t", 0)])
        await consumer.seek_to_beginning()
        heard = [(await consumer.getone()).value for _ in range(3)]
        asked[0], until = 0, time.monotonic() + 0.5
        while time.monotonic() < until:
            await consumer.getmany(timeout_ms=100)
        return asked[0], heard
    finally:
        await consumer.stop()


def test_a_resting_consumer_hears_everything_and_asks_seldom() -> None:
    with EmbeddedBroker() as broker:
        client: dict[str, Any] = {"bootstrap.servers": broker.bootstrap, "log_level": 2}
        admin = AdminClient(client)
        for made in admin.create_topics([NewTopic("t", 1, 1)]).values():
            made.result()
        producer = Producer(client)
        for value in (b"1", b"2", b"3"):
            producer.produce("t", value)
        producer.flush()
        often, heard = asyncio.run(_fetches(broker.bootstrap, 0.0))
        seldom, heard_too = asyncio.run(_fetches(broker.bootstrap, 0.1))
    assert heard == heard_too == [b"1", b"2", b"3"]
    assert 0 < seldom <= 6
    assert often > 5 * seldom, "the embedded broker holds empty fetches now: the rest can go"


CHECK = """
import asyncio
import faust
from streams.control_transport import rest_between_fetches

async def look():
    app = faust.App("t", broker="kafka://127.0.0.1:1", autodiscover=False)
    rest_between_fetches(app)
    made = app.consumer._new_consumer_thread()._create_worker_consumer(app.transport)
    print(made._client.send.__name__)

asyncio.run(look())
"""


def test_an_app_is_given_the_resting_transport() -> None:
    """In a process of its own: an app that is never started leaves its loops open."""
    done = subprocess.run([sys.executable, "-c", CHECK], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "rested"

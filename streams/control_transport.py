"""The control plane's Kafka client, resting between its fetches: reviews and signals come a few an hour.

A broker may answer an empty fetch at once instead of holding it (the embedded one does, 10,000 times a
second). aiokafka then asks again at once, in Python, and its thread took more of the interpreter than the
screening loop beside it (docs/decisions/0009).
"""

from __future__ import annotations

import asyncio
from typing import Any

import faust
from aiokafka.protocol.fetch import FetchRequest
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport

REST_SECONDS = 0.25


def rest_before_fetches(consumer: Any, seconds: float) -> None:
    """Let an `AIOKafkaConsumer` rest before each of its fetches."""
    client = consumer._client  # aiokafka has no setting for this, and hands out no client
    send = client.send

    async def rested(node: int, request: Any, **options: Any) -> Any:
        if isinstance(request, FetchRequest):
            await asyncio.sleep(seconds)
        return await send(node, request, **options)

    client.send = rested


class RestingThread(AIOKafkaConsumerThread):
    """Faust's consumer thread, with a pause before each fetch."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        rest_before_fetches(consumer, REST_SECONDS)
        return consumer


class RestingConsumer(Consumer):
    """Faust's consumer over a resting thread."""

    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return RestingThread(self, loop=self.loop, beacon=self.beacon)


class RestingTransport(Transport):
    """Faust's transport over a resting consumer."""

    Consumer = RestingConsumer


def rest_between_fetches(app: faust.App) -> None:
    """Give an app this transport, before it starts."""
    app.transport = RestingTransport(app.conf.broker_consumer, app, loop=app.loop)

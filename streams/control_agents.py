"""Faust agents of the control plane: review outcomes and signals, a few an hour, each handled by its id."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import faust
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import TimeoutError as RedisSlow

from schemas.control import Review, Signal
from schemas.decode import Invalid
from streams.assembly import Assembly
from streams.messages import Output

log = logging.getLogger("crible.control")

WAIT_SECONDS = 0.5


def add_agents(app: faust.App, assembly: Assembly, *, answers: bool = True) -> None:
    """Register the agents; each message has its own error handling, so that one bad one stops nothing.

    A worker that `answers` nothing leaves reviews to one that does: they ask for answers.
    """
    raw: dict[str, Any] = {
        "key_type": bytes,
        "value_type": bytes,
        "key_serializer": "raw",
        "value_serializer": "raw",
    }

    async def handle(value: bytes) -> None:
        try:
            outputs = await _patiently(assembly, value)
            for output in outputs:
                await app.topic(output.topic, **raw).send(
                    key=output.key, value=output.value, partition=output.partition
                )
        except Invalid as invalid:
            log.error("control event refused: %s", invalid)
            assembly.metrics.dead_letter(invalid.reason)
        except Exception:
            log.exception("control event failed")
            assembly.metrics.dead_letter("control")

    @app.agent(app.topic("signals", **raw), name="signals")
    async def signals(stream: faust.StreamT[bytes]) -> None:
        async for value in stream:
            await handle(value)

    if answers:

        @app.agent(app.topic("reviews", **raw), name="reviews")
        async def reviews(stream: faust.StreamT[bytes]) -> None:
            async for value in stream:
                await handle(value)


async def _patiently(assembly: Assembly, value: bytes) -> list[Output]:
    """Handle one event; while Redis is away, wait."""
    while True:
        try:
            return await asyncio.to_thread(_handle, assembly, value)
        except (RedisAway, RedisSlow):
            await asyncio.sleep(WAIT_SECONDS)


def _handle(assembly: Assembly, value: bytes) -> list[Output]:
    event = assembly.decoder.decode(value, accepts=("review", "signal"))
    if isinstance(event, Review):
        return assembly.desk.review(event)
    assert isinstance(event, Signal)
    return assembly.desk.signal(event)

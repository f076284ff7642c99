"""`python -m bench.naive.agent BROKER REDIS_PORT FOLDER`: the Faust worker of the naive build."""

from __future__ import annotations

import sys
from typing import Any

import faust
import orjson
import redis

from bench.naive.engine import NaiveEngine
from bench.subset import care_of


def application(broker: str, client: redis.Redis, folder: str) -> faust.App:
    """One agent: claim in, row out. Values are bytes that orjson reads, the cheapest way through Faust."""
    app = faust.App(
        "bench-naive",
        broker=f"kafka://{broker}",
        datadir=folder,
        autodiscover=False,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id="bench-naive",
    )
    claims = app.topic(
        "claims", key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
    )
    rows = app.topic(
        "bench-rows", key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
    )
    engine = NaiveEngine(client)

    @app.agent(claims)
    async def screen(stream: Any) -> None:
        async for value in stream:
            care = care_of(orjson.loads(value))
            await rows.send(key=care.beneficiary.encode(), value=orjson.dumps(engine.screen(care)))

    return app


def main(broker: str, port: str, folder: str) -> None:
    """Run until SIGTERM."""
    app = application(broker, redis.Redis(port=int(port)), folder)
    worker = faust.Worker(app, override_logging=False, redirect_stdouts=False, quiet=True)
    worker.spinner = None
    print("ready", flush=True)
    worker.execute_from_commandline()


if __name__ == "__main__":
    main(*sys.argv[1:])

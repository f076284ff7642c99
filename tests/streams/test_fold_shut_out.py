"""A fold whose consumer Kafka has shut out ends its worker: it would fold nothing any more, and nobody would know."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

from state import EmbeddedRedis, Store
from streams.broker import EmbeddedBroker
from streams.folding import FoldLoop
from streams.topics import Topics

TOPIC = "learning"


class _Nothing:
    def keys(self, messages: Sequence[dict[str, Any]]) -> list[str]:
        return []

    def apply(self, records: dict[str, bytes | None], messages: Sequence[dict[str, Any]]) -> dict[str, bytes]:
        return {}


class _Folding(threading.Thread):
    """One loop in a thread; `ended` is how it ended."""

    def __init__(self, bootstrap: str, url: str) -> None:
        super().__init__(daemon=True)
        config: dict[str, object] = {
            "bootstrap.servers": bootstrap,
            "log_level": 0,
            "group.id": "g",
            "group.instance.id": "same",
        }
        self.loop = FoldLoop(TOPIC, config, TOPIC, Store(url, require_aof=False), _Nothing())
        self.stop = threading.Event()
        self.ended: BaseException | None = None

    def run(self) -> None:
        try:
            self.loop.run(self.stop)
        except BaseException as error:
            self.ended = error

    def wait_started(self) -> None:
        deadline = time.monotonic() + 60
        while not self.loop._fences:
            assert time.monotonic() < deadline, "no partition was assigned"
            time.sleep(0.02)


def test_a_second_of_the_same_name_ends_the_first() -> None:
    with EmbeddedBroker() as broker, EmbeddedRedis() as server:
        Topics({"bootstrap.servers": broker.bootstrap}).create(1)
        with_functions = Store(server.url, require_aof=False)
        with_functions.check()
        first, second = (_Folding(broker.bootstrap, server.url) for _ in range(2))
        try:
            first.start()
            first.wait_started()
            second.start()
            second.wait_started()
            first.join(60)
            assert isinstance(first.ended, SystemExit)
            assert "No two workers may share a CRIBLE_WORKER_ID" in str(first.ended)
            assert second.is_alive()
        finally:
            for one in (first, second):
                one.stop.set()
            second.join(30)
            with_functions.close()

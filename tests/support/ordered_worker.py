"""A worker that takes orders from files: to die after a step, or to take its time while its group changes.

ORDERS names the folder; an order is an empty file `<worker id>.<order>`, gone when it is carried out. The program
is otherwise the one that users run.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from confluent_kafka import Message as Record

from streams.cli import main
from streams.kafka_source import KafkaSource
from streams.messages import Batch, Output
from tests.support.crashing_worker import STEPS

SLOW_S = 10.0  # longest that a slow step waits for its group to change
OTHERS_S = 2.0  # for the new owner to answer what it is given
SLOW_DRAIN, SLOW_ANSWER = "slow-drain", "slow-answer"
CRASHES = {f"crash-{name}": place for name, place in STEPS.items()}
ORDERS = (SLOW_DRAIN, SLOW_ANSWER, *CRASHES)


def _ordered(order: str) -> bool:
    """Whether the order stands; it is taken with that."""
    try:
        (Path(os.environ["ORDERS"]) / f"{os.environ['CRIBLE_WORKER_ID']}.{order}").unlink()
    except FileNotFoundError:
        return False
    return True


def _crash_when_ordered(order: str, owner: type, name: str) -> None:
    step = getattr(owner, name)

    def crashing(*args: Any, **kwargs: Any) -> Any:
        result = step(*args, **kwargs)
        if _ordered(order):
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, crashing)


def _until_regrouped(source: KafkaSource, changes: int, serve: Callable[[], object]) -> None:
    """Serve the group until its members have changed: 1 = partitions revoked, 2 = assigned anew."""
    wanted, deadline = source._generation + changes, time.monotonic() + SLOW_S
    _serve_until(lambda: source._generation >= wanted or time.monotonic() > deadline, serve)


def _serve_until(done: Callable[[], bool], serve: Callable[[], object]) -> None:
    while not done():
        serve()
        select.select([], [], [], 0.02)  # under libfaketime, a `time.sleep` that comes late is an EINVAL


def _slow_when_ordered() -> None:
    read, commit = KafkaSource._read, KafkaSource.commit

    def slow_read(self: KafkaSource, count: int, timeout: float) -> list[Record]:
        if timeout == 0.0 and _ordered(SLOW_DRAIN):
            _until_regrouped(self, 1, lambda: self._consumer.poll(0.05))
        return read(self, count, timeout)

    def slow_commit(self: KafkaSource, batch: Batch, outputs: Sequence[Output]) -> None:
        if outputs and _ordered(SLOW_ANSWER):
            _until_regrouped(self, 2, self.keep_alive)
            deadline = time.monotonic() + OTHERS_S
            _serve_until(lambda: time.monotonic() > deadline, self.keep_alive)
        commit(self, batch, outputs)

    setattr(KafkaSource, "_read", slow_read)  # noqa: B010
    setattr(KafkaSource, "commit", slow_commit)  # noqa: B010


def take_orders() -> None:
    """Prepare everything that may be ordered."""
    for order, (owner, name) in CRASHES.items():
        _crash_when_ordered(order, owner, name)
    _slow_when_ordered()


if __name__ == "__main__":
    take_orders()
    main()

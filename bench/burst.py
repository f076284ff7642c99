"""Fifty thousand claims in a second: what the worker's memory does, and how long it takes to catch up.

Apache Kafka takes them where `java` and `mvn` are; the embedded broker holds about 100,000 records, six a claim,
so that it gets fewer claims.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from typing import Any

from rich.console import Console

from bench.claims import Event, Stock
from bench.figures import resident_mb
from bench.kafka_runs import WorkerBench

EMBEDDED_MOST = 12_000
EVERY = 0.25
"""Seconds between looks at the worker."""


class Watch:
    """Resident memory of a process and answers still missing, over time, until the context ends."""

    def __init__(self, stage: WorkerBench, expected: int) -> None:
        self._stage, self._expected = stage, expected
        self.points: list[tuple[float, float, int]] = []
        """(seconds, MB resident, answers missing)"""
        self._began, self._stop = time.monotonic(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="bench-watch", daemon=True)

    def __enter__(self) -> Watch:
        self._base = self._stage.answered
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._look()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._look()
            self._stop.wait(EVERY)

    def _look(self) -> None:
        missing = self._expected - (self._stage.answered - self._base)
        self.points.append((time.monotonic() - self._began, resident_mb(self._stage.pid), missing))


def measure(stock: Stock, claims: Sequence[Event], warm: int, count: int, console: Console) -> dict[str, Any]:
    """Answer `warm` claims, then produce `count` at once; memory in MB, times in seconds.

    Where there are fewer claims they are sent again under other ids.
    """
    from tests.support import apache_kafka

    why = apache_kafka.reason() if count > EMBEDDED_MOST else "few claims"
    if why is not None and count > EMBEDDED_MOST:
        console.print(f"no Apache Kafka here ({why}): {EMBEDDED_MOST:,} claims on the embedded broker")
        count = EMBEDDED_MOST
    with ExitStack() as stack:
        broker = apache_kafka.ApacheKafka() if why is None else None
        if broker is not None:
            stack.enter_context(broker)
        stage = WorkerBench(stack, broker=broker)
        stage.start(stock)
        stage.answer(claims[:warm])
        burst = list(_repeated(claims[warm:], count))
        before = resident_mb(stage.pid)
        with Watch(stage, count) as watch:
            sent = stage.answer(burst)
        times = sorted(sent.values())
        after = resident_mb(stage.pid)
    return {
        "broker": "embedded" if broker is None else "Apache Kafka",
        "claims": count,
        "sent_in": round(times[-1] - times[0], 2),
        "caught_up_in": round(watch.points[-1][0], 1),
        "mb_before": round(before, 1),
        "mb_most": round(max(point[1] for point in watch.points), 1),
        "mb_after": round(after, 1),
        "most_missing": max(point[2] for point in watch.points),
        "points": [(round(at, 2), round(mb, 1), missing) for at, mb, missing in watch.points],
    }


def _repeated(claims: Sequence[Event], count: int) -> Iterable[Event]:
    for number in range(count):
        turn, index = divmod(number, len(claims))
        event = claims[index]
        yield {**event, "event_id": f"{event['event_id']}-{turn}", "claim_id": f"{event['claim_id']}-{turn}"}

"""`python -m bench.reader BOOTSTRAP`: notes when each event was answered, in a process of its own.

It reads `verdicts` committed, as a liquidation system does, and prints one line an answer: the event and the
seconds since the epoch. Beside the producer, in one process, it would measure the interpreter that they share.

The embedded broker answers an empty fetch at once, so that this reader and the broker for it take a good part
of a processor: the table shows how much.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import orjson
from confluent_kafka import Consumer, TopicPartition

from bench.kafka_runs import Reader
from state.leash import LOG, Leash


class ReaderApart(Reader):
    """The other end: runs the process and collects what it prints."""

    def __init__(self, bootstrap: str, folder: Path) -> None:
        self.answered = {}
        root = str(Path(__file__).parents[1])
        code = f"import sys; sys.path.insert(0, {root!r}); from bench.reader import main; main({bootstrap!r})"
        self._leash = Leash([sys.executable, "-c", code], folder)
        self.pid = self._leash.pid
        self._file = (folder / LOG).open("rb")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._collect, name="bench-reader", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._stop.set()
        self._thread.join()
        self._file.close()
        self._leash.stop()

    def _collect(self) -> None:
        rest = b""
        while not self._stop.wait(0.1):
            *lines, rest = (rest + self._file.read()).split(b"\n")
            for line in lines:
                event, _, at = line.decode().rpartition(" ")
                if event:
                    self.answered.setdefault(event, float(at))


def main(bootstrap: str) -> None:
    """Listen until killed."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "bench",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
        }
    )
    consumer.assign([TopicPartition("verdicts", 0, 0)])
    while True:
        records = consumer.consume(1, 0.1)
        records += consumer.consume(499, 0.0) if records else []
        at = time.time()
        for record in records:
            if record.error() is None:
                print(orjson.loads(record.value() or b"{}")["event_id"], at)
        if records:
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])

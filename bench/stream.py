"""The input of a campaign: sent at a steady rate, plainly and in transactions, one phase after the other."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException, Producer

from tests.support.course import INPUTS, Course
from tests.support.published import Place
from tests.support.traffic import Message, Traffic

RATE = 40.0  # messages a second
PIECE = 40  # most messages of one piece; each is answered before the next is sent
RUN = 8  # messages sent alike: plainly, in a transaction, or first in one that is aborted
WAYS = ("plainly", "plainly", "in a transaction", "again, after an aborted transaction")
PATIENCE_S = 150.0  # for a broker that is coming back
SETTINGS = {"log_level": 0, "partitioner": "murmur2_random", "linger.ms": 0}
ANSWER_S = 300.0  # for answers, on a machine that does much else

Piece = Sequence[tuple[int, Message]]
"""Messages, numbered through the whole traffic."""


def pieces(traffic: Traffic) -> list[Piece]:
    """The phases in short pieces, in order. What is inside one phase does not depend on its order, so it may be cut."""
    found: list[Piece] = []
    number = 0
    for phase in traffic.phases:
        numbered = list(enumerate(phase, number))
        number += len(phase)
        found += [numbered[at : at + PIECE] for at in range(0, len(numbered), PIECE)]
    return found


def shares(all_pieces: Sequence[Piece], turns: int) -> list[list[Piece]]:
    """The pieces dealt to so many turns in order, about as many messages each."""
    total = sum(map(len, all_pieces))
    dealt: list[list[Piece]] = [[] for _ in range(turns)]
    before = 0
    for piece in all_pieces:
        dealt[min(turns - 1, before * turns // max(1, total))].append(piece)
        before += len(piece)
    return dealt


class Stream(Course):
    """A course that remembers where in Kafka each message of the traffic lies."""

    def __init__(
        self,
        bootstrap: str,
        redis: str,
        folder: Path,
        settings: Mapping[str, str],
        *,
        partitions: int,
        seed: int,
    ) -> None:
        super().__init__(bootstrap, redis, folder, settings, partitions=partitions)
        self._draw = random.Random(seed)
        # A broker that is killed while it takes a message must not have it twice.
        self.producer = Producer({**SETTINGS, "bootstrap.servers": bootstrap, "enable.idempotence": True})
        self._transactional: Producer | None = None
        self._said: dict[int, Message] = {}
        self.sent: dict[Place, int] = {}
        """Place of a message -> its number in the traffic."""
        self.ways = dict.fromkeys(WAYS, 0)

    def play(self, share: Sequence[Piece]) -> None:
        """Send pieces, each when the one before has been answered, and wait until all are."""
        for piece in share:
            started = time.monotonic()
            for at in range(0, len(piece), RUN):
                if (ahead := at / RATE - (time.monotonic() - started)) > 0:
                    time.sleep(ahead)
                self._send(piece[at : at + RUN])
            self.wait_quiet(ANSWER_S)

    def repeat(self, topic: str) -> None:
        """Send what was sent to a topic once more: it was made anew."""
        for _, message in sorted(self._said.items()):
            if message.topic == topic:
                self.producer.produce(message.topic, message.value, message.key)
        assert self.producer.flush(PATIENCE_S) == 0, "the broker did not take all messages"

    def quiet(self) -> bool:
        """As a course has it; a broker that goes away in the middle is not quiet."""
        try:
            return super().quiet()
        except (AssertionError, KafkaException):
            return False

    def _send(self, run: Piece) -> None:
        way = self._draw.choice(WAYS)
        self.ways[way] += len(run)
        if way == WAYS[0]:
            self._note(run, self._produce(self.producer, run))
            return
        if way == WAYS[3]:
            self._in_transaction(run, commit=False)
        while not self._in_transaction(run, commit=True):
            time.sleep(0.2)

    def _produce(self, producer: Producer, run: Piece) -> list[tuple[Place, int]]:
        places: list[tuple[Place, int]] = []

        def delivered(number: int) -> Any:
            def note(error: object, record: Any) -> None:
                if error is None:
                    places.append(((record.topic(), record.partition(), record.offset()), number))

            return note

        for number, message in run:
            producer.produce(message.topic, message.value, message.key, on_delivery=delivered(number))
            producer.poll(0)
        left = producer.flush(PATIENCE_S)
        if left or len(places) < len(run):
            raise KafkaException(f"{len(run) - len(places)} messages were not taken")
        return places

    def _note(self, run: Piece, places: Sequence[tuple[Place, int]]) -> None:
        self._said.update(run)
        for place, number in places:
            self.sent[place] = number
            topic, partition, offset = place
            if topic in INPUTS:
                self.ends[topic, partition] = max(self.ends[topic, partition], offset + 1)

    def _in_transaction(self, run: Piece, *, commit: bool) -> bool:
        """Whether it went through; where it did not, nothing of it stands."""
        try:
            producer = self._open()
            producer.begin_transaction()
            places = self._produce(producer, run)
            if commit:
                for _ in _retried(lambda: producer.commit_transaction(PATIENCE_S)):
                    time.sleep(0.1)
                self._note(run, places)
            else:
                producer.abort_transaction(PATIENCE_S)
            return True
        except KafkaException:
            self._transactional = None  # a new one fences it, and what it left open is aborted
            return False

    def _open(self) -> Producer:
        if self._transactional is None:
            settings = {
                **SETTINGS,
                "bootstrap.servers": self.bootstrap,
                "transactional.id": "upstream",
                "transaction.timeout.ms": int(PATIENCE_S * 1000),
                "retry.backoff.ms": 1,
            }
            producer = Producer(settings)
            producer.init_transactions(PATIENCE_S)
            self._transactional = producer
        return self._transactional


def _retried(call: Any) -> Iterator[None]:
    """Call until it does not ask to be called again, yielding in between."""
    while True:
        try:
            call()
            return
        except KafkaException as error:
            if not error.args[0].retriable():
                raise
            yield

"""All checks, and a run of them on one broker."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from streams.conformance import groups, records, topics, transactions
from streams.conformance.check import Check, Unlike
from streams.conformance.ground import CALL_S, PATIENCE_S, Ground

CHECKS: tuple[Check, ...] = (*topics.CHECKS, *records.CHECKS, *groups.CHECKS, *transactions.CHECKS)
AT_A_TIME = 4  # most of a check is waiting
CHECK_S = 300.0  # for one check: a client that hangs in its close or its flush is a result too
LOOK_S = 0.2
UNHEARD = 2  # more tries where brokers do not all know a new topic yet


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a check. `expected` and `seen` are empty where it passed; `seconds` is how long it took."""

    check: Check
    passed: bool
    seconds: float
    expected: str = ""
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The results in the order of `CHECKS`; `left` names what could not be deleted afterwards."""

    results: Sequence[Result]
    left: Sequence[str]

    @property
    def failed(self) -> list[Result]:
        """The checks that the broker does not pass."""
        return [one for one in self.results if not one.passed]


def run(
    client: Mapping[str, Any],
    checks: Sequence[Check] = CHECKS,
    done: Callable[[Result], None] = lambda result: None,
    *,
    patience: float = PATIENCE_S,
    at_a_time: int = AT_A_TIME,
    seconds: float = CHECK_S,
) -> Outcome:
    """Put a broker to the checks; `done` is told each result as it comes. A check may take so many `seconds`.

    Works in topics and groups of its own names and deletes them. Raises BrokerAway where no broker answers.
    """
    ground = Ground(client, patience=patience)
    found: dict[str, Result] = {}
    with ground:  # left by Ctrl-C too: what has not begun is not begun, and what was made is deleted
        for result in _results(checks, ground, at_a_time, seconds):
            found[result.check.name] = result
            done(result)
    return Outcome([found[one.name] for one in checks], ground.left)


def _results(checks: Sequence[Check], ground: Ground, at_a_time: int, seconds: float) -> Iterator[Result]:
    """Each check's result as it comes. Nobody waits for the thread of a check that has taken too long."""
    ready: queue.SimpleQueue[Result | BaseException] = queue.SimpleQueue()
    waiting = deque(checks)
    under_way: dict[Check, tuple[threading.Thread, float]] = {}
    try:
        while waiting or under_way:
            while waiting and len(under_way) < at_a_time:
                one = waiting.popleft()
                thread = threading.Thread(target=_tell, args=(one, ground, ready), name=one.name, daemon=True)
                thread.start()
                under_way[one] = (thread, time.monotonic())
            with contextlib.suppress(queue.Empty):
                told = ready.get(timeout=LOOK_S)
                if isinstance(told, BaseException):
                    raise told
                if under_way.pop(told.check, None) is not None:
                    yield told
            now = time.monotonic()
            for one, (_, began) in list(under_way.items()):
                if now - began > seconds:
                    del under_way[one]
                    said = f"it did not end within {seconds:g} s"
                    yield Result(one, False, now - began, one.proves, said)
    finally:
        for thread, _ in under_way.values():  # what it makes is to be deleted with the rest
            thread.join(CALL_S)


def _tell(one: Check, ground: Ground, ready: queue.SimpleQueue[Result | BaseException]) -> None:
    try:
        ready.put(_try(one, ground))
    except BaseException as error:
        ready.put(error)


def _patient(one: Check, ground: Ground) -> None:
    """The check, again on topics of its own where a broker had not heard yet of one that another has made."""
    for _ in range(UNHEARD):
        try:
            return one.try_on(ground)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise
    one.try_on(ground)


def _try(one: Check, ground: Ground) -> Result:
    began = time.monotonic()
    expected = seen = ""
    passed = False
    try:
        _patient(one, ground)
        passed = True
    except Unlike as error:
        expected, seen = error.expected, error.seen
    except KafkaException as error:
        expected, seen = one.proves, f"{error.args[0].name()}: {error.args[0].str()}"
    except TimeoutError as error:
        expected, seen = one.proves, str(error)
    return Result(one, passed, time.monotonic() - began, expected, seen)

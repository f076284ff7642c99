"""All checks, and a run of them on one broker."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from streams.conformance import groups, records, topics, transactions
from streams.conformance.check import Check, Unlike
from streams.conformance.ground import PATIENCE_S, Ground

CHECKS: tuple[Check, ...] = (*topics.CHECKS, *records.CHECKS, *groups.CHECKS, *transactions.CHECKS)
AT_A_TIME = 4  # most of a check is waiting
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
) -> Outcome:
    """Put a broker to the checks; `done` is told each result as it comes.

    Works in topics and groups of its own names and deletes them. Raises BrokerAway where no broker answers.
    """
    ground = Ground(client, patience=patience)
    found: dict[str, Result] = {}
    with ground, ThreadPoolExecutor(at_a_time) as pool:
        waiting = [pool.submit(_try, one, ground) for one in checks]
        try:
            for future in as_completed(waiting):
                result = future.result()
                found[result.check.name] = result
                done(result)
        except BaseException:  # Ctrl-C: what has not begun is not begun, and what was made is deleted
            pool.shutdown(cancel_futures=True)
            raise
    return Outcome([found[one.name] for one in checks], ground.left)


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

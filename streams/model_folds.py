"""What the folding loops fold: provider figures into provider models, lessons into peers, activity and weights.

The same two folds serve the loops over Kafka and the in-line learning of an event log.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from detectors.models import Records
from detectors.models.folds import fold_learning, fold_provider, touched
from detectors.models.keys import Pair
from streams import outcomes

log = logging.getLogger("crible.models")

Lesson = Mapping[str, Any]
TOPICS = ("provider-activity", "learning")
"""What the folding loops read."""
REVIEWED = "reviewed"
"""Kind of the mark that a review was learned: a redelivered one teaches nothing twice."""


def name(pair: Pair) -> str:
    """The state's name of a model record."""
    return f"{pair[0]}:{pair[1]}"


def pair(key: str) -> Pair:
    """And back."""
    kind, _, entity = key.partition(":")
    return kind, entity


def learn_provider(records: Records, told: Lesson) -> None:
    """One `provider-activity` message."""
    inpe = told["inpe"]
    records.put("provider", inpe, fold_provider(records.provider(inpe), told))


def learn(records: Records, lesson: Lesson) -> None:
    """One `learning` message."""
    records.update(fold_learning(records, lesson))


def learn_inline(records: Records, told: Iterable[tuple[str, Lesson]], lesson: Lesson | None) -> None:
    """What one claim teaches, without the loops.

    `records` must hold the claim's `View.wanted`, the members of its peer groups and the coverage: a lesson
    touches no other.
    """
    for inpe, figures in told:
        records.put("provider", inpe, fold_provider(records.get(("provider", inpe)), figures))
    if lesson is not None:
        learn(records, lesson)


class ProfilingFold:
    """`provider-activity`: the single writer of provider models."""

    def keys(self, messages: Sequence[Lesson]) -> list[str]:
        """One record a provider."""
        return list(dict.fromkeys(f"provider:{message['inpe']}" for message in messages))

    def apply(self, records: Mapping[str, bytes | None], messages: Sequence[Lesson]) -> dict[str, bytes]:
        """The providers' records after these messages."""
        held = _records(records)
        for message in messages:
            learn_provider(held, message)
        return _changed(held)


class LearnerFold:
    """`learning`: the single writer of peers, activity, quantile and weights."""

    def keys(self, messages: Sequence[Lesson]) -> list[str]:
        """The records that the messages touch, and the marks of their reviews."""
        return list(dict.fromkeys(key for message in messages for key in _touched(message)))

    def apply(self, records: Mapping[str, bytes | None], messages: Sequence[Lesson]) -> dict[str, bytes]:
        """The records after these messages, each review counted once."""
        models = {key: blob for key, blob in records.items() if not key.startswith((REVIEWED, outcomes.KIND))}
        held = _records(models)
        marks: dict[str, bytes] = {}
        fresh = []
        for message in messages:
            mark = _mark(message)
            if mark is not None:
                if records.get(mark) is not None or mark in marks:
                    continue
                marks[mark] = b"1"
            learn(held, message)
            fresh.append(message)
        return _changed(held) | marks | outcomes.fold(records, fresh)


def _touched(message: Lesson) -> Iterable[str]:
    yield from map(name, touched(message))
    yield from outcomes.keys(message)
    mark = _mark(message)
    if mark is not None:
        yield mark


def _mark(message: Lesson) -> str | None:
    review = message.get("review")
    return None if review is None else f"{REVIEWED}:{review}"


def _records(blobs: Mapping[str, bytes | None]) -> Records:
    """The records of a fold. One that is damaged begins anew: the loop must not stop at it for ever."""
    return Records({pair(key): blob for key, blob in blobs.items()}, damaged=[])


def _changed(held: Records) -> dict[str, bytes]:
    for kind in held.damaged or ():
        log.error("a model record of kind %r was damaged: it begins anew", kind)
    return {name(key): blob for key, blob in held.changed().items()}

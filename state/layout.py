"""The layout record: how this Redis was laid out, checked at every start so that nobody writes beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from state import keys
from state.errors import ConfigurationError
from state.formats import ANEW, FORMATS, newer
from state.router import Command

SWAP = "return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('SET', KEYS[1], ARGV[2])"
"""Two workers of different releases may start at once: the record is written over what was compared, nothing else."""
TAGS_STANDALONE = 1
TAGS_CLUSTER = 16


class Layout(msgspec.Struct, kw_only=True, frozen=True):
    """What a deployment looks like. `topics`: name -> id; `pseudonyms`: fingerprint of the key, "": none."""

    tags: int = 0
    formats: dict[str, int] = msgspec.field(default_factory=lambda: dict(FORMATS))
    topics: dict[str, str] = msgspec.field(default_factory=dict)
    partitions: dict[str, int] = msgspec.field(default_factory=dict)
    pseudonyms: str | None = None  # None: this caller does not know, and does not compare


def stored_layout(run: Callable[[Command], Any], prefix: str) -> Layout | None:
    """The record, or None on a Redis that was never used.

    Raises ConfigurationError when it cannot be read.
    """
    data = run(("GET", prefix + keys.LAYOUT))
    return None if data is None else _decoded(data, prefix + keys.LAYOUT)


def _decoded(data: bytes, key: str) -> Layout:
    try:
        return msgspec.json.decode(data, type=Layout)
    except msgspec.DecodeError as error:
        raise ConfigurationError(
            f"the layout record {key} is not readable ({error}): point CRIBLE_REDIS at "
            f"Crible's own Redis, {ANEW}"
        ) from error


def choose_tags(stored: Layout | None, wanted: int | None, cluster: bool) -> int:
    """The number of hash tags to work with: what was asked for, else what is stored, else the default."""
    if wanted is not None:
        return wanted
    if stored is not None:
        return stored.tags
    return TAGS_CLUSTER if cluster else TAGS_STANDALONE


def settle(run: Callable[[Command], Any], prefix: str, layout: Layout, tags: int) -> None:
    """Write the record on a new Redis, else compare, add the topics it did not name yet and raise its formats.

    Raises ConfigurationError with the procedure for what differs.
    """
    mine = msgspec.structs.replace(layout, tags=tags)
    key = prefix + keys.LAYOUT
    if run(("SET", key, msgspec.json.encode(mine), "NX")) is not None:
        return
    while (data := run(("GET", key))) is not None:
        stored = _decoded(data, key)
        compare(stored, mine)
        merged = merge(stored, mine)
        if merged == stored or run(("EVAL", SWAP, 1, key, data, msgspec.json.encode(merged))):
            return
    raise ConfigurationError(f"the layout record {key} was removed while it was read: start again")


def merge(stored: Layout, mine: Layout) -> Layout:
    """The record with what it did not name yet, and with formats raised: values of former ones are raised when read."""
    return msgspec.structs.replace(
        stored,
        formats=stored.formats | mine.formats,
        topics=stored.topics | mine.topics,
        partitions=stored.partitions | mine.partitions,
        pseudonyms=stored.pseudonyms if mine.pseudonyms is None else mine.pseudonyms,
    )


def compare(stored: Layout, mine: Layout) -> None:
    """Raises ConfigurationError for the first difference that matters."""
    if stored.tags != mine.tags:
        raise ConfigurationError(
            f"this Redis was laid out with {stored.tags} hash tags, this worker wants {mine.tags}: set "
            f"its number of tags to "
            f"{stored.tags}, {ANEW}"
        )
    for kind, version in stored.formats.items():
        if version > mine.formats.get(kind, 0):
            raise ConfigurationError(newer(kind, version, mine.formats.get(kind, 0)))
    if None not in (stored.pseudonyms, mine.pseudonyms) and stored.pseudonyms != mine.pseudonyms:
        raise ConfigurationError(
            "the pseudonym key is not the one this Redis was filled with, nobody would be recognised: point "
            f"CRIBLE_PSEUDONYM_KEY_FILE at the former key, {ANEW}"
        )
    for name, count in mine.partitions.items():
        if stored.partitions.get(name, count) != count:
            raise ConfigurationError(
                f"topic {name} has {count} partitions, this Redis was filled from "
                f"{stored.partitions[name]}: people would change "
                f"partition and their events order; make the topic with {stored.partitions[name]} "
                f"partitions, {ANEW}"
            )
    for name, topic_id in mine.topics.items():
        if stored.topics.get(name, topic_id) != topic_id:
            raise ConfigurationError(
                f"topic {name} was made anew (id {topic_id}, before {stored.topics[name]}): its offsets "
                f"mean other events now; "
                f"bring the former topic back, {ANEW}"
            )

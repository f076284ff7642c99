"""The layout record: how this Redis was laid out, checked at every start so that nobody writes beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from state import keys
from state.errors import ConfigurationError
from state.router import Command

FORMATS = {"events": 2, "logs": 1, "tiles": 2, "sheets": 1, "families": 2, "memo": 2}
"""Version of each packed format; raised with a change that older code cannot read."""
TAGS_STANDALONE = 1
TAGS_CLUSTER = 16

ANEW = (
    "or start on an empty Redis and load it from the topics with `crible worker --observe-only` "
    "(docs/operations.md)"
)


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
    if data is None:
        return None
    try:
        return msgspec.json.decode(data, type=Layout)
    except msgspec.DecodeError as error:
        raise ConfigurationError(
            f"the layout record {prefix + keys.LAYOUT} is not readable ({error}): point CRIBLE_REDIS at "
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
    """Write the record on a new Redis, else compare and add the topics it did not name yet.

    Raises ConfigurationError with the procedure for what differs.
    """
    mine = msgspec.structs.replace(layout, tags=tags)
    key = prefix + keys.LAYOUT
    if run(("SET", key, msgspec.json.encode(mine), "NX")) is not None:
        return
    stored = stored_layout(run, prefix)
    if stored is None:
        raise ConfigurationError(f"the layout record {key} was removed while it was read: start again")
    compare(stored, mine)
    merged = msgspec.structs.replace(
        stored,
        topics=stored.topics | mine.topics,
        partitions=stored.partitions | mine.partitions,
        pseudonyms=stored.pseudonyms if mine.pseudonyms is None else mine.pseudonyms,
    )
    if merged != stored:
        run(("SET", key, msgspec.json.encode(merged)))


def compare(stored: Layout, mine: Layout) -> None:
    """Raises ConfigurationError for the first difference that matters."""
    if stored.tags != mine.tags:
        raise ConfigurationError(
            f"this Redis was laid out with {stored.tags} hash tags, this worker wants {mine.tags}: set "
            f"its number of tags to "
            f"{stored.tags}, {ANEW}"
        )
    if stored.formats != mine.formats:
        raise ConfigurationError(
            f"this Redis holds formats {stored.formats}, this version reads {mine.formats}: run the "
            f"version that wrote them, {ANEW}"
        )
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

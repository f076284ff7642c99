"""A table from a file as the message that carries it."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Any, Final

from detectors.loads.problem import Problem
from detectors.loads.sheet import Sheet
from schemas.decode import Decoder
from schemas.envelope import FIRST_DAY
from schemas.referential import POLICIES, checksum
from schemas.topics import TOPIC_OF
from streams.referentials.files import Source
from streams.referentials.topic import Standing, message

ROOM: Final = 4_096
"""Bytes of a record beside its value: key, headers, batch."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a load says of a table beside its rows."""

    edition: str
    valid_from: dt.date
    valid_to: dt.date | None = None
    organism: str = "*"
    accept_loss: bool = False


def next_after(newest: Sheet | None) -> Terms:
    """Terms of an edition that would follow the newest one, from the same day on."""
    if newest is None:
        return Terms("1", FIRST_DAY)
    return Terms(f"{newest.edition}.1", newest.valid_from)


def event_of(source: Source, terms: Terms, now: dt.datetime) -> dict[str, Any]:
    """The message of a load made at that instant (UTC)."""
    given = checksum(source.rows)
    parts = (source.name, terms.edition, given, now.isoformat())
    event = {
        "type": "policy" if source.name in POLICIES else "referential",
        "version": 1,
        "event_id": "RL-" + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24],
        "event_time": now.isoformat(),
        "organism": terms.organism,
        "name": source.name,
        "edition": terms.edition,
        "valid_from": terms.valid_from.isoformat(),
        "valid_to": None if terms.valid_to is None else terms.valid_to.isoformat(),
        "checksum": given,
        "rows": source.rows,
    }
    return event | ({"accept_loss": True} if terms.accept_loss else {})


def too_large(event: dict[str, Any], value: bytes) -> list[Problem]:
    """A table that its topic does not take."""
    most = TOPIC_OF[event["type"]].max_message_bytes - ROOM
    if len(value) <= most:
        return []
    return [
        Problem(
            "rows", f"{len(value):,} bytes", f"at most {most:,} bytes: split the table, or leave columns out"
        )
    ]


def taken(event: dict[str, Any], there: Standing) -> list[Problem]:
    """An edition's name is used once: compaction would erase the rows that it stood for."""
    for outcome in there.book.outcomes():
        if (outcome.name, outcome.edition) != (event["name"], event["edition"]):
            continue
        if outcome.sheet is not None and outcome.sheet.checksum != event["checksum"]:
            return [
                Problem("edition", event["edition"], "a name of its own: this one is there with other rows")
            ]
    return []


def there_already(event: dict[str, Any], there: Standing) -> dict[str, Any] | None:
    """The message of this very edition as it was loaded first, where it is in force; None where it is not."""
    for sheet in there.book.in_force(event["name"]):
        known = (
            sheet.edition,
            sheet.checksum,
            sheet.valid_from.isoformat(),
            sheet.valid_to and sheet.valid_to.isoformat(),
        )
        if known == (event["edition"], event["checksum"], event["valid_from"], event["valid_to"]):
            return event | {"event_time": sheet.loaded.isoformat()}
    return None


def wrong_beside(event: dict[str, Any], there: Standing) -> list[Problem]:
    """What is wrong with a load whose rows are good: its name, its size, and what is in force beside it.

    The book in `there` has the load afterwards.
    """
    value = message(event)[2]
    problems = taken(event, there) or too_large(event, value)
    if problems or there_already(event, there) is not None:
        return problems
    load = there.book.apply(Decoder().decode(value))
    return list(load.problems) if load is not None else []

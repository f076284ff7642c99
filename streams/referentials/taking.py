"""One record of a registry topic into a book, with everything that is wrong with a table that was refused."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import orjson

from detectors.book import ReferentialBook
from detectors.catalogue import DECLARATIONS
from detectors.loads.checking import rows_alone
from detectors.loads.problem import Problem, summary
from schemas.decode import Decoder, Invalid
from schemas.referential import TABLES

KIND_OF: Final = {
    "providers": "provider",
    "liquidators": "liquidator",
    "referentials": "referential",
    "policies": "policy",
    "orders": "order",
}
"""Topic -> the type of event that it carries."""
TABLE_TOPICS: Final = ("referentials", "policies")
EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that cannot be used; what was in force stays. `name` and `edition` are those of a table."""

    topic: str
    reason: str
    name: str = ""
    edition: str = ""
    problems: tuple[Problem, ...] = ()
    loaded: dt.datetime = EPOCH
    """The load's own time."""


def take(
    book: ReferentialBook,
    decoder: Decoder,
    topic: str,
    key: bytes | None,
    value: bytes | None,
    at: dt.datetime,
) -> Refused | None:
    """Take one record in. `at` is the broker's time, for a table that does not say when it was loaded."""
    if value is None:
        book.delete(KIND_OF[topic], (key or b"").decode(errors="replace"))
        return None
    try:
        event = decoder.decode(value)
        load = book.apply(event)
    except Invalid as invalid:
        if topic in TABLE_TOPICS:
            return _unreadable(book, invalid, topic, key, value, at)
        return Refused(topic, f"{invalid.field}: {invalid.reason} (expected {invalid.expected})")
    except TypeError as error:
        return Refused(topic, str(error))
    if load is None or load.reason is None:
        return None
    return Refused(topic, load.reason, load.name, load.edition, load.problems, event.event_time)


def _unreadable(
    book: ReferentialBook, invalid: Invalid, topic: str, key: bytes | None, value: bytes, at: dt.datetime
) -> Refused:
    """A table that decoding refused at its first fault: all that is wrong with its rows, noted in the book."""
    body = _body(value)
    name, _, edition = (key or b"").decode(errors="replace").partition(":")
    name, edition = str(body.get("name") or name), str(body.get("edition") or edition)
    problems: list[Problem] = []
    rows = body.get("rows")
    if name in TABLES and isinstance(rows, list):
        kept = [row if isinstance(row, dict) else {} for row in rows]
        problems = rows_alone(name, kept, DECLARATIONS)[1]
    if not problems:
        wanted = invalid.expected or "a table as the contract has it"
        problems = [Problem(invalid.field or "message", invalid.value, wanted)]
    try:
        loaded = msgspec.convert(body.get("event_time"), dt.datetime)
    except msgspec.ValidationError:
        loaded = at
    if loaded.tzinfo is None:
        loaded = at
    book.refuse(name, edition, loaded, problems)
    return Refused(topic, summary(problems), name, edition, tuple(problems), loaded)


def _body(value: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(value)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}

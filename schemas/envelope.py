"""What every input event carries, and the bounded value types that all messages share.

The bounds are those of form, not of plausibility: they keep a number inside what the state can store. An
amount that does not add up, or a care date after the deposit, is a finding and passes here.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from schemas.enums import Channel, Flow

VERSION: Final = 1
"""Major version of every type that this code reads; a newer one is a dead letter."""
MAX_LINES: Final = 200
"""Lines of a claim; beyond it the message is a dead letter (wire contract)."""
MAX_CENTIMES: Final = 10**13
FIRST_DAY: Final = dt.date(1900, 1, 1)
LAST_DAY: Final = dt.date(2100, 12, 31)

EventId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:-]{1,64}(?!\n)$")]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
"""An identifier that somebody else chose: bounded, because it becomes part of keys."""
Ref = Annotated[str, Meta(max_length=200)]
"""The same where it is optional: an empty or malformed one is a finding or a warning, not a dead letter."""
Text = Annotated[str, Meta(max_length=4000)]
Centimes = Annotated[int, Meta(ge=0, le=MAX_CENTIMES)]
Percent = Annotated[float, Meta(ge=0, le=100)]
Share = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=0, le=1_000_000_000)]
LineNumber = Annotated[int, Meta(ge=1, le=65_535)]
"""Unique in its claim; two bytes in the state's records."""
Quantity = Annotated[float, Meta(gt=0, le=1_000_000)]
Instant = Annotated[dt.datetime, Meta(tz=True)]
"""ISO 8601 with an offset; UTC once decoded."""
LocalTime = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9](?!\n)$")]
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}(?!\n)$")]


class Part(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True, gc=False):
    """A nested object of a message. None means *not known*, never zero, false or empty."""


class Interval(Part, kw_only=True, frozen=True):
    """A span of calendar days, both ends included; `to` None = still open."""

    from_: dt.date | None = msgspec.field(default=None, name="from")
    to: dt.date | None = None

    def covers(self, day: dt.date) -> bool:
        """Whether the day lies inside; an unknown start counts as always."""
        return (self.from_ is None or self.from_ <= day) and (self.to is None or day <= self.to)


class Envelope(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True, gc=False, tag_field="type"):
    """An input event. `type` is the struct's tag on the wire; times are aware UTC."""

    version: Annotated[int, Meta(ge=1)]
    event_id: EventId
    event_time: Instant
    organism: Name
    ingest_time: Instant | None = None
    mutuelle: Ref | None = None
    agency: Ref | None = None
    region: Ref | None = None
    flow: Flow | None = None
    channel: Channel | None = None
    producer: Text | None = None
    trace_id: Text | None = None

    @property
    def arrived(self) -> dt.datetime:
        """When the event came in: `ingest_time`, or `event_time` where that is absent."""
        return self.ingest_time or self.event_time

    @property
    def type(self) -> str:
        """The wire's `type`."""
        return str(self.__struct_config__.tag)

"""From received bytes to an event that everybody else may trust, or to an `Invalid` that says why not.

The fast path is one msgspec decoder over the union of all types, then the rules of form, then pseudonyms
(12 us for a claim of three lines, 5 of them msgspec's). Only after a failure does `reading` go over it again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Container
from types import GenericAlias
from typing import Final

import msgspec
from msgspec.structs import force_setattr

from schemas import invalid, reading, rules
from schemas.envelope import VERSION
from schemas.events import KEYED_BY_BENEFICIARY, Event, is_personal, pseudonymise
from schemas.invalid import Invalid
from schemas.pseudonym import Pseudonyms
from schemas.referential import TABLES, Table

__all__ = ["MAX_AHEAD", "Decoder", "Invalid"]

MAX_AHEAD: Final = dt.timedelta(hours=1)
"""How far an `event_time` may lie after the broker's timestamp: a later one would clear a ring."""

_EVENT = msgspec.json.Decoder(Event)


class Decoder:
    """Decodes and validates input events, in any thread; `pseudonyms` None = they are pseudonyms already."""

    def __init__(self, pseudonyms: Pseudonyms | None = None) -> None:
        self._pseudonyms = pseudonyms

    def decode(
        self,
        value: bytes | None,
        *,
        key: bytes | None = None,
        timestamp: dt.datetime | None = None,
        accepts: Container[str] | None = None,
    ) -> Event:
        """One event, in UTC and with pseudonyms.

        `key` is the message's key as received and must be the beneficiary of the events keyed by one;
        `timestamp` is the broker's (None = the event's own `ingest_time`); `accepts` are the types that its
        topic carries (None = all).
        Raises Invalid, and nothing else, whatever the bytes.
        """
        try:
            return self._decode(value, key, timestamp, accepts)
        except Invalid as refused:
            if self._pseudonyms is not None and refused.beneficiary and refused.type != "rescreen":
                refused.beneficiary = self._pseudonyms(refused.beneficiary)
            raise

    def _decode(
        self,
        value: bytes | None,
        key: bytes | None,
        timestamp: dt.datetime | None,
        accepts: Container[str] | None,
    ) -> Event:
        if value is None:
            raise Invalid(invalid.TOMBSTONE, None, None, "an event")
        if not value or value.isspace():
            raise Invalid(invalid.EMPTY, None, None, "an event")
        if reading.too_deep(value):
            ids = reading.ids_of(dict(reading.top_strings(value.decode(errors="replace"))))
            raise Invalid(invalid.TOO_DEEP, None, None, f"at most {reading.MAX_DEPTH} levels", **ids)
        try:
            event: Event = _EVENT.decode(value)
        except (msgspec.DecodeError, UnicodeDecodeError):
            event = reading.read(value, _EVENT.decode)
        if event.version > VERSION:
            wanted = f"at most {VERSION}"
            raise _refuse(event, rules.Fault(invalid.NEWER_VERSION, "version", str(event.version), wanted))
        fault = self._fault(event, key, timestamp, accepts)
        if fault is not None:
            raise _refuse(event, fault)
        if event.event_time.tzinfo is not dt.UTC:
            force_setattr(event, "event_time", event.event_time.astimezone(dt.UTC))
        if event.ingest_time is not None and event.ingest_time.tzinfo is not dt.UTC:
            force_setattr(event, "ingest_time", event.ingest_time.astimezone(dt.UTC))
        if self._pseudonyms is not None:
            pseudonymise(event, self._pseudonyms)
        return event

    def _fault(
        self, event: Event, key: bytes | None, timestamp: dt.datetime | None, accepts: Container[str] | None
    ) -> rules.Fault | None:
        if accepts is not None and event.type not in accepts:
            return rules.Fault(invalid.WRONG_TOPIC, "type", event.type, "a type that this topic carries")
        try:
            fault = rules.fault(event)
        except msgspec.ValidationError as error:  # only rows are typed late
            assert isinstance(event, Table)
            refused = reading.explain(
                error, event.rows, GenericAlias(list, (TABLES[event.name],)), {}, "rows"
            )
            return rules.Fault(refused.reason, refused.field or "rows", refused.value, refused.expected or "")
        if fault is not None:
            return fault
        if key is not None and isinstance(event, KEYED_BY_BENEFICIARY) and key != event.beneficiary.encode():
            return rules.Fault(invalid.KEY_MISMATCH, "beneficiary", None, "the key of its message")
        limit = timestamp or event.ingest_time
        if limit is not None and event.event_time - limit > MAX_AHEAD:
            wanted = f"at most an hour after {limit.isoformat()}"
            return rules.Fault(invalid.FUTURE, "event_time", event.event_time.isoformat(), wanted)
        return None


def _refuse(event: Event, fault: rules.Fault) -> Invalid:
    value = None if is_personal(fault.field, fault.value) else fault.value
    return Invalid(
        fault.reason,
        fault.field,
        value,
        fault.expected,
        event_id=event.event_id,
        claim_id=getattr(event, "claim_id", None),
        beneficiary=getattr(event, "beneficiary", None),
        type=event.type,
    )

"""Stored values taken apart for people and for checks: the read side of `state/functions`.

Nothing here is on the hot path, which lets Redis do the work and reads its answers by `state.codecs`. Every reader
raises BadFormat for what is not of the format this version writes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from struct import Struct
from typing import Any, NamedTuple, TypeVar

import msgspec

from schemas.observation import EVENT_REF_BYTES, CloneUse, DocumentUse, Fact, LogLine
from state import codecs
from state.answers import EVENT, MEMO, NO_RESULT
from state.errors import BadFormat
from state.formats import FORMATS
from state.unpacking import unpack

PERSON, PLACE = 10, 6  # bytes of an entry of a day sheet (counts.lua)
APPLIED, CANCELLED, EARLY = "L", "C", "T"
_PAIRS = Struct("<IIHH")
_PARTNER = Struct("<8sI")
EARLY_ENTRY = 20  # reference of what came in its place, mark of the person for whom it was cancelled

_STAMP = Struct("<xdd")
_SHEET = Struct("<xiH")
_PERSON, _PLACE = Struct("<8sH"), Struct("<IH")
_VISIT = Struct("<iH")
_HEAD = Struct("<xdiIIIIdIIIdIIII")  # as rings.lua packs it: head, then sums of the windows that end with it
_SUMS = Struct("<BII")
_LENGTH = Struct("<I")
FORMER_MEMO = b"\x94"  # version 1: a packed list of four
_MINUTE, _HOUR, _DAY = Struct("<I"), Struct("<Id"), Struct("<IIdII")
MINUTE_SLOTS, HOUR_SLOTS, DAY_SLOTS = 48, 72, 96
_HOURS_AT = _HEAD.size + MINUTE_SLOTS * _MINUTE.size
_DAYS_AT = _HOURS_AT + HOUR_SLOTS * _HOUR.size
SUMS_AT, SUMS_BYTES = 21, 52  # of a tile
TILE_BYTES = _DAYS_AT + DAY_SLOTS * _DAY.size

T = TypeVar("T")


class Effect(NamedTuple):
    """What an event did under one key (events.lua). `key` has no tag; "b:" and "k:" end with the event's person."""

    code: int  # ops.APPEND, TILE, DAY, COUNT, SUMS or PAIR
    key: str
    rest: tuple[Any, ...]

    def full(self, beneficiary: str) -> str:
        """The key without its tag."""
        return self.key + beneficiary if len(self.key) == 2 else self.key

    @property
    def seconds(self) -> int | None:
        """How long its key is kept after the last use, None where the functions have a constant for it."""
        return int(self.rest[-1]) if self.code in (1, 5, 6, 7) else None


class StoredEvent(NamedTuple):
    """An event record. `state`: L applied, C cancelled, T cancelled before it came."""

    state: str
    content: bytes = b""
    crc: int = 0
    offset: int = -1
    event_id: str = ""
    claim_id: str = ""
    beneficiary: str = ""
    effects: tuple[Effect, ...] = ()


class Entry(NamedTuple):
    """A registry entry: its stamp in microseconds, the offset that brought it, and its value."""

    micros: int
    offset: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Sheet:
    """One provider's day of care: minutes, people and communes, each with its number of claims."""

    minutes: int
    people: dict[bytes, int]
    communes: dict[int, int]


class Day(NamedTuple):
    """One day of arrival in a provider's ring. Amount in centimes; `last`: patients not seen since."""

    claims: int
    lines: int
    amount: int
    patients: int
    last: int


@dataclass(frozen=True, slots=True)
class Tiles:
    """The rings of a provider, by index of their tile (instant // width, or the day number)."""

    head: float  # newest arrival, seconds since the epoch
    head_day: int
    fields: int  # patients remembered
    minutes: dict[int, int]
    hours: dict[int, tuple[int, int]]
    days: dict[int, Day]

    def of_days(self, last: int, count: int) -> Day:
        """Sums over `count` days ending with `last`; `patients` counts patient-days."""
        found = [self.days[day] for day in range(last - count + 1, last + 1) if day in self.days]
        return Day(*(sum(column) for column in zip(*found, strict=True))) if found else Day(0, 0, 0, 0, 0)


def body(data: bytes, version: int = 1) -> bytes:
    """What stands after the version byte."""
    if not data or data[0] != version:
        raise BadFormat(f"version {data[0] if data else 'missing'}, this Crible reads {version}")
    return data[1:]


def event(data: bytes) -> StoredEvent:
    """An event record with its effects."""
    rest = body(data)
    if rest[:1] == b"T":
        if (len(rest) - 1) % EARLY_ENTRY:
            raise BadFormat("tombstone of no whole number of entries")
        return StoredEvent(EARLY)
    if len(data) < EVENT.size:
        raise BadFormat("event record is cut off")
    state, content, crc, offset, identity, person = EVENT.unpack_from(data)
    at = EVENT.size
    if state not in (b"L", b"C") or len(data) < at + identity + person:
        raise BadFormat("event record of no known state or cut off")
    ids = _ids(data[at : at + identity]) if identity else ("", "")
    at += identity
    who = _text(data[at : at + person])
    effects = tuple(map(_effect, unpack(data[at + person :]))) if state == b"L" else ()
    return StoredEvent(state.decode(), content, crc, int(offset), *ids, who, effects)


def _ids(data: bytes) -> tuple[str, str]:
    try:
        event_id, claim_id = msgspec.msgpack.decode(data, type=tuple[str, str])
    except msgspec.MsgspecError as error:
        raise BadFormat(f"identity of an event: {error}") from error
    return event_id, claim_id


def _effect(packed: Any) -> Effect:
    if not isinstance(packed, list) or len(packed) < 3 or not isinstance(packed[1], bytes):
        raise BadFormat("effect of an event")
    return Effect(int(packed[0]), _text(packed[1]), tuple(packed[2:]))


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise BadFormat(f"text is not UTF-8: {error.reason}") from error


def _records(data: bytes, size: int, read: Callable[[bytes], list[T]]) -> list[T]:
    rest = body(data)
    if len(rest) % size:
        raise BadFormat(f"{len(rest)} bytes are no records of {size}")
    return read(rest)


def log(data: bytes) -> list[LogLine]:
    """A beneficiary's log."""
    return _by_day(_records(data, codecs.LOG_BYTES, codecs.unpack_log))


def facts(data: bytes) -> list[Fact]:
    """A beneficiary's permanent facts."""
    return _by_day(_records(data, codecs.FACT_BYTES, codecs.unpack_facts))


def documents(data: bytes) -> list[DocumentUse]:
    """The uses of a document."""
    return _by_day(_records(data, codecs.DOCUMENT_BYTES, codecs.unpack_documents))


def clones(data: bytes) -> list[CloneUse]:
    """The uses of a clone signature at one provider."""
    return _by_day(_records(data, codecs.CLONE_BYTES, codecs.unpack_clones))


def _by_day(records: list[Any]) -> list[Any]:
    days = [record.day for record in records]
    if days != sorted(days):
        raise BadFormat("records are not in the order of their days")
    return records


def entry(data: bytes) -> Entry:
    """A registry entry."""
    body(data)
    if len(data) < _STAMP.size:
        raise BadFormat("registry entry is cut off")
    micros, offset = _STAMP.unpack_from(data)
    return Entry(int(micros), int(offset), data[_STAMP.size :])


def sheet(data: bytes) -> Sheet:
    """A day sheet."""
    body(data)
    if len(data) < _SHEET.size:
        raise BadFormat("day sheet is cut off")
    minutes, size = _SHEET.unpack_from(data)
    people, places = data[_SHEET.size : _SHEET.size + size], data[_SHEET.size + size :]
    if len(people) != size or size % PERSON or len(places) % PLACE:
        raise BadFormat("day sheet of no whole number of entries")
    return Sheet(minutes, dict(_PERSON.iter_unpack(people)), dict(_PLACE.iter_unpack(places)))


def visits(data: bytes) -> list[tuple[int, int]]:
    """A patient's days at a provider, each with its number of claims."""
    if len(data) % _VISIT.size:
        raise BadFormat("visit days of no whole number of entries")
    return list(_VISIT.iter_unpack(data))


def tiles(data: bytes) -> Tiles:
    """The rings of a provider; slots of nothing are left out. Version 1 has no sums between head and rings."""
    if data[:1] == b"\x01" and len(data) == TILE_BYTES - SUMS_BYTES:
        data = bytes((FORMATS["tiles"],)) + data[1:SUMS_AT] + bytes(SUMS_BYTES) + data[SUMS_AT:]
    body(data, FORMATS["tiles"])
    if len(data) != TILE_BYTES:
        raise BadFormat(f"tiles of {len(data)} bytes instead of {TILE_BYTES}")
    head, head_day, fields, *_ = _HEAD.unpack_from(data)
    minutes = _MINUTE.iter_unpack(data[_HEAD.size : _HOURS_AT])
    hours = _HOUR.iter_unpack(data[_HOURS_AT:_DAYS_AT])
    days = _DAY.iter_unpack(data[_DAYS_AT:])
    return Tiles(
        head,
        head_day,
        fields,
        {_at(i, int(head // 300), MINUTE_SLOTS): n for i, (n,) in enumerate(minutes) if n},
        {_at(i, int(head // 3600), HOUR_SLOTS): (n, int(amount)) for i, (n, amount) in enumerate(hours) if n},
        {
            _at(i, head_day, DAY_SLOTS): Day(claims, lines, int(amount), seen, last)
            for i, (claims, lines, amount, seen, last) in enumerate(days)
            if claims or last
        },
    )


def _at(place: int, newest: int, slots: int) -> int:
    """The index of the tile that stands at a place of a ring."""
    return newest - (newest - place) % slots


def family(fields: dict[bytes, bytes]) -> dict[bytes, int]:
    """The members of a counted family's bucket, each with its count; checked against the sums kept with them."""
    counts = {name: int(value) for name, value in fields.items() if name}
    sums = fields.get(b"")
    if sums is not None and sums.isdigit():  # version 1: the total alone
        sums = _SUMS.pack(FORMATS["families"], len(counts), int(sums))
    if sums is None or len(sums) != _SUMS.size:
        raise BadFormat("family without its sums")
    body(sums, FORMATS["families"])
    found = _SUMS.unpack(sums)[1:]
    if found != (len(counts), sum(counts.values())):
        raise BadFormat(f"{len(counts)} members add up to {sum(counts.values())}, the sums say {found}")
    return counts


def memo(data: bytes) -> tuple[bytes, int]:
    """The content hash and the status of a memoised answer."""
    if data[:1] == FORMER_MEMO:
        return _former_memo(data)
    body(data, FORMATS["memo"])
    if len(data) < MEMO.size:
        raise BadFormat("memo is cut off")
    status, content, count = MEMO.unpack_from(data)
    at = MEMO.size + 4 * count  # the labels
    lengths = [size for (size,) in _LENGTH.iter_unpack(data[at : at + 4 * count])]
    end = at + 4 * count + sum(size for size in lengths if size != NO_RESULT)
    if len(lengths) != count or end != len(data):
        raise BadFormat("memo of no whole number of results")
    return content, status


def _former_memo(data: bytes) -> tuple[bytes, int]:
    content, status, results, names = unpack(data)
    if not isinstance(content, bytes) or not isinstance(status, int) or len(results) != len(names):
        raise BadFormat("memo of no known content")
    return content, status


def payment(data: bytes) -> bytes:
    """The reference of the last event of a payment."""
    rest = body(data)
    if len(rest) != 1 + EVENT_REF_BYTES or rest[:1] != b"T":
        raise BadFormat("last event of a payment")
    return rest[1:]


def sums(data: bytes) -> tuple[int, ...]:
    """Counters over their whole ring."""
    rest = body(data)
    if len(rest) < 6:
        raise BadFormat("sums are cut off")
    fields, slots = rest[4], rest[5]
    if len(rest) != 6 + 4 * fields * (1 + slots):
        raise BadFormat("sums of another size than they say")
    return codecs.sums(rest[6 : 6 + 4 * fields])


def pairs(data: bytes) -> tuple[int, dict[bytes, int]]:
    """Meetings with everybody, and with each partner that has an entry."""
    rest = body(data)
    if len(rest) < _PAIRS.size:
        raise BadFormat("pairs are cut off")
    total, tail, _, entries = _PAIRS.unpack_from(rest)
    listed = rest[_PAIRS.size : _PAIRS.size + entries * _PARTNER.size]
    met = dict(_PARTNER.iter_unpack(listed)) if len(listed) == entries * _PARTNER.size else {}
    if len(met) != entries or sum(met.values()) + tail != total:
        raise BadFormat("pairs do not add up")
    return total, met

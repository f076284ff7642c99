"""The operations an event asks of the state. Each has an exact undo, and an answer of bytes for
`state.codecs`.

An op names its entity, which decides the hash tag it is sent to. Ops on the beneficiary (log, facts,
registry) are home ops; all others are away ops. Days are day numbers, amounts centimes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from struct import Struct
from typing import NamedTuple
from zlib import crc32

from state import keys
from state.codecs import CLONE_BYTES, DOCUMENT_BYTES, FACT_BYTES, LOG_BYTES
from state.keys import Role
from state.packing import FALSE, INT64, array, integer, raw

DAY_SECONDS = 86400
LATENESS_DAYS = 92  # records are kept this much longer than any window asks, for events that come late
KEEP_LONG = 760 * DAY_SECONDS  # outlives an event record's 24 months: an undo finds what it undoes
KEEP_SHORT = 130 * DAY_SECONDS  # windows of 90 days of care, and a month of lateness
FOREVER = 0

APPEND, REGISTER, TILE, DAY, COUNT, SUMS, PAIR = 1, 2, 3, 4, 5, 6, 7

_TILE = Struct(">BqBiBIBqB8s")
_DAY = Struct(">BiB8sBI")
_WINDOW = Struct(">BqBqBqBq")
_RAW8, _INT32, _UINT32 = 0xA8, 0xD2, 0xCE
_APPEND, _TILED = array(7) + bytes((APPEND,)), array(8) + bytes((TILE,))
_APPENDED, _TILE_KEPT = array(4) + bytes((APPEND,)), array(7) + bytes((TILE,))
_DAY_KEPT, _COUNT_KEPT = array(5) + bytes((DAY,)), array(4) + bytes((COUNT,))
_KEPT_SIZE = Struct(">BBI")  # a size below 128 is its own byte
_DAILY, _COUNTED = array(5) + bytes((DAY,)), array(5) + bytes((COUNT,))
_SUMMED, _SUMS_KEPT = array(6) + bytes((SUMS,)), array(6) + bytes((SUMS,))
_PAIRED, _PAIR_KEPT = array(5) + bytes((PAIR,)), array(4) + bytes((PAIR,))
_KEPT_FACTS = integer(FACT_BYTES) + FALSE + FALSE + integer(FOREVER)
_KEPT_COUNT = integer(KEEP_SHORT)
_FACTS_SIZE = integer(FACT_BYTES) + integer(FOREVER)
_REGISTERED, _LOOK = array(5) + bytes((REGISTER,)), raw(b"") + integer(0) + integer(0)
_LABEL = Struct("<I")
_HOME_NAMED = {kind: raw(kind.encode()) for kind in ("b:", "k:", "r:")}
PLACES = 1 << 14  # names of providers, and of what is counted by them, of which a worker remembers the keys


class Place(NamedTuple):
    """Where an operation works, and what a call says of its first key. Made once for entities that come again."""

    entity: str
    keys: tuple[str, ...]  # without the tag's prefix
    label: bytes  # four bytes that tell the op from the others of its event
    named: bytes  # the first key as the event's record names it; a beneficiary's key without the beneficiary


class Op(NamedTuple):
    """One operation, packed but for the numbers of its keys, and what of it the event's record is told."""

    place: Place
    head: bytes  # array head and code
    tail: bytes  # the arguments after the keys
    mark: bytes = b""  # array head and code of the effect to take out again; empty where there is none
    kept: bytes = b""  # the effect's arguments after the key


_op = tuple.__new__  # a dozen a claim: three times as fast as the named constructor


class Read(NamedTuple):
    """A fresh look at a key, never memoised. Kinds: 1 value, 2 whole hash, 3 last revision of a verdict."""

    entity: str
    key: str
    kind: int


def _place(entity: str, *names: str) -> Place:
    first = names[0].encode()
    return _op(Place, (entity, names, _LABEL.pack(crc32(first)), raw(first)))


def _home(beneficiary: str, key: str) -> Place:
    label = _LABEL.pack(crc32(key.encode()))
    return _op(Place, (beneficiary, (key,), label, _HOME_NAMED[key[:2]]))


@lru_cache(maxsize=PLACES)
def _tiles(role: Role, name: str) -> Place:
    return _place(name, keys.tiles(role, name), keys.patients(role, name))


@lru_cache(maxsize=PLACES)
def _counted(family: str, bucket: int) -> Place:
    return _place(family, keys.family(family, bucket), keys.family(family, bucket - 1))


@lru_cache(maxsize=PLACES)
def _summed(role: Role, name: str) -> Place:
    return _place(name, keys.sums(role, name))


@lru_cache(maxsize=1 << 12)
def _window(size: int, cut: int, keep: int) -> tuple[bytes, bytes]:
    """What an append says of its window, and what of it the event's record keeps; days come again and again."""
    window = _WINDOW.pack(INT64, size, INT64, cut, INT64, cut - LATENESS_DAYS, INT64, keep)
    return window, _KEPT_SIZE.pack(size, _UINT32, keep)


@lru_cache(maxsize=1 << 12)
def _ring(bucket: int, slots: int, days: int) -> tuple[bytes, bytes]:
    """What sums say of their ring before the numbers and after."""
    return integer(bucket) + integer(slots), integer((slots * days + LATENESS_DAYS) * DAY_SECONDS)


def _append(place: Place, records: bytes, size: int, cut: int, keep: int) -> Op:
    window, kept = _window(size, cut, keep)
    return _op(Op, (place, _APPEND, raw(records) + window, _APPENDED if records else b"", kept))


def append_log(beneficiary: str, records: bytes, cut: int) -> Op:
    """Add care lines (`codecs.pack_log`); answers those there before, from day of care `cut` on."""
    return _append(_home(beneficiary, keys.log(beneficiary)), records, LOG_BYTES, cut, KEEP_LONG)


def append_facts(beneficiary: str, records: bytes) -> Op:
    """Add permanent facts (none: only look); answers all facts there before."""
    mark = _APPENDED if records else b""
    tail = raw(records) + _KEPT_FACTS
    return _op(Op, (_home(beneficiary, keys.facts(beneficiary)), _APPEND, tail, mark, _FACTS_SIZE))


def append_document(document: str, records: bytes, cut: int) -> Op:
    """Add uses of a document; answers the uses there before from day `cut` on."""
    return _append(_place(document, keys.document(document)), records, DOCUMENT_BYTES, cut, KEEP_LONG)


def append_clone(inpe: str, signature: str, records: bytes, cut: int) -> Op:
    """Add a use of a clone signature; answers the provider's uses there before from day `cut` on."""
    return _append(_place(inpe, keys.clones(inpe, signature)), records, CLONE_BYTES, cut, KEEP_SHORT)


def register(beneficiary: str, value: bytes, micros: int, offset: int) -> Op:
    """Offer a registry entry, stamped by `event_time` in microseconds and then offset; answers the one in
    force.

    Never undone: an entry is superseded by a later one. `value` must not be empty.
    """
    tail = raw(value) + integer(micros) + integer(offset)
    return Op(_home(beneficiary, keys.registry(beneficiary)), _REGISTERED, tail)


def registered(beneficiary: str) -> Op:
    """Look at the registry entry in force, memoised with the event."""
    return _op(Op, (_home(beneficiary, keys.registry(beneficiary)), _REGISTERED, _LOOK, b"", b""))


def tile(role: Role, inpe: str, *, instant: int, day: int, lines: int, amount: int, beneficiary: bytes) -> Op:
    """Count one claim of an executor ("p") or prescriber ("q"), or what else a role counts (`keys.Role`); answers its
    windows, this claim included.

    `instant` is the arrival in seconds, `day` the calendar day of that arrival where the payer lives,
    `beneficiary` the 8-byte reference.
    """
    tail = _TILE.pack(INT64, instant, _INT32, day, _UINT32, lines, INT64, amount, _RAW8, beneficiary)
    return _op(Op, (_tiles(role, inpe), _TILED, tail, _TILE_KEPT, tail))


def day(inpe: str, care_day: int, minutes: int, beneficiary: bytes, commune: int) -> Op:
    """Enter one claim in the sheet of a provider's day of care; answers the sheet. `commune` 0: not known."""
    tail = _DAY.pack(_INT32, minutes, _RAW8, beneficiary, _UINT32, commune)
    return _op(Op, (_place(inpe, keys.sheet(inpe, care_day)), _DAILY, tail, _DAY_KEPT, tail))


def count(family: str, bucket: int, member: str, keep: int | None = None) -> Op:
    """Count a member in a family's bucket; answers this bucket and the one before. `keep`: seconds, else 130 days."""
    if not member:
        raise ValueError("a counted member has a name")
    tail = raw(member.encode()) + (_KEPT_COUNT if keep is None else integer(keep))
    return _op(Op, (_counted(family, bucket), _COUNTED, tail, _COUNT_KEPT, tail))


def sums(role: Role, name: str, deltas: Sequence[int], *, bucket: int, slots: int, days: int) -> Op:
    """Add to counters in a ring of `slots` buckets of `days` days; answers each of them over the whole ring.

    `bucket` is the number of the bucket, `deltas` one integer a field, none below zero. A name in one role always
    has the same fields and slots.
    """
    before, after = _ring(bucket, slots, days)
    tail = before + raw(_deltas(len(deltas)).pack(*deltas)) + after
    return _op(Op, (_summed(role, name), _SUMMED, tail, _SUMS_KEPT, tail))


@lru_cache(maxsize=16)
def _deltas(count: int) -> Struct:
    return Struct(f"<{count}i")


def pair(kind: str, first: str, partner: bytes, *, bucket: int, days: int) -> Op:
    """Count a meeting of an entity with a partner (8-byte reference) in a bucket of `days` days; answers that
    bucket and the one before.

    The first 128 partners of a bucket are counted exactly, all others in a sketch (docs/decisions/0011).
    """
    both = _place(first, keys.pair(kind, first, bucket), keys.pair(kind, first, bucket - 1))
    tail = raw(partner) + _ring(bucket, 2, days)[1]
    return _op(Op, (both, _PAIRED, tail, _PAIR_KEPT, tail))


def read_claim(beneficiary: str, claim_id: str) -> Read:
    """The state of a claim, as a dict of bytes."""
    return Read(beneficiary, keys.claim(claim_id), 2)


def read_open(beneficiary: str) -> Read:
    """The open events of a beneficiary, as a dict of bytes."""
    return Read(beneficiary, keys.open_events(beneficiary), 2)


def read_verdict(beneficiary: str, event_id: str) -> Read:
    """The last verdict of an event, as [revision, blob] or None."""
    return Read(beneficiary, keys.verdict(event_id), 3)


def read_registry(beneficiary: str) -> Read:
    """The registry entry as it stands now; `codecs.registry_value` takes the value out of it."""
    return Read(beneficiary, keys.registry(beneficiary), 1)

"""Bytes to and from the types of `schemas.observation`. All little-endian, records of one size.

Every record begins with its event reference (12 bytes) and its day (int32): the functions in Redis sort,
cut and take out by these two and know nothing else of a record.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from struct import Struct

from schemas.observation import (
    Accord,
    CloneUse,
    DaySheet,
    DocumentUse,
    Fact,
    Frequency,
    LogLine,
    PairCount,
    PairWindow,
    ProviderWindow,
)

_LOG = Struct("<12si8sqIIIIIqHBB")
_FACT = Struct("<12siiBB2xII")
_DOCUMENT = Struct("<12si8s8s8sIIB3x")
_ACCORD = Struct("<12si8s8sqIIBxH")  # as long as a document's use, with the person at the same place
_VALIDITY = Struct("<ii")
_CLONE = Struct("<12si8sq")
_WINDOW = Struct("<3d3fd7f")
_SHEET = Struct("<iII")
_FREQUENCY = Struct("<6I")
_STAMP = Struct("<dd")
_PAIR = Struct("<IIIHB")

FactFields = tuple[bytes, int, int, int, int, int, int]
DocumentFields = tuple[bytes, int, bytes, bytes, bytes, int, int, int]
"""The fields of a `Fact` and of a `DocumentUse`, also as plain tuples."""

_make = (
    tuple.__new__
)  # a named tuple of fields that a Struct has counted already: `T._make` counts them again

LOG_BYTES = _LOG.size
FACT_BYTES = _FACT.size
DOCUMENT_BYTES = _DOCUMENT.size
CLONE_BYTES = _CLONE.size
_SIGNED, _UNSAID = 0x100, 2**30 - 1  # below every interned number: a document's use has some there
STAMP_BYTES = 17  # version byte, two doubles: what stands before the value of a registry entry


def pack_log(lines: Iterable[LogLine]) -> bytes:
    """64 bytes a line. Raises struct.error for a field out of its range."""
    pack = _LOG.pack
    return b"".join(
        [
            pack(event, day, claim, at, executor, prescriber, act, site, quantity, amount, line, group, by)
            for (
                event,
                claim,
                day,
                at,
                executor,
                prescriber,
                act,
                site,
                quantity,
                amount,
                line,
                group,
                by,
            ) in lines
        ]
    )


def unpack_log(data: bytes) -> list[LogLine]:
    """Lines of a log, by day of care, ties in order of arrival."""
    make = _make
    return [
        make(
            LogLine,
            (event, claim, day, at, executor, prescriber, act, site, quantity, amount, line, group, by),
        )
        for event, day, claim, at, executor, prescriber, act, site, quantity, amount, line, group, by in (
            _LOG.iter_unpack(data)
        )
    ]


def pack_facts(facts: Iterable[FactFields]) -> bytes:
    """32 bytes a fact."""
    return b"".join(
        [
            _FACT.pack(event, day, until, kind, detail, key, provider)
            for event, day, until, kind, key, provider, detail in facts
        ]
    )


def unpack_facts(data: bytes) -> list[Fact]:
    """Facts by first day."""
    return [
        _make(Fact, (event, day, until, kind, key, provider, detail))
        for event, day, until, kind, detail, key, provider in _FACT.iter_unpack(data)
    ]


def pack_document(use: DocumentFields) -> bytes:
    """52 bytes for one use."""
    return _DOCUMENT.pack(*use)


def unpack_documents(data: bytes) -> list[DocumentUse]:
    """Uses of one document by day."""
    return [_make(DocumentUse, fields) for fields in _DOCUMENT.iter_unpack(data)]


def pack_accords(accords: Iterable[Accord], second: int = 0) -> bytes:
    """52 bytes each. `second` is that of the day at which a decision was taken: the later one of a day stands."""
    return b"".join(
        [
            _ACCORD.pack(
                one.event,
                one.day,
                one.claim if one.decision < 0 else _VALIDITY.pack(one.first, one.last),
                one.beneficiary,
                one.amount,
                min(one.quantity, _UNSAID - 1) if one.quantity >= 0 else _UNSAID,
                one.act,
                one.decision % _SIGNED,
                second // 2,
            )
            for one in accords
        ]
    )


def unpack_accords(data: bytes) -> list[Accord]:
    """Decisions and uses of one prior approval, by day and time of day."""
    found = []
    for event, day, where, who, amount, quantity, act, decision, at in _ACCORD.iter_unpack(data):
        care = decision >= _SIGNED // 2
        first, last = (day, day) if care else _VALIDITY.unpack(where)
        said = -1 if quantity == _UNSAID else quantity
        claim = where if care else b""
        one = Accord(event, day, claim, first, last, who, amount, said, act, decision - _SIGNED * care)
        found.append((day, at, one))
    found.sort(key=lambda entry: entry[:2])
    return [one for _, _, one in found]


def pack_clones(uses: Iterable[CloneUse]) -> bytes:
    """32 bytes a use."""
    return b"".join([_CLONE.pack(*use) for use in uses])


def unpack_clones(data: bytes) -> list[CloneUse]:
    """Uses of one signature at one provider by day."""
    return [_make(CloneUse, fields) for fields in _CLONE.iter_unpack(data)]


def window(data: bytes) -> ProviderWindow:
    """The answer of a TILE op."""
    return _make(ProviderWindow, _WINDOW.unpack(data))


def day_sheet(data: bytes) -> DaySheet:
    """The answer of a DAY op."""
    return _make(DaySheet, _SHEET.unpack(data))


def frequency(data: bytes) -> Frequency:
    """The answer of a COUNT op."""
    return _make(Frequency, _FREQUENCY.unpack(data))


def sums(data: bytes) -> tuple[int, ...]:
    """The answer of a SUMS op: its fields over the ring."""
    return _sums(len(data) // 4).unpack(data)


@lru_cache(maxsize=16)
def _sums(count: int) -> Struct:
    return Struct(f"<{count}i")


def pair_window(data: bytes) -> PairWindow:
    """The answer of a PAIR op."""
    counts = [
        _make(PairCount, (own, total, tail, partners, exact == 1))
        for own, total, tail, partners, exact in _PAIR.iter_unpack(data)
    ]
    return _make(PairWindow, counts)


def registry_stamp(stored: bytes) -> tuple[float, float]:
    """Microseconds of `event_time`, and offset, of a registry entry as it is stored."""
    micros, offset = _STAMP.unpack_from(stored, 1)
    return micros, offset


def registry_value(stored: bytes | None) -> bytes | None:
    """The value inside a registry entry that was read as it is stored."""
    return None if stored is None else stored[STAMP_BYTES:]

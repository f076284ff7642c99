"""What stays known of a beneficiary for good, read from the permanent facts: teeth, stays, once-in-life acts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from schemas.enums import FACT_KINDS, SIDES, TOOTH_CLASSES, Side, ToothClass
from schemas.observation import DocumentUse, Fact

TOOTH, ONCE, DEVICE, STAY = (FACT_KINDS.index(kind) for kind in ("TOOTH", "ONCE", "DEVICE", "STAY"))
EXTRACTION: Final = TOOTH_CLASSES.index("EXTRACTION")


class Treatment(NamedTuple):
    """What was done to a tooth, and when."""

    day: int
    tooth_class: ToothClass | None  # None: the record is older than the class, or says none
    provider: int
    event: bytes


class Stay(NamedTuple):
    """A stay in an establishment; both days belong to it."""

    first: int
    last: int
    provider: int
    event: bytes


def teeth(facts: Iterable[Fact]) -> dict[int, tuple[Treatment, ...]]:
    """Tooth (FDI) -> what was done to it, oldest first."""
    found: dict[int, list[Treatment]] = {}
    for fact in _of(facts, TOOTH):
        known = TOOTH_CLASSES[fact.detail - 1] if 0 < fact.detail <= len(TOOTH_CLASSES) else None
        found.setdefault(fact.key, []).append(Treatment(fact.day, known, fact.provider, fact.event))
    return {tooth: tuple(done) for tooth, done in found.items()}


def extracted(facts: Iterable[Fact]) -> dict[int, int]:
    """Tooth -> the day on which it was taken out (the first, where two claims say so)."""
    gone: dict[int, int] = {}
    for fact in _of(facts, TOOTH):
        if fact.detail == EXTRACTION + 1:
            gone.setdefault(fact.key, fact.day)
    return gone


def stays(facts: Iterable[Fact]) -> tuple[Stay, ...]:
    """Every stay, by its first day."""
    return tuple(Stay(fact.day, fact.until, fact.provider, fact.event) for fact in _of(facts, STAY))


def inside(known: Iterable[Stay], day: int) -> tuple[Stay, ...]:
    """The stays that a day lies strictly inside: neither that of admission nor that of discharge."""
    return tuple(stay for stay in known if stay.first < day < stay.last)


def overlapping(known: Iterable[Stay], first: int, last: int) -> tuple[Stay, ...]:
    """The stays that share more than an end day with [first, last]: a transfer is no overlap."""
    return tuple(stay for stay in known if stay.first < last and first < stay.last)


def once(facts: Iterable[Fact]) -> dict[tuple[int, Side | None], tuple[Fact, ...]]:
    """(act, side) -> the times an act that is done once in a life was billed; side None: not stated."""
    found: dict[tuple[int, Side | None], list[Fact]] = {}
    for fact in _of(facts, ONCE):
        side = SIDES[fact.detail - 1] if 0 < fact.detail <= len(SIDES) else None
        found.setdefault((fact.key, side), []).append(fact)
    return {key: tuple(times) for key, times in found.items()}


def devices(facts: Iterable[Fact]) -> dict[int, int]:
    """Device class (interned) -> the last day on which one was supplied."""
    return {fact.key: fact.day for fact in _of(facts, DEVICE)}


def documents(seen: Iterable[tuple[int, str, list[DocumentUse]]]) -> dict[str, int]:
    """Document -> how many claims have used it before."""
    return {key: len({use.claim for use in uses}) for _, key, uses in seen}


def _of(facts: Iterable[Fact], kind: int) -> list[Fact]:
    return sorted((fact for fact in facts if fact.kind == kind), key=lambda fact: fact.day)

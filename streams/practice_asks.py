"""What a claim asks of the windows of those behind its lines: performers, networks, executors' shares, pairs, communes.

Each is derived from the claim and the referentials alone, like everything in `streams.asking`.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from detectors.reading import DRUGS
from detectors.referentials import Referentials
from schemas.claim import Claim, Line
from schemas.observation import Observation, Shares, entity_ref
from schemas.referential import ActRow
from state import codecs, ops

if TYPE_CHECKING:
    from streams.questions import Question
    from streams.told import Told

OFF_DAYS = frozenset({"SUNDAY", "FIXED", "MOVEABLE"})
SUNDAY = 6
SHARE_DAYS, SHARE_SLOTS = 30, 7  # P06 reads 180 days: seven buckets of 30 hold them whatever the day
PAIR_DAYS = 90  # R01's window
COMMUNE_DAYS = 30  # P05's longer window
DIGITS = 10
Tariff = tuple[bool, float, int | None]
"""Whether the day is off, from which coefficient on an act is at the letter's top, and what a unit is worth."""
K = TypeVar("K")
T = TypeVar("T")


def ask(asked: Question, claim: Claim, referentials: Referentials, told: Told, commune: str | None) -> None:
    """Add the operations. `commune`: the beneficiary's, where it is known."""
    acted: dict[str, list[Line]] = {}
    pairs: dict[tuple[str, str], None] = {}
    networks: dict[str, list[Line]] = {}
    for line in claim.lines:
        executor, performer, prescriber = line.executor, line.performer, line.prescriber
        if performer is not None and performer != executor:
            acted.setdefault(performer, []).append(line)
        if executor is None:
            continue
        if prescriber is not None and prescriber != executor:
            pairs[prescriber, executor] = None
        entry = referentials.provider(executor)
        if entry is not None and entry.network is not None:
            networks.setdefault(entry.network, []).append(line)
    away, newest = asked.away, told.newest
    away += [told.tile("f", name, lines) for name, lines in acted.items()]
    away += [told.tile("n", name, lines) for name, lines in networks.items()]
    for name, lines in told.bills.items():
        added, bucket = deltas(claim, lines, referentials), newest[name] // SHARE_DAYS
        away.append(ops.sums("p", name, added, bucket=bucket, slots=SHARE_SLOTS, days=SHARE_DAYS))
    for prescriber, executor in pairs:
        bucket = newest[executor] // PAIR_DAYS
        away.append(ops.pair("pe", prescriber, entity_ref(executor), bucket=bucket, days=PAIR_DAYS))
    if commune is not None:
        member = told.beneficiary.hex()
        for name, day in newest.items():
            away.append(ops.count(f"from|{name}|{commune}", day // COMMUNE_DAYS, member))
        asked.patients_from = list(newest)
    asked.performers, asked.networks, asked.shares = list(acted), list(networks), list(told.bills)
    asked.pairs = list(pairs)


def read(seen: Observation, asked: Question, answers: Iterator[bytes | None]) -> None:
    """Read their answers, in the order of `ask`. What an older version's memo lacks stays unknown."""
    seen.performers = known(asked.performers, answers, codecs.window)
    seen.networks = known(asked.networks, answers, codecs.window)
    seen.shares = known(asked.shares, answers, _shares)
    seen.pairs = known(asked.pairs, answers, codecs.pair_window)
    seen.patients_from = known(asked.patients_from, answers, codecs.frequency)


def known(names: list[K], answers: Iterator[bytes | None], decode: Callable[[bytes], T]) -> dict[K, T]:
    """What the next answers say of each name. One that is not remembered is left out: a replay may ask for more than
    was asked at first, where the tables have changed in between.
    """
    found: dict[K, T] = {}
    for name in names:
        data = next(answers)
        if data is not None:
            found[name] = decode(data)
    return found


def _shares(data: bytes) -> Shares:
    lines, off_days, top, free, *digits = codecs.sums(data)
    return tuple.__new__(Shares, (lines, off_days, top, free, tuple(digits)))


def deltas(claim: Claim, lines: list[Line], referentials: Referentials) -> list[int]:
    """What an executor's lines add to its shares, in the order of `observation.Shares`."""
    off = top = free = 0
    digits = [0] * DIGITS
    entry = referentials.provider(lines[0].executor or "")
    kind, sector = (None, None) if entry is None else (entry.kind, entry.sector)
    known: dict[Any, Tariff] = referentials.memo.setdefault("tariffs", {})
    for line in lines:
        day = line.service_date
        if line.nomenclature == DRUGS:
            off += off_day(day, referentials)
            continue
        letter, coefficient = line.letter, line.coefficient
        if letter is None or coefficient is None:
            row = referentials.act(line.nomenclature, line.code, day)
            if row is not None:
                letter = letter or row.letter
                coefficient = row.coefficient if coefficient is None else coefficient
        of = letter, day, kind, sector, claim.organism
        tariff = known.get(of)
        if tariff is None:
            tariff = known[of] = _tariff(of, referentials)
        day_off, high, value = tariff
        off += day_off
        if coefficient is not None:
            top += coefficient >= high
        if (
            coefficient is None
            or value is None
            or abs(line.amount - value * coefficient * line.quantity) >= 1
        ):
            free += 1
            digits[line.amount // 100 % DIGITS] += 1
    return [len(lines), off, top, free, *digits]


def off_day(day: dt.date, referentials: Referentials) -> bool:
    """Whether a day is a Sunday or a holiday by the payer's calendar."""
    if day.weekday() == SUNDAY:
        return True
    known = referentials.memo.setdefault("off days", {})
    if day not in known:
        known[day] = any(row.kind in OFF_DAYS for row in referentials.calendar(day))
    return bool(known[day])


def _tariff(
    of: tuple[str | None, dt.date, str | None, str | None, str], referentials: Referentials
) -> Tariff:
    """Of (letter, day, kind and sector of the executor, organism): kept as long as the tables."""
    letter, day, kind, sector, organism = of
    if letter is None:
        return off_day(day, referentials), math.inf, None
    value = referentials.letter_value(letter, day, kind, sector, organism)
    return off_day(day, referentials), _high(letter, day, referentials), value


def _high(letter: str, day: dt.date, referentials: Referentials) -> float:
    """The coefficient from which on a quarter of the letter's acts lie; infinite where all are alike."""
    editions = referentials.tables.get("acts", ())
    edition = next((edition for edition in editions if edition.covers(day)), None)
    if edition is None:
        return math.inf
    known = referentials.memo.setdefault("high coefficients", {})
    of = edition.edition, letter
    if of not in known:
        rows = [row for rows in edition.index.values() for row in rows if isinstance(row, ActRow)]
        listed = sorted(
            {row.coefficient for row in rows if row.letter == letter and row.coefficient is not None}
        )
        known[of] = listed[len(listed) * 3 // 4] if len(listed) > 1 else math.inf
    return float(known[of])

"""What a claim asks of the windows of those behind its lines: performers, networks, executors' shares, pairs, communes.

Each is derived from the claim and the referentials alone, like everything in `streams.asking`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from detectors.reading import DRUGS
from detectors.referentials import Referentials
from detectors.tariffs import at_tariff, letter_of
from schemas.claim import Claim, Line
from schemas.observation import Observation, Shares, day_number, entity_ref
from schemas.referential import ActRow
from state import codecs, ops

if TYPE_CHECKING:
    from streams.asking import Question

OFF_DAYS = frozenset({"SUNDAY", "FIXED", "MOVEABLE"})
SUNDAY = 6
SHARE_DAYS, SHARE_SLOTS = 30, 7  # P06 reads 180 days: seven buckets of 30 hold them whatever the day
PAIR_DAYS = 90  # R01's window
COMMUNE_DAYS = 30  # P05's longer window
DIGITS = 10
K = TypeVar("K")
T = TypeVar("T")


def ask(
    asked: Question, claim: Claim, referentials: Referentials, arrival: int, day: int, commune: str | None
) -> None:
    """Add the operations. `arrival` is in seconds, `day` its calendar day, `commune` the beneficiary's."""
    who = entity_ref(claim.beneficiary)
    bills: dict[str, list[Line]] = {}
    acted: dict[str, list[int]] = {}
    pairs: dict[tuple[str, str], None] = {}
    networks: dict[str, list[int]] = {}
    for line in claim.lines:
        executor = line.executor
        if line.performer is not None and line.performer != executor:
            acted.setdefault(line.performer, []).append(line.amount)
        if executor is None:
            continue
        bills.setdefault(executor, []).append(line)
        if line.prescriber is not None and line.prescriber != executor:
            pairs[line.prescriber, executor] = None
        entry = referentials.provider(executor)
        if entry is not None and entry.network is not None:
            networks.setdefault(entry.network, []).append(line.amount)
    for name, amounts in acted.items():
        asked.away.append(
            ops.tile(
                "f", name, instant=arrival, day=day, lines=len(amounts), amount=sum(amounts), beneficiary=who
            )
        )
    for name, amounts in networks.items():
        asked.away.append(
            ops.tile(
                "n", name, instant=arrival, day=day, lines=len(amounts), amount=sum(amounts), beneficiary=who
            )
        )
    newest = {name: day_number(max([line.service_date for line in lines])) for name, lines in bills.items()}
    for name, lines in bills.items():
        bucket = newest[name] // SHARE_DAYS
        told = deltas(claim, lines, referentials)
        asked.away.append(ops.sums("p", name, told, bucket=bucket, slots=SHARE_SLOTS, days=SHARE_DAYS))
    for prescriber, executor in pairs:
        bucket = newest[executor] // PAIR_DAYS
        asked.away.append(ops.pair("pe", prescriber, entity_ref(executor), bucket=bucket, days=PAIR_DAYS))
    if commune is not None:
        for name in bills:
            family = f"from|{name}|{commune}"
            asked.away.append(ops.count(family, newest[name] // COMMUNE_DAYS, who.hex()))
        asked.patients_from = list(bills)
    asked.performers, asked.networks, asked.shares = list(acted), list(networks), list(bills)
    asked.pairs = list(pairs)


def read(seen: Observation, asked: Question, answers: Iterator[bytes | None]) -> None:
    """Read their answers, in the order of `ask`. What an older version's memo lacks stays unknown."""
    seen.performers = _known(asked.performers, answers, codecs.window)
    seen.networks = _known(asked.networks, answers, codecs.window)
    seen.shares = _known(asked.shares, answers, _shares)
    seen.pairs = _known(asked.pairs, answers, codecs.pair_window)
    seen.patients_from = _known(asked.patients_from, answers, codecs.frequency)


def _known(names: list[K], answers: Iterator[bytes | None], decode: Callable[[bytes], T]) -> dict[K, T]:
    found = [(name, next(answers)) for name in names]
    return {name: decode(data) for name, data in found if data is not None}


def _shares(data: bytes) -> Shares:
    lines, off_days, top, free, *digits = codecs.sums(data)
    return Shares(lines, off_days, top, free, tuple(digits))


def deltas(claim: Claim, lines: list[Line], referentials: Referentials) -> list[int]:
    """What an executor's lines add to its shares, in the order of `observation.Shares`."""
    off = top = free = 0
    digits = [0] * DIGITS
    for line in lines:
        off += off_day(line.service_date, referentials)
        letter, coefficient = letter_of(line, referentials)
        if letter is not None and coefficient is not None:
            top += coefficient >= _high(letter, line.service_date, referentials)
        if line.nomenclature != DRUGS and not at_tariff(claim, line, referentials):
            free += 1
            digits[line.amount // 100 % DIGITS] += 1
    return [*(len(lines), off, top, free), *digits]


def off_day(day: dt.date, referentials: Referentials) -> bool:
    """Whether a day is a Sunday or a holiday by the payer's calendar."""
    if day.weekday() == SUNDAY:
        return True
    known = referentials.memo.setdefault("off days", {})
    if day not in known:
        known[day] = any(row.kind in OFF_DAYS for row in referentials.calendar(day))
    return bool(known[day])


def _high(letter: str, day: dt.date, referentials: Referentials) -> float:
    """The coefficient from which on a quarter of the letter's acts lie; infinite where all are alike."""
    editions = referentials.tables.get("acts", ())
    edition = next((edition for edition in editions if edition.covers(day)), None)
    if edition is None:
        return float("inf")
    known = referentials.memo.setdefault("high coefficients", {})
    of = edition.edition, letter
    if of not in known:
        rows = [row for rows in edition.index.values() for row in rows if isinstance(row, ActRow)]
        listed = sorted(
            {row.coefficient for row in rows if row.letter == letter and row.coefficient is not None}
        )
        known[of] = listed[len(listed) * 3 // 4] if len(listed) > 1 else float("inf")
    return float(known[of])

"""What a claim asks of the windows of those behind its lines: performers, networks, executors' shares, pairs, communes.

Each is derived from the claim and the referentials alone, like everything in `streams.asking`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from detectors import grading
from detectors.places import kilometres, of_commune, of_provider
from detectors.referentials import Referentials
from detectors.steering import choices
from schemas.claim import Claim, Line
from schemas.observation import Brand, Grades, Observation, Shares, date_of, day_number, entity_ref
from state import codecs, ops
from state.ops import DAY_SECONDS

if TYPE_CHECKING:
    from streams.questions import Question
    from streams.told import Told

QUARTER_SLOTS = 4  # P02 and P06 read 90 days: four buckets of 30 hold them whatever the day
SHARE_DAYS, DIGIT_SLOTS = 30, 7  # and the digits of 180 days
PAIR_DAYS = 90  # R01's window
COMMUNE_DAYS, WEEK = 30, 7  # P05's
FAR_KM = 50.0  # whose patients are counted: nearer than a policy may set P05's distance
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
    _shares(asked, claim, referentials, told)
    for prescriber, executor in pairs:
        bucket = newest[executor] // PAIR_DAYS
        away.append(ops.pair("pe", prescriber, entity_ref(executor), bucket=bucket, days=PAIR_DAYS))
    for prescriber, chosen in choices(claim, referentials).items():
        bucket, keep = day_number(chosen.day) // PAIR_DAYS, (2 * PAIR_DAYS + ops.LATENESS_DAYS) * DAY_SECONDS
        whole = f"class|{chosen.family}"
        away.append(ops.count(f"{whole}|{chosen.brand}", bucket, prescriber, keep))
        away.append(ops.count(whole, bucket, prescriber, keep))
        asked.brands.append((prescriber, chosen.line))
    if commune is not None:
        _patients(asked, claim, referentials, told, commune)
    asked.performers, asked.networks, asked.pairs = list(acted), list(networks), list(pairs)


def _shares(asked: Question, claim: Claim, referentials: Referentials, told: Told) -> None:
    """What each executor's lines add to its shares; nothing where they add nothing."""
    away, days, newest = asked.away, SHARE_DAYS, told.newest
    found = {name: grading.tally(claim, lines, referentials) for name, lines in told.bills.items()}
    for name, one in found.items():
        if one.lines:
            counts, bucket = (one.lines, len(one.off)), newest[name] // days
            away.append(ops.sums("o", name, counts, bucket=bucket, slots=QUARTER_SLOTS, days=days))
            asked.shares.append(name)
    for name, one in found.items():
        if one.digits is not None:
            bucket = newest[name] // days
            away.append(ops.sums("d", name, one.digits, bucket=bucket, slots=DIGIT_SLOTS, days=days))
            asked.digits.append(name)
    for name, one in found.items():
        for letter, graded in one.letters.items():
            counts, bucket = (graded.lines, len(graded.top)), newest[name] // days
            of = f"{name}|{letter}"
            away.append(ops.sums("g", of, counts, bucket=bucket, slots=QUARTER_SLOTS, days=days))
            asked.grades.append((name, letter))
            asked.graded.append(graded)


def _patients(asked: Question, claim: Claim, referentials: Referentials, told: Told, commune: str) -> None:
    """The patient among those whom each executor sees from that far commune."""
    member = told.beneficiary.hex()
    for name, day in told.newest.items():
        when = date_of(day)
        home = of_commune(commune, when, referentials)
        there = of_provider(referentials.providers.get(name), when, referentials)
        if home is None or there is None or kilometres(home, there) <= FAR_KM:
            continue
        asked.away.append(ops.count(f"from|{name}|{commune}", day // COMMUNE_DAYS, member))
        asked.away.append(ops.count(f"week|{name}|{commune}", day // WEEK, member))
        asked.patients_from.append(name)


def read(seen: Observation, asked: Question, answers: Iterator[bytes | None]) -> None:
    """Read their answers, in the order of `ask`. What an older version's memo lacks stays unknown."""
    seen.performers = known(asked.performers, answers, codecs.window)
    seen.networks = known(asked.networks, answers, codecs.window)
    shares = known(asked.shares, answers, codecs.sums)
    seen.shares = {name: Shares(*sums) for name, sums in shares.items()}
    seen.digits = known(asked.digits, answers, codecs.sums)
    for of, graded in zip(asked.grades, asked.graded, strict=True):
        data = next(answers)
        if data is not None:
            lines, top = codecs.sums(data)
            seen.grades[of] = Grades(lines, top, graded.top, graded.mean)
    seen.pairs = known(asked.pairs, answers, codecs.pair_window)
    for prescriber, line in asked.brands:
        brand, whole = next(answers), next(answers)
        if brand is not None and whole is not None:
            seen.brands[prescriber] = Brand(line, codecs.frequency(brand), codecs.frequency(whole))
    for name in asked.patients_from:
        month, week = next(answers), next(answers)
        if month is not None and week is not None:
            seen.patients_from[name] = codecs.frequency(month)
            seen.patients_of_week[name] = codecs.frequency(week)


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

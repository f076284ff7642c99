"""What is usual among peers, for P02, P03 and P06: days off, last digits, coefficients, the pace of newcomers.

Beside `activity`, whose figures change with every claim: these are windows of months, and a provider tells its own
with every tenth claim.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from detectors.models.activity import MAX_MEMBERS, MIN_CLAIMS, MIN_MEMBERS, STALE_DAYS
from detectors.models.keys import Bill
from detectors.models.records import EVERYBODY, Habits, HabitsRecord, Norm, NormsRecord, admit

EVERY: Final = 10
"""Claims of a provider between two tellings."""
LEAST_LINES: Final = 30
"""Lines that make a share: P02's and P06's own least."""
LEAST_DIGITS: Final = 300
"""Amounts that make a spread of digits: P06's own least."""
UPPER: Final = 0.95
NOT_KNOWN: Final = -1.0


def told(bill: Bill, day: int) -> list[Any] | None:
    """What the provider's peers learn from this claim; None where it is not its turn.

    [day, lines, lines on days off, unevenness of last digits or -1, claims of seven days if new or -1,
    {letter: [lines, top]}]
    """
    window = bill.window
    if window is None or window.claims_30d < MIN_CLAIMS or int(window.claims_30d) % EVERY:
        return None
    shares, digits = bill.shares, bill.digits
    return [
        day,
        *((shares.lines, shares.off_days) if shares is not None else (0, 0)),
        NOT_KNOWN if digits is None or sum(digits) < LEAST_DIGITS else unevenness(digits),
        window.claims_7d if bill.newcomer else NOT_KNOWN,
        {letter: [grades.lines, grades.top] for letter, grades in bill.grades.items()},
    ]


def unevenness(digits: tuple[int, ...]) -> float:
    """Nigrini's mean absolute deviation of last digits from a tenth each; at least one must be counted."""
    total = sum(digits)
    return sum(abs(count / total - 0.1) for count in digits) / len(digits)


def fold(
    record: HabitsRecord | None, summary: NormsRecord | None, inpe: str, own: list[Any]
) -> tuple[HabitsRecord, NormsRecord | None]:
    """A provider's latest habits: the members after it, and the norms when it is time to compute them again.

    The table is taken over from the record, which must not be used again. Letters that the claim did not have stay.
    """
    held = record or HabitsRecord()
    table, before = held.members, held.members.get(inpe)
    letters = dict(before.letters) if before is not None else {}
    letters.update({letter: (counts[0], counts[1]) for letter, counts in own[5].items()})
    reach = admit(
        table, inpe, Habits(own[0], own[1], own[2], own[3], own[4], letters), held.reach, MAX_MEMBERS
    )
    if reach is None:
        return held, None
    updates = held.updates + 1
    if updates % max(MIN_MEMBERS // 4, len(table) // 4):
        return HabitsRecord(updates=updates, reach=reach, members=table), None
    oldest = max(one.day for one in table.values()) - STALE_DAYS
    table = {name: one for name, one in table.items() if one.day > oldest}
    done = _norms(list(table.values()), 0 if summary is None else summary.updates)
    reach = EVERYBODY if len(table) < MAX_MEMBERS else reach
    return HabitsRecord(updates=updates, reach=reach, members=table), done


def _norms(members: list[Habits], updates: int) -> NormsRecord:
    letters: dict[str, list[tuple[int, int]]] = {}
    for one in members:
        for letter, (lines, top) in one.letters.items():
            if lines >= LEAST_LINES:
                letters.setdefault(letter, []).append((lines, top))
    off = [(one.lines, one.off_days) for one in members if one.lines >= LEAST_LINES]
    return NormsRecord(
        updates=updates + 1,
        off_days=_shares(off),
        digits=_norm([one.digits for one in members if one.digits >= 0.0]),
        newcomers=_norm([one.fresh for one in members if one.fresh >= 0.0]),
        letters={letter: _shares(counts) for letter, counts in sorted(letters.items())},
    )


def _shares(counts: Iterable[tuple[int, int]]) -> Norm:
    return _norm([part / whole for whole, part in counts])


def _norm(values: list[float]) -> Norm:
    """(members, mean, 95 % point): the largest value that no more than the rest exceed."""
    if not values:
        return (0, 0.0, 0.0)
    ordered = sorted(values)
    return len(ordered), sum(ordered) / len(ordered), ordered[int(UPPER * (len(ordered) - 1))]

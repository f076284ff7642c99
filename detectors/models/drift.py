"""Page and Hinkley's test of a rising mean, as River has it (`drift.PageHinkley`, mode up), on plain floats.

A series is how one provider codes one key letter: the mean coefficient of a claim's lines, as a share of the one at
which the letter's upper quarter begins.
"""

from __future__ import annotations

from typing import Final

from detectors.models.records import Drift
from detectors.models.series import usable

MIN_CLAIMS: Final = 30
"""Claims before the mean is one: River's default."""
DELTA: Final = 0.05
"""Rise of a mean that is let pass: a twentieth of the upper quarter's coefficient."""
LIMIT: Final = 10.0
"""Cumulated rise beyond DELTA: some 40 claims whose coefficients are higher by a third."""
ALPHA: Final = 1.0 - 0.0001
"""Forgetting of the cumulated rise: River's default."""
MOST_LETTERS: Final = 16
"""Series kept of one provider: the letters that it bills first."""


def fold(drifts: dict[str, Drift], letter: str, value: float, day: int) -> dict[str, Drift]:
    """The provider's series after one more claim; an alarm begins a new series, and its day is kept."""
    own = drifts.get(letter)
    if not usable(value) or (own is None and len(drifts) >= MOST_LETTERS):
        return drifts
    n, mean, rise, least, alarm = own or (0, 0.0, 0.0, 0.0, 0)
    n += 1
    mean += (value - mean) / n
    rise = ALPHA * rise + value - mean - DELTA
    least = rise if n == 1 else min(least, rise)
    if n >= MIN_CLAIMS and rise - least > LIMIT:
        return {**drifts, letter: (0, 0.0, 0.0, 0.0, max(alarm, day))}
    return {**drifts, letter: (n, mean, rise, least, alarm)}


def alarm(drifts: dict[str, Drift], letter: str) -> int:
    """Day of arrival of the letter's last alarm; 0: never."""
    own = drifts.get(letter)
    return 0 if own is None else own[4]

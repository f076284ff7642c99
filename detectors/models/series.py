"""The arithmetic that every model shares: running statistics as plain floats, shrinkage, hinges.

River's `stats.EWMean` and `stats.EWVar` hold their state inside a compiled object: to build one again takes
0.5 us, an update on plain floats 0.2, and a provider's record would need ten. So the same recurrences
travel in a record as floats, and the tests run River beside them as the oracle.
"""

from __future__ import annotations

from math import asin, log, pi, sqrt
from typing import Final

CLIP_SD: Final = 3.0
"""An update counts for at most this many standard deviations, so that one absurd amount cannot move a
baseline."""
CLIP_AFTER: Final = 10
"""Observations before clipping begins: earlier the standard deviation itself is noise."""
FLOOR_SD: Final = 0.05
"""Least standard deviation used to clip: a series that never varied (a flat tariff) must still be able to
follow a reform."""
BOUND: Final = 1e6
KNOT: Final = 2.5
"""Where a model's hinge starts: 0.6 % of normal values lie beyond."""
TERM_CAP: Final = 3.0
"""What one model may add to the log odds at most."""
START_WEIGHT: Final = 0.7
"""Weight of a model's hinge before any review (log odds per standard deviation beyond the knot)."""
HINGE_CAP: Final = TERM_CAP / START_WEIGHT
"""The hinge that earns the whole cap at the start weight."""


def step(mean: float, var: float, x: float, factor: float) -> tuple[float, float]:
    """One exponentially weighted update of (mean, population variance).

    `factor` is River's fading factor; 1/n makes it the plain running mean and variance of n values.
    Equal to `EWMean.update` and, but for rounding, to `EWVar.update`, which subtracts two means of squares.
    """
    delta = x - mean
    return mean + factor * delta, (1.0 - factor) * (var + factor * delta * delta)


def warm_factor(n: int, fading: float) -> float:
    """Fading factor of the n-th update: 1/n until `fading` is the larger, so that the first value does not
    weigh for ever."""
    warm = 1.0 / n
    return warm if warm > fading else fading


def follow(
    mean: float, var: float, n: int, x: float, fading: float, least_var: float = 0.0
) -> tuple[float, float]:
    """(mean, variance) of n values after one more: `clip`, `warm_factor` and `step` in one.

    The variance that clips is `least_var` at least.
    """
    if n >= CLIP_AFTER:
        sd = sqrt(var if var > least_var else least_var)
        reach = CLIP_SD * (sd if sd > FLOOR_SD else FLOOR_SD)
        if x > mean + reach:
            x = mean + reach
        elif x < mean - reach:
            x = mean - reach
    factor = 1.0 / (n + 1)
    if factor < fading:
        factor = fading
    delta = x - mean
    return mean + factor * delta, (1.0 - factor) * (var + factor * delta * delta)


def clip(x: float, mean: float, var: float, n: int) -> float:
    """`x` brought within three standard deviations of the mean, once there are enough observations to say
    so."""
    if n < CLIP_AFTER:
        return x
    sd = sqrt(var)
    reach = CLIP_SD * (sd if sd > FLOOR_SD else FLOOR_SD)
    if x > mean + reach:
        return mean + reach
    return x if x >= mean - reach else mean - reach


def usable(value: float) -> bool:
    """Whether a value may enter a baseline. One NaN would stay in an exponentially weighted mean for ever;
    and no logarithm or count that the models meet comes near the bound."""
    return -BOUND < value < BOUND


def shrunk_z(x: float, n: int, mean: float, var: float, k: float) -> float:
    """How far a standardised value lies from a subject's own habit, shrunk to the peers by k
    pseudo-observations.

    The peers are the standard normal (mean 0, variance 1); n, mean and var are the subject's own.
    """
    total = n + k
    centre = n * mean / total
    spread = (n * var + k + n * k * mean * mean / (total * total)) / total
    return (x - centre) / sqrt(spread * (1.0 + 1.0 / total))


def root(count: float) -> float:
    """Anscombe's transform of a count: the variance of a Poisson becomes 1."""
    return 2.0 * sqrt((count if count > 0.0 else 0.0) + 0.375)


def angle(share: float) -> float:
    """The arcsine transform of a share: the variance of a binomial of n trials becomes 1/n."""
    if 0.0 < share < 1.0:
        return 2.0 * asin(sqrt(share))
    return pi if share >= 1.0 else 0.0


def hinge(z: float) -> float:
    """What exceeds the knot, capped where it has earned the whole term; 0 for a value that is not finite."""
    if not z > KNOT:  # a NaN too
        return 0.0
    return min(z - KNOT, HINGE_CAP)


def log_mad(centimes: int) -> float:
    """Natural logarithm of an amount in MAD. The amount must be positive."""
    return log(centimes / 100.0)

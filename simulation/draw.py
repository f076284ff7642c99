"""Seeded randomness that gives the same worlds on every machine and Python version.

Only `random.Random.random` is used: its sequence is guaranteed, that of `choice` or `gauss` is not. A named
stream per purpose keeps one part of the world still while another changes.
"""

from __future__ import annotations

import math
import random
from bisect import bisect
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """One named stream of draws."""

    __slots__ = ("unit",)

    def __init__(self, seed: int, name: str) -> None:
        self.unit = random.Random(f"{seed}/{name}").random  # a string is hashed by SHA-512: no salt
        """A float in [0, 1)."""

    def chance(self, probability: float) -> bool:
        """True with that probability."""
        return self.unit() < probability

    def integer(self, low: int, high: int) -> int:
        """A whole number in [low, high], both included."""
        return low + int(self.unit() * (high - low + 1))

    def pick(self, items: Sequence[T]) -> T:
        """One item; `items` must not be empty."""
        return items[int(self.unit() * len(items))]

    def weighted(self, items: Sequence[T], cumulative: Sequence[float]) -> T:
        """One item by cumulative weights of the same length."""
        return items[min(bisect(cumulative, self.unit() * cumulative[-1]), len(items) - 1)]

    def sample(self, items: Sequence[T], count: int) -> list[T]:
        """`count` different items (all of them when there are fewer), in random order."""
        pool = list(items)
        count = min(count, len(pool))
        for i in range(count):
            j = i + int(self.unit() * (len(pool) - i))
            pool[i], pool[j] = pool[j], pool[i]
        return pool[:count]

    def normal(self, mean: float = 0.0, deviation: float = 1.0) -> float:
        """A normal value (Box-Muller)."""
        radius = math.sqrt(-2.0 * math.log(1.0 - self.unit()))
        return mean + deviation * radius * math.cos(2.0 * math.pi * self.unit())

    def lognormal(self, median: float, sigma: float) -> float:
        """A positive value with that median; `sigma` is the deviation of its logarithm."""
        return median * math.exp(self.normal(0.0, sigma))

    def geometric(self, mean: float) -> int:
        """A whole number >= 0 with that mean (> 0)."""
        return int(math.log(1.0 - self.unit()) / math.log(mean / (1.0 + mean)))

    def hexadecimal(self, digits: int) -> str:
        """A lower-case hexadecimal text."""
        return f"{int(self.unit() * 16**digits):0{digits}x}"

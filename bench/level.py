"""A River model as both other builds keep it: the mean and the variance of a habit."""

from __future__ import annotations

from dataclasses import dataclass, field

from river import stats

from bench.subset import FADING, z_of


@dataclass(slots=True)
class Level:
    """A River mean and variance, and how many values they have seen."""

    mean: stats.EWMean = field(default_factory=lambda: stats.EWMean(FADING))
    var: stats.EWVar = field(default_factory=lambda: stats.EWVar(FADING))
    n: int = 0

    def score(self, x: float, least: int) -> float:
        """How far x lies off."""
        return z_of(x, self.n, self.mean.get(), self.var.get(), least) if self.n >= least else 0.0

    def learn(self, x: float) -> None:
        """Take x in."""
        self.mean.update(x)
        self.var.update(x)
        self.n += 1

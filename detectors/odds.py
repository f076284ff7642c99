"""Tails of counts, in closed form: how unlikely a count is where nothing is wrong."""

from __future__ import annotations

import math


def poisson_tail(count: float, mean: float) -> float:
    """P(X >= count) of a Poisson count with that mean; a count that is not whole is taken down. mean >= 0."""
    first = math.floor(count)
    if first <= 0:
        return 1.0
    if mean <= 0:
        return 0.0
    if first <= mean:  # the body is longer than the tail is short
        return max(0.0, 1.0 - math.fsum(_poisson(k, mean) for k in range(first)))
    total, term, k = 0.0, _poisson(first, mean), first
    while term > total * 1e-17:
        total += term
        k += 1
        term *= mean / k
    return min(1.0, total)


def _poisson(k: int, mean: float) -> float:
    return math.exp(k * math.log(mean) - mean - math.lgamma(k + 1))


def beta_binomial_below(count: int, trials: int, alpha: float, beta: float) -> float:
    """P(X < count) of a beta-binomial count: trials whose common rate is drawn from Beta(alpha, beta), both > 0."""
    if count > trials:
        return 1.0
    whole = _log_beta(alpha, beta)
    return min(
        1.0,
        math.fsum(
            math.exp(
                math.lgamma(trials + 1)
                - math.lgamma(k + 1)
                - math.lgamma(trials - k + 1)
                + _log_beta(k + alpha, trials - k + beta)
                - whole
            )
            for k in range(max(count, 0))
        ),
    )


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)

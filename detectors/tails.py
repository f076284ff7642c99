"""Tail probabilities in closed form, from logarithms: no table, no dependency, nothing that overflows."""

from __future__ import annotations

from math import erfc, exp, fsum, gamma, lgamma, log, log1p, sqrt

NORMAL = 0.6745  # MAD of a standard normal: z = 0.6745 (value - median) / MAD
P95 = 1.6449  # standard deviations below which 95 % of a normal lie
ENOUGH = 1e-17  # relative: a term that no longer changes a double
TINY = 1e-300  # stands for a zero by which Lentz's method would divide
MOST_STEPS = 10_000  # of the fraction: some sqrt(max(a, b)) are enough


def poisson_tail(k: int, mean: float) -> float:
    """P(X >= k) of a Poisson. `mean` must not be negative."""
    if k <= 0:
        return 1.0
    if mean <= 0.0:
        return 0.0
    if k <= mean:  # the lower side is the shorter sum
        return max(0.0, 1.0 - sum(exp(i * log(mean) - mean - lgamma(i + 1)) for i in range(k)))
    term = total = exp(k * log(mean) - mean - lgamma(k + 1))
    while term > total * ENOUGH:
        k += 1
        term *= mean / k
        total += term
    return total


def binomial_tail(k: int, n: int, p: float) -> float:
    """P(X >= k) of a binomial of n trials. `p` lies strictly between 0 and 1."""
    if k <= 0:
        return 1.0
    if k > n:
        return 0.0
    if k <= n * p:
        return max(0.0, 1.0 - binomial_tail(n - k + 1, n, 1.0 - p))
    term = total = exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(p) + (n - k) * log1p(-p))
    while k < n and term > total * ENOUGH:
        k += 1
        term *= (n - k + 1) / k * p / (1.0 - p)
        total += term
    return total


def beta_binomial_below(count: int, trials: int, alpha: float, beta: float) -> float:
    """P(X < count) of a beta-binomial count: trials whose common rate is drawn from Beta(alpha, beta), both > 0."""
    if count > trials:
        return 1.0
    whole = _log_beta(alpha, beta)
    return min(
        1.0,
        fsum(
            exp(
                lgamma(trials + 1)
                - lgamma(k + 1)
                - lgamma(trials - k + 1)
                + _log_beta(k + alpha, trials - k + beta)
                - whole
            )
            for k in range(max(count, 0))
        ),
    )


def beta_above(share: float, a: float, b: float) -> float:
    """P(rate > share) of a Beta(a, b), both > 0: what a beta-binomial posterior leaves above a share of 0 to 1.

    The continued fraction of the incomplete beta function, by Lentz's method, on the side where it converges fast.
    """
    if share <= 0.0:
        return 1.0
    if share >= 1.0:
        return 0.0
    front = exp(a * log(share) + b * log1p(-share) - _log_beta(a, b))
    if share < (a + 1.0) / (a + b + 2.0):
        return max(0.0, 1.0 - front * _fraction(share, a, b) / a)
    return min(1.0, front * _fraction(1.0 - share, b, a) / b)


def _fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1.0 / _away_from_zero(1.0 - (a + b) * x / (a + 1.0))
    result, step, m = d, 0.0, 0
    while abs(step - 1.0) > 1e-15 and m < MOST_STEPS:
        m += 1
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        for term in (even, odd):
            d = 1.0 / _away_from_zero(1.0 + term * d)
            c = _away_from_zero(1.0 + term / c)
            step = c * d
            result *= step
    return result


def _away_from_zero(value: float) -> float:
    return value if abs(value) > TINY else TINY


def binomial_z(count: int, trials: int, share: float) -> float:
    """How many standard deviations a binomial count lies above its mean; `share` strictly between 0 and 1."""
    return (count - trials * share) / sqrt(trials * share * (1.0 - share))


def digits_tail(statistic: float) -> float:
    """P(X >= statistic) of a chi-squared with nine degrees of freedom: ten digits that are as likely each."""
    half = max(statistic, 0.0) / 2.0
    return erfc(sqrt(half)) + exp(-half) * fsum(half ** (k - 0.5) / gamma(k + 0.5) for k in range(1, 5))


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def robust_z(value: float, others: list[float], least: float) -> float | None:
    """0.6745 (value - median) / MAD; `least` is the smallest MAD that is believed. None: nothing to compare with."""
    if not others:
        return None
    middle = median(others)
    return NORMAL * (value - middle) / max(median([abs(other - middle) for other in others]), least)


def median(values: list[float]) -> float:
    """The middle value, or the mean of the two middle ones. Raises IndexError for no value."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2.0

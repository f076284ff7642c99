"""How a provider's record learns from its claims: slow and fast means, days of activity, cumulated drift."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any, Final

import msgspec

from detectors.models import drift, ramp
from detectors.models.records import PROVIDER_VERSION, Drift, Pace, ProviderRecord
from detectors.models.series import FLOOR_SD, HINGE_CAP, angle, clip, step, usable, warm_factor

FAST: Final = 0.1
FAST_SHARE: Final = 0.08
"""Fading of the fast means: about the last 10 and 12 claims count."""
SHARE_NOISE: Final = FAST_SHARE / (2.0 - FAST_SHARE)
"""Variance of a fast share on the arcsine scale."""
FADING: Final = 1.0 / 500.0
"""The slow baselines forget beyond 500 claims."""
DAY_FADING: Final = 1.0 / 120.0
"""The daily counts forget beyond 120 active days."""
SPREAD_FADING: Final = 0.005
"""Slow, or an episode would soon count as the provider's usual unrest."""
MIN_CLAIMS: Final = 20
"""Own claims before its variance and shares mean something."""
MIN_DAYS: Final = 10
"""Closed days of activity before the daily count does."""
CUSUM_SLACK: Final = 0.75
CUSUM_LIMIT: Final = 8.0
"""Cumulated drift of the level in standard deviations, and its limit (adaptive windows missed most
upcoding)."""
CUSUM_MOST: Final = 2.0 * (CUSUM_LIMIT + HINGE_CAP)
"""Beyond it the drift is cut, so that an end of the episode shows in time."""
NEW: Final = ProviderRecord()


def fold(record: ProviderRecord | None, told: Mapping[str, Any]) -> ProviderRecord:
    """The record after one `provider-activity` message: a claim's figures, or a freeze after a confirmed
    fraud.

    `told` is what `provider.figures` gave, or what `folds.freeze` did; a level that is not usable changes
    only counts.
    """
    own = record or NEW
    if "freeze" in told:
        return msgspec.structs.replace(own, frozen_until=max(own.frozen_until, int(told["freeze"])))
    day, grown = told["day"], own.ramp
    if "care" in told:  # older messages tell no date of care
        grown = ramp.fold(grown, day, told["care"])
    if "level" not in told:  # a network's
        return msgspec.structs.replace(own, ramp=grown)
    x = told["level"]
    drifts = _drifts(own, told, day)
    seen, n = own.claims + 1, own.learnt
    frozen = day <= own.frozen_until
    date, today, days, daily_mean, daily_var = _days(own, day, frozen)
    if not usable(x):
        return msgspec.structs.replace(
            own,
            claims=seen,
            day=date,
            today=today,
            days=days,
            daily_mean=daily_mean,
            daily_var=daily_var,
            ramp=grown,
            drifts=drifts,
        )
    mean, var = own.level.slow, own.level_var
    x = clip(x, mean, var, n)
    fast = own.level.fast + max(FAST, 1.0 / seen) * (x - own.level.fast)
    spread, cusum, alarm = own.level.spread, own.cusum, own.alarm_day
    if n >= MIN_CLAIMS:
        away = (x - mean) / max(sqrt(var), FLOOR_SD)
        cusum = min(max(0.0, cusum + away - CUSUM_SLACK), CUSUM_MOST)
        if cusum > CUSUM_LIMIT:
            alarm = day
    factor: float | None = None  # of the slow baselines, which stand still where they are frozen
    if not frozen:
        if n >= MIN_CLAIMS:
            spread = _spread(spread, (fast - mean) ** 2, var * FAST / (2.0 - FAST))
        n += 1
        factor = warm_factor(n, FADING)
        mean, var = step(mean, var, x, factor)
    fast_factor = warm_factor(seen, FAST_SHARE)
    return ProviderRecord(
        PROVIDER_VERSION,
        seen,
        n,
        Pace(mean, fast, spread),
        var,
        _pace(own.new, told["new"], n, fast_factor, factor),
        _pace(own.top, told["top"], n, fast_factor, factor),
        _pace(own.weekend, told["weekend"], n, fast_factor, factor),
        date,
        today,
        days,
        daily_mean,
        daily_var,
        cusum,
        alarm,
        own.frozen_until,
        grown,
        drifts,
    )


def _drifts(own: ProviderRecord, told: Mapping[str, Any], day: int) -> dict[str, Drift]:
    drifts = own.drifts
    if day > own.frozen_until:
        for letter, value in told.get("letters", {}).items():
            drifts = drift.fold(drifts, letter, value, day)
    return drifts


def crossed(before: ProviderRecord | None, after: ProviderRecord) -> bool:
    """Whether this claim brought the cumulated drift over its limit: the moment for a provider's alert."""
    return after.cusum > CUSUM_LIMIT and (before is None or before.cusum <= CUSUM_LIMIT)


def _spread(spread: float, square: float, theory: float) -> float:
    """The usual squared distance of fast and slow: one observation counts for 9 times the usual at most."""
    most = 9.0 * (spread if spread > theory else theory)
    return spread + SPREAD_FADING * ((square if square < most else most) - spread)


def _pace(pace: Pace, value: float, n: int, fast_factor: float, factor: float | None) -> Pace:
    """The share after one more value; `factor` None = frozen."""
    slow, spread = pace.slow, pace.spread
    fast = pace.fast + fast_factor * (value - pace.fast)
    if factor is None:
        return Pace(slow, fast, spread)
    if n > MIN_CLAIMS:
        distance = angle(fast) - angle(slow)
        spread = _spread(spread, distance * distance, SHARE_NOISE)
    return Pace(slow + factor * (value - slow), fast, spread)


def _days(own: ProviderRecord, day: int, frozen: bool) -> tuple[int, int, int, float, float]:
    """(arrival day, its claims so far, days learned, their mean and variance) after one more claim.

    A day is learned when a later one begins; a claim that comes after its day was closed is not counted.
    """
    if own.claims and day <= own.day:
        return own.day, own.today + (day == own.day), own.days, own.daily_mean, own.daily_var
    if frozen or not own.today:
        return day, 1, own.days, own.daily_mean, own.daily_var
    n, count = own.days + 1, float(own.today)
    if own.days >= MIN_DAYS:
        count = clip(count, own.daily_mean, max(own.daily_var, own.daily_mean, 1.0), own.days)
    mean, var = step(own.daily_mean, own.daily_var, count, warm_factor(n, DAY_FADING))
    return day, 1, n, mean, var

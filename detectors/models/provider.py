"""M03: a provider's level of billing, pace and habits against its own past."""

from __future__ import annotations

from math import exp, sqrt
from typing import Any, Final

from detectors.base import CannotCheck, Finding
from detectors.models.amounts import compared, ready
from detectors.models.finding import Component, build
from detectors.models.keys import Bill, View, level_key
from detectors.models.practice import (
    CUSUM_LIMIT,
    FAST,
    FAST_SHARE,
    MIN_CLAIMS,
    MIN_DAYS,
    NEW,
    SHARE_NOISE,
)
from detectors.models.records import Pace, ProviderRecord
from detectors.models.series import FLOOR_SD, HINGE_CAP, KNOT, angle, clip, hinge, log_mad, root
from detectors.models.store import Records

K_LEVEL: Final = 20.0
"""Pseudo-observations of the peers in a provider's slow mean."""
K_DISPERSION: Final = 20.0
PRIOR_DISPERSION: Final = 1.5
"""Pseudo-days of a usual overdispersion: a plain Poisson z doubles its false alarms at volume."""
ALARM_DAYS: Final = 30
"""How long a drift is told after its last alarm."""
TOP_Z: Final = 0.6745
"""The peers' upper quartile in standard deviations."""


def check(view: View, records: Records) -> tuple[Finding | CannotCheck | None, int]:
    """The executor that stands out most from its own past; and how many of its claims were known."""
    best: tuple[float, Bill, list[Component]] | None = None
    checked, seen = False, 0
    for bill in view.bills:
        if bill.inpe is None:
            continue
        own = records.get(("provider", bill.inpe)) or NEW
        unusual = _unusual(view, bill, own, records)
        if unusual is None:
            continue
        checked, seen = True, max(seen, own.claims)
        if not unusual:
            continue
        total = sum(hinge(component.z) for component in unusual)
        if total and (best is None or total > best[0]):
            best = (total, bill, unusual)
    if best is not None:
        _, bill, unusual = best
        return build("M03", unusual, tuple(item.line for item in bill.items), bill.amount), seen
    if checked or (view.unknown == 0 and all(bill.inpe is None for bill in view.bills)):
        return None, seen
    return CannotCheck("M03", "history" if view.bills else "providers"), 0


def figures(view: View, bill: Bill, records: Records) -> dict[str, Any]:
    """What the claim tells of one executor: the content of its `provider-activity` record."""
    if bill.told is None:
        top = weekend = 0
        for item, found in zip(bill.items, compared(bill, records), strict=True):
            if found is not None and found[0] > TOP_Z:
                top = 1
            if item.weekend:
                weekend = 1
        peers = records.get(("peers", level_key(bill.group)))
        bill.told = {
            "day": view.arrival_day,
            "level": log_mad(bill.amount),
            "peers": [peers.mean, peers.var] if peers is not None and ready(peers) else None,
            "new": 0 if bill.window is None else int(bill.window.patient_new),
            "top": top,
            "weekend": weekend,
            "care": bill.day,
            "letters": {letter: round(grades.mean, 4) for letter, grades in bill.grades.items()},
        }
    return bill.told


def _unusual(view: View, bill: Bill, own: ProviderRecord, records: Records) -> list[Component] | None:
    """The components beyond the knot; None when nothing could be compared."""
    told = bill.told or figures(view, bill, records)
    found: list[Component | None] = []
    learnt = own.learnt
    if told["peers"] is not None or learnt >= MIN_CLAIMS:
        found.append(_level(told, own, bill))
    if bill.window is not None and own.days >= MIN_DAYS:
        found.append(_rate(bill.window.claims_1d, bill.window.claims_2d, own))
    if learnt >= MIN_CLAIMS:
        found.append(_share("new", told["new"], own.new, learnt))
        found.append(_share("top", told["top"], own.top, learnt))
        found.append(_share("weekend", told["weekend"], own.weekend, learnt))
    if own.alarm_day and own.cusum > CUSUM_LIMIT and 0 <= view.arrival_day - own.alarm_day <= ALARM_DAYS:
        ratio = round(exp(own.level.fast - own.level.slow), 1)
        z = KNOT + min((own.cusum - CUSUM_LIMIT) / 2.0, HINGE_CAP)
        found.append(Component("drift", z, own.learnt, {"ratio": ratio, "claims": own.claims}))
    return [component for component in found if component is not None] if found else None


def _level(told: dict[str, Any], own: ProviderRecord, bill: Bill) -> Component | None:
    """Fast mean of the log amount, this claim included, against the slow one.

    The variance is shrunk to the peers' by K; so is the mean, and what is not yet known of the provider's
    own level counts as the peers' whole spread, so that a newcomer must be far off to be told.
    """
    x, n = told["level"], own.learnt
    mean, var = told["peers"] or (own.level.slow, own.level_var)
    total = n + K_LEVEL
    slow = (n * own.level.slow + K_LEVEL * mean) / total
    spread = max((n * own.level_var + K_LEVEL * var) / total, FLOOR_SD**2)
    alone = 1.0 / (own.claims + 1)
    fading = max(FAST, alone)
    fast = own.level.fast + fading * (clip(x, slow, spread, n) - own.level.fast)
    if fast <= slow:
        return None
    unknown = (K_LEVEL / total) ** 2 * var
    noise = max(fading / (2.0 - fading), alone)
    usual = max(spread * (noise + 1.0 / total), own.level.spread) + unknown
    z = (fast - slow) / sqrt(usual)
    if z <= KNOT:
        return None
    facts = {
        "amount": bill.amount,
        "ratio": round(exp(fast - slow), 1),
        "lines": 0 if bill.window is None else round(bill.window.lines_30d),
        "claims": own.claims,
    }
    return Component("level", z, n, facts, "30d")


def _rate(today: float, two_days: float, own: ProviderRecord) -> Component | None:
    """Claims of one and two days against the usual day, with the provider's own dispersion."""
    mean, n = own.daily_mean, own.days
    if today <= mean and two_days <= 2.0 * mean:
        return None
    ratio = own.daily_var / mean if mean > 0.0 else PRIOR_DISPERSION
    dispersion = max((K_DISPERSION * PRIOR_DISPERSION + n * ratio) / (K_DISPERSION + n), 1.0)
    one = (root(today) - root(mean)) / sqrt(dispersion * (1.0 + 1.0 / n))
    two = (root(two_days) - root(2.0 * mean)) / sqrt(dispersion * (1.0 + 2.0 / n))
    if max(one, two) <= KNOT:
        return None
    if one >= two:
        facts = {"count": round(today), "usual": round(mean, 1), "days": n}
        return Component("rate", one, n, facts, "1d")
    return Component(
        "rate2", two, n, {"count": round(two_days), "usual": round(2.0 * mean, 1), "days": n}, "2d"
    )


def _share(name: str, value: int, pace: Pace, n: int) -> Component | None:
    """A recent share, this claim included, against the usual one, on the arcsine scale."""
    fast = pace.fast + FAST_SHARE * (value - pace.fast)
    usual = (n * pace.slow + 0.5) / (n + 1.0)
    if fast <= usual:
        return None
    noise = SHARE_NOISE + 1.0 / n
    z = (angle(fast) - angle(usual)) / sqrt(noise if noise > pace.spread else pace.spread)
    if z <= KNOT:
        return None
    facts = {"percent": round(100.0 * fast), "usual": round(100.0 * usual)}
    return Component(name, z, n, facts)

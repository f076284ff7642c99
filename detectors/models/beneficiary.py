"""M02: a beneficiary's claim against his or her own habits, shrunk to the peers'."""

from __future__ import annotations

from math import exp, sqrt
from typing import Final

from detectors.base import CannotCheck, Finding
from detectors.models.amounts import MIN_PEERS, ready
from detectors.models.finding import Component, build
from detectors.models.keys import (
    PROVIDERS_KEY,
    VISITS_KEY,
    WINDOW_DAYS,
    View,
    basket_key,
    lines_key,
)
from detectors.models.records import VERSION, BeneficiaryRecord, Habit, PeerRecord
from detectors.models.series import KNOT, clip, log_mad, root, shrunk_z, step, usable, warm_factor
from detectors.models.store import Records

K: Final = 8.0
K_PHARMACY: Final = 4.0
"""Pseudo-observations of the peers in a beneficiary's habit (without them 13 % of normal claims false-alarm
at 2 to 4 observations, with them 0.6 %)."""
MIN_OWN: Final = 2
"""Own claims before the amount is compared: the first ones have only the peers, which M01 covers."""
PRIOR_DAYS: Final = 60.0
"""Weight of the peers' rate of visits, in days of observation."""
MOST_DISPERSION: Final = 3.0
"""Limit of the peers' dispersion of visits: beyond it, it speaks of differences between people."""
FADING: Final = 1.0 / 200.0
"""A habit forgets beyond 200 observations."""
COUNT_VAR: Final = 1.0
"""Least variance of a transformed count: a Poisson's."""
AMOUNT_VAR: Final = 0.04
NEW: Final = BeneficiaryRecord()
PHARMACY: Final = "PHARMACY"


def check(view: View, records: Records) -> tuple[Finding | CannotCheck | None, int]:
    """What is unusual in the claim; and how many claims of the beneficiary stood behind the comparison."""
    own = records.beneficiary(view.beneficiary) or NEW
    if view.main is None:
        return None, own.claims
    unusual = _unusual(view, view.main, own, records)
    if unusual is None:
        return CannotCheck("M02", "peers"), own.claims
    if not unusual:
        return None, own.claims
    lines = tuple(item.line for bill in view.bills for item in bill.items)
    return build("M02", unusual, lines, view.amount), own.claims


def _unusual(view: View, main: str, own: BeneficiaryRecord, records: Records) -> list[Component] | None:
    """The components beyond the knot; None when nothing could be compared."""
    found: list[Component | None] = []
    basket = records.peers(basket_key(main))
    habit, k = (own.pharmacy, K_PHARMACY) if main == PHARMACY else (own.care, K)
    if basket is not None and habit.n >= MIN_OWN and (u := _amount(view, basket)) is not None:
        found.append(_dear(view, u, basket, habit, k))
    for variant, key, count, window in (
        ("providers", PROVIDERS_KEY, float(view.providers), "30d"),
        ("lines", lines_key(main), view.lines / view.visits, None),
    ):
        peers = records.peers(key)
        if peers is not None and (u := _count(count, peers)) is not None:
            habit = own.providers if variant == "providers" else own.lines
            found.append(_many(variant, u, count, peers, habit, window))
    peers = records.peers(VISITS_KEY)
    if peers is not None and peers.n >= MIN_PEERS:
        found.append(_visits(view, own, peers))
    return [component for component in found if component is not None] if found else None


def _dear(view: View, u: float, basket: PeerRecord, habit: Habit, k: float) -> Component | None:
    z = shrunk_z(u, habit.n, habit.mean, habit.var, k)
    if z <= KNOT:
        return None
    usual = basket.mean + habit.n * habit.mean / (habit.n + k) * _sd(basket, AMOUNT_VAR)
    facts = {
        "amount": view.amount,
        "usual": round(100.0 * exp(usual)),
        "ratio": round(exp(log_mad(view.amount) - usual), 1),
    }
    return Component("amount", z, habit.n, facts)


def _many(
    variant: str, u: float, count: float, peers: PeerRecord, habit: Habit, window: str | None
) -> Component | None:
    z = shrunk_z(u, habit.n, habit.mean, habit.var, K)
    if z <= KNOT:
        return None
    return Component(variant, z, habit.n, {"count": round(count, 1), "usual": _usual(peers, habit)}, window)


def _sd(record: PeerRecord, least: float) -> float:
    return sqrt(max(record.var, least))


def _amount(view: View, basket: PeerRecord | None) -> float | None:
    """The claim's log amount in the peers' standard deviations."""
    if basket is None or not ready(basket) or view.amount <= 0:
        return None
    return (log_mad(view.amount) - basket.mean) / _sd(basket, AMOUNT_VAR)


def _count(count: float, peers: PeerRecord | None) -> float | None:
    """A count's transform in the peers' standard deviations."""
    if peers is None or not ready(peers):
        return None
    return (root(count) - peers.mean) / _sd(peers, COUNT_VAR)


def _usual(peers: PeerRecord, habit: Habit) -> float:
    """The count that is usual for the beneficiary, shrunk to the peers, in plain numbers."""
    centre = peers.mean + habit.n * habit.mean / (habit.n + K) * _sd(peers, COUNT_VAR)
    return round(max(centre * centre / 4.0 - 0.375, 0.0), 1)


def _visits(view: View, own: BeneficiaryRecord, peers: PeerRecord) -> Component | None:
    """Gamma-Poisson: visits of 30 days against the posterior of the own rate, peers as the prior.

    The claim's own visits are left out on both sides: what is counted around a visit of a Poisson process
    is again Poisson; the peers' dispersion stands for claims that bring several visits. The window itself is
    left out of the own rate, or a burst would explain itself.
    """
    count = view.earlier_visits
    days = max(view.day - own.first_day - WINDOW_DAYS, 0) if own.claims else 0
    before = max(own.visits - count, 0) if days else 0
    rate = (peers.mean / WINDOW_DAYS * PRIOR_DAYS + before) / (PRIOR_DAYS + days)
    expected = WINDOW_DAYS * rate
    if count <= expected:
        return None
    ratio = peers.var / peers.mean if peers.mean > 0.0 else 1.0
    dispersion = min(max(ratio, 1.0), MOST_DISPERSION)
    z = (root(count) - root(expected)) / sqrt(dispersion * (1.0 + WINDOW_DAYS / (PRIOR_DAYS + days)))
    if z <= KNOT:
        return None
    return Component("visits", z, own.visits, {"count": count, "usual": round(expected, 1)}, "30d")


def fold(record: BeneficiaryRecord | None, view: View, records: Records) -> BeneficiaryRecord:
    """The record after the claim. `records` gives the peers that the claim was scored against."""
    own = record or NEW
    if not view.feeds or view.main is None:
        return own
    u = _amount(view, records.peers(basket_key(view.main)))
    pharmacy = view.main == PHARMACY
    return BeneficiaryRecord(
        VERSION,
        own.claims + 1,
        min(own.first_day, view.day) if own.claims else view.day,
        max(own.last_day, view.day) if own.claims else view.day,
        own.visits + view.visits,
        own.care if pharmacy else _learn(own.care, u),
        _learn(own.pharmacy, u) if pharmacy else own.pharmacy,
        _learn(own.providers, _count(view.providers, records.peers(PROVIDERS_KEY))),
        _learn(own.lines, _count(view.lines / view.visits, records.peers(lines_key(view.main)))),
    )


def _learn(habit: Habit, u: float | None) -> Habit:
    if u is None or not usable(u):
        return habit
    n = habit.n + 1
    kept = clip(u, habit.mean, max(habit.var, 1.0), habit.n)
    return Habit(n, *step(habit.mean, habit.var, kept, warm_factor(n, FADING)))

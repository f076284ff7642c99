"""M02: a beneficiary's claim against his or her own habits, shrunk to the peers'."""

from __future__ import annotations

from math import exp, sqrt
from typing import Final

from detectors.base import CannotCheck, Finding
from detectors.models.amounts import MIN_PEERS
from detectors.models.finding import Component, build
from detectors.models.keys import (
    PROVIDERS_KEY,
    VISITS_KEY,
    WINDOW_DAYS,
    Standing,
    View,
    basket_key,
    lines_key,
)
from detectors.models.records import VERSION, BeneficiaryRecord, Habit, PeerRecord
from detectors.models.series import KNOT, follow, log_mad, root, shrunk_z, usable
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
LEAST_VAR: Final = 1.0
"""A habit clips at the peers' standard deviation at least."""
COUNT_VAR: Final = 1.0
"""Least variance of a transformed count: a Poisson's."""
AMOUNT_VAR: Final = 0.04
NEW: Final = BeneficiaryRecord()
PHARMACY: Final = "PHARMACY"


def check(view: View, records: Records) -> tuple[Finding | CannotCheck | None, int]:
    """What is unusual in the claim; and how many claims of the beneficiary stood behind the comparison."""
    own = records.get(("beneficiary", view.beneficiary)) or NEW
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
    found: list[Component] = []
    compared = False
    amount, providers, lines = _standing(view, main, records)
    habit, k = (own.pharmacy, K_PHARMACY) if main == PHARMACY else (own.care, K)
    if amount is not None and habit.n >= MIN_OWN:
        compared = True
        z = shrunk_z(amount, habit.n, habit.mean, habit.var, k)
        if z > KNOT:
            found.append(_dear(view, z, records.get(("peers", basket_key(main))), habit, k))
    if providers is not None:
        compared, habit = True, own.providers
        z = shrunk_z(providers, habit.n, habit.mean, habit.var, K)
        if z > KNOT:
            peers = records.get(("peers", PROVIDERS_KEY))
            found.append(_many("providers", z, float(view.providers), peers, habit, "30d"))
    if lines is not None:
        compared, habit = True, own.lines
        z = shrunk_z(lines, habit.n, habit.mean, habit.var, K)
        if z > KNOT:
            peers = records.get(("peers", lines_key(main)))
            found.append(_many("lines", z, view.lines / view.visits, peers, habit, None))
    peers = records.get(("peers", VISITS_KEY))
    if peers is not None and peers.n >= MIN_PEERS:
        compared = True
        visits = _visits(view, own, peers)
        if visits is not None:
            found.append(visits)
    return found if compared else None


def _dear(view: View, z: float, basket: PeerRecord, habit: Habit, k: float) -> Component:
    usual = basket.mean + habit.n * habit.mean / (habit.n + k) * _sd(basket, AMOUNT_VAR)
    facts = {
        "amount": view.amount,
        "usual": round(100.0 * exp(usual)),
        "ratio": round(exp(log_mad(view.amount) - usual), 1),
    }
    return Component("amount", z, habit.n, facts)


def _many(
    variant: str, z: float, count: float, peers: PeerRecord, habit: Habit, window: str | None
) -> Component:
    return Component(variant, z, habit.n, {"count": round(count, 1), "usual": _usual(peers, habit)}, window)


def _standing(view: View, main: str, records: Records) -> Standing:
    """The claim's log amount, providers and lines a visit in the peers' standard deviations.

    None where too little is known of the peers. Against the records as they stood when it was first asked, so
    that scoring and learning do it once.
    """
    if view.standing is None:
        view.standing = (
            _amount(view, records.get(("peers", basket_key(main)))),
            _count(view.providers, records.get(("peers", PROVIDERS_KEY))),
            _count(view.lines / view.visits, records.get(("peers", lines_key(main)))),
        )
    return view.standing


def _sd(record: PeerRecord, least: float) -> float:
    return sqrt(record.var if record.var > least else least)


def _amount(view: View, basket: PeerRecord | None) -> float | None:
    if basket is None or basket.n < MIN_PEERS or view.amount <= 0:
        return None
    return (log_mad(view.amount) - basket.mean) / _sd(basket, AMOUNT_VAR)


def _count(count: float, peers: PeerRecord | None) -> float | None:
    if peers is None or peers.n < MIN_PEERS:
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
    amount, providers, lines = _standing(view, view.main, records)
    pharmacy = view.main == PHARMACY
    return BeneficiaryRecord(
        VERSION,
        own.claims + 1,
        min(own.first_day, view.day) if own.claims else view.day,
        max(own.last_day, view.day) if own.claims else view.day,
        own.visits + view.visits,
        own.care if pharmacy else _learn(own.care, amount),
        _learn(own.pharmacy, amount) if pharmacy else own.pharmacy,
        _learn(own.providers, providers),
        _learn(own.lines, lines),
    )


def _learn(habit: Habit, u: float | None) -> Habit:
    if u is None or not usable(u):
        return habit
    return Habit(habit.n + 1, *follow(habit.mean, habit.var, habit.n, u, FADING, LEAST_VAR))

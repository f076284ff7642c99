"""P01's ground: how active each provider is over 30 days, and where its peers stand (median and MAD of
logarithms)."""

from __future__ import annotations

from collections.abc import Iterable
from math import exp, log
from typing import Final, NamedTuple

from detectors.base import Beside
from detectors.models.keys import Bill
from detectors.models.records import EVERYBODY, VERSION, ActivityRecord, MembersRecord, admit
from detectors.models.series import BOUND
from detectors.models.store import Records
from detectors.tails import NORMAL, P95

METRICS: Final = ("beneficiaries_per_day", "mad_per_beneficiary", "acts_per_beneficiary")
MIN_CLAIMS: Final = 10
"""Claims in 30 days before a provider counts as a peer: fewer say nothing of its ratios."""
MIN_MEMBERS: Final = 20
"""Members before a group is compared with; a smaller regional group gives way to the national one."""
MAX_MEMBERS: Final = 512
"""Members kept: of a larger group, those whose CRC-32 is smallest, a fair sample that any order of arrival
gives."""
STALE_DAYS: Final = 60
"""A member not seen for so long leaves the group."""
LEAST_MAD: Final = 0.05
"""A spread of 5 % at least: peers that happen to agree must not make a neighbour an outlier."""

Figures = tuple[float, float, float]


class Activity(NamedTuple):
    """One ratio of one provider beside its peers; value, median and mad are natural logarithms."""

    metric: str
    value: float
    median: float
    mad: float
    n_peers: int

    @property
    def z(self) -> float:
        """The robust z of the logarithm."""
        return NORMAL * (self.value - self.median) / self.mad

    @property
    def beside(self) -> Beside:
        """The same in plain numbers, with the 95th percentile of peers whose logarithms are normal. Money: centimes."""
        unit = 100.0 if self.metric == "mad_per_beneficiary" else 1.0
        top = exp(self.median + P95 * self.mad / NORMAL)
        value, median = self.plain
        return Beside(
            self.metric, round(unit * value, 2), round(unit * median, 2), round(unit * top, 2), self.n_peers
        )

    @property
    def plain(self) -> tuple[float, float]:
        """(the provider's ratio, the peers' median) in plain numbers: counts, or MAD."""
        return exp(self.value), exp(self.median)


def ratios(bill: Bill) -> Figures | None:
    """Logarithms of the three ratios; None below the least activity."""
    window = bill.window
    if window is None or window.claims_30d < MIN_CLAIMS:
        return None
    if bill.ratios is None:
        days, patients = window.active_days_30d, window.patients_30d
        if days < 1.0:
            days = 1.0
        if patients < 1.0:
            patients = 1.0
        per_day, lines = window.patient_days_30d / days, window.lines_30d / patients
        amount = window.amount_30d / 100.0 / patients
        if not (per_day > 0.0 and amount > 0.0 and lines > 0.0):
            return None
        bill.ratios = (log(per_day), log(amount), log(lines))
    return bill.ratios


def figures(bill: Bill, records: Records) -> list[Activity]:
    """The executor beside its narrowest peer group that is large enough; empty where there is none."""
    own = ratios(bill)
    if own is None:
        return []
    for group in bill.peers:
        held = records.get(("activity", group))
        if held is not None and (n := held.members) >= MIN_MEMBERS:
            spreads = (held.per_day, held.per_beneficiary, held.acts)
            return [
                tuple.__new__(Activity, (metric, value, median, mad, n))
                for metric, value, (median, mad) in zip(METRICS, own, spreads, strict=True)
            ]
    return []


def excess(found: Iterable[Activity]) -> float:
    """The largest robust z."""
    return max(activity.z for activity in found)


def fold(
    members: MembersRecord | None, summary: ActivityRecord | None, inpe: str, day: int, own: Figures
) -> tuple[MembersRecord, ActivityRecord | None]:
    """One provider's latest figures: the members after it, and the summary when it is time to compute it
    again.

    The table of members is taken over from the record, which must not be used again: a large one is not copied for
    every claim. The summary is computed again after a quarter of the group's size in updates, since that
    sorts the whole group, and of the least size that is compared with.
    """
    held = members or MembersRecord()
    table, reach = held.members, held.reach
    per_day, amount, acts = own
    if not (-BOUND < per_day < BOUND and -BOUND < amount < BOUND and -BOUND < acts < BOUND):
        return held, None
    reached = admit(table, inpe, (day, per_day, amount, acts), reach, MAX_MEMBERS)
    if reached is None:
        return held, None
    reach = reached
    updates = held.updates + 1
    if updates % max(MIN_MEMBERS // 4, len(table) // 4):
        return MembersRecord(VERSION, updates, reach, table), None
    days, *columns = zip(*table.values(), strict=True)
    oldest = max(days) - STALE_DAYS
    if min(days) <= oldest:
        table = {name: entry for name, entry in table.items() if entry[0] > oldest}
        _, *columns = zip(*table.values(), strict=True)
    if len(table) < MAX_MEMBERS:
        reach = EVERYBODY
    spread = [_centre(column) for column in columns]
    edition = 0 if summary is None else summary.updates
    done = ActivityRecord(
        members=len(table),
        updates=edition + 1,
        per_day=spread[0],
        per_beneficiary=spread[1],
        acts=spread[2],
    )
    return MembersRecord(updates=updates, reach=reach, members=table), done


def _centre(values: Iterable[float]) -> tuple[float, float]:
    held = sorted(values)
    middle = _middle(held)
    return middle, max(_middle(sorted([abs(value - middle) for value in held])), LEAST_MAD)


def _middle(ordered: list[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2.0

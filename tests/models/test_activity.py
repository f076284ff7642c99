"""Peers' medians equal the plain ones; a group is a fair, bounded sample whatever the order."""

from __future__ import annotations

import math
import random
from statistics import median

import pytest

from detectors.models import activity
from detectors.models.keys import Bill
from detectors.models.records import ActivityRecord, MembersRecord, decode, encode
from detectors.models.store import Records
from tests.models.stage import window


def grown(names: list[str], day: int = 100) -> tuple[MembersRecord, ActivityRecord | None]:
    members: MembersRecord | None = None
    summary: ActivityRecord | None = None
    for name in names:
        size = int(name)
        members, fresh = activity.fold(members, summary, name, day, (size / 100, size / 50, 1.0))
        summary = fresh or summary
    assert members is not None
    return members, summary


def test_the_summary_is_the_median_and_mad_of_the_members() -> None:
    names = [str(value) for value in range(1, 42)]
    members, _ = grown(names)
    _, summary = grown(names * 2)
    assert summary is not None
    values = [entry[1] for entry in members.members.values()]
    middle = median(values)
    assert summary.per_day == pytest.approx((middle, median(abs(value - middle) for value in values)))
    assert summary.acts == (1.0, activity.LEAST_MAD)
    assert summary.members == 41


def test_a_large_group_keeps_the_same_sample_in_any_order() -> None:
    names = [str(value) for value in range(1, 1500)]
    shuffled = random.Random(2).sample(names, len(names))
    first, _ = grown(names)
    second, _ = grown(shuffled)
    assert first.members == second.members
    assert len(first.members) == activity.MAX_MEMBERS
    assert decode("members", encode(first)) == first
    assert len(encode(first)) < 32_000


def test_a_member_that_is_seen_no_more_leaves() -> None:
    members, summary = grown([str(value) for value in range(1, 31)])
    for index in range(30):
        members, fresh = activity.fold(members, summary, "31", 100 + 61, (1.0, 1.0, float(index)))
        summary = fresh or summary
    assert list(members.members) == ["31"]
    assert summary is not None
    assert summary.members == 1


def test_figures_that_are_not_finite_change_nothing() -> None:
    members, summary = grown(["1", "2"])
    assert activity.fold(members, summary, "3", 100, (math.nan, 1.0, 1.0)) == (members, None)


def test_ratios_and_the_narrowest_group_that_is_large_enough() -> None:
    seen = window(
        claims_30d=40.0,
        lines_30d=60.0,
        amount_30d=600_000.0,
        patient_days_30d=40.0,
        patients_30d=30.0,
        active_days_30d=10.0,
    )
    bill = Bill("100000001", "GP", window=seen, peers=("GP|RSK", "GP"))
    near, wide = (
        ActivityRecord(members=19),
        ActivityRecord(members=20, per_day=(math.log(2.0), 0.2), acts=(0.0, 0.1)),
    )
    found = activity.figures(
        bill, Records({("activity", "GP|RSK"): encode(near), ("activity", "GP"): encode(wide)})
    )
    assert [figure.metric for figure in found] == list(activity.METRICS)
    assert [round(figure.plain[0], 6) for figure in found] == [4.0, 200.0, 2.0]
    assert found[0].z == pytest.approx(0.6745 * math.log(2.0) / 0.2)
    assert {figure.n_peers for figure in found} == {20}
    assert activity.figures(bill, Records({("activity", "GP|RSK"): encode(near)})) == []


def test_few_claims_give_no_ratios() -> None:
    assert activity.ratios(Bill("1", "GP", window=window(claims_30d=9.0, amount_30d=1.0))) is None
    assert activity.ratios(Bill("1", "GP", window=window(claims_30d=50.0))) is None
    assert activity.ratios(Bill("1", "GP")) is None

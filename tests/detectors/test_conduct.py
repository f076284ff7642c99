"""L03, L04 and L05: at their thresholds and just under, and what explains the same figures innocently."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from scipy import stats

from tests.detectors.follower_scene import NOON, FollowerScene, counts, met, missing, variants, window
from tests.detectors.scene import consultation

OVERRIDDEN: dict[str, Any] = {"controls": [{"code": "C-1", "result": "OVERRIDDEN"}]}
ROLE = {"controls": 10_000, "failed": 700, "overridden": 300}


def least(trials: int, usual: float) -> int:
    """The fewest overrides that are rarer than one in a hundred among peers, by SciPy."""
    rate = stats.betabinom(trials, usual * 40, (1 - usual) * 40)
    return next(k for k in range(trials) if rate.cdf(k - 1) > 0.99)


def overriding(overridden: int, failed: int, controls: int = 200) -> FollowerScene:
    set_ = FollowerScene()
    mine = counts(controls=controls, failed=failed, overridden=overridden)
    set_.followed.acts = mine
    set_.followed.role = counts(
        **{name: ROLE[name] + getattr(mine, name) for name in ("controls", "failed", "overridden")}
    )
    return set_


@pytest.mark.parametrize(("more", "controls", "found"), [(0, 200, ["rate"]), (-1, 200, []), (0, 199, [])])
def test_an_override_rate_beyond_the_roles(more: int, controls: int, found: list[str]) -> None:
    trials = 100
    usual = (100 * 0.3 + 300) / (100 + 1_000)
    overridden = least(trials, usual) + more
    set_ = overriding(overridden, trials - overridden, controls)
    answers = set_.follower("L03", set_.liquidation(**OVERRIDDEN))
    assert (variants(answers), missing(answers)) == (found, [])
    assert all((one.cls, one.nature, one.weight) == ("S", "INT", 0.5) for one in answers[0])


def test_complex_files_fail_more_controls_and_are_not_overridden_more() -> None:
    """Nine controls in ten fail, as many of them are overridden as anywhere."""
    set_ = overriding(54, 126)
    assert set_.follower("L03", set_.liquidation(**OVERRIDDEN)) == ([], [])


def test_a_role_that_nobody_has_seen_is_judged_by_the_prior() -> None:
    overridden = least(100, 0.3)
    for count, found in ((overridden, ["rate"]), (overridden - 1, [])):
        set_ = overriding(count, 100 - count)
        set_.followed.role = None
        assert variants(set_.follower("L03", set_.liquidation(**OVERRIDDEN))) == found


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"action": "OVERRIDE", "base_amount": 500_001}, ["single"]),
        ({"action": "OVERRIDE", "base_amount": 500_000}, []),
        ({"base_amount": 400_000, "complementary_amount": 100_001, **OVERRIDDEN}, ["single"]),
        ({"base_amount": 900_000, "controls": [{"result": "FAILED"}]}, []),
    ],
)
def test_one_large_override(fields: dict[str, Any], found: list[str]) -> None:
    set_ = FollowerScene()
    set_.followed.acts = counts(controls=10)
    answers = set_.follower("L03", set_.liquidation(**fields))
    assert (variants(answers), missing(answers)) == (found, [])
    assert all(one.weight == 0.6 for one in answers[0])


def test_overrides_that_were_not_counted() -> None:
    set_ = FollowerScene()
    assert missing(set_.follower("L03", set_.liquidation(**OVERRIDDEN))) == ["liquidator"]


# -- L04


def agency(*others: str) -> FollowerScene:
    """An agency of L-1 and others, all of one role."""
    set_ = FollowerScene(consultation(), consultation())
    for name in ("L-1", *others):
        set_.liquidator(name, rights=[{"from": "2020-01-01", "agency": "RBA-02"}])
    return set_


OTHERS = tuple(f"L-{n}" for n in range(2, 11))


@pytest.mark.parametrize(
    ("own", "total", "found"),
    [
        (10, 10, ["beneficiary"]),
        (9, 9, []),
        (15, 30, ["beneficiary"]),
        (15, 31, []),
        (10, 20, ["beneficiary"]),
        (10, 21, []),
    ],
)
def test_meetings_beyond_the_routing(own: int, total: int, found: list[str]) -> None:
    """A tenth of the files each: ten of ten meetings, or fifteen of thirty where three are expected."""
    set_ = agency(*OTHERS)
    set_.followed.of_beneficiary = met(own, total)
    answers = set_.follower("L04", set_.liquidation(agency="RBA-02"))
    assert (variants(answers), missing(answers)) == (found, [])
    for one in answers[0]:
        assert (one.cls, one.nature, one.weight, one.n) == ("S", "INT", 0.6, own)
        assert stats.poisson.sf(own - 1, total / 10) < 1e-4


def test_the_tail_itself_decides() -> None:
    """Ten meetings where two are expected are five times as many, and one such pair in 20,000 is chance: p = 4.6e-5;
    where the threshold is 1e-5 they are not told."""
    set_ = agency(*OTHERS)
    set_.followed.of_beneficiary = met(10, 20)
    assert stats.poisson.sf(9, 2.0) < 1e-4
    assert set_.follower("L04", set_.liquidation(agency="RBA-02"))[0]
    row = {"code": "L04", "parameter": "p", "value": 1e-5}
    set_.table("detectors", row)
    assert not set_.follower("L04", set_.liquidation(agency="RBA-02"))[0]


def test_a_dedicated_portfolio_stands_in_the_routing_table() -> None:
    set_ = agency(*OTHERS)
    set_.followed.of_provider = met(40, 40)
    step = set_.liquidation(agency="RBA-02", payee_inpe="104512345")
    assert variants(set_.follower("L04", step)) == ["provider"]
    set_.table("routing", {"agency": "RBA-02", "liquidator": "L-1", "share": 0.9})
    assert set_.follower("L04", step) == ([], [])


def test_a_file_of_many_lines_is_one_meeting() -> None:
    set_ = FollowerScene(*[consultation()] * 12)
    for name in ("L-1", *OTHERS):
        set_.liquidator(name, rights=[{"from": "2020-01-01", "agency": "RBA-02"}])
    set_.followed.of_beneficiary = met(36, 36)
    assert set_.follower("L04", set_.liquidation(agency="RBA-02", line=3)) == ([], [])
    set_.followed.of_beneficiary = met(120, 120)
    assert variants(set_.follower("L04", set_.liquidation(agency="RBA-02", line=3))) == ["beneficiary"]


def test_a_share_that_is_not_known() -> None:
    set_ = FollowerScene()
    assert missing(set_.follower("L04", set_.liquidation(agency="RBA-02"))) == ["liquidators"]
    set_.liquidator()
    assert missing(set_.follower("L04", set_.liquidation())) == ["routing"]


# -- L05: 11 March 2026 lies in Ramadan, when Casablanca is on UTC; from 22 March on it is an hour ahead

SPRING = dt.datetime(2026, 4, 8, 11, tzinfo=dt.UTC)  # a Wednesday


def office() -> FollowerScene:
    set_ = FollowerScene().liquidator()
    rows = [{"date": "2026-03-11", "kind": "RAMADAN"}, {"date": "2026-04-09", "kind": "FIXED"}]
    return set_.table("calendar", *rows)


@pytest.mark.parametrize(
    ("at", "found"),
    [
        (SPRING, []),
        (SPRING.replace(hour=6), []),  # 7:00
        (SPRING.replace(hour=5, minute=59), ["hours"]),
        (SPRING.replace(hour=18, minute=59), []),
        (SPRING.replace(hour=19), ["hours"]),  # 20:00
        (SPRING.replace(day=12), ["day"]),  # Sunday
        (SPRING.replace(day=9), ["day"]),  # holiday
        (SPRING.replace(day=11), []),  # Saturday
        (NOON.replace(hour=21), []),  # an evening of Ramadan
        (NOON.replace(hour=5), ["hours"]),
    ],
)
def test_hours(at: dt.datetime, found: list[str]) -> None:
    set_ = office()
    answers = set_.follower("L05", set_.liquidation(at=at))
    assert (variants(answers), missing(answers)) == (found, [])
    assert all((one.cls, one.nature, one.weight) == ("S", "INT", 0.3) for one in answers[0])


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"duration_ms": 5_000}, []),
        ({"duration_ms": 4_999}, ["haste"]),
        ({"duration_ms": 4_999, "role": "BATCH"}, []),
        ({}, []),
    ],
)
def test_haste(fields: dict[str, Any], found: list[str]) -> None:
    set_ = office()
    assert variants(set_.follower("L05", set_.liquidation(at=SPRING, **fields))) == found


@pytest.mark.parametrize(("steps", "found"), [(720, []), (721, ["pace"])])
def test_pace(steps: int, found: list[str]) -> None:
    set_ = office()
    set_.followed.liquidator = window(claims_1h=steps)
    assert variants(set_.follower("L05", set_.liquidation(at=SPRING))) == found


def test_an_override_at_night_weighs_more() -> None:
    set_ = office()
    (found,), _ = set_.follower("L05", set_.liquidation(at=SPRING.replace(hour=23), **OVERRIDDEN))
    assert found.weight == pytest.approx(0.6)


def test_batch_accounts_and_overtime() -> None:
    night = SPRING.replace(hour=23)
    set_ = office().liquidator(role="BATCH")
    assert set_.follower("L05", set_.liquidation(at=night)) == ([], [])
    extra = [{"of": None, "from": "2026-04-01", "to": "2026-04-10", "reason": "end of quarter"}]
    set_ = office().liquidator(delegations=extra)
    assert set_.follower("L05", set_.liquidation(at=night)) == ([], [])
    assert variants(set_.follower("L05", set_.liquidation(at=night.replace(day=13)))) == ["hours"]


def test_a_calendar_that_is_not_known() -> None:
    set_ = FollowerScene().liquidator()
    assert missing(set_.follower("L05", set_.liquidation(at=SPRING))) == ["calendar"]

"""L01 and L02: rights that ended a day ago, that begin tomorrow, one pair of eyes, one's own family."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.detectors.follower_scene import NOON, FollowerScene, counts, missing, variants, window


def rights(**fields: Any) -> dict[str, Any]:
    return {"rights": [{"from": "2020-01-01", **fields}]}


@pytest.mark.parametrize(
    ("entry", "step", "found"),
    [
        ({}, {}, []),
        (rights(to="2026-03-11"), {}, []),  # the day itself
        (rights(to="2026-03-10"), {}, ["ended"]),
        ({"rights": [{"from": "2026-03-12"}]}, {}, []),  # new: one working day
        ({"rights": [{"from": "2026-03-13"}]}, {}, ["never"]),
        ({"rights": []}, {}, ["never"]),
        (rights(mutuelle="MGPAP"), {"mutuelle": "MGPAP"}, []),
        (rights(mutuelle="MGPAP"), {"mutuelle": "OMFAM"}, ["mutuelle"]),
        (rights(mutuelle="MGPAP"), {}, []),  # not said
        (rights(agency="RBA-02"), {"agency": "RBA-02"}, []),
        (rights(agency="RBA-02"), {"agency": "RBA-03"}, ["scope"]),
        (rights(scope=["COMPUTE"]), {}, []),
        (rights(scope=["VALIDATION"]), {}, ["scope"]),
        ({}, {"role": "LIQUIDATION"}, []),
        ({}, {"role": "VALIDATION"}, ["role"]),
    ],
)
def test_rights(entry: dict[str, Any], step: dict[str, Any], found: list[str]) -> None:
    set_ = FollowerScene().liquidator(**entry)
    answers = set_.follower("L01", set_.liquidation(**step))
    assert (variants(answers), missing(answers)) == (found, [])
    assert all((one.cls, one.nature) == ("H", "INT") for one in answers[0])


def test_the_grace_of_the_new_is_a_working_day() -> None:
    """Saturday counts, Sunday and a holiday do not; whose rights have ended has no grace at all."""
    set_ = FollowerScene().table("calendar", {"date": "2026-03-16", "kind": "FIXED"})
    set_.liquidator(rights=[{"from": "2026-03-17"}])
    sunday = dt.datetime(2026, 3, 15, 11, tzinfo=dt.UTC)
    assert set_.follower("L01", set_.liquidation(at=sunday)) == ([], [])
    assert variants(set_.follower("L01", set_.liquidation(at=NOON))) == ["never"]


@pytest.mark.parametrize(
    ("steps", "today", "yesterday_too", "found"), [(3, 3, 3, []), (5, 3, 5, []), (6, 3, 5, ["unknown"])]
)
def test_an_account_that_nobody_registered(
    steps: int, today: int, yesterday_too: int, found: list[str]
) -> None:
    set_ = FollowerScene().liquidator("L-2")
    set_.followed.acts = counts(steps=steps)
    set_.followed.liquidator = window(claims_1d=today, claims_2d=yesterday_too, claims_7d=yesterday_too)
    answers = set_.follower("L01", set_.liquidation())
    assert variants(answers) == found
    assert missing(answers) == ([] if found else ["liquidators.entry"])


def test_a_registry_that_says_nothing() -> None:
    set_ = FollowerScene()
    assert missing(set_.follower("L01", set_.liquidation())) == ["liquidators"]
    set_.liquidator(rights=None)
    assert missing(set_.follower("L01", set_.liquidation())) == ["liquidators.rights"]


@pytest.mark.parametrize(("until", "found"), [("2026-03-11", []), ("2026-03-10", ["never"])])
def test_a_delegation_lends_rights_while_it_lasts(until: str, found: list[str]) -> None:
    set_ = FollowerScene().liquidator("L-2", role="VALIDATION")
    lent = [{"of": "L-2", "from": "2026-03-01", "to": until, "reason": "leave"}]
    set_.liquidator(rights=[], delegations=lent)
    role = None if found else "VALIDATION"
    assert variants(set_.follower("L01", set_.liquidation(role=role))) == found


# -- L02


@pytest.mark.parametrize(
    ("before", "by", "line", "action", "found"),
    [
        ("COMPUTE", "L-1", 1, "VALIDATE", ["eyes"]),
        ("REGISTER", "L-1", 1, "VALIDATE", ["eyes"]),
        ("MODIFY", "L-1", None, "VALIDATE", ["eyes"]),
        ("COMPUTE", "L-2", 1, "VALIDATE", []),
        ("COMPUTE", "L-1", 2, "VALIDATE", []),  # another line
        ("VALIDATE", "L-1", 1, "COMPUTE", ["eyes"]),  # the other way round
        ("REGISTER", "L-1", 1, "COMPUTE", []),
    ],
)
def test_four_eyes(before: str, by: str, line: int | None, action: str, found: list[str]) -> None:
    set_ = FollowerScene().liquidator().step("L-0", before, liquidator=by, line=line)
    answers = set_.follower("L02", set_.liquidation(action=action, line=1))
    assert (variants(answers), missing(answers)) == (found, [])


def test_a_step_that_was_cancelled_is_no_pair_of_eyes() -> None:
    set_ = FollowerScene().liquidator().step("L-0", "COMPUTE").step("L-9", "CANCEL", cancels="L-0")
    assert set_.follower("L02", set_.liquidation(action="VALIDATE")) == ([], [])


@pytest.mark.parametrize(("until", "found"), [("2026-03-11", []), ("2026-03-10", ["eyes"])])
def test_a_small_agency_has_a_delegated_exception(until: str, found: list[str]) -> None:
    granted = [{"of": None, "from": "2026-03-01", "to": until, "reason": "agency of one"}]
    set_ = FollowerScene().liquidator(delegations=granted).step("L-0", "COMPUTE")
    assert variants(set_.follower("L02", set_.liquidation(action="VALIDATE"))) == found


@pytest.mark.parametrize(
    ("step", "found"),
    [
        ({"action": "OVERRIDE"}, ["override"]),
        ({"action": "RELEASE"}, ["override"]),
        ({"action": "MODIFY"}, []),
        ({"controls": [{"result": "OVERRIDDEN", "verdict_id": "V-C-1-1"}]}, ["override"]),
        ({"controls": [{"result": "OVERRIDDEN", "verdict_id": "V-C-9-1"}]}, []),
        ({"controls": [{"result": "PASSED", "verdict_id": "V-C-1-1"}]}, []),
        ({"action": "OVERRIDE", "liquidator": "L-2"}, []),  # somebody else's file
        ({"action": "OVERRIDE", "line": 2}, []),  # a line that is not held
    ],
)
def test_a_hold_is_not_its_own_liquidators_to_lift(step: dict[str, Any], found: list[str]) -> None:
    set_ = FollowerScene().liquidator().liquidator("L-2").step("L-0", "COMPUTE").hold(1)
    assert variants(set_.follower("L02", set_.liquidation(**{"line": 1, **step}))) == found


@pytest.mark.parametrize(("linked", "found"), [("B-1", ["linked"]), ("A-1", ["linked"]), ("B-2", [])])
def test_one_s_own_family(linked: str, found: list[str]) -> None:
    set_ = FollowerScene().liquidator(linked_beneficiaries=[linked])
    assert variants(set_.follower("L02", set_.liquidation())) == found


def test_links_that_are_not_known() -> None:
    set_ = FollowerScene()
    assert missing(set_.follower("L02", set_.liquidation())) == ["liquidators"]
    set_.liquidator(linked_beneficiaries=None)
    assert missing(set_.follower("L02", set_.liquidation())) == ["liquidators.linked_beneficiaries"]

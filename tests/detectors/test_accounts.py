"""R02: three families on one account, and an account that changed on the eve of a large payment."""

from __future__ import annotations

from typing import Any

import pytest

from tests.detectors.follower_scene import FollowerScene, members, missing, variants
from tests.detectors.scene import DOCTOR

MUCH = 500_001
PAID: dict[str, Any] = {"bank_account": "K-1"}


@pytest.mark.parametrize(("insured", "found"), [(1, []), (2, []), (3, ["shared"]), (9, ["shared"])])
def test_three_unrelated_insured(insured: int, found: list[str]) -> None:
    """One family is one insured, however many of it are paid there."""
    set_ = FollowerScene()
    set_.followed.insured = members(insured)
    step = set_.liquidation(payee="INSURED", line=1, base_amount=900, **PAID)
    answers = set_.follower("R02", step)
    assert variants(answers) == found
    assert [(one.cls, one.nature, one.weight, one.lines) for one in answers[0]] == [
        ("S", "PRE", 0.8, (1,))
    ] * len(found)
    assert variants(set_.follower("R02", set_.payment(900, **PAID))) == found


def test_a_family_that_is_not_registered_cannot_be_told_from_another() -> None:
    set_ = FollowerScene()
    assert missing(set_.follower("R02", set_.payment(900, **PAID))) == ["beneficiary"]
    assert set_.follower("R02", set_.payment(900)) == ([], [])
    assert set_.follower("R02", set_.liquidation(payee="PROVIDER", **PAID)) == ([], [])


@pytest.mark.parametrize(
    ("since", "amount", "found"),
    [
        ("2026-03-11", MUCH, ["changed"]),
        ("2026-03-04", MUCH, ["changed"]),  # seven days
        ("2026-03-03", MUCH, []),
        ("2026-03-12", MUCH, []),  # tomorrow's account is not this one
        ("2026-03-11", MUCH - 1, []),
    ],
)
@pytest.mark.parametrize("payee", ["INSURED", "PROVIDER"])
def test_a_change_holds_a_large_payment(since: str, amount: int, found: list[str], payee: str) -> None:
    set_ = FollowerScene().known(bank_account_since=since if payee == "INSURED" else "2019-01-01")
    set_.provider(DOCTOR, bank_account_since=since if payee == "PROVIDER" else "2019-01-01")
    set_.followed.insured = members(1)
    answers = set_.follower("R02", set_.payment(amount, payee=payee, payee_inpe=DOCTOR, **PAID))
    assert variants(answers) == found
    assert all((one.cls, one.nature, one.review) == ("H", "INT", False) for one in answers[0])


def test_an_account_whose_age_is_not_known() -> None:
    set_ = FollowerScene()
    set_.followed.insured = members(1)
    assert missing(set_.follower("R02", set_.payment(MUCH, **PAID))) == ["beneficiary.bank_account_since"]
    told = set_.payment(MUCH, payee="PROVIDER", payee_inpe=DOCTOR, **PAID)
    assert missing(set_.follower("R02", told)) == ["providers.bank_account_since"]
    assert set_.follower("R02", set_.payment(MUCH, status="PAID", **PAID)) == ([], [])

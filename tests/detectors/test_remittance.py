"""D05 and Y01: part payments are legal, a centime more is not; what was screened is what is paid."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.detectors.follower_scene import NOON, FollowerScene, missing, variants
from tests.detectors.scene import consultation


def scene() -> FollowerScene:
    """Two lines, liquidated at 100 and 200 MAD, 10 MAD of complement on the first."""
    set_ = FollowerScene(consultation(), consultation())
    set_.step(
        "L-1", line=1, base_amount=10_000, complementary_amount=1_000, payee="INSURED", bank_account="K-1"
    )
    return set_.step("L-2", line=2, base_amount=20_000, payee="INSURED", bank_account="K-1")


@pytest.mark.parametrize(
    ("amounts", "fields", "y01", "d05"),
    [
        ((10_000, 20_000), {}, [], []),
        ((4_000,), {}, [], []),  # part
        ((10_001, 20_000), {}, ["amount"], []),
        ((10_000, 20_001), {}, ["amount"], []),
        ((10_000,), {"base_amount": 10_001}, ["amount"], []),  # more than its lines say
        ((), {"base_amount": 30_000}, [], []),
        ((), {"base_amount": 30_001}, ["amount"], []),
        ((), {"base_amount": 30_000, "complementary_amount": 1_001}, ["amount"], []),
        ((10_000,), {"lines": [{"line": 1, "base_amount": 10_000, "complementary_amount": 1_000}]}, [], []),
        (
            (10_000,),
            {"lines": [{"line": 1, "base_amount": 10_000, "complementary_amount": 1_001}]},
            ["amount"],
            [],
        ),
        (
            (9_000,),  # the parts are apart: base that is left pays no complement
            {"lines": [{"line": 1, "base_amount": 9_000, "complementary_amount": 2_000}]},
            ["amount"],
            [],
        ),
    ],
)
def test_an_order_asks_what_was_liquidated(
    amounts: tuple[int, ...], fields: dict[str, Any], y01: list[str], d05: list[str]
) -> None:
    set_ = scene()
    order = set_.payment(*amounts, **fields)
    assert variants(set_.follower("Y01", order)) == y01
    assert variants(set_.follower("D05", order)) == d05


@pytest.mark.parametrize(
    ("before", "status", "held", "found"),
    [
        (6_000, "PAID", (), []),
        (6_001, "PAID", (), ["paid"]),
        (6_001, "ORDERED", (), ["paid"]),
        (10_000, "ORDERED", None, []),  # kept back
        (10_000, "ORDERED", (1,), []),
        (10_000, "PAID", None, ["paid"]),  # kept back, and paid all the same
        (10_000, "RETURNED", (), []),
        (10_000, "CANCELLED", (), []),
    ],
)
def test_a_part_and_its_balance(
    before: int, status: str, held: tuple[int, ...] | None, found: list[str]
) -> None:
    set_ = scene().paid("P-0", before, held=held, status=status)
    order = set_.payment(4_000)
    assert variants(set_.follower("D05", order)) == found
    assert variants(set_.follower("Y01", order)) == []


def test_a_payment_counts_by_its_last_event_and_not_against_itself() -> None:
    set_ = scene().paid("E-1", 10_000, payment_id="P-0", at=NOON - dt.timedelta(days=2))
    set_.paid("E-2", 10_000, payment_id="P-0", status="RETURNED", at=NOON - dt.timedelta(days=1))
    assert set_.follower("D05", set_.payment(10_000)) == ([], [])
    set_.paid("E-3", 10_000, payment_id="P-1", at=NOON)
    assert set_.follower("D05", set_.payment(10_000, status="PAID")) == ([], [])
    assert set_.follower("Y01", set_.payment(10_000, status="PAID")) == ([], [])


def test_what_has_left_too_often_is_flagged_and_holds_nothing() -> None:
    set_ = scene().paid("P-0", 10_000, status="PAID")
    (found,), _ = set_.follower("D05", set_.payment(10_000, status="PAID"))
    assert (found.review, found.nature, found.lines, found.amount) == (True, "INT", (1,), 10_000)
    assert set_.follower("D05", set_.payment(10_000, status="RETURNED")) == ([], [])


@pytest.mark.parametrize(
    ("steps", "line", "found"),
    [
        ([], 1, []),
        ([("V-0", "VALIDATE", {"line": 1})], 1, ["validated"]),
        ([("V-0", "VALIDATE", {"line": 2})], 1, []),
        ([("V-0", "VALIDATE", {})], None, ["validated"]),
        ([("V-0", "VALIDATE", {"line": 1}), ("X-0", "CANCEL", {"cancels": "V-0"})], 1, []),
        ([("V-0", "COMPUTE", {"line": 1})], 1, []),
    ],
)
def test_a_second_validation(
    steps: list[tuple[str, str, dict[str, Any]]], line: int | None, found: list[str]
) -> None:
    set_ = FollowerScene()
    for name, action, fields in steps:
        set_.step(name, action, at=NOON - dt.timedelta(hours=1), **fields)
    assert variants(set_.follower("D05", set_.liquidation(action="VALIDATE", line=line))) == found


def test_a_cancellation_that_names_no_event_takes_back_what_was_before_it() -> None:
    set_ = FollowerScene().step("V-0", "VALIDATE", at=NOON - dt.timedelta(hours=2))
    set_.step("X-0", "CANCEL", at=NOON - dt.timedelta(hours=1))
    assert set_.follower("D05", set_.liquidation(action="VALIDATE")) == ([], [])
    assert set_.dossier.live() == {}


def test_a_whole_claim_s_amounts_and_a_line_that_was_priced_since() -> None:
    set_ = FollowerScene(consultation(), consultation()).step("L-1", base_amount=30_000)
    assert variants(set_.follower("Y01", set_.payment(30_000))) == []
    assert variants(set_.follower("Y01", set_.payment(10_000, 20_001))) == ["amount"]
    set_.step("L-2", "MODIFY", line=2, base_amount=5_000, at=NOON + dt.timedelta(hours=1))
    assert variants(set_.follower("Y01", set_.payment(10_000, 5_000))) == []
    assert variants(set_.follower("Y01", set_.payment(10_000, 5_001))) == ["amount"]
    set_.step("L-3", "MODIFY", base_amount=30_000, at=NOON + dt.timedelta(hours=2))
    assert variants(set_.follower("Y01", set_.payment(10_000, 20_000))) == []


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"bank_account": "K-1"}, []),
        ({"bank_account": None}, []),
        ({"bank_account": "K-2"}, ["account"]),
        ({"payee": "PROVIDER", "payee_inpe": "104512345"}, ["payee"]),
        ({"payee": "PROVIDER", "bank_account": "K-2"}, ["payee"]),
    ],
)
def test_whoever_is_paid_was_screened(fields: dict[str, Any], found: list[str]) -> None:
    set_ = scene()
    assert variants(set_.follower("Y01", set_.payment(10_000, **fields))) == found


def test_another_provider_than_the_one_screened() -> None:
    set_ = FollowerScene().step("L-1", payee="PROVIDER", payee_inpe="104512345", base_amount=10_000)
    told: dict[str, Any] = {"payee": "PROVIDER", "payee_inpe": "104599999"}
    assert variants(set_.follower("Y01", set_.payment(10_000, **told))) == ["payee"]
    assert variants(set_.follower("Y01", set_.payment(10_000, **{**told, "payee_inpe": "104512345"}))) == []


@pytest.mark.parametrize(("seconds", "found"), [(0, []), (1, ["expired"])])
def test_a_verdict_is_valid_to_its_end(seconds: int, found: list[str]) -> None:
    set_ = scene()
    set_.dossier.valid_until = NOON - dt.timedelta(seconds=seconds)
    (answers) = set_.follower("Y01", set_.payment(10_000))
    assert variants(answers) == found
    assert not any(one.review for one in answers[0])


def test_money_that_left_despite_a_hold_or_without_a_verdict() -> None:
    held = scene().hold(2)
    assert held.follower("Y01", held.payment(10_000, 20_000)) == ([], [])  # the gate's to refuse
    assert variants(held.follower("Y01", held.payment(10_000, status="PAID"))) == []  # the other line
    (found,), _ = held.follower("Y01", held.payment(10_000, 20_000, status="PAID"))
    assert (found.variant, found.review, found.nature) == ("held", True, "INT")
    bare = FollowerScene(filed=False)
    assert missing(bare.follower("Y01", bare.payment(10_000))) == ["claim"]
    assert variants(bare.follower("Y01", bare.payment(10_000, status="PAID"))) == ["missing"]
    assert bare.follower("Y01", bare.payment(10_000, status="RETURNED")) == ([], [])


def test_without_a_liquidation_there_is_nothing_to_compare() -> None:
    set_ = FollowerScene()
    assert missing(set_.follower("Y01", set_.payment(10_000))) == ["liquidation"]

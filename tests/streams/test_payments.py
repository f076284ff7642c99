"""The gate: what a payment meets, before and after its claim, and when a hold has lapsed."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.streams.stage import START, Desk, Stage, held, visit

SIZES = pytest.mark.parametrize("size", [1, 128])


@pytest.fixture
def desk() -> Desk:
    return Desk()


@SIZES
def test_payment_before_its_claim_waits_and_is_released_by_a_second_revision(
    stage: Stage, desk: Desk, size: int
) -> None:
    world, claim = desk.world(), desk.claim("C-1")
    said = stage.screen([*world, desk.payment(claim, "P-1", 1), claim], size=size)
    first, second = said.of("P-1")
    assert (first["verdict_id"], first["decision"], first["reasons"][0]["code"]) == (
        "V-P-1-1",
        "HOLD",
        "GATE",
    )
    assert (second["verdict_id"], second["decision"]) == ("V-P-1-2", "RELEASE")
    assert (second["supersedes"], second["cause"]) == ("V-P-1-1", "CLAIM_ANSWERED")
    assert second["reasons"] == []
    assert "expires_at" not in second
    assert said.states("P-1") == ["HELD", "RELEASED"]


@SIZES
def test_payment_waits_for_the_lines_that_it_pays_and_for_no_others(
    stage: Stage, desk: Desk, size: int
) -> None:
    world, claim = desk.world(), desk.claim("C-1", visit(), held())
    payments = [desk.payment(claim, f"P-{n}", *lines) for n, lines in enumerate([(1,), (2,), (1, 2), ()])]
    said = stage.screen([*world, claim, *payments], size=size)
    assert (said.live("C-1")["decision"], said.live("C-1")["lines"]) == ("HOLD", [2])
    assert [said.live(f"P-{n}")["decision"] for n in range(4)] == ["RELEASE", "HOLD", "HOLD", "HOLD"]
    assert said.live("P-1")["purpose"] == "FRAUD_REVIEW"
    assert said.public("P-1")["purpose"] == "CONTROL"
    assert "on_expiry" not in said.public("P-1")


def test_a_line_without_its_number_is_any_line(stage: Stage, desk: Desk) -> None:
    world, claim = desk.world(), desk.claim("C-1", visit(), held())
    lines = [{"line": 1, "base_amount": 1}, {"base_amount": 1}]
    said = stage.screen([*world, claim, desk.payment(claim, "P-1", lines=lines)])
    assert said.live("P-1")["decision"] == "HOLD"


@SIZES
def test_liquidation_may_come_first(stage: Stage, desk: Desk, size: int) -> None:
    world, claim = desk.world(), desk.claim("C-1")
    before = desk.liquidation(claim, "L-1")
    said = stage.screen([*world, before, claim, desk.payment(claim, "P-1", 1)], size=size)
    assert [said.live(name)["decision"] for name in ("L-1", "C-1", "P-1")] == ["RELEASE"] * 3
    assert said.live("L-1")["screened"]["lines"] == [{"line": 1, "base_amount": 20_000}]


@SIZES
@pytest.mark.parametrize("status", ["PAID", "RETURNED", "CANCELLED"])
def test_what_has_happened_already_is_only_noted(stage: Stage, desk: Desk, status: str, size: int) -> None:
    """Nothing is left to hold: not by its own event, nor by an order of the same payment."""
    world, claim = desk.world(), desk.claim("C-1", held())
    early = desk.payment(claim, "P-1", 1, status=status)
    order = desk.payment(claim, "P-2", 1, payment_id="P-P-1")
    said = stage.screen([*world, early, claim, order], size=size)
    flagged = "RELEASE_FLAGGED" if status == "PAID" else "RELEASE"  # Y01: without a verdict
    assert [one["decision"] for one in said.of("P-1")] == [flagged]
    assert len(said.internal) == (status == "PAID")
    assert said.live("P-2")["decision"] == "HOLD"


@SIZES
def test_an_order_that_was_paid_is_not_held_again(stage: Stage, desk: Desk, size: int) -> None:
    world, claim = desk.world(), desk.claim("C-1")
    order, paid = (
        desk.payment(claim, "P-1", 1),
        desk.payment(claim, "P-2", 1, status="PAID", payment_id="P-P-1"),
    )
    open_order = desk.payment(claim, "P-3", 1)
    said = stage.screen(
        [*world, claim, order, paid, open_order, desk.correct(claim, "C-2", held())], size=size
    )
    assert said.live("C-2")["decision"] == "HOLD"
    assert said.live("P-1")["decision"] == "RELEASE"
    assert said.live("P-3")["decision"] == "HOLD"


@SIZES
@pytest.mark.parametrize(("code", "late", "decision"), [("E01", True, "RELEASE"), ("E01", False, "HOLD"),
                                                        ("E04", True, "HOLD")])  # fmt: skip
def test_an_expired_hold_does_as_its_row_says(
    stage: Stage, desk: Desk, code: str, late: bool, decision: str, size: int
) -> None:
    """Rights (5 days, then flagged) lapse; a struck-off executor (30 days, then escalated) does not."""
    world = desk.world()
    if code == "E01":
        world += [desk.person("B-1", to="2026-01-31")]
    claim = desk.claim("C-1", visit() if code == "E01" else held())
    at = START + dt.timedelta(days=40 if late else 4)
    said = stage.screen([*world, claim, desk.payment(claim, "P-1", 1, at=at)], size=size)
    assert said.live("C-1")["decision"] == "HOLD"
    assert said.live("C-1")["on_expiry"] == ("RELEASE_FLAGGED" if code == "E01" else "ESCALATE")
    assert said.live("P-1")["decision"] == decision


@SIZES
def test_payment_of_a_cancelled_claim_waits(stage: Stage, desk: Desk, size: int) -> None:
    world, claim = desk.world(), desk.claim("C-1")
    first, second = desk.payment(claim, "P-1", 1), desk.payment(claim, "P-2", 1)
    said = stage.screen([*world, claim, first, desk.cancel(claim, "X-1"), second], size=size)
    assert [said.live(name)["decision"] for name in ("C-1", "X-1", "P-1", "P-2")] == [
        "RELEASE", "RELEASE", "HOLD", "HOLD",
    ]  # fmt: skip
    assert "annulé" in said.public("P-2")["reasons"][0]["facts_fr"]

"""A family of clones: when it reaches the size that is held as a group, its open claims are held too."""

from __future__ import annotations

from typing import Any

import pytest

from tests.streams.stage import DOCTOR, Desk, Event, Said, Stage, visit

SIZES = pytest.mark.parametrize("size", [1, 7, 128])
PEER = "104500001"
FAMILY = 26


@pytest.fixture
def desk() -> Desk:
    return Desk()


def _clone(desk: Desk, number: int, **fields: Any) -> Event:
    day = f"2026-03-{1 + number % 7:02d}"
    lines = [visit(amount=70_000, service_date=day), visit(code="K", amount=60_000, service_date=day)]
    return desk.claim(f"C-{number}", *lines, visit(PEER, amount=3_000 + number), who=f"F-{number}", **fields)


def _log(desk: Desk, *between: Event, size: int = FAMILY) -> list[Event]:
    """Peers that bill something else, then the family; `between` goes before its last two members."""
    peers = [desk.provider(PEER)]
    for number in range(12):
        line = visit(PEER, amount=40_000 + number, service_date="2026-03-02")
        peers.append(desk.claim(f"O-{number}", line, visit(PEER, code="K"), who=f"O-{number}"))
    family = [_clone(desk, number) for number in range(size)]
    return [*desk.world(), *peers, *family[:-2], *between, *family[-2:]]


def _with(said: Said, code: str, event_id: str) -> list[Event]:
    return [reason for reason in said.live(event_id)["reasons"] if reason["code"] == code]


@SIZES
def test_the_family_is_held_from_its_first_claim_on(stage: Stage, desk: Desk, size: int) -> None:
    said = stage.screen(_log(desk), size=size)
    first = said.of("C-0")
    assert [(one["decision"], one.get("cause")) for one in first] == [
        ("RELEASE", None),
        ("HOLD", "GROUP_HOLD"),
    ]
    for number in range(FAMILY):
        live = said.live(f"C-{number}")
        assert (live["decision"], live["purpose"], live["on_expiry"]) == ("HOLD", "FRAUD_REVIEW", "ESCALATE")
        (clones,) = _with(said, "P04", f"C-{number}")
        assert clones["amount"] == 130_000
        assert live["lines"] == [1, 2]
        assert f"S-C-{number}" in {one["suspension_id"] for one in said.suspensions}
    assert said.public("C-0")["cause"] == "CONTROL"
    assert [reason["code"] for reason in said.public("C-0")["reasons"]] == ["CTRL"]


@SIZES
def test_a_scheme_is_told_when_it_is_seen_and_when_it_is_held(stage: Stage, desk: Desk, size: int) -> None:
    said = stage.screen(_log(desk, size=30), size=size)
    alerts = [alert for alert in said.alerts if alert["kind"] == "P04"]
    assert [alert["entity"] for alert in alerts] == [f"provider:{DOCTOR}"] * 2
    assert len({alert["case_id"] for alert in alerts}) == 1
    assert len({alert["alert_id"] for alert in alerts}) == 2


@SIZES
def test_what_is_paid_already_is_flagged_and_what_is_ordered_waits(
    stage: Stage, desk: Desk, size: int
) -> None:
    claims = {number: {"claim_id": f"D-C-{number}", "beneficiary": f"F-{number}"} for number in (0, 1, 2)}
    paid = desk.payment(claims[0], "P-0", status="PAID")
    orders = [desk.payment(claims[1], "P-1", 1, 2), desk.payment(claims[2], "P-2", 3)]
    said = stage.screen(_log(desk, paid, *orders), size=size)
    assert said.live("C-0")["decision"] == "RELEASE_FLAGGED"
    assert [one["decision"] for one in said.of("P-1")] == ["RELEASE", "HOLD"]
    assert [one["decision"] for one in said.of("P-2")] == ["RELEASE"]


def test_a_replaced_or_cleared_member_is_left_alone(stage: Stage, desk: Desk) -> None:
    log = _log(desk)
    by_id = {event["event_id"]: event for event in log}
    gone = desk.cancel(by_id["C-0"], "X-0")
    last = by_id[f"C-{FAMILY - 1}"]
    log = [
        *log[:-2],
        gone,
        *log[-2:],
        _clone(desk, FAMILY),
        desk.review(last, "LEGITIMATE"),
        _clone(desk, 90),
    ]
    said = stage.screen(log)
    assert [one["decision"] for one in said.of("C-0")] == ["RELEASE"]
    assert said.live(f"C-{FAMILY - 1}")["decision"] == "RELEASE"
    assert said.live("C-90")["decision"] == "HOLD"

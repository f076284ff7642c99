"""Liquidations and payments in the loop: what each row answers, whom it is told to, and what ends it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import orjson
import pytest
from msgspec import structs

from schemas.payment import Payment
from simulation import Plan, World, generate
from streams.follower_record import event_of
from streams.outputs import decode
from tests.streams.stage import START, Desk, Event, Said, Stage, held, stable, visit

SIZES = pytest.mark.parametrize("size", [1, 128])
CONTROL = {"code": "CTRL", "label_fr": "Contrôle en cours", "label_en": "Control under way"}


@pytest.fixture
def desk() -> Desk:
    return Desk()


def agents(desk: Desk) -> list[Event]:
    """Two liquidators, of whom L-9 has left."""
    more: Event = {"role": "LIQUIDATION", "linked_beneficiaries": [], "delegations": []}
    left = [{"from": "2020-01-01", "to": "2026-03-01"}]
    return [
        desk.event("liquidator", liquidator="L-1", rights=[{"from": "2020-01-01"}], **more),
        desk.event("liquidator", liquidator="L-2", rights=[{"from": "2020-01-01"}], **more),
        desk.event("liquidator", liquidator="L-9", rights=left, **more),
    ]


def codes(record: Event) -> list[str]:
    return [reason["code"] for reason in record["reasons"]]


@SIZES
def test_a_line_over_its_claim_waits_for_its_correction(stage: Stage, desk: Desk, size: int) -> None:
    """The step that states it anew ends the hold, and the payment goes; the hold is told to the liquidator."""
    claim = desk.claim("C-1", visit(), visit(service_date="2026-03-03"))
    wrong = desk.liquidation(claim, "S-1", base_amount=25_002)
    fine = desk.liquidation(claim, "S-2", line=2, base_amount=20_000)
    order = desk.payment(claim, "P-1", 1, 2, base_amount=40_000)
    said = stage.screen([*desk.world(strict=True), *agents(desk), claim, wrong, fine, order], size=size)
    assert (said.live("S-1")["decision"], said.live("S-1")["purpose"]) == ("HOLD", "COMPLETE_FILE")
    assert codes(said.public("S-1")) == ["T01"]
    assert said.live("S-2")["decision"] == "RELEASE"
    assert (said.live("P-1")["decision"], said.live("P-1")["lines"]) == (
        "HOLD",
        [1],
    )  # the other line is paid
    assert said.live("P-1")["amount_at_risk"] == 20_000
    better = desk.liquidation(claim, "S-3", action="MODIFY", base_amount=20_000)
    said = stage.screen([better], size=size)
    assert (said.live("S-1")["decision"], said.live("S-1")["cause"]) == ("RELEASE", "REPLACED")
    assert said.live("P-1")["decision"] == "RELEASE"
    assert said.states("P-1") == ["RELEASED"]
    assert (said.alerts, said.internal) == ([], [])


@SIZES
def test_a_liquidation_before_its_claim_is_compared_when_it_comes(
    stage: Stage, desk: Desk, size: int
) -> None:
    claim = desk.claim("C-1")
    step = desk.liquidation(claim, "S-1", base_amount=30_000)
    said = stage.screen([*desk.world(strict=True), *agents(desk), step, claim], size=size)
    assert [one["decision"] for one in said.of("S-1")] == ["RELEASE", "HOLD"]
    assert said.live("S-1")["cause"] == "CLAIM_ANSWERED"
    corrected = desk.correct(claim, "C-2", visit(amount=40_000))
    said = stage.screen([corrected], size=size)
    assert said.live("S-1")["decision"] == "RELEASE"  # and again, when the claim was put right


@SIZES
def test_a_second_validation_ends_with_the_cancellation_of_the_first(
    stage: Stage, desk: Desk, size: int
) -> None:
    claim = desk.claim("C-1")
    first = desk.liquidation(claim, "S-1", action="VALIDATE")
    second = desk.liquidation(claim, "S-2", action="VALIDATE", liquidator="L-2")
    world = [*desk.world(strict=True), *agents(desk)]
    said = stage.screen([*world, claim, first, second, desk.payment(claim, "P-1", 1)], size=size)
    assert (codes(said.live("S-2")), said.live("S-2")["purpose"]) == (["D05"], "INTERNAL_AUDIT")
    assert [alert["kind"] for alert in said.internal] == ["D05"]
    assert said.live("P-1")["decision"] == "HOLD"
    undone = desk.liquidation(claim, "S-3", action="CANCEL", cancels="S-1", base_amount=None)
    said = stage.screen([undone], size=size)
    assert said.live("S-2")["decision"] == "RELEASE"
    assert said.live("P-1")["decision"] == "RELEASE"


@SIZES
def test_two_orders_of_one_line(stage: Stage, desk: Desk, size: int) -> None:
    """The second waits, and goes when the first comes back."""
    claim = desk.claim("C-1")
    step = desk.liquidation(claim, "S-1")
    orders = [desk.payment(claim, "P-1", 1), desk.payment(claim, "P-2", 1)]
    said = stage.screen([*desk.world(strict=True), *agents(desk), claim, step, *orders], size=size)
    assert [said.live(name)["decision"] for name in ("P-1", "P-2")] == ["RELEASE", "HOLD"]
    assert codes(said.live("P-2")) == ["D05"]
    back = desk.payment(claim, "P-3", 1, payment_id="P-P-1", status="RETURNED")
    said = stage.screen([back], size=size)
    assert (said.live("P-2")["decision"], said.live("P-2")["cause"]) == ("RELEASE", "CLAIM_ANSWERED")


@SIZES
def test_parts_and_their_balance_are_paid(stage: Stage, desk: Desk, size: int) -> None:
    claim = desk.claim("C-1")
    step = desk.liquidation(claim, "S-1", complementary_amount=2_000)
    halves = [
        desk.payment(claim, f"P-{n}", base_amount=base, complementary_amount=more,
                     lines=[{"line": 1, "base_amount": base, "complementary_amount": more}])
        for n, (base, more) in enumerate([(12_000, 500), (8_000, 1_500), (1, None)])
    ]  # fmt: skip
    said = stage.screen([*desk.world(strict=True), *agents(desk), claim, step, *halves], size=size)
    assert [said.live(f"P-{n}")["decision"] for n in range(3)] == ["RELEASE", "RELEASE", "HOLD"]


@SIZES
def test_rights_that_are_put_right_let_the_payment_go(stage: Stage, desk: Desk, size: int) -> None:
    """Closed between the verdict and the order, open again after it: the order meets it first, then the claim."""
    world, claim = [*desk.world(strict=True), *agents(desk)], desk.claim("C-1")
    step, order = desk.liquidation(claim, "S-1"), desk.payment(claim, "P-1", 1)
    said = stage.screen([*world, claim, step, desk.person("B-1", to="2026-01-31"), order], size=size)
    assert [codes(one) for one in said.of("P-1")] == [["E01"], ["GATE"]]
    assert [one["decision"] for one in said.of("C-1")] == ["RELEASE", "HOLD"]
    said = stage.screen([desk.person("B-1")], size=size)
    assert (said.live("C-1")["decision"], said.live("C-1")["cause"]) == ("RELEASE", "RIGHTS_CHANGED")
    assert (said.live("P-1")["decision"], said.live("P-1")["cause"]) == ("RELEASE", "CLAIM_ANSWERED")


@SIZES
def test_a_review_of_a_payment_ends_what_was_found_in_it_and_no_other_hold(
    stage: Stage, desk: Desk, size: int
) -> None:
    claim, twin = desk.claim("C-1"), desk.claim("C-2", held())
    steps = [desk.liquidation(one, f"S-{n}", bank_account="K-1") for n, one in enumerate((claim, twin))]
    orders = [desk.payment(one, f"P-{n}", 1, bank_account="K-2") for n, one in enumerate((claim, twin))]
    said = stage.screen([*desk.world(strict=True), *agents(desk), claim, twin, *steps, *orders], size=size)
    assert [codes(said.live(f"P-{n}")) for n in range(2)] == [["Y01"], ["GATE", "Y01"]]
    reviews = [desk.review({**claim, "event_id": f"P-{n}"}, "LEGITIMATE") for n in range(2)]
    said = stage.screen(reviews, size=size)
    assert (said.live("P-0")["decision"], said.live("P-0")["cause"]) == ("RELEASE", "REVIEW:LEGITIMATE")
    assert codes(said.live("P-1")) == ["GATE"]
    assert said.live("P-1")["decision"] == "HOLD"
    said = stage.screen(
        [desk.liquidation(claim, "S-9", line=1, action="VALIDATE", liquidator="L-2")], size=size
    )
    assert said.of("P-0") == []  # no rule reopens what a person decided


@SIZES
def test_an_account_of_three_families(stage: Stage, desk: Desk, size: int) -> None:
    """Four dependants of one insured share it lawfully; the registry tells who is whose."""
    world = [*desk.world(strict=True), *agents(desk)]
    families = {"B-1": "A-1", "B-2": "A-1", "B-3": "A-1", "B-4": "A-2", "B-5": "A-3"}
    log: list[Event] = []
    for number, (who, insured) in enumerate(families.items()):
        log.append(desk.person(who, insured=insured))
        claim = desk.claim(f"C-{number}", visit(amount=90_000), who=who, insured=insured)
        told = {"payee": "INSURED", "bank_account": "K-1", "base_amount": 80_000}
        log += [claim, desk.liquidation(claim, f"S-{number}", **told)]
    said = stage.screen([*world, *log], size=size)
    assert [codes(said.live(f"S-{n}")) for n in range(5)] == [[], [], [], [], ["R02"]]
    assert (said.live("S-4")["decision"], said.live("S-4")["purpose"]) == ("HOLD", "FRAUD_REVIEW")
    assert [alert["kind"] for alert in said.alerts] == ["R02"]


def test_a_night_of_a_liquidator_who_has_left_is_one_case(stage: Stage, desk: Desk) -> None:
    """Each step is held; the auditors are told once, the fraud team never."""
    world = [*desk.world(strict=True), *agents(desk)]
    log: list[Event] = []
    for number in range(4):
        claim = desk.claim(f"C-{number}", visit(service_date=f"2026-03-0{number + 1}"))
        log += [claim, desk.liquidation(claim, f"S-{number}", liquidator="L-9")]
    said = stage.screen([*world, *log])
    assert [codes(said.live(f"S-{n}")) for n in range(4)] == [["L01"]] * 4
    assert said.alerts == []
    (alert,) = said.internal
    assert (alert["entity"], alert["kind"], alert["severity"]) == ("liquidator:L-9", "L01", "HIGH")


def test_a_soft_row_flags_and_stops_nothing(stage: Stage, desk: Desk) -> None:
    night = START.replace(hour=2)
    claim = desk.claim("C-1", visit(amount=900_000), at=night)
    step = desk.liquidation(claim, "S-1", base_amount=600_000, action="OVERRIDE", at=night)
    said = stage.screen([*desk.world(strict=True), *agents(desk), claim, step])
    assert codes(said.live("S-1")) == ["L03", "L05"]
    assert said.live("S-1")["purpose"] == "INTERNAL_AUDIT"
    assert "suggested_control" not in said.public("S-1")


# -- what a reader of the public topics may not see


def _public(said: Said, event_id: str) -> tuple[Event, list[Event]]:
    """The public verdict and suspensions of one event, without what names that event."""
    own = ("verdict_id", "event_id", "claim_id", "beneficiary", "issued_at", "event_time", "suspension_id", "held_at",
           "expires_at", "screened", "cannot_check")  # fmt: skip
    verdict = said.public(event_id)
    holds = [one for one in said.suspensions if one["event_id"] == event_id]
    return (
        {name: value for name, value in verdict.items() if name not in own},
        [{name: value for name, value in one.items() if name not in own} for one in holds],
    )


def _accounts(desk: Desk, name: str, step: Event) -> list[Event]:
    """Three families whose files go to one account, the last of them as `step` says."""
    log: list[Event] = []
    for number in range(3):
        who = f"{name}-{number}"
        claim = desk.claim(f"C-{who}", visit(amount=90_000), who=who)
        told = {"payee": "INSURED", "bank_account": f"K-{name}", "base_amount": 80_000}
        log += [
            desk.person(who),
            claim,
            desk.liquidation(claim, f"S-{who}", **(told if number < 2 else told | step)),
        ]
    return log


def test_nobody_can_tell_an_audit_from_a_fraud_review(stage: Stage, desk: Desk) -> None:
    """A liquidation held because its liquidator has left and one held because of its account; an order of another
    account than the one screened and an order of a line held for fraud: the same fields, the same values."""
    world = [*desk.world(strict=True), *agents(desk)]
    fraud = _accounts(desk, "F", {})
    claim = desk.claim("C-A", visit(amount=90_000), who="B-2")
    told = {"payee": "INSURED", "bank_account": "K-A", "base_amount": 80_000}
    audit = [claim, desk.liquidation(claim, "S-A", liquidator="L-9", **told)]
    said = stage.screen([*world, *fraud, *audit])
    assert said.live("S-F-2")["purpose"] == "FRAUD_REVIEW"
    assert said.live("S-A")["purpose"] == "INTERNAL_AUDIT"
    assert _public(said, "S-F-2") == _public(said, "S-A")
    assert [{k: v for k, v in one.items() if k in CONTROL} for one in said.public("S-A")["reasons"]] == [
        CONTROL
    ]
    lasting = {
        event_id: dt.datetime.fromisoformat(said.public(event_id)["expires_at"])
        - dt.datetime.fromisoformat(said.public(event_id)["event_time"])
        for event_id in ("S-F-2", "S-A")
    }
    assert lasting["S-F-2"] == lasting["S-A"]


def test_audit_codes_stand_nowhere_in_public(stage: Stage, desk: Desk) -> None:
    """Not as reasons, not as checks that could not be made, not as what should be done."""
    hidden = ("L01", "L02", "L03", "L04", "L05", "D05", "Y01", "INTERNAL", "AUDIT")
    claims = [desk.claim(f"C-{n}", visit(service_date=f"2026-03-0{n + 1}")) for n in range(4)]
    log: list[Event] = [*claims]
    log += [desk.liquidation(claims[0], "S-0", liquidator="L-9", bank_account="K-1")]
    log += [desk.liquidation(claims[1], "S-1"), desk.liquidation(claims[1], "S-2", action="VALIDATE")]
    log += [desk.liquidation(claims[2], "S-3", liquidator="L-404"), desk.payment(claims[2], "P-3", 1)]
    unknown = {**claims[3], "claim_id": "D-404"}
    log += [desk.payment(claims[2], "P-4", 1), desk.payment(unknown, "P-5", 1, status="PAID")]
    said = stage.screen([*desk.world(strict=True), *agents(desk), *log])
    internal = {reason for record in said.records for reason in codes(record)}
    assert {"L01", "L02", "D05", "Y01"} <= internal
    unchecked = {one["code"] for record in said.records for one in record["cannot_check"]}
    assert {"L01", "L04"} <= unchecked
    for message in (*said.verdicts, *said.suspensions):
        assert not [word for word in hidden if word in str(message)], message
    assert {alert["kind"] for alert in said.internal} >= {"L01", "L02", "D05", "Y01"}
    assert said.alerts == []


@SIZES
def test_a_resubmitted_step_is_answered_alike_and_counts_once(stage: Stage, desk: Desk, size: int) -> None:
    claim = desk.claim("C-1")
    step = desk.liquidation(claim, "S-1", action="VALIDATE")
    again = {**step, "ingest_time": (desk.now + dt.timedelta(minutes=1)).isoformat()}
    said = stage.screen([*desk.world(strict=True), *agents(desk), claim, step, again], size=size)
    first, second = said.of("S-1")
    assert stable(first) == stable(second)
    assert codes(second) == []


def test_a_payment_of_an_earlier_release_is_answered_again(stage: Stage, desk: Desk) -> None:
    """Its record tells the payment by what was compared alone."""
    claim = desk.claim("C-1", visit(), visit(service_date="2026-03-03"))
    order = desk.payment(claim, "P-1", 1, 2, base_amount=40_000, bank_account="K-1")
    said = stage.screen([*desk.world(), claim, order])
    record = decode(orjson.dumps(said.live("P-1")))
    now = event_of(record)
    features: dict[str, Any] = {name: value for name, value in record.features.items() if name != "event"}
    before = event_of(structs.replace(record, features=features))
    assert isinstance(now, Payment)
    assert isinstance(before, Payment)
    for name in ("payment_id", "status", "payee", "bank_account", "base_amount", "lines", "event_time"):
        assert getattr(before, name) == getattr(now, name), name


@pytest.mark.slow
def test_what_follows_an_honest_claim_passes(stage: Stage) -> None:
    """A simulated office: no step and no order of an honest file or look-alike is held for what it is itself."""
    events = list(generate(World(11), Plan(claims=500, days=24, live_days=18)))
    classes = {truth["claim_id"]: truth["class"] for _, truth in events if truth is not None}
    said = stage.screen([event for event, _ in events])
    honest = [
        record
        for record in {record["event_id"]: record for record in said.records}.values()
        if record["type"] != "claim" and classes.get(record["claim_id"]) in ("HONEST", "LOOKALIKE")
    ]
    assert len(honest) > 1_000
    assert {reason for record in honest for reason in codes(record)} <= {"GATE"}
    assert said.internal == []

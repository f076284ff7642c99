"""From findings to hold or release: section 4 of the domain, row by row."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest

from detectors.base import Finding
from detectors.catalogue import DECLARATIONS
from detectors.decision import GOOD_CAUSE, Case, Decision, decide, from_record, to_record
from detectors.policy import Thresholds
from schemas.referential import DetectorRow

ARRIVED = dt.datetime(2026, 3, 10, 9, tzinfo=dt.UTC)
THRESHOLDS = Thresholds(DECLARATIONS)


def case(**fields: Any) -> Case:
    base = {"organism": "CNOPS", "arrived": ARRIVED, "amounts": {1: 60_000, 2: 64_000}, "score": 0.2}
    return Case(**{**base, **fields})


def hard(nature: str = "PRE", code: str = "E02", lines: tuple[int, ...] = (1,), **fields: Any) -> Finding:
    return Finding(code, "H", nature=nature, lines=lines, **fields)  # type: ignore[arg-type]


def soft(code: str = "P04", weight: float = 0.8, lines: tuple[int, ...] = (1, 2), **fields: Any) -> Finding:
    return Finding(code, "S", weight=weight, lines=lines, **fields)


def answered(findings: list[Finding], **fields: Any) -> Decision:
    return decide(case(**fields), findings, THRESHOLDS)


def days(answer: Decision) -> float:
    assert answer.expires_at is not None
    return (answer.expires_at - ARRIVED).total_seconds() / 86_400


# -- what is decided


def test_nothing_found_is_released_for_ninety_days() -> None:
    answer = answered([], score=0.0067)
    assert answer == Decision(decision="RELEASE", valid_until=ARRIVED + dt.timedelta(days=90))


@pytest.mark.parametrize(
    ("findings", "fields", "decision"),
    [
        ([hard()], {}, "HOLD"),
        ([hard(review=True)], {"score": 0.0}, "RELEASE_FLAGGED"),
        ([hard(), hard(review=True)], {}, "HOLD"),
        ([soft()], {}, "HOLD"),
        ([soft(review=True)], {}, "RELEASE_FLAGGED"),
        ([soft("B03", weight=0.5), soft("M02", weight=0.5)], {}, "RELEASE_FLAGGED"),
        ([soft("B03", weight=0.5), soft("M01", weight=0.5)], {}, "HOLD"),
        ([soft(weight=0.69)], {}, "RELEASE_FLAGGED"),
        ([soft(weight=0.7)], {}, "HOLD"),
        ([soft(weight=0.5), soft("U06", 0.5)], {}, "HOLD"),
        ([soft(weight=0.5), soft(weight=0.5, lines=(2,))], {}, "RELEASE_FLAGGED"),
        ([soft(weight=0.5), soft("U06", 0.5, strength=0.0)], {}, "RELEASE_FLAGGED"),
        ([soft("M01", 0.2, model=True), soft("M02", 0.2, model=True)], {}, "RELEASE_FLAGGED"),
        ([soft("M01", 0.2, model=True), soft("M02", 0.2, model=True)], {"calibrated": True}, "HOLD"),
        ([soft("B03", 0.5), soft("M01", 0.2, model=True)], {}, "RELEASE_FLAGGED"),
        ([soft("B03", 0.5), soft("M01", 0.2, model=True)], {"calibrated": True}, "HOLD"),
        ([soft("B03", 0.5), soft("M02", 0.2, model=True)], {"calibrated": True}, "RELEASE_FLAGGED"),
        ([soft("B03", 0.5), soft("B01", 0.5)], {}, "HOLD"),
        ([soft("M01", 0.2, model=True), soft("B01", 0.5)], {}, "HOLD"),
        ([soft("M01", 0.9, model=True)], {}, "RELEASE_FLAGGED"),
        ([soft()], {"amounts": {1: 20_000, 2: 29_999}}, "RELEASE_FLAGGED"),
        ([soft()], {"amounts": {1: 20_000, 2: 30_000}, "score": 0.9}, "HOLD"),
        ([soft()], {"kind": "PEC_DEMANDE"}, "RELEASE_FLAGGED"),
        ([soft()], {"kind": "ALD_OUVERTURE"}, "RELEASE_FLAGGED"),
        ([hard("ADM", "E01")], {"kind": "PEC_DEMANDE"}, "HOLD"),
        ([soft()], {"score": 0.029}, "RELEASE"),
        ([soft()], {"score": 0.03}, "RELEASE_FLAGGED"),
        ([soft(weight=0.5)], {"score": 0.05, "flagged": 0.06}, "RELEASE"),
        ([], {"score": 0.0067, "sampled": True}, "RELEASE_FLAGGED"),
    ],
)
def test_the_rule(findings: list[Finding], fields: dict[str, Any], decision: str) -> None:
    assert answered(findings, **fields).decision == decision


@pytest.mark.parametrize(
    ("amount", "breaks_even", "essential"),
    [(30_000, 0.327, False), (124_000, 0.0854, False), (1_000_000, 0.01195, False), (124_000, 0.1053, True)],
)
def test_the_economics_of_the_domain(amount: int, breaks_even: float, essential: bool) -> None:
    """The domain's own break-even points; its smallest claim lies under the floor, which is lifted here."""
    lifted = Thresholds(DECLARATIONS, [DetectorRow(code="POLICY", parameter="floor", value=0)])
    found = [
        decide(
            case(amounts={1: amount}, score=score, essential=essential), [soft(lines=(1,))], lifted
        ).decision
        for score in (breaks_even - 0.001, breaks_even + 0.001)
    ]
    assert found[1] == "HOLD"
    assert found[0] != "HOLD"


def test_capacity_is_a_ceiling() -> None:
    loss_a_minute = 0.2 * 124_000 / 20
    assert answered([soft()], capacity=loss_a_minute).decision == "HOLD"
    assert answered([soft()], capacity=loss_a_minute + 1).decision == "RELEASE_FLAGGED"
    assert answered([hard()], capacity=1e9).decision == "HOLD"


# -- what is held, and why


def test_lines_are_the_scope_unless_a_finding_names_the_claim() -> None:
    answer = answered([hard(lines=(2,))])
    assert (answer.scope, answer.lines, answer.amount_at_risk) == ("LINES", (2,), 64_000)
    answer = answered([hard(lines=())])
    assert (answer.scope, answer.lines, answer.amount_at_risk) == ("CLAIM", (1, 2), 124_000)


def test_a_rule_on_one_line_does_not_shield_the_others() -> None:
    answer = answered([hard("ADM", "T02"), soft()], score=0.5)
    assert (answer.lines, answer.purpose) == ((1, 2), "FRAUD_REVIEW")
    answer = answered([hard("ADM", "T02"), soft(lines=(1,))], score=0.5)
    assert (answer.lines, answer.purpose) == ((1,), "COMPLETE_FILE")


@pytest.mark.parametrize(
    ("findings", "scope", "lines"),
    [
        ([hard(code="E04", lines=(1, 2), scope="PAYEE")], "PAYEE", (1, 2)),
        ([hard(code="E04", lines=(1, 2), scope="NETWORK")], "NETWORK", (1, 2)),
        ([hard(code="E04", lines=(1,), scope="PAYEE")], "LINES", (1,)),
        ([hard(code="ORD", lines=(), scope="PAYEE")], "PAYEE", (1, 2)),
    ],
)
def test_only_an_order_gives_a_wider_scope(
    findings: list[Finding], scope: str, lines: tuple[int, ...]
) -> None:
    answer = answered(findings)
    assert (answer.scope, answer.lines) == (scope, lines)


@pytest.mark.parametrize(
    ("natures", "purpose", "length", "on_expiry"),
    [
        (["ADM"], "COMPLETE_FILE", 15, "RELEASE_FLAGGED"),
        (["TAR", "ADM"], "COMPLETE_FILE", 15, "RELEASE_FLAGGED"),
        (["MED", "TAR"], "MEDICAL_REVIEW", 10, "RELEASE_FLAGGED"),
        (["ADM", "PRE", "MED"], "FRAUD_REVIEW", 30, "ESCALATE"),
        (["PRE", "INT"], "INTERNAL_AUDIT", 30, "ESCALATE"),
    ],
)
def test_the_gravest_reason_gives_purpose_and_time(
    natures: list[str], purpose: str, length: float, on_expiry: str
) -> None:
    answer = answered([hard(nature) for nature in natures])
    assert (answer.purpose, days(answer), answer.on_expiry) == (purpose, length, on_expiry)
    assert answer.valid_until is None
    assert answer.legal_basis is not None
    assert "03-01" in answer.legal_basis


def test_a_soft_presumption_is_released_flagged_in_the_end() -> None:
    answer = answered([soft()])
    assert (answer.purpose, days(answer), answer.on_expiry) == ("FRAUD_REVIEW", 30, "RELEASE_FLAGGED")
    assert answered([soft(nature="INT")]).on_expiry == "ESCALATE"


# -- time limits


@pytest.mark.parametrize(
    ("findings", "fields", "length"),
    [
        ([hard("ADM", "E01", hold_ttl_days=5)], {}, 5),
        ([hard("ADM", "E01", hold_ttl_days=5), hard("ADM", "T02")], {}, 15),
        ([hard("ADM", "E01", hold_ttl_days=5), hard("PRE")], {}, 30),
        ([hard("ADM")], {"essential": True}, 7),
        ([hard("PRE")], {"essential": True}, 7),
        ([hard("ADM", "E01", hold_ttl_days=5)], {"essential": True}, 5),
        ([hard("ADM", hold_ttl_days=400)], {}, 180),
        ([hard("ADM")], {"kind": "PEC_DEMANDE"}, 1),
        ([hard("PRE")], {"kind": "PEC_DEMANDE"}, 1),
    ],
)
def test_a_row_or_the_care_may_shorten_it(
    findings: list[Finding], fields: dict[str, Any], length: float
) -> None:
    assert days(answered(findings, **fields)) == length


@pytest.mark.parametrize(
    ("nature", "deposit", "days_to_pay", "length"),
    [
        ("ADM", dt.date(2026, 3, 10), None, 15),
        ("ADM", dt.date(2026, 1, 20), None, 10.625),
        ("ADM", dt.date(2026, 1, 1), None, 10),
        ("ADM", dt.date(2026, 2, 8), 45, 14.625),
        ("PRE", dt.date(2026, 1, 1), None, 30),
    ],
)
def test_the_payers_limit(nature: str, deposit: dt.date, days_to_pay: int | None, length: float) -> None:
    assert days(answered([hard(nature)], deposit=deposit, days_to_pay=days_to_pay)) == length


def test_a_request_lapses() -> None:
    answer = answered([hard("PRE")], kind="PEC_DEMANDE")
    assert (answer.decision, answer.on_expiry) == ("HOLD", "RELEASE_FLAGGED")


# -- essential care


@pytest.mark.parametrize(
    ("findings", "fields", "decision"),
    [
        ([hard(code="E04", lines=(1, 2))], {}, "RELEASE_FLAGGED"),
        ([hard(code="E04", lines=())], {}, "RELEASE_FLAGGED"),
        ([hard(code="E02", lines=(1, 2))], {}, "HOLD"),
        ([hard(lines=(1,))], {}, "HOLD"),
        ([hard(lines=(1, 2))], {"sole_provider": False}, "HOLD"),
        ([hard(lines=(1, 2))], {"essential": False}, "HOLD"),
        ([soft()], {"score": 0.9}, "RELEASE_FLAGGED"),
        ([hard(lines=(1, 2), scope="PAYEE")], {}, "HOLD"),
    ],
)
def test_never_whole_at_the_only_provider(
    findings: list[Finding], fields: dict[str, Any], decision: str
) -> None:
    answer = answered(findings, **{"essential": True, "sole_provider": True, **fields})
    assert answer.decision == decision
    assert answer.good_cause == (GOOD_CAUSE if decision == "RELEASE_FLAGGED" else None)


# -- who controls


@pytest.mark.parametrize(
    ("findings", "fields", "level"),
    [
        ([soft()], {}, "LOCAL"),
        ([hard("ADM")], {}, "LOCAL"),
        ([hard("PRE")], {}, "REGIONAL"),
        ([soft()], {"amounts": {1: 500_000, 2: 500_000}}, "REGIONAL"),
        ([soft()], {"agencies": 2}, "REGIONAL"),
        ([hard("INT")], {}, "CENTRAL"),
        ([soft()], {"kind": "ETRANGER"}, "CENTRAL"),
        ([hard(lines=(1, 2), scope="NETWORK")], {}, "CENTRAL"),
    ],
)
def test_level(findings: list[Finding], fields: dict[str, Any], level: str) -> None:
    assert answered(findings, **fields).control_level == level


def test_documents_are_asked_for_what_the_liquidator_may_know() -> None:
    answer = answered([hard("ADM", "E01"), hard("PRE", "D03")])
    assert answer.documents_requested == ("ATTESTATION_DROITS",)
    assert answer.suggested_control == ("PIECES", "CONTROLE_SUR_PLACE")
    answer = answered([hard("PRE", "D03")])
    assert answer.documents_requested == ()


def test_what_it_is_worth() -> None:
    answer = answered([soft(lines=(2,))], score=0.5)
    assert (answer.amount_at_risk, answer.expected_loss, answer.priority) == (64_000, 32_000.0, 16.0)


# -- again


def test_a_stored_case_is_decided_the_same() -> None:
    before = case(deposit=dt.date(2026, 3, 9), essential=True, capacity=3.5, kind="PEC_DEMANDE")
    record = msgspec.json.decode(msgspec.json.encode(to_record(before)))
    assert from_record(record) == before
    findings = [hard("ADM", "E01", hold_ttl_days=5), soft()]
    assert decide(from_record(record), findings, THRESHOLDS) == decide(before, findings, THRESHOLDS)


def test_one_finding_less() -> None:
    findings = [hard("ADM", "E01"), soft(weight=0.3)]
    assert answered(findings, score=0.01).decision == "HOLD"
    assert answered([f for f in findings if f.code != "E01"], score=0.01).decision == "RELEASE"


def test_the_payer_sets_the_policy() -> None:
    rows = [DetectorRow(code="POLICY", parameter="floor", value=200_000, organism="CNOPS")]
    thresholds = Thresholds(DECLARATIONS, rows)
    assert decide(case(), [soft()], thresholds).decision == "RELEASE_FLAGGED"
    assert decide(case(organism="CNSS"), [soft()], thresholds).decision == "HOLD"

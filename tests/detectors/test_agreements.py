"""T03: prior agreements that are missing, refused, over or used up."""

from __future__ import annotations

from typing import Any

import pytest

from detectors.agreements import CARE, SESSIONS, code_number
from schemas.enums import APPROVAL_DECISIONS
from schemas.observation import Accord, day_number, entity_ref, event_ref
from tests.detectors.scene import DAY, Scene, box, consultation, day

WHO = entity_ref("B-1")


def scene(**columns: Any) -> Scene:
    return Scene().act("AMM", **{"prior_approval": True, **columns})


def session(**fields: Any) -> dict[str, Any]:
    return consultation(**{"code": "AMM", "unit": "SESSION", "prior_approval": "PEC-1", **fields})


def decided(
    stage: Scene,
    decision: str = "GRANTED",
    *,
    sessions: int | None = None,
    amount: int | None = None,
    acts: dict[str, int] | None = None,
    number: int = 1,
    valid: tuple[int, int] = (-10, 30),
) -> Scene:
    first, last = (day_number(DAY) + offset for offset in valid)
    of = APPROVAL_DECISIONS.index(decision)
    event = event_ref(f"A-{number}")
    granted = -1 if sessions is None else sessions * 100
    whole = Accord(event, first, b"", first, last, WHO, -1 if amount is None else amount, granted, 0, of)
    told = [whole]
    for code, quantity in (acts or {}).items():
        told.append(whole._replace(act=code_number(code), quantity=quantity * 100, amount=-1))
    stage.seen.accords.setdefault("PEC-1", []).extend(told)
    return stage


def used(stage: Scene, quantity: int, amount: int = 0, *, what: int = SESSIONS, claim: str = "D-9") -> Scene:
    at = day_number(DAY) - 5
    use = Accord(
        event_ref(claim), at, entity_ref(claim), at, at, WHO, amount, quantity * 100, code_number("AMM"), what
    )
    stage.seen.accords.setdefault("PEC-1", []).append(use)
    return stage


@pytest.mark.parametrize(("modifiers", "cls", "weight"), [([], "H", 0.1), (["EMERGENCY"], "S", 0.5)])
@pytest.mark.parametrize("variant", ["missing", "pending", "refused", "dates"])
def test_no_agreement_stands(variant: str, modifiers: list[str], cls: str, weight: float) -> None:
    stage, line = scene(), session(modifiers=modifiers)
    if variant == "missing":
        del line["prior_approval"]
    elif variant == "dates":
        decided(stage, valid=(-10, -1))
    else:
        decided(stage, variant.upper())
    findings, cannot = stage.play("T03", line)
    assert cannot == []
    assert [(f.cls, f.weight, f.nature, f.variant) for f in findings] == [(cls, weight, "ADM", variant)]


def test_both_days_of_its_validity_count_and_so_does_each_session() -> None:
    dates = [day(-10), day(30)]
    assert decided(scene()).play("T03", session(sessions=dates, quantity=2)) == ([], [])
    findings, _ = decided(scene()).play("T03", session(sessions=[*dates, day(31)], quantity=3))
    assert [(f.variant, f.facts["day"]) for f in findings] == [("dates", day(31))]


def test_the_last_decision_stands() -> None:
    stage = decided(decided(scene(), "PENDING"), "GRANTED", number=2)
    assert stage.play("T03", session()) == ([], [])
    stage = decided(stage, "REFUSED", number=3)
    assert [f.variant for f in stage.play("T03", session())[0]] == ["refused"]


@pytest.mark.parametrize(
    ("before", "own", "value"), [(6, 4, None), (6, 5, 11.0), (0, 10, None), (0, 11, 11.0), (10, 1, 11.0)]
)
def test_sessions_add_up_over_claims(before: int, own: int, value: float | None) -> None:
    stage = decided(scene(), sessions=10)
    if before:
        used(stage, before)
    findings, cannot = stage.play("T03", session(quantity=own))
    assert cannot == []
    told = [(f.cls, f.variant, f.value, f.threshold) for f in findings]
    assert told == ([("H", "sessions", value, 10.0)] if value else [])


def test_only_what_is_beyond_is_named() -> None:
    stage = used(decided(scene(), sessions=10), 8)
    (finding,) = stage.play("T03", session(quantity=2), session(quantity=1, service_date=day(1)))[0]
    assert (finding.lines, finding.evidence) == ((2,), (("B-1", event_ref("D-9")),))


def test_amounts_and_quantities_of_an_act() -> None:
    stage = used(decided(scene(), amount=50_000), 1, 25_000, what=CARE)
    assert stage.play("T03", session(amount=25_100)) == ([], [])  # rounding
    (finding,) = stage.play("T03", session(amount=25_101))[0]
    assert (finding.variant, finding.value, finding.threshold) == ("amount", 50_101.0, 50_000.0)
    stage = used(decided(scene(), acts={"AMM": 3, "CS": 1}), 2, what=CARE)
    assert stage.play("T03", session(unit="ACT")) == ([], [])
    assert [f.variant for f in stage.play("T03", session(unit="ACT", quantity=2))[0]] == ["quantity"]


def test_the_claim_itself_and_the_complementary_scheme_are_not_counted_twice() -> None:
    stage = used(decided(scene(), sessions=10), 10, claim="D-1")
    assert stage.play("T03", session(quantity=10)) == ([], [])
    stage = used(decided(scene(), sessions=10), 10)
    assert stage.play("T03", session(quantity=10), coverage="COMPLEMENTARY") == ([], [])


def test_care_abroad_always_needs_one() -> None:
    abroad = consultation(executor=None, country="FR")
    assert [f.variant for f in Scene().play("T03", abroad, kind="ETRANGER")[0]] == ["missing"]
    assert [f.lines for f in Scene().play("T03", box(country="ES"))[0]] == [(1,)]


@pytest.mark.parametrize(
    ("stage", "line", "missing"),
    [
        (Scene(), session(prior_approval=None), "acts"),
        (Scene().act("AMM"), session(prior_approval=None), "acts.prior_approval"),
        (scene(), session(), "prior_approvals"),
        (used(scene(), 1), session(), "prior_approvals"),
    ],
)
def test_what_is_not_known(stage: Scene, line: dict[str, Any], missing: str) -> None:
    findings, cannot = stage.play("T03", line)
    assert (findings, [item.missing for item in cannot]) == ([], [missing])


def test_what_needs_none() -> None:
    assert scene(prior_approval=False).play("T03", session(prior_approval=None), box()) == ([], [])

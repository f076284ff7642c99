"""E03, E04 and orders: who acted, and who must not be paid."""

from __future__ import annotations

from typing import Any

import pytest

from tests.detectors.scene import DOCTOR, OTHER, PHARMACY, Scene, box, consultation, day


def known() -> Scene:
    return Scene().provider(DOCTOR).provider(PHARMACY, "PHARMACIE").act("CS", allowed_kinds=["MEDECIN"])


@pytest.mark.parametrize(
    ("line", "variant"),
    [
        (consultation(), None),
        (consultation(executor=None), "missing_executor"),
        (consultation(executor=None, country="FR"), None),
        (consultation(executor=None, care_group="SICK_LEAVE"), None),
        (consultation(executor=None, country="MA"), "missing_executor"),
        (consultation(executor="10451234"), "malformed_executor"),
        (consultation(executor="10451234A"), "malformed_executor"),
        (consultation(executor=OTHER), "unknown_executor"),
        (consultation(executor=PHARMACY), "kind_executor"),
        (consultation(prescriber=OTHER), "unknown_prescriber"),
        (box(prescriber=None), None),
    ],
)
def test_who_acted_is_known(line: dict[str, Any], variant: str | None) -> None:
    line.setdefault("prescriber", DOCTOR)
    findings, cannot = known().play("E03", line)
    assert cannot == []
    assert [f.variant for f in findings] == ([variant] if variant else [])
    assert all(f.review and f.nature == "ADM" and f.cls == "H" for f in findings)


def test_care_abroad_has_no_inpe() -> None:
    assert known().play("E03", consultation(executor=None, prescriber=None), kind="ETRANGER") == ([], [])


@pytest.mark.parametrize(
    ("needs", "variants", "missing"),
    [(True, ["missing_prescriber"], []), (False, [], []), (None, [], ["acts.needs_prescription"])],
)
def test_a_prescriber_is_asked_for_where_the_act_needs_one(
    needs: bool | None, variants: list[str], missing: list[str]
) -> None:
    findings, cannot = Scene().provider().act("CS", needs_prescription=needs).play("E03", consultation())
    assert [f.variant for f in findings] == variants
    assert [item.missing for item in cannot] == missing


def test_without_a_registry_nobody_is_unknown() -> None:
    findings, cannot = Scene().play("E03", consultation(prescriber=DOCTOR))
    assert findings == []
    assert [item.missing for item in cannot] == ["providers"]
    assert [item.missing for item in Scene().provider().play("E03", consultation())[1]] == ["acts"]


@pytest.mark.parametrize(("care", "fires"), [("2026-01-01", False), ("2025-12-31", True)])
def test_a_provider_acts_within_its_active_periods(care: str, fires: bool) -> None:
    scene = Scene().act("CS", needs_prescription=False).provider(DOCTOR, active=[{"from": "2026-01-01"}])
    findings, _ = scene.play("E03", consultation(service_date=care))
    assert [f.variant for f in findings] == ["inactive_executor"] * fires


@pytest.mark.parametrize(
    ("coverage", "review"),
    [({}, True), ({"MEDECIN": 0.9499}, True), ({"MEDECIN": 0.95}, False), ({"KINE": 1.0}, True)],
)
def test_it_holds_once_the_kind_is_covered(coverage: dict[str, float], review: bool) -> None:
    scene = known()
    scene.coverage = coverage
    findings, _ = scene.play("E03", consultation(executor=None, prescriber=DOCTOR))
    assert [f.review for f in findings] == [review]


def test_the_policy_may_hold_at_once() -> None:
    scene = known().table("detectors", {"code": "E03", "parameter": "coverage_to_hold", "value": 0})
    assert [f.review for f in scene.play("E03", consultation(executor=None, prescriber=DOCTOR))[0]] == [False]


STRUCK_OFF = [{"from": "2026-01-01", "to": "2026-03-02", "reason": "radiation"}]


@pytest.mark.parametrize("role", ["executor", "performer", "place", "prescriber"])
@pytest.mark.parametrize(("offset", "fires"), [(0, True), (1, False)])
def test_exclusion_counts_at_the_date_of_care(role: str, offset: int, fires: bool) -> None:
    scene = Scene().provider(DOCTOR, excluded=[]).provider(OTHER, excluded=STRUCK_OFF)
    findings, cannot = scene.play("E04", consultation(**{role: OTHER, "service_date": day(offset)}))
    assert cannot == []
    assert [(f.variant, f.cls, f.nature) for f in findings] == [(f"excluded_{role}", "H", "PRE")] * fires


def test_a_prescription_written_before_the_exclusion_is_lawful() -> None:
    scene = Scene().provider(PHARMACY, "PHARMACIE", excluded=[]).provider(OTHER, excluded=STRUCK_OFF)
    line = box(prescriber=OTHER, service_date="2026-01-05")
    assert scene.play("E04", {**line, "prescribed_on": "2025-12-31"})[0] == []
    assert len(scene.play("E04", {**line, "prescribed_on": "2026-01-02"})[0]) == 1


def test_unknown_exclusions_cannot_be_checked() -> None:
    assert [item.missing for item in Scene().provider().play("E04", consultation())[1]] == [
        "providers.excluded"
    ]
    assert [item.missing for item in Scene().play("E04", consultation())[1]] == ["providers"]


@pytest.mark.parametrize(
    ("entity", "fields", "scope"),
    [
        (f"provider:{DOCTOR}", {}, "PAYEE"),
        ("network:N-1", {"scope": "NETWORK"}, "NETWORK"),
        (f"provider:{OTHER}", {}, None),
        (f"provider:{DOCTOR}", {"from": "2026-03-11"}, None),
        (f"provider:{DOCTOR}", {"to": "2026-03-09"}, None),
        (f"provider:{DOCTOR}", {"lifted_by": "c"}, None),
    ],
)
def test_an_order_in_force_on_arrival_stops_the_payee(
    entity: str, fields: dict[str, Any], scope: str | None
) -> None:
    scene = Scene().provider(DOCTOR, excluded=[], network="N-1").order(entity, **fields)
    findings, _ = scene.play("E04", consultation())
    assert [f.scope for f in findings] == ([scope] if scope else [])


def test_an_order_does_not_stop_a_request() -> None:
    scene = Scene().provider(DOCTOR, excluded=[]).order(f"provider:{DOCTOR}")
    assert scene.play("E04", consultation(), kind="PEC_DEMANDE")[0] == []


def test_an_order_on_a_beneficiary_concerns_the_whole_claim() -> None:
    findings, _ = Scene().order("beneficiary:B-1").play("ORD", consultation())
    assert [(f.scope, f.lines, f.amount) for f in findings] == [("PAYEE", (), 25_000)]
    assert Scene().order("beneficiary:B-2").play("ORD", consultation())[0] == []
    assert Scene().play("ORD", consultation()) == ([], [])

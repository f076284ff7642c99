"""E01 and E02: rights and death at the date of care."""

from __future__ import annotations

from typing import Any

import pytest

from tests.detectors.scene import Scene, consultation, day

OPEN = {"from": "2025-01-01", "to": "2026-02-28", "status": "OPEN"}


@pytest.mark.parametrize(
    ("rights", "care", "held"),
    [
        ([OPEN], "2026-02-28", False),
        ([OPEN], "2026-03-01", True),
        ([{"from": "2025-01-01", "status": "OPEN"}], "2030-01-01", False),
        ([OPEN, {"from": "2026-03-01", "to": "2026-08-31", "status": "MAINTAINED"}], "2026-08-31", False),
        ([{"from": "2025-01-01", "status": "SUSPENDED"}], "2026-03-01", True),
        ([], "2026-03-01", True),
    ],
)
def test_rights_are_those_of_the_date_of_care(rights: list[Any], care: str, held: bool) -> None:
    findings, cannot = Scene().person(rights=rights).play("E01", consultation(service_date=care))
    assert cannot == []
    assert [(f.cls, f.nature, f.lines, f.hold_ttl_days) for f in findings] == [("H", "ADM", (1,), 5)] * held


def test_only_the_lines_outside_the_rights_are_named() -> None:
    scene = Scene().person(rights=[OPEN])
    findings, _ = scene.play(
        "E01", consultation(service_date="2026-02-01"), consultation(service_date="2026-03-05")
    )
    assert findings[0].lines == (2,)
    assert findings[0].amount == 25_000
    assert findings[0].facts == {"day": "2026-03-05", "last": "2026-02-28"}


@pytest.mark.parametrize(
    ("person", "missing"),
    [
        (None, "beneficiary"),
        ({}, "beneficiary.rights"),
        ({"rights": [{"from": "2025-01-01"}]}, "beneficiary.rights.status"),
    ],
)
def test_unknown_rights_cannot_be_checked(person: dict[str, Any] | None, missing: str) -> None:
    scene = Scene() if person is None else Scene().person(**person)
    findings, cannot = scene.play("E01", consultation())
    assert findings == []
    assert [item.missing for item in cannot] == [missing]


def test_a_request_without_lines_is_judged_on_its_deposit() -> None:
    findings, _ = Scene().person(rights=[OPEN]).play("E01", kind="ALD_OUVERTURE", deposit_date="2026-03-05")
    assert findings[0].lines == ()


@pytest.mark.parametrize(("offset", "held"), [(-1, False), (0, False), (1, False), (2, True), (400, True)])
def test_care_is_held_from_the_second_day_after_death(offset: int, held: bool) -> None:
    findings, cannot = Scene().person(death_date=day()).play("E02", consultation(service_date=day(offset)))
    assert cannot == []
    assert [(f.cls, f.nature, f.value) for f in findings] == [("H", "PRE", float(offset))] * held


def test_a_session_after_death_is_enough() -> None:
    line = consultation(sessions=[day(-1), day(3)])
    assert len(Scene().person(death_date=day()).play("E02", line)[0]) == 1


def test_an_act_marked_post_mortem_is_exempt() -> None:
    scene = Scene().person(death_date=day()).act("CERT", post_mortem=True).act("CS", post_mortem=False)
    findings, _ = scene.play(
        "E02", consultation(code="CERT", service_date=day(3)), consultation(service_date=day(3))
    )
    assert findings[0].lines == (2,)


@pytest.mark.parametrize(
    ("group", "ordered", "delivered", "held"),
    [
        ("DEVICE", day(-5), day(30), False),
        ("DEVICE", day(-5), day(31), True),
        ("DEVICE", day(1), day(10), True),
        ("DEVICE", None, day(10), True),
        ("OPTICAL", day(-5), day(10), False),
        ("PHARMACY", day(-5), day(10), True),
    ],
)
def test_a_device_ordered_in_life_may_come_later(
    group: str, ordered: str | None, delivered: str, held: bool
) -> None:
    line = consultation(care_group=group, service_date=delivered, prescribed_on=ordered)
    assert bool(Scene().person(death_date=day()).play("E02", line)[0]) is held


def test_the_living_and_the_unknown() -> None:
    assert Scene().person().play("E02", consultation()) == ([], [])
    assert [item.missing for item in Scene().play("E02", consultation())[1]] == ["beneficiary"]

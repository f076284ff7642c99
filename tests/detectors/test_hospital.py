"""U07: elsewhere while in hospital."""

from __future__ import annotations

from typing import Any

import pytest

from tests.detectors.scene import OTHER, Scene, box, consultation, day

HOUSE, SECOND = "300100200", "300100201"


def stay(first: int = -4, last: int = 4, **fields: Any) -> dict[str, Any]:
    line = {"care_group": "HOSPITALISATION", "nomenclature": "SEJOUR", "code": "JMED", "unit": "DAY"}
    line |= {"service_date": day(first), "service_end": day(last), "executor": HOUSE}
    return consultation(**{**line, **fields})


def inside(*lines: dict[str, Any]) -> Scene:
    return Scene().facts(*(lines or (stay(),)))


GROUPS = [
    ("CONSULTATION", "H"),
    ("DENTAL", "H"),
    ("OPTICAL", "H"),
    ("PARAMEDICAL", "H"),
    ("BIOLOGY", "S"),
    ("RADIOLOGY", "S"),
    ("DIALYSIS", "S"),
    ("SICK_LEAVE", None),
]


@pytest.mark.parametrize(("group", "cls"), GROUPS)
def test_what_kind_of_care(group: str, cls: str | None) -> None:
    findings, cannot = inside().play("U07", consultation(care_group=group))
    assert cannot == []
    weight = {"H": 0.95, "S": 0.3}
    assert [(f.cls, f.weight) for f in findings] == ([(cls, weight[cls])] if cls else [])


def test_a_pharmacy_is_soft() -> None:
    assert [(f.cls, f.variant) for f in inside().play("U07", box())[0]] == [("S", "other")]


@pytest.mark.parametrize(
    ("offset", "fires"), [(-4, False), (-3, True), (2, True), (3, False), (4, False), (5, False), (-5, False)]
)
def test_strictly_inside_and_a_day_for_the_discharge(offset: int, fires: bool) -> None:
    """Neither the days of admission and discharge, nor the day before: discharges are written late."""
    assert bool(inside().play("U07", consultation(service_date=day(offset)))[0]) is fires


@pytest.mark.parametrize("field", ["executor", "performer", "place"])
def test_care_in_the_house_itself(field: str) -> None:
    assert inside().play("U07", consultation(**{field: HOUSE})) == ([], [])


def test_a_stay_is_where_it_takes_place() -> None:
    findings, _ = inside(stay(executor=OTHER, place=HOUSE)).play("U07", consultation(place=HOUSE))
    assert findings == []


def test_a_test_that_the_house_gives_out() -> None:
    assert inside().play("U07", consultation(care_group="BIOLOGY", prescriber=HOUSE)) == ([], [])
    assert len(inside().play("U07", consultation(care_group="BIOLOGY", prescriber=OTHER))[0]) == 1


@pytest.mark.parametrize(
    ("first", "last", "more", "fires"),
    [
        (4, 9, {}, False),  # transferred on the last day
        (3, 9, {}, False),  # discharged a day late on paper
        (2, 9, {}, True),
        (2, 9, {"discharge": "TRANSFER"}, False),
        (-9, -4, {}, False),
        (-9, -2, {}, True),
        (0, 1, {}, False),
        (-1, 1, {}, True),
        (-1, 1, {"executor": HOUSE}, False),
    ],
)
def test_stays_that_overlap(first: int, last: int, more: dict[str, Any], fires: bool) -> None:
    findings, _ = inside().play("U07", stay(first, last, **{"executor": SECOND, **more}))
    assert [(f.cls, f.variant) for f in findings] == ([("H", "stay")] if fires else [])


def test_an_ambulance_between_two_houses() -> None:
    stage = inside().provider(OTHER, "TRANSPORT")
    line = consultation(care_group="HOSPITALISATION", executor=OTHER)
    assert stage.play("U07", line) == ([], [])
    assert len(inside().play("U07", line)[0]) == 1


@pytest.mark.parametrize(("offset", "fires"), [(-2, True), (-1, False), (0, False), (1, False), (2, True)])
def test_a_day_leave(offset: int, fires: bool) -> None:
    home = [{"from": day(0), "to": day(1)}]
    stage = inside(stay(-6, 6, leaves=home))
    assert bool(stage.play("U07", consultation(service_date=day(offset)))[0]) is fires


def test_a_stay_that_comes_after_the_care_is_looked_at_and_paid() -> None:
    (finding,) = Scene().earlier(consultation()).play("U07", stay())[0]
    assert (finding.cls, finding.variant, finding.review, finding.lines) == ("H", "recorded", True, (1,))
    assert Scene().earlier(box()).play("U07", stay()) == ([], [])
    assert Scene().earlier(consultation(executor=HOUSE)).play("U07", stay()) == ([], [])


def test_a_certificate_needs_nobody_there() -> None:
    assert inside().act("CS", physical_presence=False).play("U07", consultation()) == ([], [])


def test_in_one_claim() -> None:
    assert [f.variant for f in Scene().play("U07", stay(), consultation())[0]] == ["person"]
    assert Scene().play("U07", consultation()) == ([], [])
    assert Scene().play("U07", stay(), consultation(executor=HOUSE)) == ([], [])


def test_who_acted_must_be_known() -> None:
    findings, cannot = inside().play("U07", consultation(executor=None))
    assert (findings, [item.missing for item in cannot]) == ([], ["lines.executor"])
    findings, cannot = inside(stay(executor=None)).play("U07", consultation())
    assert (findings, [item.missing for item in cannot]) == ([], ["lines.executor"])

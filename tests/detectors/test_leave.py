"""B05: sick leaves."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from detectors.leave import week_of
from schemas.observation import Frequency
from tests.detectors.scene import DAY, DOCTOR, Scene, consultation, day


def line(first: int = 0, days: int = 10, **fields: Any) -> dict[str, Any]:
    of = {"care_group": "SICK_LEAVE", "nomenclature": "IJ", "code": "IJ", "unit": "DAY", "prescriber": DOCTOR}
    return consultation(
        **{**of, "service_date": day(first), "quantity": days, "amount": 10_000 * days, **fields}
    )


def leave(first: int = 0, days: int = 10, **fields: Any) -> dict[str, Any]:
    told = {"start": day(first), "end": day(first + days - 1), "employer": "EMP-1", "contribution_days": 60}
    return {"kind": "IJ", "sick_leave": {**told, **fields}}


def scene() -> Scene:
    return Scene().table("calendar", {"date": day(9), "kind": "FIXED"})


@pytest.mark.parametrize(
    ("first", "days", "fires"),
    [(-10, 10, False), (-10, 11, True), (9, 3, True), (10, 3, False), (2, 2, True)],
)
def test_leaves_that_overlap(first: int, days: int, fires: bool) -> None:
    stage = scene().earlier(line(first, days), **leave(first, days))
    findings, cannot = stage.play("B05", line(), **leave())
    assert cannot == []
    told = [(f.cls, f.weight, f.nature, f.variant) for f in findings]
    assert told == ([("H", 0.95, "MED", "overlap")] if fires else [])


def test_a_file_sent_twice_overlaps_nothing() -> None:
    assert scene().earlier(line(), **leave()).play("B05", line(), **leave()) == ([], [])


@pytest.mark.parametrize(("earlier", "fires"), [(354, False), (355, True)])
def test_fifty_two_weeks_in_twenty_four_months(earlier: int, fires: bool) -> None:
    stage = scene().earlier(line(-400, earlier), **leave(-400, earlier))
    findings, _ = stage.play("B05", line(), **leave(extends="A-7"))
    assert [(f.cls, f.variant, f.value) for f in findings] == ([("H", "year", 365.0)] if fires else [])
    stage = scene().earlier(line(-730, earlier), **leave(-730, earlier))
    assert stage.play("B05", line(), **leave(extends="A-7")) == ([], [])


@pytest.mark.parametrize(("contributed", "fires"), [(54, False), (53, True)])
def test_the_right_to_the_allowance(contributed: int, fires: bool) -> None:
    old = {"deposit_date": day(60)}
    findings, _ = scene().play("B05", line(), **leave(contribution_days=contributed), **old)
    assert [(f.cls, f.variant, f.review) for f in findings] == (
        [("H", "contribution", False)] if fires else []
    )
    assert scene().play("B05", line(), **leave(contribution_days=contributed, extends="A"), **old) == ([], [])


def test_wages_that_are_declared_late_hold_nothing() -> None:
    (finding,) = scene().play("B05", line(), **leave(contribution_days=10), deposit_date=day(59))[0]
    assert finding.review


@pytest.mark.parametrize(
    ("starts", "days", "told"),
    [
        ((-63, -42, -21), 5, [("S", 0.4, 4.0)]),  # Monday to Friday
        ((-63, -42), 5, []),
        ((-63, -42, -21), 8, []),  # no short ones
        ((-61, -40, -19), 2, []),  # Wednesday and Thursday
        ((-91, -42, -21), 5, []),
    ],
)
def test_short_leaves_beside_weekends(starts: tuple[int, ...], days: int, told: list[Any]) -> None:
    assert DAY.weekday() == 0
    stage = scene()
    for number, start in enumerate(starts, 1):
        stage.earlier(line(start, days), number=number, **leave(start, days))
    findings, cannot = stage.play("B05", line(0, days), **leave(0, days))
    assert cannot == []
    assert [(f.cls, f.weight, f.value) for f in findings] == told


@pytest.mark.parametrize(
    ("own", "total", "employees", "fires"),
    [
        (5, 5, 5, True),
        (4, 4, 4, False),
        (5, 10, 5, True),
        (5, 11, 5, False),  # an epidemic, seasonal work: the others' patients are on leave too
    ],
)
def test_employees_of_one_employer(own: int, total: int, employees: int, fires: bool) -> None:
    stage = scene()
    stage.seen.leaves[DOCTOR] = (Frequency(3, total, own, 0, 0, 0), Frequency(employees, own, 1, 0, 0, 0))
    findings, _ = stage.play("B05", line(), **leave())
    told = [(f.cls, f.weight, f.variant, f.value) for f in findings]
    assert told == ([("S", 0.7, "together", 5.0)] if fires else [])
    assert all(f.scheme for f in findings)


@pytest.mark.parametrize(
    ("stage", "fields", "missing"),
    [
        (scene(), {"kind": "IJ"}, ["sick_leave"]),
        (scene(), {"kind": "IJ", "sick_leave": {"end": day(3)}}, ["sick_leave.start"]),
        (scene(), leave(contribution_days=None), ["sick_leave.contribution_days"]),
        (scene(), leave(employer=None), ["sick_leave.employer"]),
    ],
)
def test_what_is_not_known(stage: Scene, fields: dict[str, Any], missing: list[str]) -> None:
    findings, cannot = stage.play("B05", line(), **fields)
    assert (findings, [item.missing for item in cannot]) == ([], missing)


def test_the_calendar_and_the_prescriber_are_needed() -> None:
    stage = Scene()
    for number, start in enumerate((-63, -42, -21), 1):
        stage.earlier(line(start, 5), number=number, **leave(start, 5))
    assert [item.missing for item in stage.play("B05", line(0, 5), **leave(0, 5))[1]] == ["calendar"]
    assert [i.missing for i in scene().play("B05", line(prescriber=None), **leave())[1]] == [
        "lines.prescriber"
    ]


@pytest.mark.parametrize(
    ("date", "same"), [("2026-03-02", True), ("2026-03-08", True), ("2026-03-09", False)]
)
def test_a_week_begins_on_monday(date: str, same: bool) -> None:
    def of(start: str) -> int:
        return week_of(Scene().claim(line(), kind="IJ", sick_leave={"start": start}))

    assert (of(date) == of("2026-03-02")) is same
    assert dt.date.fromisoformat("2026-03-02").weekday() == 0

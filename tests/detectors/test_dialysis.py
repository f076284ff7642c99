"""U03: sessions of a week, of a day, of a centre's machines."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.observation import DaySheet, day_number
from tests.detectors.scene import DAY, DOCTOR, OTHER, Scene, consultation, day


def dialysis(*offsets: int, **fields: Any) -> dict[str, Any]:
    line: dict[str, Any] = {
        "care_group": "DIALYSIS",
        "nomenclature": "FORFAIT",
        "code": "HD",
        "unit": "SESSION",
    }
    line |= {"quantity": len(offsets), "amount": 85_000 * len(offsets), "service_date": day(min(offsets))}
    return consultation(**{**line, "sessions": [day(offset) for offset in offsets], **fields})


def scene(*holidays: int) -> Scene:
    rows = [{"date": day(offset), "kind": "FIXED"} for offset in (*holidays, 300)]
    known = Scene().table("calendar", *rows)
    return known.earlier(dialysis(-60, -58), number=90)  # treated for long


@pytest.mark.parametrize(
    ("own", "before", "told"),
    [
        ((0, 2, 4), (), []),
        ((0, 2, 4, 7, 9, 11), (), []),
        ((0, 2, 4, 6), (), [("S", 0.5, 4.0)]),
        ((0, 2, 4, 7), (), []),
        ((0, 1, 2, 3, 4), (), [("H", 0.95, 5.0)]),
        ((0,), (2, 4, 6), [("S", 0.5, 4.0)]),
        ((0,), (-2, -4, -6), [("S", 0.5, 4.0)]),
        ((0,), (-2, -4, -7), []),
        ((0,), (-1, -2, 1, 2), [("H", 0.95, 5.0)]),
    ],
)
def test_seven_days(
    own: tuple[int, ...], before: tuple[int, ...], told: list[tuple[str, float, float]]
) -> None:
    stage = scene()
    if before:
        stage.earlier(dialysis(*before))
    findings, cannot = stage.play("U03", dialysis(*own))
    assert cannot == []
    assert [(f.cls, f.weight, f.value) for f in findings] == told
    assert all(f.nature == "MED" for f in findings)


@pytest.mark.parametrize(("centre", "variant"), [(DOCTOR, "same_day"), (OTHER, "centres")])
def test_two_sessions_of_one_day(centre: str, variant: str) -> None:
    stage = scene().earlier(dialysis(0, amount=84_000, executor=centre))
    findings, _ = stage.play("U03", dialysis(0, 2))
    assert [(f.cls, f.variant, f.value, f.threshold) for f in findings] == [("H", variant, 2.0, 1.0)]
    assert [f.variant for f in scene().play("U03", dialysis(0, sessions=None, quantity=2))[0]] == ["same_day"]


def test_a_file_sent_twice_is_a_duplicate() -> None:
    assert scene().earlier(dialysis(0, 2)).play("U03", dialysis(0, 2)) == ([], [])


def test_the_first_month_may_have_four_a_week() -> None:
    acute = Scene().table("calendar", {"date": day(300), "kind": "FIXED"})
    assert acute.play("U03", dialysis(0, 2, 4, 6)) == ([], [])
    assert len(acute.play("U03", dialysis(0, 1, 2, 4, 6))[0]) == 1
    late = Scene().table("calendar", {"date": day(300), "kind": "FIXED"}).earlier(dialysis(-24))
    assert len(late.play("U03", dialysis(0, 2, 4, 6))[0]) == 1


def test_a_traveller_goes_to_another_centre() -> None:
    stage = scene().earlier(dialysis(2, executor=OTHER))
    assert stage.play("U03", dialysis(0, 4)) == ([], [])


@pytest.mark.parametrize(("holiday", "fires"), [(-1, False), (3, False), (7, False), (8, True)])
def test_a_session_moved_by_a_holiday(holiday: int, fires: bool) -> None:
    assert bool(scene(holiday).play("U03", dialysis(0, 2, 4, 6))[0]) is fires


@pytest.mark.parametrize(("patients", "fires"), [(30, False), (31, True)])
def test_a_centre_has_so_many_machines(patients: int, fires: bool) -> None:
    stage = scene().provider(DOCTOR, "ASSOC_DIALYSE", capacity={"machines": 10})
    stage.seen.days[DOCTOR, day_number(DAY)] = DaySheet(0, patients, 3)
    findings, _ = stage.play("U03", dialysis(0, 2))
    told = [(f.cls, f.nature, f.variant, f.value, f.threshold) for f in findings]
    assert told == ([("S", "PRE", "machines", 31.0, 30.0)] if fires else [])


def test_what_is_not_known() -> None:
    month = dialysis(0, sessions=None, quantity=13, service_end=day(28))
    assert [item.missing for item in scene().play("U03", month)[1]] == ["lines.sessions"]
    stage = Scene().earlier(dialysis(-60))
    findings, cannot = stage.play("U03", dialysis(0, 2, 4, 6))
    assert (findings, [item.missing for item in cannot]) == ([], ["calendar"])

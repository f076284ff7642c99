"""B02: boxes at home."""

from __future__ import annotations

from typing import Any

import pytest

from tests.detectors.scene import BOX, Scene, box, day

SECOND = "4006381333931"


def scene(**columns: Any) -> Scene:
    row = {"dci": "amlodipine", "dose": "5 mg", "units_per_box": 30, "ddd": 1, **columns}
    return Scene().table("drugs", {"ean13": BOX, **row}, {"ean13": SECOND, **row})


@pytest.mark.parametrize(
    ("boxes", "told"),
    [
        (3, []),  # 90 days
        (4, [("S", 0.5, "stock", 120.0, False)]),
        (6, [("S", 0.5, "stock", 180.0, False)]),
        (7, [("H", 0.95, "review", 210.0, True)]),
    ],
)
def test_how_much_is_in_hand(boxes: int, told: list[tuple[Any, ...]]) -> None:
    findings, cannot = scene().play("B02", box(quantity=boxes))
    assert cannot == []
    assert [(f.cls, f.weight, f.variant, f.value, f.review) for f in findings] == told
    assert all(f.nature == "MED" for f in findings)


def test_another_brand_of_the_same_medicine_counts_and_what_is_used_up_does_not() -> None:
    stage = scene().earlier(box(code=SECOND, quantity=3, service_date=day(-30)))
    assert [f.value for f in stage.play("B02", box(quantity=2))[0]] == [120.0]
    stage = scene().earlier(box(code=SECOND, quantity=3, service_date=day(-90)))
    assert stage.play("B02", box(quantity=3)) == ([], [])
    stage = scene(dose=None).earlier(box(quantity=3, service_date=day(-30)), coverage="COMPLEMENTARY")
    assert stage.play("B02", box(quantity=2)) == ([], [])


@pytest.mark.parametrize(
    ("offsets", "fires"),
    [
        ((-60, -40, -20), True),  # three times a third is left
        ((-60, -40), False),
        ((-75, -50, -25), False),  # 25 of 30 days used
        ((-240, -220, -200), False),
    ],
)
def test_always_fetched_early(offsets: tuple[int, ...], fires: bool) -> None:
    stage = scene()
    for number, offset in enumerate(offsets, 1):
        stage.earlier(box(service_date=day(offset)), number=number)
    findings, _ = stage.play("B02", box())
    assert [(f.cls, f.variant, f.value) for f in findings] == ([("S", "early", 3.0)] if fires else [])


@pytest.mark.parametrize(
    "fields", [{"ald": "ALD-HTA"}, {"modifiers": ["TRAVEL"]}, {"duration_days": 90, "posology_per_day": 1}]
)
def test_three_months_at_once_and_a_journey_are_in_order(fields: dict[str, Any]) -> None:
    """On top of what is left of the month before."""
    stage = scene().earlier(box(service_date=day(-10), quantity=2))
    assert stage.play("B02", box(quantity=3, **fields)) == ([], [])
    assert len(stage.play("B02", box(quantity=3))[0]) == 1
    assert len(stage.play("B02", box(quantity=9, **fields))[0]) == 1


def test_a_posology_that_is_given_stands_before_the_usual_dose() -> None:
    assert scene().play("B02", box(quantity=6, posology_per_day=2)) == ([], [])
    stage = scene().earlier(box(service_date=day(-10), quantity=5))
    assert stage.play("B02", box(posology_per_day=2)) == ([], [])  # of the boxes before, too


def test_nobody_is_given_less_than_a_box() -> None:
    assert scene(units_per_box=200).play("B02", box()) == ([], [])
    assert len(scene(units_per_box=200).play("B02", box(quantity=2))[0]) == 1


def test_a_request_is_judged_before_it_is_granted() -> None:
    stage = scene().earlier(box(quantity=3, service_date=day(-5)))
    (finding,) = stage.play("B02", box(quantity=2), kind="PEC_DEMANDE")[0]
    assert (finding.value, finding.evidence[0][0]) == (145.0, "B-1")


def test_a_file_sent_twice_fills_no_cupboard() -> None:
    assert scene().earlier(box(quantity=3)).play("B02", box(quantity=3)) == ([], [])


def test_nor_does_one_whose_copy_stands_before_the_claim_that_is_judged() -> None:
    stage = scene()
    for number in (1, 2):
        stage.earlier(box(quantity=2, service_date=day(-30)), number=number)
    assert stage.play("B02", box(quantity=2)) == ([], [])  # 30 + 60 days; a second supply would make 150
    stage.earlier(box(quantity=2, service_date=day(-29)), number=3)
    assert [f.value for f in stage.play("B02", box(quantity=2))[0]] == [150.0]


@pytest.mark.parametrize(
    ("stage", "missing"),
    [
        (Scene(), "drugs"),
        (scene(dci=None), "drugs.dci"),
        (scene(units_per_box=None), "drugs.units_per_box"),
        (scene(ddd=None), "drugs.ddd"),
    ],
)
def test_what_is_not_known(stage: Scene, missing: str) -> None:
    findings, cannot = stage.play("B02", box(quantity=9))
    assert (findings, [item.missing for item in cannot]) == ([], [missing])

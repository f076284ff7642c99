"""D02: lines that resemble one another too much."""

from __future__ import annotations

from typing import Any

import pytest

from tests.detectors.scene import DOCTOR, OTHER, Scene, box, consultation, day


def scene(**columns: Any) -> Scene:
    stage = Scene().act("CS", letter="C", coefficient=1, **{"series": False, **columns})
    return stage.table("letter_values", {"letter": "C", "value": 20_000})


@pytest.mark.parametrize(
    ("other", "strength"),
    [
        ({"service_date": day(1), "amount": 25_310}, 0.8333),
        ({"service_date": day(0), "executor": OTHER, "amount": 25_310}, 1.0),
        ({"service_date": day(-3), "amount": 99_000}, 0.05),
        ({"service_date": day(-4), "amount": 99_000}, None),
        ({"service_date": day(3), "amount": 25_310}, 0.5),
        ({"service_date": day(-30), "amount": 24_804}, 0.05),
        ({"service_date": day(-30), "amount": 24_803}, None),
        ({"service_date": day(-31), "amount": 25_310}, None),
        ({"service_date": day(30), "amount": 25_310}, 0.5),
        ({"service_date": day(1), "amount": 25_310, "code": "V"}, None),
    ],
)
def test_dates_and_amounts(other: dict[str, Any], strength: float | None) -> None:
    stage = scene().earlier(consultation(**other))
    findings, cannot = stage.play("D02", consultation(amount=25_310))
    assert cannot == []
    assert [(f.cls, f.weight, f.strength) for f in findings] == ([("S", 0.5, strength)] if strength else [])


@pytest.mark.parametrize("amount", [20_000, 25_000])
def test_a_tariff_or_a_round_fee_says_nothing(amount: int) -> None:
    stage = scene().earlier(consultation(service_date=day(-20), amount=amount))
    assert stage.play("D02", consultation(amount=amount)) == ([], [])


def test_what_d01_finds_is_not_told_twice() -> None:
    assert scene().earlier(consultation()).play("D02", consultation()) == ([], [])


@pytest.mark.parametrize(
    ("stage", "lines"),
    [
        (scene(series=True), (consultation(service_date=day(1)), consultation())),
        (scene(), (box(service_date=day(1)), box())),
        (scene(), (consultation(service_date=day(1), teeth=[36]), consultation(teeth=[37]))),
    ],
)
def test_series_refills_and_another_site_are_lawful(stage: Scene, lines: tuple[dict[str, Any], ...]) -> None:
    assert stage.earlier(lines[0]).play("D02", lines[1]) == ([], [])


def test_only_within_one_coverage() -> None:
    stage = scene().earlier(consultation(service_date=day(1)), coverage="COMPLEMENTARY")
    assert stage.play("D02", consultation()) == ([], [])


@pytest.mark.parametrize(
    ("stage", "missing"),
    [
        (Scene(), "acts"),
        (Scene().act("CS"), "acts.series"),
        (Scene().act("CS", series=False), "letter_values"),
    ],
)
def test_what_is_not_known(stage: Scene, missing: str) -> None:
    before = consultation(service_date=day(-9), executor=DOCTOR)
    findings, cannot = stage.earlier(before).play("D02", consultation(amount=25_100))
    assert findings == []
    assert [item.missing for item in cannot] == [missing]

"""U06: a day has an end."""

from __future__ import annotations

from typing import Any

import pytest

from detectors import plan
from schemas.observation import DaySheet, day_number
from tests.detectors.scene import DAY, DOCTOR, OTHER, Scene, box, consultation, day


def sheet(minutes: int, **provider: Any) -> Scene:
    scene = Scene().provider(DOCTOR, **{"individual": True, **provider}).act("CS", minutes=20)
    scene.seen.days = {(DOCTOR, day_number(DAY)): DaySheet(minutes, 30, 2)}
    return scene


@pytest.mark.parametrize(
    ("minutes", "cls", "strength"),
    [
        (720, None, 0),
        (721, "S", 1 / 240),
        (840, "S", 0.5),
        (960, "S", 1.0),
        (961, "H", 1.0),
    ],
)
def test_hours_of_a_day(minutes: int, cls: str | None, strength: float) -> None:
    findings, cannot = sheet(minutes).play("U06", consultation(), consultation(service_date=day(-1)))
    assert cannot == []
    assert [f.cls for f in findings] == ([cls] if cls else [])
    if cls:
        assert findings[0].strength == pytest.approx(strength)
        assert findings[0].lines == (1,)
        assert findings[0].weight == (0.95 if cls == "H" else 0.5)


def test_an_establishment_has_many_hands() -> None:
    assert sheet(2_000, individual=False).play("U06", consultation()) == ([], [])


def test_it_must_be_known_who_shares_the_number() -> None:
    scene = Scene()
    scene.seen.days = sheet(2_000).seen.days
    assert [item.missing for item in scene.play("U06", consultation())[1]] == ["providers"]
    assert [item.missing for item in sheet(2_000, individual=None).play("U06", consultation())[1]] == [
        "providers.individual"
    ]
    assert sheet(60, individual=None).play("U06", consultation()) == ([], [])


def test_duty_lines_are_not_the_excess() -> None:
    findings, _ = sheet(1_000).play("U06", consultation(modifiers=["NIGHT"]), consultation())
    assert findings[0].lines == (2,)


def test_an_act_without_standard_time_cannot_be_added_up() -> None:
    scene = Scene().provider(DOCTOR, individual=True)
    assert [item.missing for item in scene.play("U06", consultation())[1]] == ["acts.minutes"]
    assert scene.act("CS").play("U06", box()) == ([], [])


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (consultation(), {(DOCTOR, 0): 20}),
        (consultation(quantity=3), {(DOCTOR, 0): 60}),
        (consultation(code="AMM", quantity=10), {(DOCTOR, 0): 30}),
        (consultation(code="AMM", quantity=2, sessions=[day(), day(2)]), {(DOCTOR, 0): 30, (DOCTOR, 2): 30}),
        (consultation(code="CS", quantity=1_000_000), {(DOCTOR, 0): plan.MOST_MINUTES}),
        (consultation(modifiers=["NIGHT"]), {}),
        (consultation(modifiers=["EMERGENCY"]), {}),
        (consultation(performer=OTHER), {(OTHER, 0): 20}),
        (consultation(executor=None), {}),
        (consultation(code="XX"), {}),
        (box(), {}),
    ],
)
def test_minutes_that_a_claim_adds(line: dict[str, Any], expected: dict[tuple[str, int], int]) -> None:
    scene = (
        Scene().act("CS", minutes=20).act("AMM", minutes=30, series=True).provider("207711223", "PHARMACIE")
    )
    found = plan.minutes(scene.claim(line), scene.book.snapshot())
    assert found == {(inpe, day_number(DAY) + offset): value for (inpe, offset), value in expected.items()}
    assert plan.minutes(scene.claim(line, kind="PEC_DEMANDE"), scene.book.snapshot()) == {}


def test_minutes_of_establishments_are_not_kept() -> None:
    scene = Scene().act("CS", minutes=20).provider(DOCTOR, "CLINIQUE", individual=False)
    assert plan.minutes(scene.claim(consultation()), scene.book.snapshot()) == {}

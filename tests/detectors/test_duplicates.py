"""D01: the same line in another claim."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.observation import event_ref
from tests.detectors.scene import OTHER, Scene, box, consultation, day


def once() -> Scene:
    return Scene().act("CS", repeatable_same_day=False)


def test_the_same_line_in_another_claim_is_held_alone() -> None:
    findings, cannot = (
        once().earlier(consultation()).play("D01", consultation(), consultation(code="K", amount=9))
    )
    assert cannot == []
    (finding,) = findings
    assert (finding.cls, finding.nature, finding.lines, finding.amount) == ("H", "TAR", (1,), 25_000)
    assert finding.evidence == (("B-1", event_ref("C-before-1")),)


@pytest.mark.parametrize(
    "changed",
    [
        {"amount": 25_001},
        {"quantity": 2},
        {"service_date": day(1)},
        {"executor": OTHER},
        {"code": "C"},
        {"side": "L"},
    ],
)
def test_anything_else_is_another_line(changed: dict[str, Any]) -> None:
    scene = once().earlier(consultation(**changed))
    assert scene.play("D01", consultation()) == ([], [])


def test_the_coverage_must_be_the_same() -> None:
    assert once().earlier(consultation(), coverage="COMPLEMENTARY").play("D01", consultation()) == ([], [])
    assert len(once().earlier(consultation(), coverage=None).play("D01", consultation())[0]) == 1


def test_twins_inside_a_claim_are_for_the_caps() -> None:
    assert once().play("D01", consultation(), consultation()) == ([], [])


def test_two_sessions_a_day_may_be_lawful() -> None:
    scene = Scene().act("CS", repeatable_same_day=True).earlier(consultation())
    assert scene.play("D01", consultation()) == ([], [])


def test_a_bilateral_act_has_one_twin() -> None:
    line = consultation(modifiers=["BILATERAL"])
    assert once().earlier(consultation()).play("D01", line) == ([], [])
    twice = once().earlier(consultation(), number=1).earlier(consultation(), number=2)
    assert len(twice.play("D01", line)[0]) == 1


@pytest.mark.parametrize(
    ("scene", "missing"),
    [(Scene(), "acts"), (Scene().act("OTHER"), "acts"), (Scene().act("CS"), "acts.repeatable_same_day")],
)
def test_an_act_that_is_not_known_cannot_be_checked(scene: Scene, missing: str) -> None:
    findings, cannot = scene.earlier(consultation()).play("D01", consultation())
    assert findings == []
    assert [item.missing for item in cannot] == [missing]


def test_without_a_twin_nothing_needs_to_be_known() -> None:
    assert Scene().earlier(consultation(amount=1)).play("D01", consultation()) == ([], [])


def test_boxes_are_not_sessions() -> None:
    assert len(Scene().earlier(box()).play("D01", box())[0]) == 1


def test_two_missing_executors_are_not_one() -> None:
    cannot = once().earlier(consultation(executor=None)).play("D01", consultation(executor=None))[1]
    assert [item.missing for item in cannot] == ["lines.executor"]
    leave = consultation(executor=None, care_group="SICK_LEAVE")
    assert len(once().earlier(leave).play("D01", leave)[0]) == 1

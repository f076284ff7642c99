"""U01: caps by line, day, week and year."""

from __future__ import annotations

from typing import Any

import pytest

from tests.detectors.scene import Scene, box, consultation, day


@pytest.mark.parametrize(
    ("kind", "cls", "weight"), [("LINE", "H", 0.95), ("ABSOLUTE", "H", 0.95), ("CLINICAL", "S", 0.7)]
)
@pytest.mark.parametrize(
    ("caps", "quantity", "before", "value"),
    [
        ({"cap_line": 3}, 3, [], None),
        ({"cap_line": 3}, 4, [], 4),
        ({"cap_day": 3}, 1, [(0, 2)], None),
        ({"cap_day": 3}, 2, [(0, 2)], 4),
        ({"cap_day": 3}, 3, [(-1, 3)], None),
        ({"cap_7d": 3}, 1, [(-6, 2)], None),
        ({"cap_7d": 3}, 2, [(-6, 2)], 4),
        ({"cap_7d": 3}, 2, [(-7, 2)], None),
        ({"cap_7d": 3}, 2, [(6, 2)], 4),
        ({"cap_7d": 3}, 2, [(7, 2)], None),
        ({"cap_year": 3}, 2, [(-364, 2)], 4),
        ({"cap_year": 3}, 2, [(-365, 2)], None),
        ({"cap_day": 9, "cap_year": 3}, 2, [(-100, 2)], 4),
    ],
)
def test_each_cap(
    caps: dict[str, Any],
    quantity: int,
    before: list[tuple[int, int]],
    value: float | None,
    kind: str,
    cls: str,
    weight: float,
) -> None:
    scene = Scene().act("CS", cap_kind=kind, **caps)
    for number, (offset, units) in enumerate(before, 1):
        scene.earlier(consultation(service_date=day(offset), quantity=units, amount=24_900), number=number)
    findings, cannot = scene.play("U01", consultation(quantity=quantity))
    assert cannot == []
    assert [(f.cls, f.weight, f.value, f.threshold) for f in findings] == (
        [(cls, weight, value, 3.0)] if value else []
    )


@pytest.mark.parametrize(("repeatable", "fires"), [(False, False), (True, True)])
def test_a_file_sent_twice_is_a_duplicate_and_exceeds_no_cap(repeatable: bool, fires: bool) -> None:
    scene = Scene().act("CS", cap_kind="ABSOLUTE", cap_day=3, repeatable_same_day=repeatable)
    scene.earlier(consultation(quantity=2))
    findings, _ = scene.play("U01", consultation(quantity=2))
    assert bool(findings) == fires


@pytest.mark.parametrize(
    ("kind", "lines"), [("LINE", (3,)), ("ABSOLUTE", (1, 2, 3)), ("CLINICAL", (1, 2, 3))]
)
def test_a_line_cap_concerns_the_excess_lines_only(kind: str, lines: tuple[int, ...]) -> None:
    findings, _ = Scene().act("CS", cap_day=2, cap_kind=kind).play("U01", *[consultation()] * 3)
    assert findings[0].lines == lines
    assert findings[0].amount == 25_000 * len(lines)


def test_lines_on_other_days_are_not_named() -> None:
    scene = Scene().act("CS", cap_day=1, cap_kind="ABSOLUTE")
    findings, _ = scene.play("U01", consultation(), consultation(), consultation(service_date=day(9)))
    assert findings[0].lines == (1, 2)


def test_caps_count_within_one_coverage() -> None:
    scene = (
        Scene().act("CS", cap_day=1, cap_kind="ABSOLUTE").earlier(consultation(), coverage="COMPLEMENTARY")
    )
    assert scene.play("U01", consultation()) == ([], [])


@pytest.mark.parametrize(
    ("scene", "line", "missing"),
    [
        (Scene(), consultation(), ["acts"]),
        (Scene().act("CS", cap_day=1), consultation(), ["acts.cap_kind"]),
        (Scene().act("CS"), consultation(), []),
        (Scene(), box(), []),
    ],
)
def test_what_is_not_known(scene: Scene, line: dict[str, Any], missing: list[str]) -> None:
    findings, cannot = scene.play("U01", line)
    assert findings == []
    assert [item.missing for item in cannot] == missing

"""U02: acts that do not go together."""

from __future__ import annotations

from typing import Any

import pytest

from tests.detectors.scene import OTHER, Scene, box, consultation, day

FIRST, SECOND = consultation(code="K50"), consultation(code="K20", amount=10_000)


def pairs(indicator: int | None = 0) -> Scene:
    return Scene().table("act_pairs", {"code_1": "K50", "code_2": "K20", "indicator": indicator})


@pytest.mark.parametrize("order", [(FIRST, SECOND), (SECOND, FIRST)])
@pytest.mark.parametrize(("indicator", "cls", "weight"), [(0, "H", 0.95), (1, "S", 0.6)])
def test_the_second_column_is_named(
    order: tuple[dict[str, Any], ...], indicator: int, cls: str, weight: float
) -> None:
    findings, cannot = pairs(indicator).play("U02", *order)
    assert cannot == []
    (finding,) = findings
    assert (finding.cls, finding.weight, finding.nature, finding.amount) == (cls, weight, "TAR", 10_000)


@pytest.mark.parametrize(
    ("changed", "indicator", "fires"),
    [
        ({"modifiers": ["DISTINCT_SITE"]}, 1, False),
        ({"modifiers": ["DISTINCT_SITE"]}, 0, True),
        ({"modifiers": ["NIGHT"]}, 1, True),
        ({"executor": OTHER}, 0, False),
        ({"service_date": day(1)}, 0, False),
        ({"code": "K10"}, 0, False),
        ({}, None, False),
    ],
)
def test_when_a_pair_is_one(changed: dict[str, Any], indicator: int | None, fires: bool) -> None:
    assert bool(pairs(indicator).play("U02", FIRST, {**SECOND, **changed})[0]) is fires


def test_distinct_sites_are_apart() -> None:
    sides = {**FIRST, "side": "L"}, {**SECOND, "side": "R"}
    assert pairs(1).play("U02", *sides)[0] == []
    assert len(pairs(0).play("U02", *sides)[0]) == 1


def test_a_pair_over_two_claims() -> None:
    (second,) = pairs().earlier(FIRST).play("U02", SECOND)[0]
    assert (second.cls, second.variant, second.evidence[0][0]) == ("H", "never", "B-1")
    (first,) = pairs().earlier(SECOND).play("U02", FIRST)[0]
    assert (first.cls, first.variant) == ("S", "before")
    assert pairs().earlier(FIRST, coverage="COMPLEMENTARY").play("U02", SECOND)[0] == []


def test_the_table_is_needed_where_there_is_a_pair() -> None:
    assert [item.missing for item in Scene().play("U02", FIRST, SECOND)[1]] == ["act_pairs"]
    assert Scene().play("U02", FIRST) == ([], [])
    assert Scene().play("U02", box(), box(code="4006381333931")) == ([], [])

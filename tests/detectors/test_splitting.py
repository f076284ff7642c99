"""T04: amounts kept under a control threshold."""

from __future__ import annotations

from typing import Any

import pytest

from detectors.splitting import near
from tests.detectors.scene import DOCTOR, OTHER, Scene, box, consultation, day

T = 500_000


def scene(**row: Any) -> Scene:
    return Scene().table("thresholds", {"name": "contrôle", "value": T, **row})


def habit(under: int, over: int, **row: Any) -> Scene:
    stage = scene(**row)
    stage.seen.near[DOCTOR] = (under, over)
    return stage


@pytest.mark.parametrize(
    ("under", "over", "fires"),
    [
        (20, 0, True),
        (19, 0, False),  # fewer than twenty
        (18, 2, False),  # p = 2e-4
        (19, 2, False),  # p = 1.1e-4
        (20, 2, True),
        (60, 20, True),
        (59, 20, False),  # ratio below three
    ],
)
def test_a_habit(under: int, over: int, fires: bool) -> None:
    findings, cannot = habit(under, over).play("T04", consultation(amount=T - 100))
    assert cannot == []
    told = [(f.cls, f.weight, f.variant, f.n, f.lines) for f in findings]
    assert told == ([("S", 0.5, "under", under + over, (1,))] if fires else [])


@pytest.mark.parametrize(
    ("amount", "under"),
    [(T * 9 // 10 - 1, None), (T * 9 // 10, True), (T - 1, True), (T, False), (T * 11 // 10, None)],
)
def test_what_is_close(amount: int, under: bool | None) -> None:
    context = scene().context(scene().claim(consultation(amount=amount - 100), consultation(amount=100)))
    found = near(context.claim, context.referentials)
    assert [close.under for close in found.values()] == ([] if under is None else [under])
    assert bool(habit(40, 0).play("T04", consultation(amount=amount))[0]) is (under is True)


def test_a_natural_price_is_nobodys_choice() -> None:
    """The tariff, or the list price of a drug, happens to lie just under the threshold."""
    stage = habit(40, 0).act("CS", letter="C", coefficient=1)
    stage.table("letter_values", {"letter": "C", "value": T - 100})
    assert stage.play("T04", consultation(amount=T - 100)) == ([], [])
    assert len(stage.play("T04", consultation(amount=T - 200))[0]) == 1
    stage.table("drugs", {"ean13": box()["code"], "ppv": T - 100})
    assert stage.play("T04", box(amount=T - 100, executor=DOCTOR)) == ([], [])


@pytest.mark.parametrize(
    ("row", "fires"),
    [
        ({"flow": "AMO"}, True),
        ({"flow": "RG"}, False),
        ({"organism": "CNSS"}, False),
        ({"from": "2026-06-01"}, False),
    ],
)
def test_a_threshold_of_another_flow_or_time_watches_nothing(row: dict[str, Any], fires: bool) -> None:
    assert bool(habit(40, 0, **row).play("T04", consultation(amount=T - 100))[0]) is fires


@pytest.mark.parametrize(
    ("offset", "other", "total"),
    [
        (0, {}, T),
        (2, {}, T),
        (-2, {}, T),
        (3, {}, None),
        (0, {"amount": T - 300_001}, None),
        (0, {"amount": T}, None),  # reaches the threshold by itself
        (0, {"executor": OTHER}, None),
    ],
)
def test_split_over_files(offset: int, other: dict[str, Any], total: int | None) -> None:
    before = consultation(**{"amount": T - 300_000, "service_date": day(offset), **other})
    findings, cannot = scene().earlier(before).play("T04", consultation(amount=300_000))
    assert cannot == []
    told = [(f.cls, f.weight, f.variant, f.value, f.threshold) for f in findings]
    assert told == ([("S", 0.6, "split", total, T)] if total else [])


def test_exact_tariffs_are_not_added_up() -> None:
    stage = scene().act("CS", letter="C", coefficient=1)
    stage.table("letter_values", {"letter": "C", "value": 300_000})
    stage.earlier(consultation(amount=300_000, service_date=day(1)))
    assert stage.play("T04", consultation(amount=300_000)) == ([], [])
    assert stage.play("T04", consultation(amount=310_000)) == ([], [])


def test_the_complementary_scheme_repeats_and_splits_nothing() -> None:
    stage = scene().earlier(consultation(amount=300_000), coverage="COMPLEMENTARY")
    assert stage.play("T04", consultation(amount=300_000)) == ([], [])
    assert habit(40, 0).play("T04", consultation(amount=T - 100), coverage="COMPLEMENTARY") == ([], [])


def test_the_table_is_needed() -> None:
    findings, cannot = Scene().play("T04", consultation())
    assert (findings, [item.missing for item in cannot]) == ([], ["thresholds"])

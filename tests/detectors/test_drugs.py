"""T02: code and price of a box."""

from __future__ import annotations

from typing import Any

import pytest

from detectors.drugs import is_ean13
from tests.detectors.scene import BOX, Scene, box, consultation, day

LISTED = {"ean13": BOX, "ppv": 9_500}


@pytest.mark.parametrize(
    ("code", "valid"),
    [
        ("6118001230068", True),
        ("6118001230069", False),
        ("4006381333931", True),
        ("611800123006", False),
        ("611800123006X", False),
        ("٦١١٨٠٠١٢٣٠٠٦٨", False),
    ],
)
def test_the_check_digit(code: str, valid: bool) -> None:
    assert is_ean13(code) is valid


@pytest.mark.parametrize(
    ("price", "fires"), [(9_500, False), (9_547, False), (9_548, True), (19_000, True), (1, False)]
)
def test_the_price_may_exceed_the_list_by_half_a_percent(price: int, fires: bool) -> None:
    findings, cannot = Scene().table("drugs", LISTED).play("T02", box(unit_price=price, amount=price))
    assert cannot == []
    assert [(f.variant, f.cls, f.nature) for f in findings] == [("price", "H", "ADM")] * fires


@pytest.mark.parametrize(("amount", "fires"), [(19_000, False), (19_200, True)])
def test_without_unit_price_the_amount_tells(amount: int, fires: bool) -> None:
    line = box(unit_price=None, amount=amount, quantity=2)
    assert bool(Scene().table("drugs", LISTED).play("T02", line)[0]) is fires


OLD_AND_NEW = (
    {"ean13": BOX, "ppv": 9_500, "to": day(-1)},
    {"ean13": BOX, "ppv": 8_000, "from": day()},
)


@pytest.mark.parametrize(("offset", "fires"), [(0, False), (29, False), (30, True)])
def test_an_old_price_is_tolerated_for_thirty_days(offset: int, fires: bool) -> None:
    scene = Scene().table("drugs", *OLD_AND_NEW)
    assert bool(scene.play("T02", box(service_date=day(offset)))[0]) is fires


def test_an_old_price_may_stand_in_an_older_edition() -> None:
    scene = Scene().table("drugs", LISTED)
    scene.table("drugs", {**LISTED, "ppv": 8_000}, edition="2", valid_from=day(-5))
    assert scene.play("T02", box())[0] == []
    assert len(scene.play("T02", box(service_date=day(60)))[0]) == 1


@pytest.mark.parametrize(
    ("rows", "code", "variant"),
    [
        ([LISTED], "4006381333931", "not_listed"),
        ([{**LISTED, "to": day(-1)}], BOX, "not_listed"),
        ([LISTED], "6118001230069", "checksum"),
        ([{**LISTED, "ean13": "6118001230069", "checksum_exempt": True}], "6118001230069", None),
        ([LISTED], "123", "checksum"),
    ],
)
def test_the_code_is_on_the_list_in_force(rows: list[Any], code: str, variant: str | None) -> None:
    findings, _ = Scene().table("drugs", *rows).play("T02", box(code=code), consultation())
    assert [f.variant for f in findings] == ([variant] if variant else [])
    assert all(f.lines == (1,) for f in findings)


@pytest.mark.parametrize(
    ("scene", "missing"),
    [
        (Scene(), "drugs"),
        (Scene().table("drugs", {"ean13": BOX}), "drugs.ppv"),
        (Scene().table("drugs", LISTED, valid_from="2027-01-01"), "drugs"),
    ],
)
def test_an_unknown_list_cannot_be_checked(scene: Scene, missing: str) -> None:
    assert [item.missing for item in scene.play("T02", box())[1]] == [missing]

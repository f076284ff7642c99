"""B01: distinct prescribers and pharmacies for one sort of drug."""

from __future__ import annotations

from typing import Any

import pytest

from detectors.shopping import STAY
from schemas.observation import Fact, day_number
from tests.detectors.scene import BOX, DAY, PHARMACY, Scene, box, consultation, day

OTHER_BOX = "6118010116230"
PRESCRIBERS = [f"1045000{n:02d}" for n in range(10)]
PHARMACIES = [f"2077000{n:02d}" for n in range(10)]


def listed(atc: str | None = "N05BA12", **columns: Any) -> Scene:
    rows = {"ean13": BOX, "atc": atc, **columns}, {"ean13": OTHER_BOX, "atc": "J01CA04", "base_price": 5_000}
    return Scene().table("drugs", *rows)


def visits(scene: Scene, offsets: list[int], role: str, **fields: Any) -> Scene:
    """Earlier boxes, each by another prescriber or from another pharmacy."""
    for number, offset in enumerate(offsets, 1):
        line = box(service_date=day(offset), **fields)
        line["prescriber" if role == "prescribers" else "executor"] = (
            PRESCRIBERS if role == "prescribers" else PHARMACIES
        )[number]
        scene.earlier(line, number=number)
    return scene


@pytest.mark.parametrize("role", ["prescribers", "pharmacies"])
@pytest.mark.parametrize(
    ("offsets", "window"),
    [
        ([-5, -12], None),
        ([-5, -12, -29], "30 d"),
        ([-5, -12, -30], None),
        ([-5, -12, -40, -60, -89], "90 d"),
        ([-5, -12, -40, -60, -90], None),
        ([-5, -12, 3], None),
    ],
)
def test_distinct_actors(role: str, offsets: list[int], window: str | None) -> None:
    findings, cannot = visits(listed(), offsets, role).play("B01", box(), consultation())
    assert cannot == []
    assert [(f.variant, f.window, f.cls, f.weight, f.lines) for f in findings] == (
        [(role, window, "S", 0.5, (1,))] if window else []
    )
    assert [(f.value, f.facts["n"]) for f in findings] == (
        [(float(len(offsets) + 1), len(offsets) + 1)] if window else []
    )


@pytest.mark.parametrize(
    ("columns", "group"),
    [
        ({"atc": "N06AB03"}, "psychotropic"),
        ({"atc": "N02AX02"}, "opioid"),
        ({"atc": "N02BE01"}, None),
        ({"atc": "A10BA02"}, "antidiabetic"),
        ({"atc": "L01XC02", "base_price": 100_000}, "costly"),
        ({"atc": "L01XC02", "base_price": 99_999}, None),
    ],
)
def test_sorts_of_drug(columns: dict[str, Any], group: str | None) -> None:
    findings, _ = visits(listed(**columns), [-5, -12, -20], "prescribers").play("B01", box())
    assert [f.facts["group"] for f in findings] == ([group] if group else [])


def test_other_drugs_do_not_count() -> None:
    scene = visits(listed(), [-5, -12, -20], "prescribers", code=OTHER_BOX)
    assert scene.play("B01", box()) == ([], [])
    scene = visits(listed(), [-5, -12, -20], "prescribers")
    assert scene.play("B01", box(code=OTHER_BOX)) == ([], [])


@pytest.mark.parametrize(("population", "fires"), [(14_999, False), (15_000, True), (None, True)])
def test_rural_substitutes_share_a_practice(population: int | None, fires: bool) -> None:
    scene = visits(listed(), [-5, -12, -20], "prescribers")
    scene.table("communes", {"commune": "V", "population": population})
    for inpe in PRESCRIBERS:
        scene.provider(inpe, commune="V")
    assert bool(scene.play("B01", box())[0]) is fires


def test_a_pharmacy_alone_in_its_commune_stands_for_it() -> None:
    scene = visits(listed(), [-5, -12, -20], "pharmacies")
    for number, inpe in enumerate([PHARMACY, *PHARMACIES]):
        scene.provider(inpe, "PHARMACIE", commune=f"V{number}")
    assert len(scene.play("B01", box())[0]) == 1  # four villages are four pharmacies


@pytest.mark.parametrize(
    ("offsets", "prescriber", "fires"),
    [([-1, -2, -3], "104512345", False), ([-4, -8, -12], "104512345", True), ([-1, -2, -3], None, True)],
)
def test_a_shortage_sends_to_several_pharmacies(
    offsets: list[int], prescriber: str | None, fires: bool
) -> None:
    scene = visits(listed(), offsets, "pharmacies", prescriber=prescriber)
    assert bool(scene.play("B01", box(prescriber=prescriber))[0]) is fires


@pytest.mark.parametrize(("until", "fires"), [(-5, False), (-13, False), (-60, True)])
def test_ward_doctors_after_a_stay(until: int, fires: bool) -> None:
    scene = visits(listed(), [-5, -6, -7], "prescribers")
    last = day_number(DAY) + until
    scene.seen.facts = [Fact(b"e" * 12, last - 4, last, STAY, 0, 0)]
    assert bool(scene.play("B01", box())[0]) is fires


def test_what_the_list_does_not_say() -> None:
    assert [item.missing for item in Scene().play("B01", box())[1]] == ["drugs"]
    assert [item.missing for item in listed(None).play("B01", box())[1]] == ["drugs.atc"]
    assert [item.missing for item in listed().play("B01", box(code="4006381333931"))[1]] == ["drugs.atc"]
    assert Scene().play("B01", consultation()) == ([], [])

"""U04: teeth that are gone, crowns that are new, ceilings."""

from __future__ import annotations

from typing import Any

import pytest

from detectors.dental import neighbours
from tests.detectors.scene import OTHER, Scene, consultation, day

ACTS = {
    "EXTR": "EXTRACTION",
    "OBT": "CONSERVATIVE",
    "ENDO": "ENDODONTIC",
    "COUR": "CROWN",
    "BR": "BRIDGE",
    "IMP": "IMPLANT",
}


def scene(born: str | None = "1980-01-01") -> Scene:
    stage = Scene().person(birth_date=born)
    for code, name in ACTS.items():
        stage.act(code, tooth_class=name, letter="D", coefficient=100)
    return stage.act("CD")


def dental(code: str, *teeth: int, **fields: Any) -> dict[str, Any]:
    line = {"care_group": "DENTAL", "code": code, "amount": 40_000, "teeth": list(teeth) or None}
    return consultation(**{**line, **fields})


@pytest.mark.parametrize(
    ("before", "own", "told"),
    [
        ("EXTR", "OBT", [("H", "gone")]),
        ("EXTR", "ENDO", [("H", "gone")]),
        ("EXTR", "COUR", [("H", "gone")]),
        ("EXTR", "IMP", []),
        ("EXTR", "BR", []),
        ("OBT", "COUR", []),
        ("COUR", "COUR", [("S", "again")]),
        ("BR", "COUR", []),
    ],
)
def test_before_and_after(before: str, own: str, told: list[tuple[str, str]]) -> None:
    stage = scene().facts(dental(before, 36, service_date=day(-200)))
    findings, cannot = stage.play("U04", dental(own, 36))
    assert cannot == []
    assert [(f.cls, f.variant) for f in findings] == told
    assert all(f.nature == "MED" for f in findings)
    assert stage.play("U04", dental(own, 38)) == ([], [])


def test_whichever_comes_last_is_found() -> None:
    stage = scene().facts(dental("OBT", 36, service_date=day(5)))
    assert [f.variant for f in stage.play("U04", dental("EXTR", 36))[0]] == ["treated_since"]
    stage = scene().facts(dental("OBT", 36, service_date=day(-5)))
    assert stage.play("U04", dental("EXTR", 36)) == ([], [])
    stage = scene().facts(dental("OBT", 36))
    assert stage.play("U04", dental("EXTR", 36)) == ([], [])  # tried first, on that day


def test_a_crown_may_stand_on_an_implant() -> None:
    stage = scene().facts(dental("EXTR", 36, service_date=day(-300)))
    stage.facts(dental("IMP", 36, service_date=day(-200)), number=2)
    assert stage.play("U04", dental("COUR", 36)) == ([], [])


@pytest.mark.parametrize(("offset", "fires"), [(-1826, True), (-1827, False), (0, False), (1826, True)])
def test_a_crown_lasts_five_years(offset: int, fires: bool) -> None:
    stage = scene().facts(dental("COUR", 36, service_date=day(offset)))
    findings, _ = stage.play("U04", dental("COUR", 36))
    assert [(f.cls, f.weight) for f in findings] == ([("S", 0.7)] if fires else [])


@pytest.mark.parametrize(
    ("beside", "offset", "executor", "fires"),
    [
        (37, -30, None, False),
        (35, -180, None, False),
        (35, -181, None, True),
        (37, -30, OTHER, True),
        (34, -30, None, True),
    ],
)
def test_the_neighbours_number(beside: int, offset: int, executor: str | None, fires: bool) -> None:
    """The same dentist was at work on the tooth next to it: the number is mistyped."""
    stage = scene().facts(dental("EXTR", 36, service_date=day(-400)))
    more = {} if executor is None else {"executor": executor}
    stage.facts(dental("ENDO", beside, service_date=day(offset), **more), number=2)
    assert bool(stage.play("U04", dental("OBT", 36))[0]) is fires


@pytest.mark.parametrize(
    ("born", "tooth", "fires"),
    [("2013-01-01", 35, False), ("2013-01-01", 36, True), ("2012-01-01", 35, True)],
)
def test_a_milk_tooth_with_a_permanent_number(born: str, tooth: int, fires: bool) -> None:
    stage = scene(born).facts(dental("EXTR", tooth, service_date="2025-06-01"))
    assert bool(stage.play("U04", dental("OBT", tooth))[0]) is fires


def test_the_ceiling_of_prostheses() -> None:
    def capped(organism: str = "CNSS", **more: Any) -> tuple[Any, Any]:
        stage = scene().table("letter_values", {"letter": "D", "value": 1_250})
        stage.table("rates", {"organism": None, "care_group": "DENTAL", "rate": 100})
        stage.facts(dental("COUR", 36, amount=200_000, service_date=day(-300)), organism=organism)
        return stage.play("U04", dental("COUR", 46, amount=500_000, **more), organism=organism)

    findings, cannot = capped()
    assert (findings, cannot) == ([], [])  # the scheme pays 1,250 MAD of either: the tariff
    findings, _ = capped(quantity=2)
    assert [(f.cls, f.nature, f.variant, f.value) for f in findings] == [("H", "TAR", "ceiling", 375_000.0)]
    assert capped("CNOPS", quantity=2) == ([], [])


@pytest.mark.parametrize(
    ("stage", "line", "fields", "missing"),
    [
        (Scene(), dental("OBT", 36), {}, "acts"),
        (scene(), dental("OBT"), {}, "lines.teeth"),
        (
            scene(None).facts(dental("EXTR", 35, service_date=day(-9))),
            dental("OBT", 35),
            {},
            "beneficiary.birth_date",
        ),
        (scene(), dental("COUR", 36), {"organism": "CNSS"}, "letter_values"),
        (
            scene().table("letter_values", {"letter": "D", "value": 1}),
            dental("COUR", 36),
            {"organism": "CNSS"},
            "rates",
        ),
    ],
)
def test_what_is_not_known(stage: Scene, line: dict[str, Any], fields: dict[str, Any], missing: str) -> None:
    findings, cannot = stage.play("U04", line, **fields)
    assert (findings, [item.missing for item in cannot]) == ([], [missing])


def test_neighbours() -> None:
    assert (neighbours(36), neighbours(11), neighbours(21), neighbours(41)) == (
        (37, 35),
        (12, 21),
        (22, 11),
        (42, 31),
    )

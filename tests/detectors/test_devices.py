"""U05: glasses and devices before their time."""

from __future__ import annotations

from typing import Any

import pytest

from tests.detectors.scene import Scene, consultation, day


def scene(born: str | None = "1980-01-01", **columns: Any) -> Scene:
    stage = Scene().person(birth_date=born)
    columns = {"device_class": "GLASSES", "min_interval_days": 730, "min_interval_days_child": 365, **columns}
    return stage.act("VERRE", "DM", **columns).act("PROG", "DM", **columns)


def glasses(offset: int = 0, **fields: Any) -> dict[str, Any]:
    line = {
        "care_group": "OPTICAL",
        "nomenclature": "DM",
        "code": "VERRE",
        "service_date": day(offset),
        "unit": "ITEM",
    }
    return consultation(**{**line, **fields})


@pytest.mark.parametrize(
    ("born", "offset", "interval"),
    [
        ("1980-01-01", -729, 730.0),
        ("1980-01-01", -730, None),
        ("1980-01-01", 729, 730.0),
        ("2015-01-01", -364, 365.0),
        ("2015-01-01", -365, None),
        ("1980-01-01", -400, 730.0),
    ],
)
def test_the_interval_of_the_age(born: str, offset: int, interval: float | None) -> None:
    findings, cannot = scene(born).facts(glasses(offset)).play("U05", glasses())
    assert cannot == []
    told = [(f.cls, f.weight, f.nature, f.variant, f.threshold) for f in findings]
    assert told == ([("S", 0.6, "ADM", "early", interval)] if interval else [])


def test_an_act_without_an_interval() -> None:
    bare = {"min_interval_days": None, "min_interval_days_child": None}
    assert len(scene(**bare).facts(glasses(-729)).play("U05", glasses())[0]) == 1
    brace: dict[str, Any] = {"care_group": "DEVICE"}
    findings, cannot = scene(**bare).facts(glasses(-9, **brace)).play("U05", glasses(**brace))
    assert (findings, [item.missing for item in cannot]) == ([], ["acts.min_interval_days"])


@pytest.mark.parametrize(
    ("offsets", "cls", "n"),
    [([-100, -200], "H", 2), ([-100], "S", 1), ([-183, -400], "S", 1), ([100, 200], "S", 1)],
)
def test_two_early_renewals_in_six_months(offsets: list[int], cls: str, n: int) -> None:
    stage = scene()
    for number, offset in enumerate(offsets, 1):
        stage.facts(glasses(offset), number=number)
    findings, _ = stage.play("U05", glasses())
    assert [(f.cls, f.n) for f in findings] == [(cls, n)]


def test_parts_of_one_delivery_are_one() -> None:
    assert scene().facts(glasses()).play("U05", glasses()) == ([], [])
    assert scene().play("U05", glasses(), glasses(code="PROG")) == ([], [])


@pytest.mark.parametrize(
    ("fields", "papers", "fires"),
    [
        ({"prior_approval": "PEC-CASSE"}, [], False),
        ({}, [{"type": "ACCORD", "number": "7"}], False),
        ({}, [{"type": "ACCORD", "number": "7", "lines": [2]}], True),
        ({"code": "PROG", "prescribed_on": day(-1)}, [], False),  # another article, prescribed since
        ({"code": "PROG", "prescribed_on": day(-100)}, [], True),
        ({"code": "VERRE", "prescribed_on": day(-1)}, [], True),
    ],
)
def test_breakage_and_a_changed_prescription(
    fields: dict[str, Any], papers: list[dict[str, Any]], fires: bool
) -> None:
    stage = scene().facts(glasses(-100))
    findings, cannot = stage.play("U05", glasses(**fields), documents=papers)
    assert cannot == []
    assert bool(findings) is fires


@pytest.mark.parametrize(
    ("stage", "missing"),
    [(Scene(), "acts"), (scene(None).facts(glasses(-400)), "beneficiary.birth_date")],
)
def test_what_is_not_known(stage: Scene, missing: str) -> None:
    findings, cannot = stage.play("U05", glasses())
    assert (findings, [item.missing for item in cannot]) == ([], [missing])

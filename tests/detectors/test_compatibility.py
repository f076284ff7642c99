"""E05: acts that a person's sex or age rules out."""

from __future__ import annotations

from typing import Any

import pytest

from tests.detectors.scene import Scene, box, consultation, day

BORN = "2010-03-02"  # sixteen on the day of care


def person(**fields: Any) -> Scene:
    return Scene().person(**{"sex": "M", "birth_date": BORN, "link": "ASSURE", "rank": 0, **fields})


@pytest.mark.parametrize(
    ("absolute", "cls", "weight"), [(True, "H", 0.1), (False, "S", 0.6), (None, "S", 0.6)]
)
@pytest.mark.parametrize(
    ("columns", "variant"),
    [
        ({"sex": "F"}, "sex"),
        ({"sex": "M"}, None),
        ({}, None),
        ({"age_min": 16}, None),
        ({"age_min": 17}, "young"),
        ({"age_max": 16}, None),
        ({"age_max": 15}, "old"),
        ({"sex": "M", "age_max": 15}, "old"),
    ],
)
def test_what_fits_whom(
    columns: dict[str, Any], variant: str | None, absolute: bool | None, cls: str, weight: float
) -> None:
    scene = person().act("CS", **columns, sex_age_absolute=absolute)
    findings, cannot = scene.play("E05", consultation(), consultation(code="V"))
    assert [item.missing for item in cannot] == ["acts"]
    told = [(f.cls, f.weight, f.nature, f.variant, f.lines, f.review) for f in findings]
    assert told == ([(cls, weight, "ADM", variant, (1,), False)] if variant else [])


def test_a_dependants_rank_is_asked_about() -> None:
    scene = person(link="CONJOINT", rank=1).act("CS", sex="F", sex_age_absolute=True)
    assert [f.variant for f in scene.play("E05", consultation())[0]] == ["sex_rank"]


def test_a_registry_that_errs_holds_nothing() -> None:
    """Other files bear acts of the other sex: it is the registry that is wrong."""
    scene = person().act("CS", sex="F", sex_age_absolute=True).act("C")
    (finding,) = scene.earlier(consultation(code="C", service_date=day(-30))).play("E05", consultation())[0]
    assert (finding.variant, finding.review) == ("sex", False)
    (finding,) = scene.earlier(consultation(service_date=day(-30)), number=2).play("E05", consultation())[0]
    assert (finding.variant, finding.review, finding.facts["claims"]) == ("registry", True, 1)


@pytest.mark.parametrize(
    ("scene", "missing"),
    [
        (Scene(), "acts"),
        (Scene().act("CS", sex="F"), "beneficiary"),
        (Scene().act("CS", sex="F").person(birth_date=BORN), "beneficiary.sex"),
        (Scene().act("CS", age_min=3).person(sex="F"), "beneficiary.birth_date"),
    ],
)
def test_what_is_not_known(scene: Scene, missing: str) -> None:
    findings, cannot = scene.play("E05", consultation())
    assert findings == []
    assert [item.missing for item in cannot] == [missing]
    assert scene.play("E05", box()) == ([], [])


def test_a_request_is_judged_too() -> None:
    scene = person().act("CS", sex="F", sex_age_absolute=True)
    assert len(scene.play("E05", consultation(), kind="PEC_DEMANDE")[0]) == 1

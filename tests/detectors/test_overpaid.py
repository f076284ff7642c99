"""T01: a centime too much holds, none does not; the tariff of the date of care; rates and their grounds."""

from __future__ import annotations

from typing import Any

import pytest

from tests.detectors.follower_scene import FollowerScene, missing, variants
from tests.detectors.scene import BOX, DOCTOR, PHARMACY, box, consultation, day


def scene(*lines: dict[str, Any]) -> FollowerScene:
    """A visit of 250 MAD whose tariff is 200 MAD, paid at 80 %."""
    set_ = FollowerScene(*(lines or (consultation(),)))
    set_.provider(DOCTOR, sector="PRIVATE").act("CS", letter="CS", coefficient=1)
    set_.table("letter_values", {"letter": "CS", "sector": "PRIVATE", "value": 20_000})
    set_.table("rates", {"organism": "CNOPS", "care_group": "CONSULTATION", "rate": 80})
    return set_.known(ald=[])


def priced(**fields: Any) -> dict[str, Any]:
    """A step that is right to the centime."""
    return {"line": 1, "basis_amount": 20_000, "rate": 80, "base_amount": 16_000, **fields}


def played(set_: FollowerScene, **fields: Any) -> tuple[list[str], list[str]]:
    answers = set_.follower("T01", set_.liquidation(**priced(**fields)))
    return variants(answers), missing(answers)


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({}, []),
        ({"base_amount": 16_001}, []),  # rounding
        ({"base_amount": 16_002}, ["rate"]),
        ({"basis_amount": 20_001}, []),
        ({"basis_amount": 20_002}, ["tariff"]),
        ({"complementary_amount": 9_001}, []),
        ({"complementary_amount": 9_002}, ["claimed"]),
        ({"rate": 100, "base_amount": 20_000}, ["ground"]),
        ({"rate": 90, "base_amount": 18_000}, ["rate"]),
        ({"rate": 99.9, "base_amount": 16_000}, []),
        ({"rate": 60, "base_amount": 16_000}, ["rate"]),
        ({"rate": None}, []),
        ({"line": None}, []),
    ],
)
def test_a_centime_too_much(fields: dict[str, Any], found: list[str]) -> None:
    assert played(scene(), **fields) == (found, [])


@pytest.mark.parametrize("ground", ["ALC", "HOSPITAL", "EXEMPTION"])
def test_a_ground_gives_the_full_rate(ground: str) -> None:
    assert played(scene(), rate=100, base_amount=20_000, rate_ground=ground) == ([], [])


def test_a_long_term_illness_is_looked_up() -> None:
    full = {"rate": 100, "base_amount": 20_000, "rate_ground": "ALD"}
    assert played(scene(), **full) == (["ground"], [])
    ill = scene().known(ald=[{"code": "ALD-1", "from": day(-300), "to": None, "rate": 100}])
    assert played(ill, **full) == ([], [])
    over = scene().known(ald=[{"code": "ALD-1", "from": day(-300), "to": day(-1), "rate": 100}])
    assert played(over, **full) == (["ground"], [])
    assert played(scene().known(ald=None), **full) == ([], [])  # stated, and not contradicted
    assert played(scene().known(ald=None), rate=100, base_amount=20_000) == ([], ["beneficiary.ald"])


def test_the_tariff_is_that_of_the_date_of_care() -> None:
    rows = [
        {"letter": "CS", "value": 20_000, "to": day(0)},
        {"letter": "CS", "value": 15_000, "from": day(1)},
    ]
    assert played(scene().table("letter_values", *rows, edition="2")) == ([], [])
    rows = [
        {"letter": "CS", "value": 20_000, "to": day(-1)},
        {"letter": "CS", "value": 15_000, "from": day(0)},
    ]
    assert played(scene().table("letter_values", *rows, edition="2")) == (["tariff"], [])


def test_no_row_no_tariff() -> None:
    """A package that the tables do not know, a surcharge, a provider who is not registered: never a hold."""
    unknown = scene(consultation(code="FORFAIT-1"))
    assert played(unknown) == ([], ["letter_values"])
    assert played(scene(consultation(modifiers=["NIGHT"]))) == ([], ["letter_values"])
    assert played(scene(consultation(executor="104599999"))) == ([], ["letter_values"])
    bare = FollowerScene().known(ald=[])
    assert played(bare) == ([], ["letter_values", "rates"])


def test_a_drug_is_paid_on_its_base_price() -> None:
    set_ = scene(box(quantity=2, amount=19_000))
    set_.provider(PHARMACY, "PHARMACIE")
    set_.table("drugs", {"ean13": BOX, "ppv": 9_500, "base_price": 9_000, "rate": 70})
    fits = {"basis_amount": 18_000, "rate": 70, "base_amount": 12_600}
    assert played(set_, **fits) == ([], [])
    assert played(set_, **{**fits, "basis_amount": 18_002}) == (["tariff"], [])


def test_each_line_of_a_whole_claim_may_round() -> None:
    lines = [consultation(), consultation(), consultation()]
    whole = {"line": None, "basis_amount": 60_000, "base_amount": 48_003, "rate": None}
    assert played(scene(*lines), **whole) == ([], [])
    assert played(scene(*lines), **{**whole, "base_amount": 48_004}) == (["rate"], [])


def test_without_its_claim_it_waits() -> None:
    answers = FollowerScene(filed=False).follower("T01", FollowerScene().liquidation(**priced()))
    assert (variants(answers), missing(answers)) == ([], ["claim", "claim"])


def test_a_step_without_amounts_says_nothing() -> None:
    set_ = scene()
    for action in ("VALIDATE", "REGISTER", "CANCEL", "RELEASE"):
        assert set_.follower("T01", set_.liquidation(action=action)) == ([], [])


def test_it_is_an_internal_matter_where_a_control_was_overridden() -> None:
    set_ = scene()
    wrong = priced(base_amount=17_000)
    (plain,), _ = set_.follower("T01", set_.liquidation(**wrong))
    (forced,), _ = set_.follower("T01", set_.liquidation(action="OVERRIDE", **wrong))
    (told,), _ = set_.follower("T01", set_.liquidation(controls=[{"result": "OVERRIDDEN"}], **wrong))
    assert [one.nature for one in (plain, forced, told)] == ["TAR", "INT", "INT"]
    assert (plain.cls, plain.lines, plain.amount) == ("H", (1,), 17_000)

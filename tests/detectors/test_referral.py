"""R01: one executor, one's own executor, one brand."""

from __future__ import annotations

from typing import Any

import pytest

from detectors.neighbours import expected
from detectors.places import kilometres
from schemas.observation import PAIR_ERROR, Brand, Frequency, PairCount, PairWindow
from tests.detectors.scene import BOX, DAY, DOCTOR, OTHER, PHARMACY, Scene, box, consultation

LAT, LON = 34.0, -6.8
NONE = PairCount(0, 0, 0, 0, True)


def town(shops: int, km: float = 0.0, own_km: float = 0.0) -> Scene:
    """A doctor, its pharmacy so far away, and so many others at the same distance from the doctor."""
    scene = (
        Scene()
        .provider(DOCTOR, lat=LAT, lon=LON)
        .table("drugs", {"ean13": BOX, "atc": "N02BE01", "name": "A"})
    )
    scene.provider(PHARMACY, "PHARMACIE", lat=LAT + own_km / 111.195, lon=LON)
    for number in range(shops):
        scene.provider(f"2111111{number:02d}", "PHARMACIE", lat=LAT - km / 111.195, lon=LON)
    return scene


def met(scene: Scene, own: int, total: int, before: PairCount = NONE, tail: int = 0) -> Scene:
    now = PairCount(own, total, tail, 9, tail == 0)
    scene.seen.pairs = {(DOCTOR, PHARMACY): PairWindow(now, before)}
    return scene


@pytest.mark.parametrize(
    ("own", "total", "shops", "fires"),
    [
        (29, 49, 9, False),  # 50 claims
        (30, 50, 9, True),
        (29, 50, 9, False),  # 60 %
        (60, 100, 9, True),
        (79, 100, 4, False),  # four times what five have each
        (80, 100, 4, True),
        (100, 100, 3, True),
    ],
)
def test_concentration(own: int, total: int, shops: int, fires: bool) -> None:
    findings, cannot = met(town(shops), own, total).play("R01", box())
    assert cannot == []
    assert [finding.variant for finding in findings] == (["pair"] if fires else [])
    for finding in findings:
        assert (finding.cls, finding.nature, finding.weight, finding.lines) == ("S", "PRE", 0.5, (1,))
        assert finding.value == pytest.approx(own / total * (shops + 1))
        assert (finding.threshold, finding.window, finding.n) == (4, "90 d", total)
        assert finding.scheme == f"R01:{DOCTOR}:{PHARMACY}"


def test_the_bucket_before_counts_where_this_one_is_young() -> None:
    young = met(town(9), 20, 30, PairCount(10, 20, 0, 3, True))
    (finding,), _ = young.play("R01", box())
    assert (finding.window, finding.n) == ("180 d", 50)
    assert met(town(9), 30, 50, PairCount(0, 900, 0, 3, True)).play("R01", box())[0]


def test_what_a_sketch_may_say_too_much_is_taken_off() -> None:
    tail = 100
    assert met(town(9), 60, 100, tail=tail).play("R01", box()) == ([], [])
    assert met(town(9), round(60 + PAIR_ERROR * tail) + 1, 100, tail=tail).play("R01", box())[0]


@pytest.mark.parametrize(("shops", "km", "fires"), [(2, 1, False), (9, 4.9, True), (9, 5.1, False)])
def test_the_only_pharmacy_of_the_village_does_not_fire(shops: int, km: float, fires: bool) -> None:
    """Three others within five kilometres; `own` lies among them, so that distance favours nobody."""
    assert bool(met(town(shops, km, km), 100, 100).play("R01", box())[0]) is fires


def test_the_nearest_neighbour_does_not_fire() -> None:
    """Next door, with nine others four kilometres away: distance alone gives it more than a third."""
    assert met(town(9, km=4), 90, 100).play("R01", box()) == ([], [])
    assert met(town(9, km=4, own_km=4), 90, 100).play("R01", box())[0]


def test_what_distance_alone_would_give() -> None:
    scene = town(3, km=2, own_km=0.5)
    scene.provider("211111199", "PHARMACIE", lat=LAT, lon=LON, active=[{"to": "2020-01-01"}])
    scene.provider("211111198", "LABO", lat=LAT, lon=LON).provider("211111197", "PHARMACIE")
    tables = scene.book.snapshot()
    house, doctor = tables.providers[PHARMACY], tables.providers[DOCTOR]
    weights = [
        1 / (1 + kilometres((LAT, LON), (entry.lat, entry.lon)))
        for entry in tables.providers.values()
        if entry.kind == "PHARMACIE"
        and entry.lat is not None
        and entry.lon is not None
        and entry.active is None
    ]
    found = expected(house, doctor, DAY, 5, tables)
    assert found is not None
    assert found[0] == 3
    assert found[1] == pytest.approx(1 / 1.5 / sum(weights), rel=1e-3)
    scene.provider("211111196", "PHARMACIE", lat=LAT, lon=LON)
    assert (
        expected(house, doctor, DAY, 5, scene.book.snapshot()) != found
    )  # a registry that changed counts at once


def test_without_a_place_it_cannot_be_checked() -> None:
    scene = met(town(9), 100, 100).provider(DOCTOR)
    assert [item.missing for item in scene.play("R01", box())[1]] == ["providers.lat"]
    scene = met(town(9), 100, 100)
    scene.book.delete("provider", DOCTOR)
    assert [item.missing for item in scene.play("R01", box())[1]] == ["providers"]


# -- self-referral

SCAN = consultation(code="Z50", nomenclature="NGAP", care_group="RADIOLOGY", amount=50_000)


@pytest.mark.parametrize(
    ("flagged", "prescriber", "owners", "expected_variant", "missing"),
    [
        (True, OTHER, None, "self", None),
        (False, OTHER, None, None, None),
        (None, OTHER, None, None, "acts.flagged_self_referral"),
        (True, DOCTOR, [DOCTOR], "owner", None),
        (True, DOCTOR, ["P-9"], "owner", None),
        (True, DOCTOR, ["P-8"], None, None),
        (True, DOCTOR, [], None, None),
        (True, DOCTOR, None, None, "providers.owners"),
        (False, DOCTOR, None, None, None),
        (None, DOCTOR, [DOCTOR], None, None),
    ],
)
def test_flagged_acts_of_ones_own(
    flagged: bool | None,
    prescriber: str,
    owners: list[str] | None,
    expected_variant: str | None,
    missing: str | None,
) -> None:
    scene = Scene().act("Z50", flagged_self_referral=flagged).provider(DOCTOR, person="P-9")
    scene.provider(OTHER, "RADIOLOGIE", owners=owners)
    findings, cannot = scene.play("R01", {**SCAN, "executor": OTHER, "prescriber": prescriber}, SCAN)
    assert [finding.variant for finding in findings] == ([expected_variant] if expected_variant else [])
    assert [item.missing for item in cannot] == ([missing] if missing else [])
    for finding in findings:
        assert (finding.lines, finding.amount, finding.weight) == ((1,), 50_000, 0.5)


def test_an_act_that_nobody_knows_is_asked_for_where_it_matters() -> None:
    line = {**SCAN, "executor": OTHER}
    assert [item.missing for item in Scene().play("R01", {**line, "prescriber": OTHER})[1]] == ["acts"]
    assert Scene().play("R01", {**line, "prescriber": DOCTOR}) == ([], [])


# -- brands

RIVAL = "6118001230075"
DRUGS = ({"ean13": BOX, "atc": "N02BE01", "name": "A"}, {"ean13": RIVAL, "atc": "N02BE51", "brand": "B"})


def prescribed(own: int, whole: int, theirs: int = 400, everything: int = 1_000, members: int = 21) -> Scene:
    scene = Scene().table("drugs", *DRUGS)
    brand = Frequency(5, theirs + own, own, 0, 0, 0)
    scene.seen.brands = {DOCTOR: Brand(1, brand, Frequency(members, everything + whole, whole, 0, 0, 0))}
    return scene


@pytest.mark.parametrize(
    ("own", "whole", "theirs", "fires"),
    [
        (45, 49, 0, False),
        (45, 50, 400, True),
        (44, 50, 400, False),
        (90, 100, 401, False),
        (180, 200, 0, True),
    ],
)
def test_one_brand_where_others_prescribe_several(own: int, whole: int, theirs: int, fires: bool) -> None:
    findings, cannot = prescribed(own, whole, theirs).play("R01", box())
    assert cannot == []
    assert [finding.variant for finding in findings] == (["brand"] if fires else [])
    for finding in findings:
        assert (finding.lines, finding.n, finding.value) == ((1,), whole, own / whole)
        assert (finding.facts["drug"], finding.facts["code"]) == ("A", "N02BE")
        assert finding.facts["usual"] == theirs / 10


def test_both_buckets_count() -> None:
    scene = prescribed(0, 0)
    brand, whole = Frequency(1, 30, 30, 1, 30, 30), Frequency(1, 30, 30, 21, 1_030, 30)
    scene.seen.brands = {DOCTOR: Brand(1, brand, whole)}
    (finding,), _ = scene.play("R01", box())
    assert (finding.n, finding.facts["usual"], finding.facts["peers"]) == (60, 0, 20)


def test_few_prescribers_are_no_habit() -> None:
    assert [item.missing for item in prescribed(60, 60, members=20).play("R01", box())[1]] == ["peers"]


@pytest.mark.parametrize(
    ("row", "missing"),
    [
        (None, "drugs"),
        ({"name": "A"}, "drugs.atc"),
        ({"atc": "N02BE01"}, "drugs.brand"),
        ({"atc": "N02BE01", "name": "A"}, None),
    ],
)
def test_a_list_that_does_not_tell_class_or_brand(row: dict[str, Any] | None, missing: str | None) -> None:
    scene = Scene() if row is None else Scene().table("drugs", {"ean13": BOX, **row})
    assert [item.missing for item in scene.play("R01", box())[1]] == ([missing] if missing else [])
    assert scene.play("R01", box(prescriber=None)) == ([], [])

"""P05: many patients from one far commune."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from detectors.models import ramp
from detectors.models.records import ProviderRecord, Ramp
from schemas.observation import Frequency, ProviderWindow, day_number
from tests.detectors.norms_scene import evidence
from tests.detectors.scene import DAY, DOCTOR, Scene, consultation

FAR = {"commune": "C22", "name": "Azilal", "lat": 31.96, "lon": -6.57, "population": 20_000}
HOME = {"commune": "C01", "lat": 34.02, "lon": -6.83, "population": 980_000}
NEAR = {"commune": "C02", "lat": 34.02 - 99 / 111.2, "lon": -6.83, "population": 0}


def window(patients: float) -> ProviderWindow:
    return ProviderWindow(0, 0, 0, 0, 0, 0, 0, 0, patients, 0, 0, 0, 0)


def burst(
    month: int,
    before: int = 0,
    week: int = 0,
    patients: float = 100,
    *,
    kind: str = "CLINIQUE",
    first: int | None = 90,
    far: dict[str, Any] = FAR,
    **entry: Any,
) -> Scene:
    """So many distinct patients from a commune 230 km away; usually 2 % of the 100 patients come from there."""
    scene = Scene().person(commune=far["commune"]).table("communes", far, HOME)
    scene.provider(DOCTOR, kind, commune="C01", **{"active": [{"from": "2012-01-01"}], **entry})
    scene.seen.executors = {DOCTOR: window(patients)}
    scene.seen.patients_from = {DOCTOR: Frequency(month, month, 1, before, before, 0)}
    scene.seen.patients_of_week = {DOCTOR: Frequency(week, week, 1, 0, 0, 0)}
    own = Ramp() if first is None else ramp.fold(Ramp(), day_number(DAY) - first, day_number(DAY) - first)
    scene.evidence = evidence(habits={DOCTOR: ProviderRecord(ramp=own)})
    return scene


@pytest.mark.parametrize(
    ("month", "before", "patients", "fires"),
    [
        (9, 0, 50, False),
        (10, 0, 50, True),
        (9, 0, 100, False),
        (10, 0, 100, True),
        (19, 0, 200, False),
        (20, 0, 200, True),
        (19, 4, 100, False),
        (20, 4, 100, True),
    ],
)
def test_it_fires_at_ten_and_five_times_the_base(
    month: int, before: int, patients: float, fires: bool
) -> None:
    findings, cannot = burst(month, before, patients=patients).play("P05", consultation())
    assert cannot == []
    assert len(findings) == fires
    for finding in findings:
        assert (finding.cls, finding.nature, finding.weight, finding.lines) == ("S", "PRE", 0.6, (1,))
        assert (finding.value, finding.window, finding.scheme) == (month, "30 d", f"P05:{DOCTOR}:C22")
        assert (finding.facts["kilometres"], finding.facts["commune"]) == (230, "Azilal")


@pytest.mark.parametrize(("week", "fires"), [(9, False), (11, False), (12, True)])
def test_a_week_is_compared_with_a_week(week: int, fires: bool) -> None:
    """Ten a month before: 2.33 a week, five times that is 11.7."""
    findings, _ = burst(week, 10, week).play("P05", consultation())
    assert [finding.window for finding in findings] == (["7 d"] if fires else [])


def test_a_monthly_visit_of_one_day_is_no_burst() -> None:
    assert burst(40, 40, 40, patients=60).play("P05", consultation()) == ([], [])


@pytest.mark.parametrize(
    ("campaign", "fires"), [({}, False), ({"to": "2026-03-01"}, True), ({"communes": ["C01"]}, True)]
)
def test_an_authorised_caravan_does_not_fire(campaign: dict[str, Any], fires: bool) -> None:
    row = {
        "campaign": "CARAVANE",
        "provider": DOCTOR,
        "communes": ["C22"],
        "from": "2026-03-01",
        "to": "2026-03-31",
    }
    scene = burst(30).table("campaigns", {**row, **campaign})
    assert bool(scene.play("P05", consultation())[0]) is fires


@pytest.mark.parametrize("kind", ["CHU", "HOPITAL_PUBLIC", "HOPITAL_MILITAIRE"])
def test_a_referral_hospital_does_not_fire(kind: str) -> None:
    assert burst(30, kind=kind).play("P05", consultation()) == ([], [])


@pytest.mark.parametrize(("lat", "fires"), [(34.02 - 99 / 111.2, False), (34.02 - 101 / 111.2, True)])
def test_only_from_far_away(lat: float, fires: bool) -> None:
    scene = burst(30, far={**FAR, "lat": lat, "lon": -6.83})
    assert bool(scene.play("P05", consultation())[0]) is fires


def test_the_month_before_must_have_been_watched() -> None:
    for first in (None, 20):
        assert [item.missing for item in burst(30, first=first).play("P05", consultation())[1]] == ["history"]
    scene = burst(30)
    scene.evidence = None
    assert [item.missing for item in scene.play("P05", consultation())[1]] == ["history"]


def test_of_one_that_has_just_opened_there_was_none() -> None:
    scene = burst(30, first=None, active=[{"from": "2026-02-01"}])
    assert len(scene.play("P05", consultation())[0]) == 1


def test_what_is_not_known_is_said_of_those_with_enough_patients() -> None:
    def missing(scene: Scene) -> list[str]:
        scene.seen.patients_from, scene.seen.patients_of_week = {}, {}
        findings, cannot = scene.play("P05", consultation())
        assert findings == []
        return [item.missing for item in cannot]

    assert missing(burst(0)) == []  # known, and near
    assert missing(burst(0).person()) == ["beneficiary.commune"]
    assert missing(burst(0).person(commune="C77")) == ["communes"]
    assert missing(burst(0).provider(DOCTOR, "CLINIQUE")) == ["providers.lat"]
    assert missing(burst(0, patients=9).person()) == []
    scene = burst(0)
    scene.seen.beneficiary = None
    assert missing(scene) == ["beneficiary"]


def test_without_a_population_there_is_no_base() -> None:
    scene = burst(30, far={name: value for name, value in FAR.items() if name != "population"})
    assert [item.missing for item in scene.play("P05", consultation())[1]] == ["communes.population"]
    assert dt.date(2026, 3, 2) == DAY

"""B04: in two places at once, or operated on twice."""

from __future__ import annotations

from typing import Any

import pytest

from detectors.places import kilometres
from tests.detectors.scene import DOCTOR, OTHER, Scene, box, consultation, day

RABAT, FEZ, AGADIR = (34.02, -6.84), (34.03, -5.0), (30.42, -9.6)


def scene(other: tuple[float, float] = AGADIR, **columns: Any) -> Scene:
    stage = Scene().act("CS", **{"physical_presence": True, **columns}).act("C", physical_presence=True)
    stage.provider(DOCTOR, lat=RABAT[0], lon=RABAT[1]).provider(OTHER, lat=other[0], lon=other[1])
    return stage


def far(**fields: Any) -> dict[str, Any]:
    return consultation(**{"code": "C", "executor": OTHER, **fields})


@pytest.mark.parametrize(("place", "fires"), [(AGADIR, True), (FEZ, False)])
def test_two_hundred_kilometres(place: tuple[float, float], fires: bool) -> None:
    findings, cannot = scene(place).earlier(far()).play("B04", consultation())
    assert cannot == []
    told = [(f.cls, f.weight, f.variant, f.threshold, f.lines) for f in findings]
    assert told == ([("S", 0.7, "distance", 200.0, (1,))] if fires else [])
    findings, _ = scene(place).play("B04", consultation(), far())
    assert [f.lines for f in findings] == ([(1, 2)] if fires else [])


@pytest.mark.parametrize(
    ("place", "times", "variant"),
    [
        (FEZ, ("09:00", "10:00"), "speed"),  # 169 km
        (FEZ, ("09:00", "10:25"), None),
        (AGADIR, ("08:00", "18:00"), None),  # 480 km in ten hours
        (AGADIR, ("08:00", "11:00"), "speed"),
        (AGADIR, ("08:00", None), "distance"),
        ((34.1, -6.8), ("09:00", "09:00"), None),  # one town
    ],
)
def test_a_speed_where_times_are_known(
    place: tuple[float, float], times: tuple[str, str | None], variant: str | None
) -> None:
    stage = scene(place).earlier(far(service_time=times[1]))
    findings, _ = stage.play("B04", consultation(service_time=times[0]))
    assert [f.variant for f in findings] == ([variant] if variant else [])


def test_abroad_and_at_home() -> None:
    away = consultation(executor=None, country="FR")
    stage = scene().earlier(away, kind="ETRANGER")
    assert [f.variant for f in stage.play("B04", consultation())[0]] == ["abroad"]
    stage = scene().earlier(far())
    assert [f.variant for f in stage.play("B04", away, kind="ETRANGER")[0]] == ["abroad"]
    assert scene().earlier(away, kind="ETRANGER").play("B04", consultation(service_date=day(1))) == ([], [])


@pytest.mark.parametrize(
    ("before", "fields", "own"),
    [
        (
            far(service_date=day(8)),
            {},
            consultation(service_date=day(8)),
        ),  # dated as deposited, both on 10 March
        (far(service_date=day(1)), {}, consultation()),
        (box(executor=OTHER), {}, consultation()),
        (far(), {}, box(executor=DOCTOR)),
        (far(executor=DOCTOR), {}, consultation()),
    ],
)
def test_dates_of_deposit_and_the_family_at_the_pharmacy(
    before: dict[str, Any], fields: dict[str, Any], own: dict[str, Any]
) -> None:
    assert scene().earlier(before, **fields).play("B04", own) == ([], [])


def test_an_electronic_form_dates_itself() -> None:
    stage = scene().earlier(far(service_date=day(8)), channel="FSE")
    assert len(stage.play("B04", consultation(service_date=day(8)), channel="FSE")[0]) == 1
    assert stage.play("B04", consultation(service_date=day(8)), channel="PAPER") == ([], [])


def test_an_act_for_which_nobody_is_there() -> None:
    assert scene(physical_presence=False).earlier(far()).play("B04", consultation()) == ([], [])


@pytest.mark.parametrize(
    ("offset", "before", "own", "fires"),
    [
        (-2000, None, None, True),
        (-7, None, None, False),  # dates of one operation
        (-8, None, None, True),
        (300, None, None, True),
        (-2000, "L", "L", True),
        (-2000, "L", "R", False),
        (-2000, "B", "R", True),
    ],
)
def test_once_in_a_life(offset: int, before: str | None, own: str | None, fires: bool) -> None:
    stage = scene(once_in_life=True).facts(consultation(service_date=day(offset), side=before))
    findings, cannot = stage.play("B04", consultation(side=own))
    assert cannot == []
    told = [(f.cls, f.weight, f.nature, f.variant) for f in findings]
    assert told == ([("H", 0.95, "PRE", "once")] if fires else [])


@pytest.mark.parametrize(("offset", "fires"), [(-179, True), (-180, False), (179, True), (-7, False)])
def test_two_births_within_six_months(offset: int, fires: bool) -> None:
    stage = scene(min_interval_days=180).earlier(consultation(service_date=day(offset)))
    assert [f.variant for f in stage.play("B04", consultation())[0]] == (["interval"] if fires else [])
    glasses = scene(min_interval_days=180, device_class="G").earlier(consultation(service_date=day(offset)))
    assert glasses.play("B04", consultation()) == ([], [])


@pytest.mark.parametrize(
    ("stage", "own", "missing"),
    [
        (Scene().earlier(far()), consultation(), "acts"),
        (Scene().act("CS").earlier(far()), consultation(), "acts.physical_presence"),
        (
            Scene().act("CS", physical_presence=True).act("C", physical_presence=True).earlier(far()),
            consultation(),
            "providers.lat",
        ),
        (
            scene(once_in_life=True).facts(consultation(service_date=day(-900))),
            consultation(side="L"),
            "lines.side",
        ),
    ],
)
def test_what_is_not_known(stage: Scene, own: dict[str, Any], missing: str) -> None:
    findings, cannot = stage.play("B04", own)
    assert (findings, [item.missing for item in cannot]) == ([], [missing])


def test_a_commune_stands_in_for_coordinates() -> None:
    stage = Scene().act("CS", physical_presence=True).act("C", physical_presence=True)
    stage.provider(DOCTOR, commune="R").provider(OTHER, commune="A")
    rows = [{"commune": code, "lat": at[0], "lon": at[1]} for code, at in (("R", RABAT), ("A", AGADIR))]
    stage.table("communes", *rows).earlier(far())
    assert len(stage.play("B04", consultation())[0]) == 1


def test_distances() -> None:
    assert kilometres(RABAT, RABAT) == 0.0
    assert kilometres(RABAT, AGADIR) == pytest.approx(475, abs=5)
    assert kilometres((0.0, 0.0), (0.0, 180.0)) == pytest.approx(20_015, abs=1)

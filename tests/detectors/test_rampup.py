"""P03: far more files than before, or than other newcomers bring."""

from __future__ import annotations

import datetime as dt
import random

import pytest

from detectors.models import ramp
from detectors.models.keys import network_key
from detectors.models.records import NormsRecord, ProviderRecord, Ramp
from schemas.observation import ProviderWindow, day_number
from tests.detectors.norms_scene import evidence
from tests.detectors.scene import DOCTOR, PHARMACY, Scene, box, consultation

TODAY = day_number(dt.date(2026, 3, 10))  # of the claim's arrival
VISIT = consultation(service_date="2026-03-09")


def window(claims: float) -> ProviderWindow:
    return ProviderWindow(0, 0, 0, claims, claims, 0, 0, 0, 0, 0, 0, 0, 0)


def claims(a_day: int, now: int, *, days: int = 7, delay: int = 1, first: int = 100) -> list[tuple[int, int]]:
    """(arrival, care): so many a day since `first` days ago, and `now` a day in the last `days`."""
    return [
        (TODAY - ago, TODAY - ago - delay)
        for ago in range(first, -1, -1)
        for _ in range(now if ago < days else a_day)
    ]


def grown(pairs: list[tuple[int, int]]) -> Ramp:
    own = Ramp()
    for day, care in pairs:
        own = ramp.fold(own, day, care)
    return own


def known(own: Ramp, seven: float = 140, name: str = DOCTOR) -> Scene:
    scene = Scene().provider(DOCTOR, active=[{"from": "2012-01-01"}])
    scene.seen.executors = {DOCTOR: window(seven)}
    scene.evidence = evidence(habits={name: ProviderRecord(ramp=own)})
    return scene


def test_it_fires_where_the_pace_is_three_times_the_usual_and_not_just_under() -> None:
    """Six a day, then more; all of their care in one week, so that only the pace by arrival matters."""
    before = 6
    paces = {}
    for now in range(12, 30):
        pairs = [(day, min(care, TODAY - 8)) for day, care in claims(before, now, days=8)]
        own = grown(pairs)
        ratio = ramp.weekly_pace(ramp.fold(own, TODAY, TODAY - 1), TODAY) / (7 * before)
        paces[now] = (ratio, known(own).play("P03", VISIT))
    least = min(now for now, (ratio, _) in paces.items() if ratio >= 3)
    assert 12 < least < 29
    for now, (ratio, (findings, cannot)) in paces.items():
        assert cannot == []
        assert [finding.variant for finding in findings] == (["ramp"] if now >= least else [])
        if findings:
            (finding,) = findings
            assert (finding.cls, finding.nature, finding.weight, finding.lines) == ("S", "PRE", 0.5, (1,))
            assert finding.value == pytest.approx(ratio, abs=0.01)
            assert (finding.threshold, finding.n, finding.facts["usual"]) == (3, 140, 42)


@pytest.mark.parametrize(("busiest", "fires"), [(125, False), (126, True)])
def test_the_busiest_week_of_care_is_three_times_the_usual_too(busiest: int, fires: bool) -> None:
    """42 a week before; the pace by arrival is far beyond."""
    week = TODAY // 7
    usual = [
        (day, day) for back in range(4, 14) for day in range((week - back) * 7, (week - back) * 7 + 7)
    ] * 6
    rest = [(TODAY, (week - 2) * 7 + number % 7) for number in range(busiest - 1)]
    own = grown([*usual, *rest, *[(TODAY, (week - 3) * 7)] * 40])
    line = consultation(
        service_date=dt.date.fromordinal(dt.date(1970, 1, 1).toordinal() + (week - 2) * 7).isoformat()
    )
    assert bool(known(own).play("P03", line)[0]) is fires


def test_few_claims_say_nothing() -> None:
    own = grown(claims(1, 30))
    assert known(own, seven=49).play("P03", VISIT) == ([], [])
    assert len(known(own, seven=50).play("P03", VISIT)[0]) == 1


def test_a_provider_that_slept_is_compared_with_one_claim_a_week() -> None:
    pairs = [(TODAY - 100, TODAY - 101), *claims(0, 10)]
    (finding,), _ = known(grown(pairs)).play("P03", VISIT)
    assert finding.facts["usual"] == 0


def test_without_ten_weeks_of_history_it_cannot_be_checked() -> None:
    assert [item.missing for item in known(grown(claims(6, 30, first=40))).play("P03", VISIT)[1]] == [
        "history"
    ]
    scene = known(grown(claims(6, 30)))
    scene.evidence = None
    assert [item.missing for item in scene.play("P03", VISIT)[1]] == ["history"]


def test_a_backlog_deposited_at_once_does_not_fire() -> None:
    """Two months of care that come in within a week: by arrival a ramp, by date of care none."""
    backlog = [(TODAY - number % 5, TODAY - 1 - number % 60) for number in range(300)]
    own = grown([*claims(6, 6), *backlog])
    assert ramp.weekly_pace(own, TODAY) > 3 * 42
    assert known(own).play("P03", VISIT) == ([], [])


def test_paper_batches_of_a_month_do_not_fire() -> None:
    batches = [
        (TODAY - month * 28, TODAY - month * 28 - number % 28)
        for month in range(4, -1, -1)
        for number in range(200)
    ]
    own = grown(batches)
    usual = ramp.usual(own, TODAY)
    assert usual is not None
    assert ramp.weekly_pace(own, TODAY) > 3 * usual
    assert known(own).play("P03", VISIT) == ([], [])


def opening(p95: float, seven: float, members: int = 20) -> Scene:
    scene = Scene().provider(DOCTOR, active=[{"from": "2026-01-15"}])
    scene.seen.executors = {DOCTOR: window(seven)}
    scene.evidence = evidence(NormsRecord(newcomers=(members, 20.0, p95)))
    return scene


@pytest.mark.parametrize(("seven", "fires"), [(49, False), (60, False), (61, True)])
def test_an_opening_is_compared_with_others(seven: float, fires: bool) -> None:
    findings, cannot = opening(60, seven).play("P03", VISIT)
    assert cannot == []
    assert [finding.variant for finding in findings] == (["opening"] if fires else [])
    assert [item.missing for item in opening(60, 61, members=19).play("P03", VISIT)[1]] == ["newcomers"]


def test_a_network_grows_as_a_whole() -> None:
    scene = known(grown(claims(6, 30)), name=network_key("N-7"))
    scene.seen.executors = {DOCTOR: window(49), PHARMACY: window(49)}
    scene.seen.networks = {"N-7": window(98)}
    scene.provider(DOCTOR, network="N-7").provider(PHARMACY, "PHARMACIE")
    (finding,), cannot = scene.play("P03", VISIT, box())
    assert cannot == []
    assert (finding.variant, finding.lines, finding.scheme) == ("network", (1,), "P03:N-7")
    scene.evidence = evidence()
    assert [item.missing for item in scene.play("P03", VISIT, box())[1]] == ["history"]


def test_the_order_of_arrival_does_not_matter() -> None:
    pairs = claims(6, 30)
    shuffled = random.Random(1).sample(pairs, len(pairs))
    found = [known(grown(order)).play("P03", VISIT)[0] for order in (pairs, shuffled)]
    assert found[0] == found[1]

"""The pace of the last days is a mean as River keeps it; weeks are counted in any order of arrival."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from river import stats

from detectors.models import ramp
from detectors.models.folds import fold_provider, provider_activity
from detectors.models.keys import network_key, opened, view
from detectors.models.records import ProviderRecord, Ramp
from detectors.models.store import Records
from schemas.observation import Observation
from tests.models.stage import DOCTOR, PHARMACY, Registry, claim, line, provider

START = 20_503  # the first day of a week of seven days


def grown(days: list[tuple[int, int]]) -> Ramp:
    """After claims of (day of arrival, day of care)."""
    own = Ramp()
    for day, care in days:
        own = ramp.fold(own, day, care)
    return own


def test_the_pace_is_rivers_mean_of_daily_counts() -> None:
    rng = random.Random(3)
    days = sorted(START + rng.randrange(90) for _ in range(400))
    counts = Counter(days)
    plain = stats.EWMean(fading_factor=ramp.ALPHA)
    plain.update(0.0)  # River takes its first value whole; ours begins with nothing
    for day in range(START, days[-1] + 1):
        plain.update(float(counts[day]))
    own = grown([(day, day) for day in days])
    assert ramp.weekly_pace(own, days[-1]) == pytest.approx(7 * plain.get())
    plain.update(0.0)
    assert ramp.weekly_pace(own, days[-1] + 1) == pytest.approx(7 * plain.get())


def test_what_is_usual_and_how_care_grows_are_plain_counts() -> None:
    rng = random.Random(4)
    days = sorted(START + rng.randrange(110) for _ in range(300))
    pairs = [(day, day - rng.randrange(40)) for day in days]
    shuffled = pairs[:-1]
    rng.shuffle(shuffled)
    own, other = grown(pairs), grown([*shuffled, pairs[-1]])
    today = days[-1]
    week = today // 7
    assert (own.came_week, own.came, own.care_week, own.given) == (
        other.came_week,
        other.came,
        other.care_week,
        other.given,
    )
    assert own.pace == pytest.approx(other.pace)
    came = Counter(day // 7 for day, _ in pairs)
    care = Counter(day // 7 for _, day in pairs)
    assert ramp.usual(own, today) == sum(came[week - back] for back in range(2, 10)) / 8
    base = max(1.0, sum(care[week - back] for back in range(4, 12)) / 8)
    assert ramp.care_growth(own, today) == max(care[week - back] for back in range(4)) / base


def test_without_ten_weeks_nothing_is_usual() -> None:
    own = grown([(START, START)])
    assert ramp.usual(own, START + 69) is None
    assert ramp.usual(own, START + 70) == 0.0
    assert ramp.usual(Ramp(), START) is None


def test_long_silence_and_absurd_dates_leave_a_record_that_can_be_kept() -> None:
    own = grown([(START, START), (START + 10_000, START - 30_000), (START + 5_000, START)])
    assert own.came == (1, *[0] * 11)
    assert own.given == (2, *[0] * 11)
    assert ramp.weekly_pace(own, START + 10_000) == pytest.approx(7 * 0.25)


def test_a_network_is_told_once_a_claim_and_learns_its_ramp_alone() -> None:
    registry = Registry(
        provider(DOCTOR, network="N"), provider(PHARMACY, "PHARMACIE", network="N"), provider("100000009")
    )
    lines = [line(1, service_date="2026-01-02"), line(2, executor=PHARMACY), line(3, executor="100000009")]
    looked = view(claim(*lines), Observation(), registry)
    told = dict(provider_activity(looked, Records()))
    assert set(told) == {DOCTOR, PHARMACY, "100000009", network_key("N")}
    assert ("provider", network_key("N")) in looked.wanted
    day = looked.arrival_day
    assert told[network_key("N")] == {"day": day, "care": day}
    after = fold_provider(None, told[network_key("N")])
    assert after == ProviderRecord(ramp=ramp.fold(Ramp(), day, day))
    assert fold_provider(None, told[DOCTOR]).ramp == ramp.fold(Ramp(), day, day - 3)


@pytest.mark.parametrize(
    ("active", "new"),
    [
        (None, None),
        ([], None),
        ([{"to": "2030-01-01"}], None),
        ([{"from": "2025-10-08"}], True),
        ([{"from": "2025-10-07"}], False),
        ([{"from": "2025-12-01"}, {"from": "2012-01-01", "to": "2020-01-01"}], False),
    ],
)
def test_who_opened_less_than_90_days_ago(active: list[dict[str, str]] | None, new: bool | None) -> None:
    looked = view(claim(line()), Observation(), Registry(provider(DOCTOR)))
    assert opened(provider(DOCTOR, active=active), looked.arrival_day) is new

"""M03 follows River where River has the statistic, closed forms elsewhere; honest practice stays quiet."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from river import stats

from detectors.base import CannotCheck, Finding
from detectors.models import provider, view
from detectors.models.folds import FREEZE_DAYS, fold_provider, freeze
from detectors.models.keys import level_key
from detectors.models.practice import CUSUM_LIMIT, crossed
from detectors.models.records import PeerRecord, ProviderRecord, decode, encode
from detectors.models.store import Records
from schemas.observation import Observation
from tests.models.stage import DOCTOR, Registry, claim, line, window
from tests.models.stage import provider as registered

REGISTRY = Registry(registered(DOCTOR, specialty="GP"))
PEERS = PeerRecord(n=500, mean=math.log(150.0), var=0.09)


def told(day: int, level: float = 5.0, **flags: int) -> dict[str, Any]:
    return {"day": day, "level": level, "peers": None, "new": 0, "top": 0, "weekend": 0, **flags}


def practice(claims: int, per_day: int = 10, seed: int = 1, first: int = 20_000) -> ProviderRecord:
    """A steady practice: log amounts around that of 150 MAD, 30 % new patients, Poisson-like days."""
    rng = random.Random(seed)
    record, day, left = None, first, per_day
    for _ in range(claims):
        if left <= 0:
            day, left = day + 1, per_day + rng.randrange(-3, 4)
        left -= 1
        level = math.log(150.0) + max(-0.8, min(0.8, rng.gauss(0.0, 0.3)))
        figures = told(day, level, new=int(rng.random() < 0.3), top=int(rng.random() < 0.25), weekend=0)
        record = decode("provider", encode(fold_provider(record, figures)))  # type: ignore[arg-type]
    assert isinstance(record, ProviderRecord)
    return record


def ask(
    record: ProviderRecord | None, amount: int = 15_000, **windows: float
) -> Finding | CannotCheck | None:
    seen = Observation(executors={DOCTOR: window(**windows)})
    blobs = {
        ("peers", level_key("GP")): encode(PEERS),
        ("provider", DOCTOR): None if record is None else encode(record),
    }
    answer, _ = provider.check(view(claim(line(amount=amount)), seen, REGISTRY), Records(blobs))
    return answer


def test_snapshots_at_every_claim_equal_river_run_continuously() -> None:
    rng = random.Random(4)
    slow, spread, fast, share = stats.Mean(), stats.Var(ddof=0), stats.EWMean(0.1), stats.EWMean(0.08)
    record: ProviderRecord | None = None
    for index in range(400):
        x, new = rng.uniform(4.5, 5.5), int(rng.random() < 0.4)  # never beyond 3 sd: nothing is clipped
        record = decode("provider", encode(fold_provider(record, told(20_000 + index // 9, x, new=new))))  # type: ignore[assignment]
        assert record is not None
        slow.update(x)
        spread.update(x)
        assert record.level.slow == pytest.approx(slow.get(), rel=1e-12)
        assert record.level_var == pytest.approx(spread.get(), rel=1e-9, abs=1e-12)
        if index == 9:  # ten claims warm up the fast mean, then River's takes over from the same float
            fast.update(record.level.fast)
        elif index > 9:
            fast.update(x)
            assert record.level.fast == pytest.approx(fast.get(), rel=1e-12)
        if index == 12:
            share.update(record.new.fast)
        elif index > 12:
            share.update(float(new))
            assert record.new.fast == pytest.approx(share.get(), rel=1e-12)
    assert record is not None
    assert record.claims == record.learnt == 400


def test_the_cumulated_drift_is_that_of_the_plain_formula() -> None:
    record = practice(200)
    total = record.cusum
    for index in range(12):
        before, level = record, record.level.slow + 2.0 * math.sqrt(record.level_var)
        record = fold_provider(record, told(20_100 + index, level))
        total = max(0.0, total + (level - before.level.slow) / math.sqrt(before.level_var) - 0.75)
        assert record.cusum == pytest.approx(total)
    assert record.alarm_day == 20_111
    assert record.cusum > CUSUM_LIMIT


def test_a_steady_practice_stays_quiet() -> None:
    told_off = 0
    for seed in range(40):
        record = practice(300, seed=seed)
        answer = ask(
            record, round(15_000 * random.Random(seed).lognormvariate(0, 0.3)), claims_1d=10.0, claims_2d=20.0
        )
        told_off += isinstance(answer, Finding)
    assert told_off <= 1


def test_a_rising_level_is_told_with_its_ratio() -> None:
    record = practice(300)
    for _ in range(12):
        record = fold_provider(record, told(20_040, math.log(450.0)))
    answer = ask(record, 45_000, claims_1d=10.0, claims_2d=20.0, lines_30d=38.0)
    assert isinstance(answer, Finding)
    assert (answer.code, answer.model, answer.variant) == ("M03", True, "level")
    assert answer.facts["ratio"] > 1.5
    assert answer.facts["lines"] == 38
    assert answer.strength == pytest.approx(1.0)


def test_a_day_far_above_the_own_dispersion_is_told() -> None:
    record = practice(300)
    assert ask(record, claims_1d=14.0, claims_2d=24.0) is None
    busy = ask(record, claims_1d=60.0, claims_2d=70.0)
    assert isinstance(busy, Finding)
    assert (busy.variant, busy.facts["count"], busy.window) == ("rate", 60, "1d")
    assert busy.facts["usual"] == pytest.approx(10.0, abs=1.5)


def test_a_practice_of_uneven_days_has_a_wider_allowance() -> None:
    record: ProviderRecord | None = None
    for day in range(60):
        for _ in range(2 if day % 5 else 40):  # a lot of paper files every fifth day
            record = fold_provider(record, told(20_000 + day))
    assert ask(record, claims_1d=40.0, claims_2d=42.0) is None


@pytest.mark.parametrize("name", ["new", "top", "weekend"])
def test_a_share_that_jumps_is_told(name: str) -> None:
    record = practice(300)
    for _ in range(25):
        record = fold_provider(record, told(20_040, math.log(150.0), **{name: 1}))
    seen = Observation(
        executors={DOCTOR: window(claims_1d=10.0, claims_2d=20.0, patient_new=float(name == "new"))}
    )
    blobs = {
        ("provider", DOCTOR): encode(record),
        ("peers", "GP|NGAP|CS"): encode(PeerRecord(n=99, mean=4.0, var=0.01)),
    }
    saturday = claim(line(service_date="2026-01-10"))
    looked = view(saturday, seen, REGISTRY)
    answer, _ = provider.check(looked, Records(blobs))
    assert isinstance(answer, Finding)
    assert answer.variant == name
    assert answer.facts["percent"] > answer.facts["usual"]


def test_a_newcomer_must_be_far_off_its_peers() -> None:
    assert ask(None, 30_000) is None
    far = ask(None, 300_000)
    assert isinstance(far, Finding)
    assert far.facts["claims"] == 0


def test_nothing_known_of_provider_and_peers_is_said() -> None:
    looked = view(claim(line()), Observation(), REGISTRY)
    answer, _ = provider.check(looked, Records())
    assert answer == CannotCheck("M03", "history")
    unknown, _ = provider.check(view(claim(line(executor="999999999")), Observation(), REGISTRY), Records())
    assert unknown == CannotCheck("M03", "providers")
    abroad, _ = provider.check(
        view(claim(line(executor=None, country="FR")), Observation(), REGISTRY), Records()
    )
    assert abroad is None


def test_slow_baselines_stand_still_after_a_confirmed_fraud_and_counters_do_not() -> None:
    record = practice(200)
    inpe, message = freeze(DOCTOR, 20_050)
    assert inpe == DOCTOR
    frozen = fold_provider(record, message)
    assert frozen.frozen_until == 20_050 + FREEZE_DAYS
    for index in range(50):
        frozen = fold_provider(frozen, told(20_051 + index // 10, 9.0, new=1))
    assert (frozen.level.slow, frozen.level_var, frozen.new.slow) == (
        record.level.slow,
        record.level_var,
        record.new.slow,
    )
    assert (frozen.daily_mean, frozen.days) == (record.daily_mean, record.days)
    assert frozen.claims == record.claims + 50
    assert frozen.level.fast > record.level.fast
    thawed = fold_provider(frozen, told(20_050 + FREEZE_DAYS + 1, 5.0))
    assert thawed.learnt == frozen.learnt + 1


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_level_that_is_not_finite_counts_and_teaches_nothing_else(bad: float) -> None:
    record = practice(50)
    after = fold_provider(record, told(record.day, bad))
    assert after.claims == record.claims + 1
    assert (after.level, after.new, after.learnt) == (record.level, record.new, record.learnt)
    decode("provider", encode(after))


def test_late_arrivals_do_not_reopen_a_day() -> None:
    record = practice(50)
    late = fold_provider(record, told(record.day - 3))
    assert (late.day, late.today, late.days) == (record.day, record.today, record.days)


def test_the_claim_that_crosses_the_limit_is_told_apart() -> None:
    record, crossings = practice(200), 0
    for index in range(12):
        after = fold_provider(record, told(20_100 + index, record.level.slow + 1.0))
        crossings += crossed(record, after)
        record = after
    assert crossings == 1

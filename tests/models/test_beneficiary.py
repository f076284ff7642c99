"""M01 and M02: amounts among peers and against one's own habits."""

from __future__ import annotations

import math
import random

import pytest
from river import stats

from detectors.base import CannotCheck, Finding
from detectors.models import amounts, beneficiary, view
from detectors.models.keys import PROVIDERS_KEY, VISITS_KEY, basket_key, lines_key
from detectors.models.records import BeneficiaryRecord, Habit, PeerRecord, decode, encode
from detectors.models.series import root
from detectors.models.store import Records
from schemas.observation import Observation
from tests.models.stage import DOCTOR, Registry, claim, entry, line, provider

REGISTRY = Registry(provider(DOCTOR, specialty="GP"))
ACT = PeerRecord(n=200, mean=math.log(150.0), var=0.04)
PEERS = {
    ("peers", basket_key("CONSULTATION")): encode(PeerRecord(n=200, mean=math.log(150.0), var=0.25)),
    ("peers", lines_key("CONSULTATION")): encode(PeerRecord(n=200, mean=root(1.0), var=1.0)),
    ("peers", PROVIDERS_KEY): encode(PeerRecord(n=200, mean=root(1.5), var=1.0)),
    ("peers", VISITS_KEY): encode(PeerRecord(n=200, mean=1.2, var=1.2)),
}


def own(record: BeneficiaryRecord) -> Records:
    return Records({**PEERS, ("beneficiary", "B1"): encode(record)})


def test_an_amount_far_above_the_peers_names_act_amount_and_usual() -> None:
    records = Records({("peers", "GP|NGAP|CS"): encode(ACT)})
    assert amounts.check(view(claim(line(amount=20_000)), Observation(), REGISTRY), records) == (None, 200)
    found, n = amounts.check(view(claim(line(), line(2, 63_000)), Observation(), REGISTRY), records)
    assert isinstance(found, Finding)
    assert (found.code, found.cls, found.nature, found.lines, found.amount, n) == (
        "M01",
        "S",
        "PRE",
        (2,),
        63_000,
        200,
    )
    assert found.facts == {"code": "CS", "amount": 63_000, "usual": 15_000, "ratio": 4.2}
    assert found.value is not None
    assert found.threshold == 2.5
    assert found.strength * 3.0 / 0.7 == pytest.approx(min(found.value - 2.5, 3.0 / 0.7), abs=0.01)


def test_a_rare_act_falls_back_on_its_care_group_and_few_observations_on_cannot_check() -> None:
    blobs = {
        ("peers", "GP|NGAP|CS"): encode(PeerRecord(n=29, mean=9.0)),
        ("peers", "GP|CONSULTATION"): encode(ACT),
    }
    found, _ = amounts.check(view(claim(line(amount=63_000)), Observation(), REGISTRY), Records(blobs))
    assert isinstance(found, Finding)
    assert found.variant == "group"
    looked = view(claim(line()), Observation(), REGISTRY)
    few, _ = amounts.check(looked, Records({("peers", "GP|NGAP|CS"): encode(PeerRecord(n=29))}))
    assert isinstance(few, CannotCheck)
    unknown, _ = amounts.check(view(claim(line(executor="999999999")), Observation(), REGISTRY), Records())
    assert unknown == CannotCheck("M01", "providers")
    assert amounts.check(view(claim(line(amount=0)), Observation(), REGISTRY), Records()) == (None, 0)


def test_a_flat_tariff_does_not_make_every_dirham_an_outlier() -> None:
    flat = PeerRecord(n=500, mean=math.log(150.0), var=0.0)
    assert amounts.peer_z(math.log(165.0), flat) < 1.0
    assert amounts.peer_z(math.log(250.0), flat) > 2.5


def test_an_amount_far_from_the_own_habit_is_told_even_if_usual_among_peers() -> None:
    modest = BeneficiaryRecord(claims=30, first_day=19_000, care=Habit(30, -1.5, 0.04))
    looked = view(claim(line(amount=22_000)), Observation(), REGISTRY)
    found, n = beneficiary.check(looked, own(modest))
    assert isinstance(found, Finding)
    assert (found.variant, n) == ("amount", 30)
    assert found.facts["ratio"] > 2.0
    fresh = view(claim(line(amount=22_000)), Observation(), REGISTRY)
    assert beneficiary.check(fresh, own(BeneficiaryRecord(claims=1, care=Habit(1, -1.5, 0.0)))) == (None, 1)


def test_many_providers_and_visits_are_told() -> None:
    day = view(claim(line()), Observation(), REGISTRY).day
    log = [entry(day - index, str(300000001 + index)) for index in range(12)]
    looked = view(claim(line()), Observation(log=log, own=[entry(day)]), REGISTRY)
    found, _ = beneficiary.check(looked, own(BeneficiaryRecord(claims=20, first_day=day - 600, visits=24)))
    assert isinstance(found, Finding)
    assert found.strength > 0.9
    assert found.facts["count"] in (12, 13)
    assert found.facts["usual"] < 3.0
    assert found.window == "30d"


def test_a_patient_who_always_comes_often_is_left_alone() -> None:
    day = view(claim(line()), Observation(), REGISTRY).day
    log = [entry(day - 2 * index - 1) for index in range(13)]
    often = BeneficiaryRecord(claims=160, first_day=day - 400, visits=170)
    looked = view(claim(line()), Observation(log=log, own=[entry(day)]), REGISTRY)
    assert beneficiary.check(looked, own(often)) == (None, 160)
    newly, _ = beneficiary.check(looked, own(BeneficiaryRecord(claims=20, first_day=day - 400, visits=15)))
    assert isinstance(newly, Finding)
    assert newly.variant == "visits"


def test_without_peers_nothing_can_be_said() -> None:
    answer, _ = beneficiary.check(view(claim(line()), Observation(), REGISTRY), Records())
    assert isinstance(answer, CannotCheck)


def test_snapshots_at_every_claim_equal_river_run_continuously() -> None:
    rng = random.Random(8)
    mean, var = stats.Mean(), stats.Var(ddof=0)
    record: BeneficiaryRecord | None = None
    for index in range(150):
        amount = round(15_000 * math.exp(rng.uniform(-0.5, 0.5)))
        looked = view(claim(line(amount=amount)), Observation(), REGISTRY)
        records = Records(PEERS)
        record = decode("beneficiary", encode(beneficiary.fold(record, looked, records)))  # type: ignore[assignment]
        assert record is not None
        u = (math.log(amount / 100.0) - math.log(150.0)) / 0.5
        mean.update(u)
        var.update(u)
        assert record.claims == record.care.n == index + 1
        assert record.care.mean == pytest.approx(mean.get(), rel=1e-9, abs=1e-12)
        assert record.care.var == pytest.approx(var.get(), rel=1e-9, abs=1e-12)
        assert record.pharmacy.n == 0

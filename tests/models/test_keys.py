"""What a claim is taken apart into, and the records it asks for."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from detectors.models import view
from detectors.models.folds import fold_beneficiary, learning, provider_activity
from detectors.models.keys import level_key
from detectors.models.records import BeneficiaryRecord
from detectors.models.store import Records
from schemas.observation import Observation, day_number
from schemas.referential import CommuneRow
from tests.models.stage import DOCTOR, PHARMACY, START, Registry, claim, entry, line, provider, window

REGISTRY = Registry(provider(DOCTOR, specialty="GP", commune="RBA"), provider(PHARMACY, "PHARMACIE"))
DRUG = line(2, 8_000, PHARMACY, care_group="PHARMACY", nomenclature="MED", code="6118001230068")
DAY = day_number(dt.date(2026, 1, 5))


def test_the_records_of_a_claim() -> None:
    seen = Observation(executors={DOCTOR: window(claims_30d=40.0)})
    looked = view(claim(line(), DRUG), seen, REGISTRY)
    assert set(looked.wanted) == {
        ("fusion", "score"),
        ("quantile", "score"),
        ("beneficiary", "B1"),
        ("peers", "basket|CONSULTATION"),
        ("peers", "lines|CONSULTATION"),
        ("peers", "count|providers"),
        ("peers", "count|visits"),
        ("peers", "level|GP"),
        ("peers", "GP|NGAP|CS"),
        ("peers", "GP|CONSULTATION"),
        ("provider", DOCTOR),
        ("activity", "MEDECIN|GP|PRIVATE"),
        ("norms", "MEDECIN|GP|PRIVATE"),
        ("peers", "level|PHARMACIE"),
        ("peers", "PHARMACIE|MED|6118001230068"),
        ("peers", "PHARMACIE|PHARMACY"),
        ("provider", PHARMACY),
        ("activity", "PHARMACIE|-|PRIVATE"),
        ("norms", "PHARMACIE|-|PRIVATE"),
    }
    assert (looked.amount, looked.main, looked.lines, looked.visits) == (23_000, "CONSULTATION", 2, 2)


def test_a_known_region_gives_a_narrower_group_first() -> None:
    registry = Registry(*REGISTRY.providers.values())
    registry.communes["RBA"] = CommuneRow(commune="RBA", region="RSK")
    looked = view(claim(line()), Observation(), registry)
    assert looked.bills[0].peers == ("MEDECIN|GP|PRIVATE|RSK", "MEDECIN|GP|PRIVATE")


def test_visits_and_providers_of_the_thirty_days_of_care() -> None:
    log = [
        entry(DAY),
        entry(DAY, PHARMACY),
        entry(DAY, PHARMACY),
        entry(DAY - 29),
        entry(DAY - 30),
        entry(DAY + 1),
    ]
    seen = Observation(log=log, own=[entry(DAY, "300000001")])
    looked = view(claim(line()), seen, REGISTRY)
    assert looked.earlier_visits == 3
    assert looked.providers == 3


def test_weekends_are_saturday_and_sunday() -> None:
    for offset in range(7):
        day = dt.date(2026, 1, 5) + dt.timedelta(days=offset)
        looked = view(claim(line(service_date=day.isoformat())), Observation(), REGISTRY)
        assert looked.bills[0].items[0].weekend == (day.weekday() >= 5)


def test_lines_without_a_known_executor_are_counted_and_care_abroad_is_compared() -> None:
    lines = [
        line(1, executor=None),
        line(2, executor="999999999"),
        line(3, executor=None, country="FR"),
        line(4, amount=0),
    ]
    looked = view(claim(*lines), Observation(), REGISTRY)
    assert looked.unknown == 2
    assert [(bill.inpe, bill.group) for bill in looked.bills] == [(None, "ABROAD")]
    assert ("peers", level_key("ABROAD")) in looked.wanted


@pytest.mark.parametrize(
    ("more", "care"),
    [
        ({"kind": "PEC_DEMANDE"}, False),
        ({"kind": "INVALIDITE"}, False),
        ({"action": "CANCEL", "replaces": "E0"}, False),
        ({"action": "CORRECT", "replaces": "E0"}, True),
    ],
)
def test_requests_corrections_and_cancellations_teach_nothing(more: dict[str, Any], care: bool) -> None:
    looked = view(claim(line(), **more), Observation(), REGISTRY)
    records = Records()
    assert looked.care == care
    assert not looked.feeds
    assert provider_activity(looked, records) == []
    lesson = learning(looked, 0.01)
    assert (lesson["peers"], lesson["activity"]) == ([], [])
    assert (lesson["score"] is not None) == care
    assert fold_beneficiary(None, looked, records) == BeneficiaryRecord()


def test_a_claim_without_amounts_is_lawful() -> None:
    looked = view(claim(line(amount=0)), Observation(), REGISTRY)
    assert looked.main is None
    assert looked.bills == []
    assert START.toordinal() - dt.date(1970, 1, 1).toordinal() == looked.arrival_day

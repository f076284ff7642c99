from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from simulation.inject import inject
from simulation.synthea import import_synthea
from tests.simulation.synthea_export import write_export

Event = dict[str, Any]


@pytest.fixture
def log(tmp_path: Path) -> list[Event]:
    write_export(tmp_path)
    return list(import_synthea(tmp_path))


def test_the_log_is_kept_and_what_is_added_has_a_truth(log: list[Event]) -> None:
    pairs = list(inject(log, 1, duplicates=40, deaths=30, families=2))
    assert [event for event, truth in pairs if truth is None] == log
    schemes = Counter(truth["scheme"] for _, truth in pairs if truth)
    assert schemes == {"duplicate": 40, "after_death": 30, "clone_family": 60}
    times = [event["ingest_time"] for event, _ in pairs]
    assert times == sorted(times)
    assert pairs == list(inject(log, 1, duplicates=40, deaths=30, families=2))


def test_each_wrong_is_what_it_says(log: list[Event]) -> None:
    pairs = list(inject(log, 1, duplicates=40, deaths=30, families=2))
    seen: set[tuple[object, ...]] = set()
    families: dict[int, list[Event]] = defaultdict(list)
    for event, truth in pairs:
        if event["type"] != "claim":
            continue
        line = event["lines"][0]
        key = (event["beneficiary"], line["executor"], line["code"], line["service_date"], line["amount"])
        if truth and truth["scheme"] == "duplicate":
            assert key in seen
        elif truth and truth["scheme"] == "after_death":
            assert line["service_date"] > "2020-06-02"
            assert key not in seen
        elif truth:
            families[truth["family"]].append(event)
        seen.add(key)
    for claims in families.values():
        assert len({claim["beneficiary"] for claim in claims}) == 30
        assert len({(c["lines"][0]["executor"], c["lines"][0]["amount"]) for c in claims}) == 1
        assert claims[0]["lines"][0]["amount"] >= 100_000
        days = sorted(date.fromisoformat(claim["lines"][0]["service_date"]) for claim in claims)
        assert (days[-1] - days[0]).days < 7


def test_a_log_too_small_is_refused(log: list[Event]) -> None:
    with pytest.raises(ValueError, match="expected at least 100000"):
        list(inject(log, duplicates=100_000))

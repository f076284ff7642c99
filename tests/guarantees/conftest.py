"""Traffic, and an undisturbed run over it, for all tests of the guarantees."""

from __future__ import annotations

import pytest

from tests.support.rough import Outcome, play
from tests.support.traffic import Traffic, traffic


@pytest.fixture(scope="session")
def events() -> Traffic:
    return traffic(7, claims=400, rounds=4)


@pytest.fixture(scope="session")
def calm(events: Traffic, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    outcome, _ = play(events, tmp_path_factory.mktemp("calm"), seed=0, kills=0)
    told, _ = outcome
    assert told.duplicated() == []
    # The run has what is to be put at risk: second answers, holds, retries and dead letters.
    causes = {record.get("cause") for record in told.records.values()}
    assert causes >= {"CLAIM_ANSWERED", "GROUP_HOLD"}
    assert {record["decision"] for record in told.records.values()} >= {"HOLD", "RELEASE", "CANNOT_SCREEN"}
    assert len(told.places) > len(told.records)
    assert len(told.dead) >= 20
    return outcome

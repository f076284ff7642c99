"""Old care and late files: they find the windows they belong to, and what they repeat is found."""

from __future__ import annotations

import datetime as dt

import pytest

from detectors import lifetime
from schemas.claim import Claim
from schemas.observation import Observation, day_number
from state.embedded import EmbeddedRedis
from tests.detectors.scene import DOCTOR, consultation
from tests.streams.asked import claim, watch
from tests.streams.stage import Desk, Event, Stage, visit

SIZES = pytest.mark.parametrize("size", [1, 2, 128])
OLD = "2024-03-20"
"""Care of almost 24 months before the desk's day."""


def _findings(record: Event) -> list[str]:
    return [reason["code"] for reason in record["reasons"]]


@SIZES
def test_an_old_file_does_not_escape_the_duplicate_check(stage: Stage, size: int) -> None:
    """Whichever of the two comes first, and with newer care in between."""
    desk = Desk()
    world = desk.world()
    old = desk.claim("C-1", visit(service_date=OLD))
    newer = [desk.claim(f"N-{n}", visit(service_date=f"2025-{n + 1:02d}-05", amount=n)) for n in range(9)]
    said = stage.screen([*world, old, *newer, desk.claim("C-2", visit(service_date=OLD))], size=size)
    assert "D01" not in _findings(said.live("C-1"))
    assert "D01" in _findings(said.live("C-2"))
    assert said.live("C-2")["reasons"][-1]["evidence"] == ["C-1"]


@SIZES
def test_an_old_stay_is_seen_by_old_care_that_comes_late(server: EmbeddedRedis, size: int) -> None:
    """A stay of two years ago, a year of other files, then care inside that stay; and one that was taken back."""
    stay = consultation(
        care_group="HOSPITALISATION", nomenclature="SEJOUR", code="J", service_date="2024-03-10"
    )
    stays = [
        claim(0, {**stay, "service_end": "2024-03-20"}),
        claim(1, {**stay, "service_end": "2024-03-25"}),
        claim(2, action="CANCEL", replaces="E1"),
    ]
    newer = [claim(3 + n, consultation(service_date=f"2025-{n + 1:02d}-05")) for n in range(9)]
    late = claim(12, consultation(service_date="2024-03-15"))
    *_, seen = watch(server, [(one, None) for one in [*stays, *newer, late]], size)
    assert isinstance(seen, Observation)
    known = lifetime.stays(seen.facts)
    inside = lifetime.inside(known, day_number(dt.date(2024, 3, 15)))
    assert [(stay.first, stay.last, stay.provider) for stay in inside] == [
        (day_number(dt.date(2024, 3, 10)), day_number(dt.date(2024, 3, 20)), int(DOCTOR))
    ]
    assert len(seen.log) == 10, "the other stay's line is gone"


def test_a_paper_lot_of_two_months_ago_lands_in_its_own_days(server: EmbeddedRedis) -> None:
    """Arrival axis: thirty days as they were then, not as they are now; and it is said when they are unknown."""

    def arrived(number: int, days: int) -> Claim:
        made = claim(number, consultation())
        return claim(number, consultation(), event_time=made.event_time + dt.timedelta(days=days))

    now = [arrived(number, 60) for number in range(5)]
    lot = [arrived(5, 0), arrived(6, 1), arrived(7, -40)]
    told = watch(server, [(one, None) for one in [*now, *lot]])
    windows = [seen.executors[DOCTOR] for seen in told if isinstance(seen, Observation)]
    assert [window.claims_30d for window in windows] == [1, 2, 3, 4, 5, 1, 2, 0]
    assert [window.late for window in windows] == [0] * 7 + [1]


@SIZES
def test_the_communes_of_a_days_patients_are_counted(stage: Stage, size: int) -> None:
    """As the registry stood when each claim was applied, also where both come in one batch."""
    desk = Desk()
    world = [*desk.world(), desk.provider(DOCTOR, individual=True)]
    world += [desk.person("B-1", commune="C1"), desk.person("B-2", commune="C2")]
    long_day = [
        desk.claim("C-1", visit(quantity=18)),
        desk.claim("C-2", visit(quantity=18, amount=24_000), who="B-2"),
        desk.person("B-1", commune="C3"),
        desk.claim("C-3", visit(quantity=18, amount=23_000)),
    ]
    said = stage.screen([*world, *long_day], size=size)
    found = said.live("C-3")["features"]["findings"]
    (facts,) = [one["facts"] for one in found if one["code"] == "U06"]
    assert (facts["beneficiaries"], facts["communes"]) == (2, 3)

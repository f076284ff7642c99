"""What the registry says late: open claims are answered again, by new revisions that name their cause, and holds that
rest on it end by themselves when it is put right.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest

from schemas.observation import LogLine, day_number
from schemas.registries import Beneficiary
from streams.registry_changes import DEATH_CHANGED, RIGHTS_CHANGED, concerns_care, in_question
from tests.streams.stage import Desk, Event, Said, Stage, held, stable, visit

SIZES = pytest.mark.parametrize("size", [1, 128])


@pytest.fixture
def desk() -> Desk:
    return Desk()


def told(said: Said, event_id: str) -> list[tuple[str, str | None]]:
    return [(one["decision"], one.get("cause")) for one in said.of(event_id)]


def codes(record: Event) -> list[str]:
    return [one["code"] for one in record["reasons"]]


@SIZES
def test_a_death_told_late_stops_what_is_released_and_not_paid(stage: Stage, desk: Desk, size: int) -> None:
    """The claim, and the order that had passed the gate already; care before the death is paid."""
    world = desk.world()
    after, before = desk.claim("C-1"), desk.claim("C-2", visit(service_date="2026-01-20"))
    orders = [desk.payment(after, "P-1", 1), desk.payment(before, "P-2", 1)]
    death = desk.person(death_date="2026-02-01")
    said = stage.screen([*world, after, before, *orders, death, death], size=size)
    assert told(said, "C-1") == [("RELEASE", None), ("HOLD", DEATH_CHANGED)]
    live = said.live("C-1")
    assert (codes(live), live["lines"], live["purpose"], live["on_expiry"]) == (
        ["E02"],
        [1],
        "FRAUD_REVIEW",
        "ESCALATE",
    )
    assert live["supersedes"] == "V-C-1-1"
    assert live["amount_at_risk"] == 25_000
    assert told(said, "P-1") == [("RELEASE", None), ("HOLD", "CLAIM_ANSWERED")]
    assert told(said, "C-2") == told(said, "P-2") == [("RELEASE", None)]
    assert said.states("C-1") == ["HELD"]
    assert [(one["kind"], one["entity"]) for one in said.alerts] == [("E02", "beneficiary:B-1")]
    assert "E02" not in str(said.public("C-1")), "a liquidator reads that a control is under way"


@SIZES
def test_what_is_paid_already_is_flagged_for_a_control(stage: Stage, desk: Desk, size: int) -> None:
    claim = desk.claim("C-1")
    paid = desk.payment(claim, "P-1", 1, status="PAID")
    said = stage.screen([*desk.world(), claim, paid, desk.person(death_date="2026-02-01")], size=size)
    assert told(said, "C-1") == [("RELEASE", None), ("RELEASE_FLAGGED", DEATH_CHANGED)]
    assert not said.suspensions


@SIZES
def test_a_wrong_death_that_is_put_right_lets_everything_go(stage: Stage, desk: Desk, size: int) -> None:
    world = [*desk.world(), desk.person(death_date="2026-02-01")]
    claim = desk.claim("C-1")
    right = desk.person(death_date="2026-03-05")
    said = stage.screen([*world, claim, desk.payment(claim, "P-1", 1), right], size=size)
    assert told(said, "C-1") == [("HOLD", None), ("RELEASE", DEATH_CHANGED)]
    assert said.live("P-1")["decision"] == "RELEASE"
    assert said.states("C-1") == ["HELD", "RELEASED"]


@SIZES
def test_rights_that_are_closed_afterwards_and_opened_again(stage: Stage, desk: Desk, size: int) -> None:
    """Of two lines the one on a day without rights is held, from the day on which that is known."""
    claim = desk.claim("C-1", visit(service_date="2026-01-20"), visit(service_date="2026-03-02"))
    closed = desk.person(to="2026-01-31")
    later = dt.datetime.fromisoformat(closed["event_time"]) + dt.timedelta(days=20)
    closed = desk.person(to="2026-01-31", at=later)
    opened = desk.person(at=later + dt.timedelta(days=1))
    world = desk.world()
    order = desk.payment(claim, "P-1", 1, 2)
    held_once = stage.screen([*world, claim, order, closed], size=size)
    live = held_once.live("C-1")
    assert told(held_once, "C-1") == [("RELEASE", None), ("HOLD", RIGHTS_CHANGED)]
    assert (codes(live), live["lines"], live["purpose"]) == (["E01"], [2], "COMPLETE_FILE")
    assert dt.datetime.fromisoformat(live["expires_at"]) == later + dt.timedelta(days=5)
    assert (held_once.live("P-1")["decision"], held_once.live("P-1")["lines"]) == ("HOLD", [2])
    freed = stage.screen([*world, opened], size=size)
    assert told(freed, "C-1") == [("RELEASE", RIGHTS_CHANGED)]
    assert freed.live("C-1")["verdict_id"] == "V-C-1-3"
    assert freed.live("P-1")["decision"] == "RELEASE"


@SIZES
def test_rights_put_right_in_part_free_the_lines_that_they_cover(stage: Stage, desk: Desk, size: int) -> None:
    world = [*desk.world(), desk.person(opened="2026-03-03")]
    claim = desk.claim("C-1", *(visit(service_date=f"2026-03-0{day}") for day in (1, 2)))
    said = stage.screen([*world, claim, desk.person(opened="2026-03-02")], size=size)
    assert [one["lines"] for one in said.of("C-1")] == [[1, 2], [1]]


@SIZES
@pytest.mark.parametrize("late", ["death", "rights"])
def test_the_answer_in_the_end_does_not_depend_on_when_the_registry_spoke(
    stage: Stage, desk: Desk, late: str, size: int
) -> None:
    """Over claims held for something else, corrected and cancelled ones too."""
    now = desk.now
    first = desk.claim("C-1", visit(), held(service_date="2026-03-03"))
    second = desk.claim("C-2", visit(service_date="2026-03-04"))
    third = desk.claim("C-3", visit(service_date="2026-03-05"))
    changes = [
        desk.correct(second, "C-2b", visit(service_date="2026-03-04", amount=10_000)),
        desk.cancel(third, "C-3b"),
    ]
    entry = {"death": {"death_date": "2026-02-01"}, "rights": {"to": "2026-02-01"}}[late]
    world, log = desk.world(), [first, second, third, *changes]
    person = desk.person(**entry)
    early = Stage(None).screen([*world, person, *log], size=size)
    assert desk.now > now
    said = stage.screen([*world, *log, person], size=size)
    for event_id in ("C-1", "C-2b"):
        assert said.live(event_id)["decision"] == "HOLD"
        for name in ("decision", "lines", "purpose", "scope", "score"):
            assert said.live(event_id)[name] == early.live(event_id)[name], name
        assert sorted(codes(said.live(event_id))) == sorted(codes(early.live(event_id)))
    for event_id in ("C-2", "C-3"):
        assert said.live(event_id)["decision"] == early.live(event_id)["decision"] == "RELEASE"


def test_no_registry_reopens_what_a_person_decided_and_history_stays_unanswered(
    stage: Stage, desk: Desk
) -> None:
    world, claim = desk.world(), desk.claim("C-1", held())
    seen = desk.claim("H-1", visit(service_date="2026-03-06"))
    stage.screen([*world, seen], observe_only=True)
    said = stage.screen(
        [*world, claim, desk.review(claim, "LEGITIMATE"), desk.person(death_date="2026-02-01")]
    )
    assert [decision for decision, _ in told(said, "C-1")] == ["HOLD", "RELEASE"]
    assert said.of("H-1") == []


def test_the_same_registry_entry_again_says_nothing(stage: Stage, desk: Desk) -> None:
    world, claim, death = desk.world(), desk.claim("C-1"), desk.person(death_date="2026-02-01")
    first = stage.screen([*world, claim, death])
    again = stage.screen([*world, death, claim])
    assert [one["verdict_id"] for one in first.of("C-1")] == ["V-C-1-1", "V-C-1-2"]
    assert [stable(one) for one in again.of("C-1")] == [stable(first.live("C-1"))], (
        "resubmitted: the live answer"
    )
    assert (again.suspensions, again.alerts) == ([], [])


def entry(**fields: Any) -> Beneficiary:
    body = Desk().person(**{"opened": "2015-01-01", **fields})
    return msgspec.convert(body, Beneficiary)


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({}, False),
        ({"rights": None}, False),
        ({"death_date": "2026-02-01"}, True),
        ({"to": "2030-01-01"}, True),
        ({"opened": "2025-06-01"}, True),
        ({"rights": []}, True),
    ],
)
def test_only_an_entry_that_may_close_something_looks_at_the_log(fields: dict[str, Any], asked: bool) -> None:
    assert concerns_care(entry(**fields)) is asked


def test_care_in_question_is_that_after_death_or_without_rights() -> None:
    person = entry(to="2026-02-15", death_date="2026-02-10")
    days = [dt.date(2026, 2, day) for day in (9, 10, 11, 15, 16)] + [dt.date(2014, 1, 1)]
    log = [
        LogLine(bytes((number,)) * 12, b"", day_number(day), 0, 1, 0, 1, 0, 100, 1, 1, 0, 0)
        for number, day in enumerate(days)
    ]
    found = in_question(person, log)
    assert {reference[0]: cause for reference, cause in found.items()} == {
        2: DEATH_CHANGED,
        3: DEATH_CHANGED,
        4: DEATH_CHANGED,
        5: RIGHTS_CHANGED,
    }
    assert in_question(entry(rights=None), log) == {}

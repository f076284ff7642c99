"""Corrections and cancellations, in whatever order they come, and the answers already given."""

from __future__ import annotations

import itertools

import pytest

from tests.streams.stage import Desk, Event, Stage, held, stable, visit

SIZES = pytest.mark.parametrize("size", [1, 2, 128])


@pytest.fixture
def desk() -> Desk:
    return Desk()


def _twin(desk: Desk) -> Event:
    """A claim that repeats the line of another one: a duplicate while the other stands."""
    return desk.claim("T-1", visit())


def _findings(record: Event) -> list[str]:
    return [reason["code"] for reason in record["reasons"]]


@SIZES
def test_a_correction_ends_the_hold_on_what_it_replaces(stage: Stage, desk: Desk, size: int) -> None:
    world, original = desk.world(), desk.claim("C-1", held())
    order = desk.payment(original, "P-1", 1)
    said = stage.screen([*world, original, order, desk.correct(original, "C-2", visit())], size=size)
    last = said.live("C-1")
    assert (last["verdict_id"], last["decision"], last["cause"]) == ("V-C-1-2", "RELEASE", "REPLACED")
    assert last["documents_requested"] == []
    assert "valid_until" in last
    assert not {"purpose", "on_expiry", "expires_at", "control_level", "legal_basis"} & last.keys()
    assert said.live("C-2")["decision"] == "RELEASE"
    assert [one["decision"] for one in said.of("P-1")] == ["HOLD", "RELEASE"]
    assert said.states("C-1") == ["HELD", "RELEASED"]


@SIZES
def test_a_correction_that_comes_before_its_original_counts_all_the_same(
    stage: Stage, desk: Desk, size: int
) -> None:
    world, original = desk.world(), desk.claim("C-1", held())
    better = desk.correct(original, "C-2", visit())
    said = stage.screen([*world, better, original, desk.payment(original, "P-1", 1)], size=size)
    assert said.live("C-1")["decision"] == "RELEASE"
    assert said.live("C-1")["cause"] == "REPLACED"
    assert said.live("P-1")["decision"] == "RELEASE"


@SIZES
def test_a_cancelled_line_is_no_duplicate_any_more(stage: Stage, desk: Desk, size: int) -> None:
    world, original = desk.world(), desk.claim("C-1", visit())
    cancel, twin = desk.cancel(original, "X-1"), _twin(desk)
    said = stage.screen([*world, original, twin], size=size)
    assert _findings(said.live("T-1")) == ["D01"]
    assert said.live("T-1")["reasons"][0]["evidence"] == ["C-1"]
    late = {**twin, "event_id": "T-2", "claim_id": "D-T-2"}
    said = stage.screen([*world, cancel, desk.cancel(twin, "X-2"), late], size=size)
    assert _findings(said.live("T-2")) == []
    assert said.live("X-1")["decision"] == "RELEASE"


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_corrected_twice_in_any_order(stage: Stage, desk: Desk, order: tuple[int, ...]) -> None:
    """Whatever the order, only the last correction's line stands in the log and only its hold keeps money
    back.
    """
    world = desk.world()
    chain = [desk.claim("C-1", visit(amount=10_000))]
    chain.append(desk.correct(chain[0], "C-2", visit(amount=20_000)))
    chain.append(desk.correct(chain[1], "C-3", visit(amount=25_000)))
    probes = [desk.claim(f"T-{n}", visit(amount=amount)) for n, amount in enumerate((10_000, 20_000, 25_000))]
    told = stage.screen([*world, *(chain[index] for index in order), *probes], size=128)
    assert [_findings(told.live(f"T-{n}")) for n in range(3)] == [[], [], ["D01"]]
    paid = stage.screen([*world, desk.payment(chain[0], "P-1", 1)])
    assert paid.live("P-1")["decision"] == "RELEASE"


@SIZES
def test_a_cancellation_is_answered_without_findings(stage: Stage, desk: Desk, size: int) -> None:
    """Also where the person has no rights: nothing is asked for."""
    world = [*desk.world(), desk.person("B-1", to="2026-01-31")]
    original = desk.claim("C-1", visit())
    said = stage.screen([*world, original, desk.cancel(original, "X-1")], size=size)
    assert said.of("C-1")[0]["decision"] == "HOLD"
    assert said.live("C-1")["decision"] == "RELEASE"
    assert (said.live("X-1")["decision"], said.live("X-1")["reasons"]) == ("RELEASE", [])


@SIZES
def test_a_resubmission_is_answered_with_the_same_verdict_and_counts_nothing(
    stage: Stage, desk: Desk, size: int
) -> None:
    world, claim = desk.world(), desk.claim("C-1", held(), visit())
    again = {**claim, "ingest_time": desk.now.isoformat(), "trace_id": "another"}
    other = {**claim, "lines": [{**claim["lines"][0], "amount": 1}]}
    said = stage.screen([*world, claim, again, other, again], size=size)
    contents = {str(stable(record)) for record in said.of("C-1")}
    assert len(said.of("C-1")) == 3
    assert len(contents) == 1
    assert len({record["issued_at"] for record in said.of("C-1")}) == 1
    assert len([v for v in said.verdicts if v["event_id"] == "C-1"]) == 3
    assert said.states("C-1") == ["HELD"]
    assert said.topics["fraud-alerts"] == 1
    assert [(letter["reason"], letter["value"]) for letter in said.letters] == [("reused-event-id", "C-1")]
    probe = stage.screen([*world, desk.claim("T-1", held(), claim_id="D-T-1")])
    assert probe.live("T-1")["reasons"][-1]["evidence"] == ["C-1"]


def test_a_resubmission_of_the_history_is_answered_always_alike(stage: Stage, desk: Desk) -> None:
    """What was only observed was not decided: it is told so, with the same content each time."""
    world, claim = desk.world(), desk.claim("C-1", held())
    assert stage.screen([*world, claim], observe_only=True).topics.total() == 0
    said = stage.screen([*world, claim, claim, desk.payment(claim, "P-1", 1)])
    first, second = said.of("C-1")
    assert first == {**second, "input": first["input"]}
    assert (first["verdict_id"], first["decision"]) == ("V-C-1-1", "RELEASE")
    assert [one["code"] for one in said.live("P-1")["reasons"]] == ["E04"]  # the gate checks what nobody has


@SIZES
def test_an_original_corrected_twice_is_replaced_by_the_last(stage: Stage, desk: Desk, size: int) -> None:
    """The second correction takes out what the first one put in, and the hold that came with it."""
    world, original = desk.world(), desk.claim("C-1", visit(amount=10_000))
    first = desk.correct(original, "C-2", held(amount=20_000))
    second = desk.correct(original, "C-3", visit(amount=25_000))
    order = desk.payment(original, "P-1", 1)
    probes = [desk.claim("T-1", held(amount=20_000)), desk.claim("T-2", visit(amount=25_000))]
    said = stage.screen([*world, original, first, second, order, *probes], size=size)
    assert "D01" not in _findings(said.live("T-1"))
    assert _findings(said.live("T-2")) == ["D01"]
    assert [(one["decision"], one.get("cause")) for one in said.of("C-2")] == [
        ("HOLD", None),
        ("RELEASE", "REPLACED"),
    ]
    assert said.states("C-2") == ["HELD", "RELEASED"]
    assert said.live("P-1")["decision"] == "RELEASE"


@SIZES
def test_a_correction_names_the_original_after_a_line_of_them(stage: Stage, desk: Desk, size: int) -> None:
    """Also where the original itself comes last."""
    world, original = desk.world(), desk.claim("C-1", held())
    second = desk.correct(original, "C-2", visit(amount=20_000))
    third = desk.correct(second, "C-3", held(amount=21_000))
    fourth = desk.correct(original, "C-4", visit(amount=22_000))
    said = stage.screen([*world, second, third, fourth, original], size=size)
    assert {name: said.live(name)["decision"] for name in ("C-1", "C-2", "C-3", "C-4")} == dict.fromkeys(
        ("C-1", "C-2", "C-3", "C-4"), "RELEASE"
    )
    probes = [desk.claim(f"T-{n}", visit(amount=n)) for n in (20_000, 22_000)]
    told = stage.screen([*world, *probes, desk.payment(original, "P-1", 1)])
    assert [_findings(told.live(f"T-{n}")) for n in (20_000, 22_000)] == [[], ["D01"]]
    assert told.live("P-1")["decision"] == "RELEASE"


@SIZES
@pytest.mark.parametrize("action", ["CORRECT", "CANCEL"])
def test_another_persons_claim_cannot_be_replaced(stage: Stage, desk: Desk, size: int, action: str) -> None:
    """The event is a dead letter that says so, is answered, and takes nothing out."""
    world, original = desk.world(), desk.claim("C-1", held())
    body = desk.correct({**original, "beneficiary": "B-2"}, "C-2", visit(), action=action)
    said = stage.screen([*world, original, body, body, desk.payment(original, "P-1", 1)], size=size)
    assert [(one["reason"], one["field"], one["value"]) for one in said.letters] == [
        ("other-person", "replaces", "C-1")
    ]
    assert "B-2" not in said.letters[0].values()
    assert [one["decision"] for one in said.of("C-2")] == ["CANNOT_SCREEN"] * 2
    assert [one["decision"] for one in said.of("C-1")] == ["HOLD"]
    assert said.live("P-1")["decision"] == "HOLD"
    probe = stage.screen([*world, desk.claim("T-1", held())])
    assert "D01" in _findings(probe.live("T-1"))

"""`kill -9` at random moments: the run cannot be told from one without, and without the fences it can."""

from __future__ import annotations

from pathlib import Path

from tests.support.compare import differences
from tests.support.rough import Outcome, crash, play
from tests.support.traffic import Traffic

KILLS, CRASHES, UNFENCED = 20, 12, 8


def test_a_worker_killed_at_random_answers_as_if_it_had_not_been(
    events: Traffic, calm: Outcome, tmp_path: Path
) -> None:
    rough, kills = play(events, tmp_path, seed=42, kills=KILLS)
    found = differences(calm, rough)
    print(f"{kills}, {events.events} events: {found.summary()}")
    assert not found.any(), found.summary()
    assert kills.all >= 20
    assert kills.torn >= 3, "too few kills fell between applying and answering to prove anything"


def test_a_worker_killed_between_any_two_steps_answers_as_if_it_had_not_been(
    events: Traffic, calm: Outcome, tmp_path: Path
) -> None:
    found = differences(calm, crash(events, tmp_path, seed=5, crashes=CRASHES))
    assert not found.any(), found.summary()


def test_without_the_fences_the_same_does_harm(events: Traffic, calm: Outcome, tmp_path: Path) -> None:
    steps = ("observe", "record")  # where fences are what stands between a replay and its harm
    unfenced = "tests.support.unfenced_worker"
    rough = crash(events, tmp_path, seed=5, crashes=UNFENCED, steps=steps, module=unfenced)
    found = differences(calm, rough)
    print(f"{events.events} events, {UNFENCED} crashes, no fences: {found.summary()}")
    assert found.counters
    assert found.lost or found.changed or found.duplicated

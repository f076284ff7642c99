"""In which order a start reads what was answered before, and what history there is."""

from __future__ import annotations

import pytest

from streams.kafka_source import ORDER
from streams.positions import Position
from streams.replay import SILENCE_SECONDS, Replay

Positions = dict[tuple[str, int], Position]


def standing(last: int, committed: int) -> Positions:
    return {(topic, 0): Position(topic, 0, f"{topic}|id|0", last, committed) for topic in ORDER}


def stages(replay: Replay, positions: Positions) -> list[list[str]]:
    """The topics of each stage, each read to the message before the one it stops at."""
    found = []
    while True:
        chosen = replay.next_stage(positions)
        found.append([position.topic for position in chosen])
        if not replay.under_way:
            return found
        for position in chosen:
            while not replay.beyond(position, position.last + 1):
                position.last += 1
        assert replay.stage_done(positions, lambda position: 1_000)


def test_what_was_answered_comes_before_what_refers_to_it() -> None:
    positions = standing(4, 10)
    positions["payments", 0].last = 9  # nothing of it is lost
    positions["prior-approvals", 0].stopped = True
    told = stages(Replay(), positions)
    assert told[:3] == [["beneficiaries"], ["claims", "liquidations"], ["rescreens"]]
    assert told[3] == [topic for topic in ORDER if topic != "prior-approvals"]
    assert {position.last for position in positions.values() if not position.stopped} == {9}


def test_nothing_lost_is_one_stage() -> None:
    assert stages(Replay(), standing(9, 10)) == [list(ORDER)]


def test_history_is_read_to_where_it_ended() -> None:
    positions = standing(-1, 0)
    told = stages(Replay({position.input: 7 for position in positions.values()}), positions)
    assert told == [
        ["beneficiaries", "prior-approvals"],
        ["claims", "liquidations", "payments"],
        ["rescreens"],
        list(ORDER),
    ]
    assert {position.last for position in positions.values()} == {6}


@pytest.mark.parametrize(("high", "through"), [(10, True), (11, False), (-1001, False)])
def test_a_silent_log_that_ends_there_is_through(
    monkeypatch: pytest.MonkeyPatch, high: int, through: bool
) -> None:
    """Its last messages were compacted, or are the mark of a transaction; an end not heard of yet is none."""
    clock = [100.0]
    monkeypatch.setattr("streams.replay.time.monotonic", lambda: clock[0])
    replay, positions = Replay(), standing(9, 10)
    positions["beneficiaries", 0].last = 5
    replay.next_stage(positions)
    assert not replay.stage_done(positions, lambda position: high)
    clock[0] += SILENCE_SECONDS + 0.1
    assert replay.stage_done(positions, lambda position: high) == through

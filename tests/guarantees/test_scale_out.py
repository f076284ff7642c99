"""Workers that join and leave under load: what the store holds in the end is what one worker alone would have left."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from bench.deployment import Shape, deployed
from bench.harm import events, judge
from bench.stream import pieces, shares
from tests.support import apache_kafka

pytestmark = [pytest.mark.kafka, pytest.mark.slow, apache_kafka.needed]
SEED = 102
STEP = 40  # answers between two changes
CHANGES = (
    ("hire", "w2"),
    ("hire", "w3"),
    ("dismiss", "w1"),
    ("hire", "w1"),
    ("dismiss", "w3"),
    ("dismiss", "w2"),
)


def test_workers_join_and_leave_and_the_state_is_a_single_workers(tmp_path: Path) -> None:
    """1, 2, 3, 2, 3, 2 and 1 workers over three partitions; the screening goes on all the while."""
    shape = Shape("scale-out", workers=1, partitions=3)
    made = events(SEED)
    first, *rest = shares(pieces(made), len(CHANGES) + 1)
    with deployed(shape, made, tmp_path, SEED) as one:
        failed: list[BaseException] = []

        def play() -> None:
            try:
                for share in (first, *rest):
                    one.stream.play(share)
            except BaseException as error:
                failed.append(error)

        sender = threading.Thread(target=play, daemon=True)
        sender.start()
        answered = one.stream.done()
        for change, name in CHANGES:
            wanted = answered + STEP
            one.crew.wait(lambda wanted=wanted: one.stream.done() >= wanted, "it goes on")  # type: ignore[misc]
            assert sender.is_alive(), f"the traffic is too short to see {name} {change}"
            getattr(one.crew, change)(name)
            answered = one.stream.done()
        one.crew.wait(lambda: not sender.is_alive(), "all is answered", 400.0)
        assert not failed, failed
        assert one.crew.names == ["w1"]
        one.crew.stop()
        harm = judge(one, SEED)
    assert not harm.any(), harm.examples()
    assert one.crew.exits == {}, "workers are only to leave when they are asked to"

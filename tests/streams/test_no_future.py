"""An answer rests on what came before it: whatever comes later, it is the same byte for byte."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from streams.config import Settings
from streams.event_log import CHECKPOINT, LogScreening, screen_log
from streams.messages import Output

CLOCK = re.compile(rb'"(issued_at|held_at|opened_at)":"[^"]*"')


def said(lines: list[bytes]) -> list[tuple[str, bytes | None, bytes]]:
    """What a log says, but for the clock."""
    told: list[Output] = []
    screen_log(LogScreening(Settings(), None, "log", CHECKPOINT), lines, told.extend)
    return [(one.topic, one.key, CLOCK.sub(b"", one.value)) for one in told]


@pytest.mark.parametrize("later", ["in another order", "of other amounts"])
def test_what_comes_later_changes_no_answer(simulated: Path, later: str) -> None:
    """Models, windows and tables know the past alone: the rest of the log is left out, and shuffled or rewritten."""
    log = simulated.read_bytes().splitlines(keepends=True)
    cut = len(log) * 6 // 10 // CHECKPOINT * CHECKPOINT
    past, future = log[:cut], log[cut:]
    if later == "in another order":
        random.Random(1).shuffle(future)
    else:
        future = [line.replace(b'"amount":1', b'"amount":9') for line in future]
    expected = said(past)
    assert len(expected) > 500
    assert said([*past, *future])[: len(expected)] == expected

"""The two sliding windows against plain enumerations of every window."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from detectors.caps import _worst
from detectors.clones import _distinct
from schemas.observation import CloneUse, LogLine

DAYS = st.integers(-12, 12)


def line(day: int, quantity: int) -> LogLine:
    return LogLine(b"", b"", day, 0, 0, 0, 0, 0, quantity, 0, 0, 0, 0)


@given(
    own=st.lists(st.tuples(DAYS, st.integers(1, 5)), min_size=1, max_size=4),
    earlier=st.lists(st.tuples(DAYS, st.integers(1, 5)), max_size=8),
    length=st.sampled_from([1, 7]),
    cap=st.integers(0, 20),
)
def test_the_heaviest_span(
    own: list[tuple[int, int]], earlier: list[tuple[int, int]], length: int, cap: int
) -> None:
    spans = {
        start: sum(units for day, units in own + earlier if start <= day < start + length)
        for start in range(-30, 30)
        if any(start <= day < start + length for day, _ in own)
    }
    heaviest = max(spans.values())
    total, start = _worst([line(*each) for each in own], [line(*each) for each in earlier], length, cap)
    assert (total > cap) is (heaviest > cap)
    if heaviest > cap:
        assert total == heaviest == spans[start]


@given(uses=st.lists(st.tuples(DAYS, st.binary(min_size=1, max_size=1)), max_size=12), day=DAYS)
def test_the_most_beneficiaries(uses: list[tuple[int, bytes]], day: int) -> None:
    counts = [
        len({who for on, who in uses if start <= on < start + 7} | {b"own"})
        for start in range(day - 6, day + 1)
    ]
    found = _distinct([CloneUse(b"", on, who, 0) for on, who in uses], b"own", day, 7)
    assert len(found) == max(counts)

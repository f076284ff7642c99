"""Rankings against plain enumerations."""

from __future__ import annotations

from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.evaluation.ranking import Ranked, average_precision, curve

FEW = st.lists(
    st.builds(Ranked, st.sampled_from([0.0, 0.5, 1.0]), st.booleans(), st.integers(0, 9)),
    min_size=1,
    max_size=6,
)


def plain(ranked: list[Ranked]) -> float:
    """Average precision by every threshold: precision x recall gained."""
    total = sum(one.positive for one in ranked)
    area = before = 0.0
    for threshold in sorted({one.score for one in ranked}, reverse=True):
        above = [one for one in ranked if one.score >= threshold]
        found = sum(one.positive for one in above)
        area += (found / total - before) * found / len(above)
        before = found / total
    return area


@given(FEW)
def test_the_area_is_that_of_all_thresholds(ranked: list[Ranked]) -> None:
    if not any(one.positive for one in ranked):
        assert average_precision(ranked) is None
        return
    expected = plain(ranked)
    assert average_precision(ranked) == pytest.approx(expected)
    assert average_precision(ranked[::-1]) == pytest.approx(expected), "the order of equals is worth nothing"


@given(FEW, st.sampled_from([0.2, 0.5, 1.0]))
def test_a_share_is_the_mean_over_all_orders_of_equals(ranked: list[Ranked], share: float) -> None:
    """Where the share is a whole number of dossiers."""
    count = share * len(ranked)
    if count != round(count):
        return
    orders = [order for order in permutations(ranked) if _falls(order)]
    firsts = [order[: round(count)] for order in orders]
    (point,) = curve(ranked, [share])
    right = sum(one.positive for first in firsts for one in first) / len(firsts)
    money = sum(one.money for first in firsts for one in first if one.positive) / len(firsts)
    total = sum(one.money for one in ranked if one.positive)
    assert point.precision == pytest.approx(right / count)
    assert point.money == pytest.approx(money / total if total else 0.0)


def _falls(order: tuple[Ranked, ...]) -> bool:
    return all(first.score >= second.score for first, second in pairwise(order))


def test_a_perfect_and_a_blind_ranking() -> None:
    perfect = [Ranked(1.0 - n / 100, n < 5, 10) for n in range(100)]
    blind = [Ranked(0.0, n < 5, 10) for n in range(100)]
    assert average_precision(perfect) == 1.0
    assert average_precision(blind) == pytest.approx(0.05)
    (point,) = curve(perfect, [0.05])
    assert point == (0.05, 1.0, 1.0, 1.0)
    (point,) = curve(blind, [0.05])
    assert point == pytest.approx((0.05, 0.05, 0.05, 0.05))

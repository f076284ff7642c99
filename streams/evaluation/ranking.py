"""How good a ranking is: area under precision and recall, and what the first share of it holds.

Every figure takes ties as one step, so that an order among equals is worth nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

SHARES = (0.001, 0.002, 0.005, 0.01, 0.02)


class Ranked(NamedTuple):
    """One dossier: its score, whether it is what is looked for, and the centimes at stake in it."""

    score: float
    positive: bool
    money: int


class Point(NamedTuple):
    """The first `share` of a ranking: precision, share of the positives and of their money in it, 0 to 1."""

    share: float
    precision: float
    recall: float
    money: float


def average_precision(ranked: Iterable[Ranked]) -> float | None:
    """AUC-PR as average precision: the sum over steps of (recall gained) x precision; None without positives.

    Source: the usual definition (e.g. Manning, Raghavan, Schütze, "Introduction to Information Retrieval", 8.4), over
    groups of equal score.
    """
    told = sorted(ranked, key=lambda one: -one.score)
    total = sum(one.positive for one in told)
    if not total:
        return None
    area = 0.0
    seen = found = 0
    for _, equals in groupby(told, key=lambda one: one.score):
        group = list(equals)
        gained = sum(one.positive for one in group)
        seen, found = seen + len(group), found + gained
        area += gained / total * found / seen
    return area


def curve(ranked: Sequence[Ranked], shares: Sequence[float] = SHARES) -> list[Point]:
    """The first shares of a ranking. Of a group of equals that a share cuts, its part counts in proportion."""
    told = sorted(ranked, key=lambda one: -one.score)
    positives = sum(one.positive for one in told)
    money = sum(one.money for one in told if one.positive)
    points = []
    for share in shares:
        wanted = share * len(told)
        taken = found = centimes = 0.0
        for _, equals in groupby(told, key=lambda one: one.score):
            group = list(equals)
            part = min(1.0, (wanted - taken) / len(group))
            taken += part * len(group)
            found += part * sum(one.positive for one in group)
            centimes += part * sum(one.money for one in group if one.positive)
            if taken >= wanted:
                break
        points.append(
            Point(
                share,
                found / taken if taken else 0.0,
                found / positives if positives else 0.0,
                centimes / money if money else 0.0,
            )
        )
    return points

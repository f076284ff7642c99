"""From which score a claim is flagged: at most 2 % of recent claims, and never below 0.03."""

from __future__ import annotations

from math import exp, log
from typing import Final

from detectors.models.records import QuantileRecord
from detectors.models.series import usable

FLAG_FLOOR: Final = 0.03
"""Least score of a flag: four times the prior."""
FLAG_SHARE: Final = 0.02
MIN_SCORES: Final = 500
"""Scores before their quantile is trusted."""
LOWEST: Final = -5.0
WIDTH: Final = 0.1
BINS: Final = 102
"""Bins of log odds from -5 to +5 in steps of 0.1, with one for all below and one for all above."""
EVERY: Final = 50
"""Scores between two computations of the quantile."""
CAPACITY: Final = 10_000
"""Scores held before all counts are halved: a window of 5,000 to 10,000 claims in 200 bytes."""


def bin_of(score: float) -> int:
    """The bin of a score of 0..1."""
    if score <= 0.0:
        return 0
    if score >= 1.0:
        return BINS - 1
    return min(max(int((log(score / (1.0 - score)) - LOWEST) / WIDTH + 1.0), 0), BINS - 1)


def fold(record: QuantileRecord, score: float) -> QuantileRecord:
    """The record after one score; a score that is not finite changes nothing."""
    if not usable(score):
        return record
    counts = list(record.counts) if len(record.counts) == BINS else [0] * BINS
    counts[bin_of(score)] += 1
    edition = record.edition + 1
    if edition % (CAPACITY // 2) == 0 and sum(counts) >= CAPACITY:
        counts = [count >> 1 for count in counts]
    flag = record.flag if edition % EVERY else _upper(counts)
    return QuantileRecord(edition=edition, flag=flag, counts=tuple(counts))


def flag_from(record: QuantileRecord) -> float:
    """The least score that is flagged: the higher of the floor and the rolling quantile."""
    return max(record.flag, FLAG_FLOOR)


def _upper(counts: list[int]) -> float:
    """The lower edge of the bin above which lie the allowed share of scores; 0 while there are too few."""
    total = sum(counts)
    if total < MIN_SCORES:
        return 0.0
    allowed = FLAG_SHARE * total
    above = 0
    for index in range(BINS - 1, -1, -1):
        above += counts[index]
        if above > allowed:
            return 1.0 / (1.0 + exp(-(LOWEST + WIDTH * index)))
    return 0.0

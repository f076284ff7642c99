"""Scores of one claim by several builds, side by side: the loop's own, parts of it, and what anyone would try first.

The parts are computed from the terms that each verdict keeps, so that all of them see the same stream. `learned` ones
learn from the same reviews.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import log, sqrt
from typing import Any, Final

from detectors.catalogue import DECLARATIONS
from detectors.models import fusion
from detectors.models.records import FusionRecord
from detectors.models.score import BIAS, FLOOR, MODEL_CODES, key_of

Term = Mapping[str, Any]
LIVE, START, HARD, SOFT, SOFT_LEARNED, MODELS, AMOUNT = (
    "rules and models, learning",
    "rules and models",
    "hard rules only",
    "models and soft detectors",
    "models and soft detectors, learning",
    "models M01 to M03 only",
    "amount z-score",
)
NAMES: Final = (LIVE, START, HARD, SOFT, SOFT_LEARNED, MODELS, AMOUNT)
SOFT_CODES: Final = frozenset(one.code for one in DECLARATIONS if not one.hard) | MODEL_CODES
"""What weighs how unusual an entity is, beside what can be named."""


def fused(terms: Iterable[Term], record: FusionRecord | None = None) -> float:
    """The score of some terms: with their start weights, or with learned ones. Log odds, so that nothing is tied
    by rounding.
    """
    weights = {} if record is None else record.weights
    odds = BIAS
    for term in terms:
        start = term["start"]
        odds += max(weights.get(key_of(term["code"], start), start), FLOOR * start) * term["value"]
    return odds


class Scorers:
    """Scores records; learns from reviews what the learning parts learn."""

    def __init__(self) -> None:
        self._soft = FusionRecord()

    def of(self, record: Mapping[str, Any]) -> dict[str, float]:
        """Every part's score of one record of the topic `screened`."""
        terms = record["features"].get("terms", ())
        soft = [term for term in terms if term["code"] in SOFT_CODES]
        return {
            LIVE: fused(()) if record["score"] is None else _odds(record["score"]),
            START: fused(terms),
            HARD: fused([term for term in terms if term["code"] not in SOFT_CODES]),
            SOFT: fused(soft),
            SOFT_LEARNED: fused(soft, self._soft),
            MODELS: fused([term for term in soft if term["code"] in MODEL_CODES]),
        }

    def learn(self, review: Mapping[str, Any], terms: Iterable[Term]) -> None:
        """A review of a record that had these terms."""
        soft = [term for term in terms if term["code"] in SOFT_CODES]
        told = fusion.message(review["verdict_id"], review["outcome"], review["decided_by"], {}, soft)
        self._soft = fusion.fold(self._soft, told)


class AmountScore:
    """The usual first idea: how far the log of a line's amount lies from that of its act, over all that came before."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[int, float, float]] = {}

    def of(self, claim: Mapping[str, Any]) -> float:
        """The largest of the lines' absolute z, before the claim is learned (Welford's sums)."""
        largest = 0.0
        for line in claim["lines"]:
            amount = log(max(line["amount"], 1) / max(line["quantity"], 1e-3))
            n, mean, squares = self._sums.get(line["code"], (0, 0.0, 0.0))
            if n > 1 and squares > 0.0:
                largest = max(largest, abs(amount - mean) / sqrt(squares / (n - 1)))
            step = amount - mean
            mean += step / (n + 1)
            self._sums[line["code"]] = n + 1, mean, squares + step * (amount - mean)
        return largest


def _odds(value: float) -> float:
    inside = min(max(value, 1e-9), 1 - 1e-9)
    return log(inside / (1 - inside))

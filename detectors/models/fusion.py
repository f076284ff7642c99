"""The score's weights learn from reviews: River's logistic regression, with a floor and a cap on any
reviewer's share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from detectors.models.keys import source_number
from detectors.models.peers import admitted, turn
from detectors.models.records import Bin, FusionRecord
from detectors.models.score import BIAS, FLOOR, key_of, sigmoid
from detectors.models.series import step, usable, warm_factor

if TYPE_CHECKING:
    from river.linear_model import LogisticRegression

RATE: Final = 0.03
POSITIVE: Final = frozenset(("CONFIRMED_FRAUD", "ABUSE"))
NEGATIVE: Final = frozenset(("LEGITIMATE", "ERROR", "APPEAL_UPHELD"))
"""Outcomes that teach. INSUFFICIENT and EXPERTISE say nothing yet; APPEAL_REJECTED repeats what was already
learned."""
REVIEWER_TURNS: Final = 40
REVIEWER_MAX: Final = 20
"""Of the last 40 reviews one person teaches 20 at most."""
BINS: Final = (0.1, 0.5)
"""Scores that part the bins of the calibration check."""
BIN_FADING: Final = 0.01
CALIBRATED_REVIEWS: Final = 300
CALIBRATED_FRAUDS: Final = 30
CALIBRATED_BIN: Final = 30
CALIBRATED_ERROR: Final = 0.1
"""Calibrated: 300 reviews with 30 frauds, and in at least two bins of 30 the mean score is within 0.1 of
the outcomes."""


def restore(weights: Mapping[str, float]) -> LogisticRegression:
    """River's model as it stood with these weights. The intercept is fixed: reviewed claims are no fair
    sample."""
    from river import linear_model, optim  # a second to import: screening scores without it

    model = linear_model.LogisticRegression(optim.SGD(RATE), intercept_init=BIAS, intercept_lr=0.0)
    model._weights.update(dict(weights))
    return model


def message(
    verdict_id: str,
    outcome: str,
    decided_by: Iterable[str],
    reasons: Mapping[str, str],
    terms: Iterable[Mapping[str, Any]],
) -> dict[str, Any]:
    """The `learning` message of a review. JSON-able.

    `reasons` maps a code to CONFIRMED, REJECTED or NOT_EXAMINED; `terms` are those of the verdict that was
    reviewed, each with `code`, `value` and `start` (`score.Term`).
    """
    return {
        "type": "review",
        "verdict_id": verdict_id,
        "outcome": outcome,
        "by": sorted(decided_by),
        "reasons": dict(reasons),
        "terms": [[term["code"], term["value"], term["start"]] for term in terms],
    }


def fold(record: FusionRecord, told: Mapping[str, Any]) -> FusionRecord:
    """The weights after one review.

    A reason that the reviewer rejected on a confirmed file is learned as innocent by itself, and takes no
    credit for the rest. A review that teaches nothing (outcome, no terms, a value that is not finite)
    leaves the record as it is.
    """
    outcome = told.get("outcome")
    if outcome not in POSITIVE and outcome not in NEGATIVE:
        return record
    label = outcome in POSITIVE
    reasons = told.get("reasons") or {}
    held: dict[str, float] = {}
    rejected: dict[str, float] = {}
    starts: dict[str, float] = {}
    for code, value, start in told.get("terms", ()):
        if not usable(value + start) or start <= 0.0 or value <= 0.0:
            continue
        key = key_of(code, start)
        starts[key] = start
        if label and reasons.get(code) == "REJECTED":
            rejected[key] = value
        else:
            held[key] = value
    source = source_number("|".join(told.get("by", ())))
    if not starts:
        return record
    if not admitted(record.recent, source, REVIEWER_MAX, REVIEWER_TURNS):
        return msgspec.structs.replace(record, recent=turn(record.recent, 0, REVIEWER_TURNS))
    weights = {**{key: start for key, start in starts.items() if key not in record.weights}, **record.weights}
    model = restore(weights)
    predicted = sigmoid(BIAS + sum(weights[key] * value for key, value in (held | rejected).items()))
    for features, truth in ((held, label), (rejected, False)):
        if features:
            model.learn_one(features, truth)
    for key, start in starts.items():
        weights[key] = max(float(model.weights[key]), FLOOR * start)
    bins = _binned(record.bins, predicted, float(label))
    reviews, frauds = record.reviews + 1, record.frauds + int(label)
    return FusionRecord(
        edition=record.edition + 1,
        weights=dict(sorted(weights.items())),
        reviews=reviews,
        frauds=frauds,
        bins=bins,
        calibrated=_calibrated(bins, reviews, frauds),
        recent=turn(record.recent, source, REVIEWER_TURNS),
    )


def _binned(bins: tuple[Bin, ...], score: float, outcome: float) -> tuple[Bin, ...]:
    held = list(bins) or [Bin() for _ in range(len(BINS) + 1)]
    index = sum(score >= edge for edge in BINS)
    n = held[index].n + 1
    factor = warm_factor(n, BIN_FADING)
    expected, _ = step(held[index].expected, 0.0, score, factor)
    observed, _ = step(held[index].observed, 0.0, outcome, factor)
    held[index] = Bin(n, expected, observed)
    return tuple(held)


def _calibrated(bins: tuple[Bin, ...], reviews: int, frauds: int) -> bool:
    if reviews < CALIBRATED_REVIEWS or frauds < CALIBRATED_FRAUDS:
        return False
    full = [held for held in bins if held.n >= CALIBRATED_BIN]
    return len(full) > 1 and all(abs(held.expected - held.observed) <= CALIBRATED_ERROR for held in full)

"""Controllers of a simulated world: whom they look at, when they say so, and that a seed says it all."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

import orjson

from schemas.decode import Decoder
from streams.evaluation.reviewers import Answered, Capacity, Reviewers

DAY = dt.date(2026, 3, 2)
TRUTHS = {
    f"E-{n}": {
        "class": "FRAUD" if n < 5 else "ERROR" if n < 10 else "HONEST",
        "lines": [{"line": 1, "class": "FRAUD" if n < 5 else "HONEST"}, {"line": 2, "class": "HONEST"}],
    }
    for n in range(200)
}


def looked(capacity: Capacity, seed: int = 1, days: int = 10) -> list[dict[str, Any]]:
    reviewers = Reviewers(capacity, seed)
    told: list[dict[str, Any]] = []
    for number in range(days):
        day = DAY + dt.timedelta(days=number)
        for n in range(200):
            one = Answered(f"V-E-{n}-1", "B-1", f"C-{n}", "CNOPS", 1.0 - n / 200)
            reviewers.answered(day, f"E-{n}", one)
        noon = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(12), dt.UTC)
        told += reviewers.outcomes(noon, TRUTHS)
    return told + list(reviewers.outcomes(noon + dt.timedelta(days=90), TRUTHS))


def test_the_riskiest_files_and_some_at_random_are_looked_at() -> None:
    told = looked(Capacity(share=0.05, at_random=0.2))
    assert len(told) == 100
    ranks = [int(review["claim_id"].removeprefix("C-")) for review in told]
    assert sum(rank < 8 for rank in ranks) >= 80
    assert 10 <= sum(rank >= 10 for rank in ranks) <= 30, "the share at random is of the others"


def test_the_truth_comes_back_after_the_delay() -> None:
    told = looked(Capacity(share=0.05, at_random=0.0, days=5))
    of = Counter(review["outcome"] for review in told)
    assert of == {"CONFIRMED_FRAUD": 50, "ERROR": 50}
    first = min(dt.datetime.fromisoformat(review["event_time"]) for review in told)
    assert first.date() == DAY + dt.timedelta(days=5)
    assert {tuple(review.get("lines", ())) for review in told if review["outcome"] == "CONFIRMED_FRAUD"} == {
        (1,)
    }


def test_outcomes_that_are_wrong() -> None:
    told = looked(Capacity(share=0.5, at_random=0.0, wrong=0.3), days=20)
    wrong = sum(
        (review["outcome"] == "CONFIRMED_FRAUD")
        != (TRUTHS["E-" + review["claim_id"].removeprefix("C-")]["class"] == "FRAUD")
        for review in told
    )
    assert 0.25 < wrong / len(told) < 0.35


def test_the_same_seed_reviews_the_same_and_messages_are_lawful() -> None:
    first, again, other = looked(Capacity(), 1), looked(Capacity(), 1), looked(Capacity(at_random=0.5), 2)
    assert first == again != other
    decoder = Decoder(None)
    for review in first:
        decoder.decode(orjson.dumps(review), accepts=("review",))

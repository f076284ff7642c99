"""What the detectors cost a claim: the contexts of a real run, and then nothing but the detectors, timed on them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final
from unittest.mock import patch

from bench.figures import median
from detectors import catalogue
from detectors.base import Context, Detector
from detectors.catalogue import Answers

PASSES: Final = 7
"""How often every claim is timed; the best counts, since other work on the machine only adds."""
DEAREST: Final = 5


@contextmanager
def recorded() -> Iterator[list[Context]]:
    """The contexts on which the detectors run inside the block, in their order."""
    contexts: list[Context] = []
    run = catalogue.run

    def noted(context: Context) -> Answers:
        contexts.append(context)
        return run(context)

    with patch.object(catalogue, "run", noted):
        yield contexts


def cost(contexts: Sequence[Context]) -> dict[str, Any]:
    """Microseconds a claim: all detectors together (median, mean), and the dearest alone, by code (mean).

    Whatever a context remembers is forgotten before each run, so that it is looked up once a claim as in the stream. A
    detector alone is timed where it is asked, with what others look up too already there; its figure is shared out
    over all claims.
    """
    whole = [together(context) for context in contexts]
    alone: dict[str, float] = {}
    for context in contexts:
        asked = fresh(context)
        catalogue.run(asked)
        for detector, code, _ in catalogue.applied(asked):
            alone[code] = alone.get(code, 0.0) + one(detector, asked)
    dearest = sorted(alone.items(), key=lambda each: -each[1])[:DEAREST]
    return {
        "claims": len(contexts),
        "median_us": round(median(whole) * 1e6, 1),
        "mean_us": round(sum(whole) / len(whole) * 1e6, 1),
        "dearest_us": {code: round(seconds / len(contexts) * 1e6, 1) for code, seconds in dearest},
    }


def fresh(context: Context) -> Context:
    """The same context before anything was looked up."""
    return Context(
        context.claim,
        context.seen,
        context.referentials,
        context.thresholds,
        context.evidence,
        context.number,
        context.name,
    )


def together(context: Context) -> float:
    """Seconds of the fastest of PASSES runs of all detectors, one after the other."""
    seconds = []
    for _ in range(PASSES):
        told = fresh(context)
        started = time.perf_counter()
        catalogue.run(told)
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def one(detector: Detector, context: Context) -> float:
    """Seconds of the fastest of PASSES runs of one detector."""
    seconds = []
    for _ in range(PASSES):
        started = time.perf_counter()
        list(detector.check(context))
        seconds.append(time.perf_counter() - started)
    return min(seconds)

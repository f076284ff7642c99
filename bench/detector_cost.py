"""What the detectors cost a claim: the contexts of a real run, and then nothing but the detectors, timed on them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final
from unittest.mock import patch

from bench.figures import median
from detectors import catalogue
from detectors.base import Context
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
    whole = [best(lambda: fresh(context), catalogue.run) for context in contexts]
    alone: dict[str, float] = {}
    for context in contexts:
        asked = fresh(context)
        catalogue.run(asked)
        for applied in catalogue.applied(asked):
            check = applied.detector.check
            seconds = best(lambda: asked, lambda told, check=check: list(check(told)))
            alone[applied.code] = alone.get(applied.code, 0.0) + seconds
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


def best(make: Callable[[], Context], task: Callable[[Context], object]) -> float:
    """Seconds of the fastest of PASSES runs in a row."""
    seconds = []
    for _ in range(PASSES):
        context = make()
        started = time.perf_counter()
        task(context)
        seconds.append(time.perf_counter() - started)
    return min(seconds)

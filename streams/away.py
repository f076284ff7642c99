"""Waiting for a server: said once when it goes, once when it is back, and shown in the metrics meanwhile."""

from __future__ import annotations

import logging

from monitoring.metrics import Metrics

log = logging.getLogger("crible.away")


class Away:
    """Which servers do not answer at the moment."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._missing: set[str] = set()

    def missing(self, what: str, why: object) -> None:
        """`what` ("redis" or "broker") cannot be reached."""
        if what not in self._missing:
            self._missing.add(what)
            self._metrics.waiting(what, True)
            log.warning("%s is away (%s): waiting, nothing is lost", what, why)

    def back(self, what: str) -> None:
        """`what` answers."""
        if what in self._missing:
            self._missing.discard(what)
            self._metrics.waiting(what, False)
            log.warning("%s is back: going on", what)

"""The subset in plain Python over everything that came before: no store, no window, no River."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt
from typing import Any

from bench.subset import (
    DAY,
    FADING,
    FLOOR_SD,
    KEPT_DAYS,
    MIN_CLAIMS,
    MIN_PEERS,
    WEIGHTED,
    WINDOWS,
    Care,
    Entry,
)

TILED = tuple(WEIGHTED)
MODELS = ("z_amount", "z_level")


@dataclass(slots=True)
class Oracle:
    """Remembers every claim whole, and every value that a model was taught."""

    entries: list[tuple[str, Entry]] = field(default_factory=list)
    claims: list[tuple[str, int]] = field(default_factory=list)
    taught: dict[str, list[float]] = field(default_factory=dict)

    def expect(self, care: Care) -> tuple[dict[str, Any], dict[str, int]]:
        """The row, and by how much a tiled window may miss: the claims in the tile its span begins in."""
        own = [entry for who, entry in self.entries if who == care.beneficiary]
        near = {days: [e for e in own if 0 <= care.day - e.day < days] for days in (1, 7, 30)}
        same = [e.day for e in own if e.act == care.act and care.day - e.day <= KEPT_DAYS]
        self.claims.append((care.executor, care.at))
        arrivals = [at for who, at in self.claims if who == care.executor]
        values: dict[str, Any] = {
            "lines_1d": len(near[1]),
            "lines_7d": len(near[7]),
            "lines_30d": len(near[30]),
            "amount_7d": sum(e.amount for e in near[7]),
            "amount_30d": sum(e.amount for e in near[30]),
            "executors_30d": len({e.executor for e in near[30]} - {""}),
            "same_act": max(same, default=0),
            "claims_30d": sum(0 <= care.at // DAY - at // DAY < 30 for at in arrivals),
            "z_amount": max((self._z(act, x, MIN_PEERS) for act, x in care.prices), default=0.0),
            "z_level": self._z(f"level {care.executor}", care.price, MIN_CLAIMS),
        }
        slack = {}
        for name, (span, width) in WEIGHTED.items():
            values[name] = sum(0 <= care.at - at < span for at in arrivals)
            slack[name] = sum(at // width == (care.at - span) // width for at in arrivals)
        self.entries += [(care.beneficiary, entry) for entry in care.entries]
        for act, x in (*care.prices, (f"level {care.executor}", care.price)):
            self.taught.setdefault(act, []).append(x)
        return {"event_id": care.event_id, **values}, slack

    def _z(self, habit: str, x: float, least: int) -> float:
        """Weighted mean and variance from their definition: weights fade by 1 - FADING, the first keeps the rest."""
        values = self.taught.get(habit, [])
        if len(values) < least:
            return 0.0
        keep = 1.0 - FADING
        last = len(values) - 1
        weights = [(FADING if index else 1.0) * keep ** (last - index) for index in range(len(values))]
        mean = sum(w * v for w, v in zip(weights, values, strict=True))
        var = sum(w * (v - mean) ** 2 for w, v in zip(weights, values, strict=True))
        return (x - mean) / max(sqrt(var), FLOOR_SD)


def differences(rows: list[dict[str, Any]], cares: list[Care], *, exact: bool) -> list[str]:
    """What is wrong with these rows, one text a difference; `exact`: also of the windows that Crible tiles."""
    oracle, wrong = Oracle(), []
    for given, care in zip(rows, cares, strict=True):
        wanted, slack = oracle.expect(care)
        for name in ("event_id", *WINDOWS, *MODELS):
            margin = 1e-6 * (1.0 + abs(wanted[name])) if name in MODELS else 0
            if name in TILED and not exact:
                margin = slack[name]
            near = (
                given[name] == wanted[name]
                if name == "event_id"
                else abs(given[name] - wanted[name]) <= margin
            )
            if not near:
                wrong.append(f"{name} {given[name]} instead of {wanted[name]} +- {margin}")
    return wrong

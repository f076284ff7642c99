"""The fixed subset of screening that every build of the comparison does: ten windows, two models, a row a claim.

Money is centimes, days are days since 1970-01-01, instants seconds since then (UTC). The windows show what was
there *before* the claim, but for the executor's, which count the claim itself:

=================  =====================================================================================
lines_1d/7d/30d    the beneficiary's lines of care in (d - n, d], d being the claim's last day of care
amount_7d/30d      their amounts
executors_30d      how many executors they name
same_act           the last day on which the beneficiary had the act of the claim's first line, within
                   24 months; 0 where there is none. A later day than d counts: papers come late
claims_1h/24h      the claims of the executor (the first that a line names) in (t - span, t], t: the arrival
claims_30d         those of the 30 UTC days that end with the arrival's
=================  =====================================================================================

The models are River's exponentially weighted mean and variance of logarithms: a line's amount against the act's
peers (the highest z counts), and the claim's amount against its executor's level. Score first, then learn.

All is exact but for Crible's claims_1h and claims_24h: tiles of 5 minutes and 1 hour, of which the oldest is
weighted by its part inside, so that they miss by at most the claims of that tile.

Imports the standard library only: one build runs in an environment of its own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import log, sqrt
from typing import Any, NamedTuple

DAY = 86_400
EPOCH_ORDINAL = dt.date(1970, 1, 1).toordinal()
WINDOWS = (
    "lines_1d", "lines_7d", "lines_30d", "amount_7d", "amount_30d", "executors_30d", "same_act",
    "claims_1h", "claims_24h", "claims_30d",
)  # fmt: skip
WEIGHTED = {"claims_1h": (3_600, 300), "claims_24h": (DAY, 3_600)}
"""Windows that Crible keeps in tiles: span and width of a tile in seconds."""
KEPT_DAYS = 731
"""How far back `same_act` looks: 24 months."""
FADING = 0.02
"""River's fading factor of both models."""
MIN_PEERS, MIN_CLAIMS = 30, 10
"""Observations of an act, and of an executor, before a z is given."""
FLOOR_SD = 0.05


class Entry(NamedTuple):
    """One line of care, or one of its sessions."""

    day: int
    executor: str
    act: str
    amount: int


class Care(NamedTuple):
    """What the subset sees of a claim: `executor` is the first that a line names, `act` the first line's."""

    event_id: str
    beneficiary: str
    at: int
    executor: str
    act: str
    day: int
    amount: int
    entries: tuple[Entry, ...]
    prices: tuple[tuple[str, float], ...]
    """(act, logarithm of the amount in MAD) of each line that costs something."""

    @property
    def price(self) -> float:
        """Logarithm of the claim's amount in MAD; 0 where it costs nothing."""
        return log(self.amount / 100.0) if self.amount > 0 else 0.0


def care_of(event: Mapping[str, Any]) -> Care:
    """A claim as it stands in its JSON."""
    entries: list[Entry] = []
    prices: list[tuple[str, float]] = []
    for line in event["lines"]:
        act, executor, amount = (
            f"{line['nomenclature']}|{line['code']}",
            line.get("executor") or "",
            line["amount"],
        )
        days = line.get("sessions") or (line["service_date"],)
        numbers = [dt.date.fromisoformat(day).toordinal() - EPOCH_ORDINAL for day in days]
        for day, share in shared(numbers, amount):
            entries.append(Entry(day, executor, act, share))
        if amount > 0:
            prices.append((act, log(amount / 100.0)))
    first = entries[0]
    return Care(
        event["event_id"],
        event["beneficiary"],
        int(dt.datetime.fromisoformat(event["event_time"]).timestamp()),
        next((entry.executor for entry in entries if entry.executor), ""),
        first.act,
        max(entry.day for entry in entries),
        sum(entry.amount for entry in entries),
        tuple(entries),
        tuple(prices),
    )


def shared(days: Sequence[int], amount: int) -> Iterator[tuple[int, int]]:
    """A line's amount over its sessions, in even parts; what does not divide goes to the first ones."""
    share, rest = divmod(amount, len(days))
    for index, day in enumerate(days):
        yield day, share + (index < rest)


def care_windows(entries: Iterable[tuple[int, str | int, str | int, int]], day: int) -> tuple[int, ...]:
    """The first six windows, from entries (day, executor, act, amount) of which none has to be inside."""
    one = seven = thirty = amount7 = amount30 = 0
    executors = set()
    for when, executor, _, amount in entries:
        if day - 30 < when <= day:
            thirty += 1
            amount30 += amount
            executors.add(executor)
            if when > day - 7:
                seven += 1
                amount7 += amount
                one += when > day - 1
    executors.discard("")
    executors.discard(0)
    return one, seven, thirty, amount7, amount30, len(executors)


def z_of(x: float, n: int, mean: float, var: float, least: int) -> float:
    """How far x lies from a habit in its standard deviations; 0 before `least` observations."""
    if n < least:
        return 0.0
    sd = sqrt(var) if var > 0.0 else 0.0
    return (x - mean) / (sd if sd > FLOOR_SD else FLOOR_SD)


def row(care: Care, windows: Iterable[float], z_amount: float, z_level: float) -> dict[str, Any]:
    """The result of one claim, as every build publishes it."""
    return {
        "event_id": care.event_id,
        **dict(zip(WINDOWS, windows, strict=True)),
        "z_amount": z_amount,
        "z_level": z_level,
    }

"""M01: a line's amount against what its peers bill for the same act."""

from __future__ import annotations

from math import exp, sqrt
from typing import Final

from detectors.base import Beside, CannotCheck, Finding
from detectors.models.finding import Component, build
from detectors.models.keys import Bill, Item, View
from detectors.models.records import PeerRecord
from detectors.models.series import hinge
from detectors.models.store import Records
from detectors.tails import P95

MIN_PEERS: Final = 30
"""Observations before a peer group may be compared with."""
PEER_FADING: Final = 0.02
EFFECTIVE: Final = 99
"""Observations that an exponentially weighted mean of fading 0.02 is worth: (2 - 0.02) / 0.02."""
PRIOR: Final = 8.0
PRIOR_VAR: Final = 0.25
"""Pseudo-observations of a log amount's variance: keeps a group on a flat tariff from making every centime
an outlier."""


def ready(record: PeerRecord | None) -> bool:
    """Whether enough was seen of the group."""
    return record is not None and record.n >= MIN_PEERS


def peer_z(x: float, record: PeerRecord, prior_var: float = PRIOR_VAR) -> float:
    """How far a value lies from the peers, in standard deviations of a new observation, the variance
    shrunk."""
    n = record.n if record.n < EFFECTIVE else EFFECTIVE
    var = (n * record.var + PRIOR * prior_var) / (n + PRIOR)
    return (x - record.mean) / sqrt(var * (1.0 + 1.0 / n))


def compare(item: Item, records: Records) -> tuple[float, PeerRecord, str] | None:
    """(z, peers, "act" or "group") of one line; None where too little is known of act and care group."""
    record = records.get(("peers", item.act))
    if record is not None and record.n >= MIN_PEERS:
        return peer_z(item.log, record), record, "act"
    record = records.get(("peers", item.group))
    if record is not None and record.n >= MIN_PEERS:
        return peer_z(item.log, record), record, "group"
    return None


def compared(bill: Bill, records: Records) -> list[tuple[float, PeerRecord, str] | None]:
    """`compare` for each item of a bill, against the records as they stood when it was first asked."""
    if bill.compared is None:
        bill.compared = [compare(item, records) for item in bill.items]
    return bill.compared


def check(view: View, records: Records) -> tuple[Finding | CannotCheck | None, int]:
    """The line that stands out most; and how many observations its peers gave."""
    best: tuple[tuple[float, PeerRecord, str], Item] | None = None
    for bill in view.bills:
        for item, found in zip(bill.items, compared(bill, records), strict=True):
            if found is not None and (best is None or found[0] > best[0][0]):
                best = found, item
    if best is None:
        if view.amount == 0:
            return None, 0
        return CannotCheck("M01", "providers" if not view.bills else "peers"), 0
    (z, record, level), item = best
    if not hinge(z):
        return None, record.n
    facts = {
        "code": item.code,
        "amount": item.amount,
        "usual": round(100.0 * exp(record.mean)),
        "ratio": round(exp(item.log - record.mean), 1),
    }
    component = Component(level, z, record.n, facts)
    told = build("M01", [component], (item.line,), item.amount)
    if told is not None:
        told.peers = _beside(item, record)
    return told, record.n


def _beside(item: Item, record: PeerRecord) -> Beside:
    """The amount beside what the peers bill, their logarithms taken as normal. Centimes."""
    top = exp(record.mean + P95 * sqrt(record.var))
    return Beside("amount", float(item.amount), round(100.0 * exp(record.mean)), round(100.0 * top), record.n)

"""What a claim teaches, once it has been scored: messages for profiling and the learner, and the folds they
apply.

Screening writes the beneficiary's record itself; `provider-activity` and `learning` carry the rest. From an
event log the same folds are applied in line. Folds are pure: they return new records and leave the old ones
as they were. Corrections and cancellations teach nothing and undo nothing: a running mean cannot be asked
to forget one value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from detectors.models import (
    activity,
    beneficiary,
    coverage,
    fusion,
    norms,
    peers,
    practice,
    provider,
    quantile,
)
from detectors.models.keys import (
    PROVIDERS_KEY,
    SINGLE,
    VISITS_KEY,
    Pair,
    View,
    basket_key,
    level_key,
    lines_key,
    network_key,
    source_number,
)
from detectors.models.records import BeneficiaryRecord, FusionRecord, ProviderRecord, Record
from detectors.models.series import log_mad, root
from detectors.models.store import Records

FREEZE_DAYS: Final = 90
"""How long a provider's slow baselines stand still after a confirmed fraud."""

Message = dict[str, Any]


def provider_activity(view: View, records: Records) -> list[tuple[str, Message]]:
    """(INPE, JSON-able figures) of each executor that the claim touches, and (`network_key`, days) of each network;
    empty for a claim that teaches nothing."""
    if not view.feeds:
        return []
    said = [
        (bill.inpe, provider.figures(view, bill, records)) for bill in view.bills if bill.inpe is not None
    ]
    networks: dict[str, int] = {}
    for bill in view.bills:
        if bill.network is not None:
            networks[bill.network] = max(networks.get(bill.network, bill.day), bill.day)
    for name, care in networks.items():
        said.append((network_key(name), {"day": view.arrival_day, "care": care}))
    return said


def freeze(inpe: str, day: int) -> tuple[str, Message]:
    """The `provider-activity` record of a fraud confirmed on that day: the slow baselines stand still."""
    return inpe, {"freeze": day + FREEZE_DAYS}


def fold_provider(record: ProviderRecord | None, told: Mapping[str, Any]) -> ProviderRecord:
    """The provider's record after one `provider-activity` message."""
    return practice.fold(record, told)


def fold_beneficiary(record: BeneficiaryRecord | None, view: View, records: Records) -> BeneficiaryRecord:
    """The beneficiary's record after the claim; `records` gives the peers it was scored against."""
    return beneficiary.fold(record, view, records)


def learning(view: View, score: float, *, held: bool = False, inpe: coverage.Told | None = None) -> Message:
    """The `learning` message of a scored claim: what it teaches the peers, the groups' activity and the
    quantile.

    A claim that is held is no candidate for a flag: it enters the quantile as 0.
    `peers` holds [entity, value, source], `activity` [group, INPE, day, three logarithms], `habits` [group, INPE, what
    `norms.told` said], `inpe` the day of arrival and what `coverage.told` said.
    """
    taught: list[list[Any]] = []
    active: list[list[Any]] = []
    habits: list[list[Any]] = []
    if view.feeds:
        for bill in view.bills:
            source = source_number(bill.inpe)
            taught.append([level_key(bill.group), log_mad(bill.amount), source])
            for _, _, _, value, act, group, _ in bill.items:
                taught.append([act, value, source])
                taught.append([group, value, source])
            figures = activity.ratios(bill)
            if figures is not None:
                active += [[group, bill.inpe, view.arrival_day, *figures] for group in bill.peers]
                habit = norms.told(bill, view.arrival_day)
                if habit is not None:
                    habits += [[group, bill.inpe, habit] for group in bill.peers]
        if view.main is not None and view.bills:
            source = source_number(view.bills[0].inpe)
            taught.append([basket_key(view.main), log_mad(view.amount), source])
            taught.append([lines_key(view.main), root(view.lines / view.visits), source])
            taught.append([PROVIDERS_KEY, root(view.providers), source])
            taught.append([VISITS_KEY, float(view.earlier_visits), source])
    return {
        "type": "claim",
        "peers": taught,
        "activity": active,
        "habits": habits,
        "score": (0.0 if held else score) if view.care else None,
        "inpe": [view.arrival_day, inpe] if inpe and view.feeds else None,
    }


def touched(message: Mapping[str, Any]) -> list[Pair]:
    """The records that `fold_learning` reads for this message."""
    if message.get("type") == "review":
        return [("fusion", SINGLE)]
    pairs: dict[Pair, None] = {("peers", entry[0]): None for entry in message["peers"]}
    for entry in message["activity"]:
        pairs["members", entry[0]] = None
        pairs["activity", entry[0]] = None
    for entry in message.get("habits", ()):
        pairs["habits", entry[0]] = None
        pairs["norms", entry[0]] = None
    if message["score"] is not None:
        pairs["quantile", SINGLE] = None
    if message.get("inpe"):
        pairs["coverage", SINGLE] = None
    return list(pairs)


def fold_learning(records: Records, message: Mapping[str, Any]) -> dict[Pair, Record]:
    """The records that one `learning` message changes. `records` must hold those that `touched` names.

    Apply them (`Records.update`) before the next message.
    """
    if message.get("type") == "review":
        before = records.fusion
        after = fold_review(before, message)
        return {} if after is before else {("fusion", SINGLE): after}
    changed: dict[Pair, Any] = {}
    get = records.get
    for entity, value, source in message["peers"]:
        pair = ("peers", entity)
        changed[pair] = peers.fold(changed.get(pair) or get(pair), value, source)
    for group, inpe, day, *figures in message["activity"]:
        pair = ("members", group)
        changed[pair], summary = activity.fold(
            get(pair), get(("activity", group)), inpe, day, (figures[0], figures[1], figures[2])
        )
        if summary is not None:
            changed["activity", group] = summary
    for group, inpe, told in message.get("habits", ()):
        pair = ("habits", group)
        changed[pair], usual = norms.fold(get(pair), get(("norms", group)), inpe, told)
        if usual is not None:
            changed["norms", group] = usual
    if message["score"] is not None:
        changed["quantile", SINGLE] = quantile.fold(records.quantile, message["score"])
    if said := message.get("inpe"):
        changed["coverage", SINGLE] = coverage.fold(records.coverage, said[0], said[1])
    return changed


def fold_review(record: FusionRecord, message: Mapping[str, Any]) -> FusionRecord:
    """The score's weights after one review message (`fusion.message`)."""
    return fusion.fold(record, message)

"""Where the beneficiaries of a batch live when their claims are applied, and whose dependants they are when these are
liquidated or paid: the registry before the batch, and what the batch itself brings before each event.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from schemas.claim import Claim
from schemas.enums import CARE_KINDS
from schemas.events import Event
from schemas.liquidation import Liquidation
from schemas.payment import Payment
from schemas.registries import Beneficiary
from state import Store
from state.codecs import registry_stamp, registry_value


class _Commune(msgspec.Struct):
    """The fields of a registry entry that are needed here."""

    commune: str | None = None
    insured: str | None = None


class _Entry(NamedTuple):
    stamp: tuple[float, float]  # microseconds of event_time, offset: the highest stands
    commune: str | None
    insured: str | None


_decoder = msgspec.msgpack.Decoder(_Commune)
NOWHERE = _Entry((float("-inf"), 0.0), None, None)


def communes(events: Sequence[tuple[Event | None, int]], store: Store) -> list[str | None]:
    """For each (event, offset) of a batch, in order: the commune of a claim's beneficiary, the insured of a
    liquidation's or payment's; None for all others.
    """
    people = list(
        dict.fromkeys(
            event.beneficiary
            for event, _ in events
            if isinstance(event, Liquidation | Payment)
            or (isinstance(event, Claim) and event.kind in CARE_KINDS and event.lines)
        )
    )
    known = {}
    for who, stored in zip(people, store.registries(people), strict=True):
        if stored is not None:
            entry = _decoder.decode(registry_value(stored) or b"\x80")
            known[who] = _Entry(registry_stamp(stored), entry.commune, entry.insured)
    told: list[str | None] = []
    for event, offset in events:
        commune = None
        if isinstance(event, Beneficiary):
            stamp = (round(event.event_time.timestamp() * 1e6), offset)
            if stamp >= known.get(event.beneficiary, NOWHERE).stamp:
                known[event.beneficiary] = _Entry(stamp, event.commune, event.insured)
        elif isinstance(event, Claim):
            commune = known.get(event.beneficiary, NOWHERE).commune
        elif isinstance(event, Liquidation | Payment):
            commune = known.get(event.beneficiary, NOWHERE).insured
        told.append(commune)
    return told

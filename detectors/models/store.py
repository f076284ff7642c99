"""The records at hand while one claim, or one batch, is scored and learned: bytes in, bytes of what changed
out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from detectors.models.keys import SINGLE, Pair
from detectors.models.records import (
    ActivityRecord,
    BeneficiaryRecord,
    CoverageRecord,
    FusionRecord,
    MembersRecord,
    PeerRecord,
    ProviderRecord,
    QuantileRecord,
    Record,
    decode,
    encode,
)

_FUSION, _QUANTILE = FusionRecord(), QuantileRecord()


class Records:
    """A working set of records: decoded on first use, encoded once when asked for what changed.

    A missing record reads as None. Not safe to share between threads.
    """

    __slots__ = ("_changed", "_held", "_stored")

    def __init__(self, blobs: Mapping[Pair, bytes | None] | None = None) -> None:
        self._stored: dict[Pair, bytes | None] = dict(blobs or {})
        self._held: dict[Pair, Record | None] = {}
        self._changed: dict[Pair, None] = {}

    def add(self, blobs: Mapping[Pair, bytes | None]) -> None:
        """Take in more stored bytes; what is already held stays, because it may be newer."""
        for pair, blob in blobs.items():
            self._stored.setdefault(pair, blob)

    def missing(self, pairs: Iterable[Pair]) -> list[Pair]:
        """Those that were never given, not even as absent."""
        return [pair for pair in pairs if pair not in self._stored and pair not in self._held]

    def put(self, kind: str, entity: str, record: Record) -> None:
        """Set a record: it counts as changed."""
        self._held[kind, entity] = record
        self._changed[kind, entity] = None

    def update(self, records: Mapping[Pair, Record]) -> None:
        """Set several records."""
        self._held.update(records)
        self._changed.update(dict.fromkeys(records))

    def changed(self) -> dict[Pair, bytes]:
        """The bytes of every record set since the last call, in the order in which they first changed."""
        result: dict[Pair, bytes] = {}
        for pair in self._changed:
            held = self._held[pair]
            if held is not None:
                result[pair] = encode(held)
        self._changed = {}
        return result

    def get(self, pair: Pair) -> Any:
        """The record, of the type that its kind has in `records.KINDS`; None where there is none."""
        try:
            return self._held[pair]
        except KeyError:
            blob = self._stored.get(pair)
        held = self._held[pair] = None if blob is None else decode(pair[0], blob)
        return held

    def peers(self, entity: str) -> PeerRecord | None:
        """Raises RecordError like every reader here, when the stored bytes cannot be used."""
        record: PeerRecord | None = self.get(("peers", entity))
        return record

    def beneficiary(self, entity: str) -> BeneficiaryRecord | None:
        """The beneficiary's habits."""
        record: BeneficiaryRecord | None = self.get(("beneficiary", entity))
        return record

    def provider(self, inpe: str) -> ProviderRecord | None:
        """The provider's habits."""
        record: ProviderRecord | None = self.get(("provider", inpe))
        return record

    def activity(self, group: str) -> ActivityRecord | None:
        """The peer group's activity."""
        record: ActivityRecord | None = self.get(("activity", group))
        return record

    def members(self, group: str) -> MembersRecord | None:
        """The peer group's members."""
        record: MembersRecord | None = self.get(("members", group))
        return record

    @property
    def coverage(self) -> CoverageRecord | None:
        """How far INPE are in use."""
        record: CoverageRecord | None = self.get(("coverage", SINGLE))
        return record

    @property
    def fusion(self) -> FusionRecord:
        """The score's weights; the start weights where nothing was learned."""
        record: FusionRecord | None = self.get(("fusion", SINGLE))
        return record or _FUSION

    @property
    def quantile(self) -> QuantileRecord:
        """The spread of recent scores."""
        record: QuantileRecord | None = self.get(("quantile", SINGLE))
        return record or _QUANTILE

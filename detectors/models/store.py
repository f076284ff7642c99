"""The records at hand while one claim, or one batch, is scored and learned: bytes in, bytes of what changed
out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from detectors.models.keys import SINGLE, Pair
from detectors.models.records import (
    ActivityRecord,
    BeneficiaryRecord,
    CoverageRecord,
    DamagedRecord,
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


class _Held(dict[Pair, Any]):
    """Records by pair, each decoded when it is first looked up."""

    __slots__ = ("damaged", "stored")

    def __init__(self, stored: dict[Pair, bytes | None], damaged: list[str] | None) -> None:
        super().__init__()
        self.stored, self.damaged = stored, damaged

    def __missing__(self, pair: Pair) -> Record | None:
        blob = self.stored.get(pair)
        record: Record | None = None
        if blob is not None:
            try:
                record = decode(pair[0], blob)
            except DamagedRecord:
                if self.damaged is None:
                    raise
                self.damaged.append(pair[0])
        self[pair] = record
        return record


class Records:
    """A working set of records: decoded on first use, encoded once when asked for what changed.

    A missing record reads as None. Not safe to share between threads.

    Args:
        damaged: takes the kind of each record that is damaged, which then reads as None: its model begins anew. None:
            such a record raises DamagedRecord.
    """

    __slots__ = ("_changed", "_held", "_stored", "damaged", "get")

    get: Callable[[Pair], Any]
    """The record, of the type that its kind has in `records.KINDS`; None where there is none. A plain look-up:
    a claim asks for some forty.
    """

    def __init__(
        self, blobs: Mapping[Pair, bytes | None] | None = None, damaged: list[str] | None = None
    ) -> None:
        self._stored: dict[Pair, bytes | None] = dict(blobs or {})
        self.damaged = damaged
        self._held = _Held(self._stored, damaged)
        self._changed: dict[Pair, Record] = {}
        self.get = self._held.__getitem__

    def __repr__(self) -> str:
        return "Records"

    def add(self, blobs: Mapping[Pair, bytes | None]) -> None:
        """Take in more stored bytes; what is already held stays, because it may be newer."""
        for pair, blob in blobs.items():
            self._stored.setdefault(pair, blob)

    def missing(self, pairs: Iterable[Pair]) -> list[Pair]:
        """Those that were never given, not even as absent."""
        return [pair for pair in pairs if pair not in self._stored and pair not in self._held]

    def put(self, kind: str, entity: str, record: Record) -> None:
        """Set a record: it counts as changed."""
        self._held[kind, entity] = self._changed[kind, entity] = record

    def update(self, records: Mapping[Pair, Record]) -> None:
        """Set several records."""
        self._held.update(records)
        self._changed.update(records)

    def changed(self) -> dict[Pair, bytes]:
        """The bytes of every record set since the last call, in the order in which they first changed."""
        result = {pair: encode(record) for pair, record in self._changed.items()}
        self._changed = {}
        return result

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

"""What goes into the store and what comes out: plain values of one batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from state.ops import Op, Read

MODEL_SECONDS = 800 * 86400  # a model record outlives the 24 months of what taught it
VERDICT_SECONDS = 90 * 86400  # full verdicts are kept 90 days; callers ask for more while something is held


class Span(NamedTuple):
    """The part of an input that a batch covers: offsets after `prev` up to and including `end`.

    `prev` is the last offset its consumer had behind it (-1: none). Offsets in between may be missing:
    markers and compaction leave holes.
    """

    input: str
    prev: int
    end: int


class Fences(NamedTuple):
    """Where an input stands: the last offsets observed and recorded (-1: none), the lowest over all tags."""

    epoch: int
    observed: int
    recorded: int
    recorded_by_tag: tuple[int, ...]


class Identity(NamedTuple):
    """Who an event was about."""

    event_id: str
    claim_id: str
    beneficiary: str


class Ask(msgspec.Struct, kw_only=True):
    """One event of a batch and what is to be done for it.

    An event without `event_id` (a dead letter) takes part by its offset only.
    """

    input: int  # index in the batch's spans
    offset: int
    content: bytes  # 16-byte hash of what was received
    event_id: str | None = None
    ref: bytes | None = None  # schemas.observation.event_ref(event_id)
    claim_id: str = ""
    beneficiary: str = ""
    undo: bytes | None = None  # reference of the event that this one corrects or cancels
    undo_payment: bool = False  # `undo` names a payment: its last event goes, and this one takes its place
    home: Sequence[Op] = ()
    away: Sequence[Op] = ()
    home_reads: Sequence[Read] = ()
    away_reads: Sequence[Read] = ()
    answers: str | None = None  # event whose verdict this offset may give anew, where that is not its own


class Answer(msgspec.Struct):
    """What the state says to one event.

    `status` is NEW, SAME (a resubmission), OTHER (a known event_id with other content), FOREIGN (it would take
    another person's event out: nothing was done) or NONE (a dead letter). Results stand in the order of the
    ops; None where nothing is remembered for one: all of them when `gone`, else an op that was not asked for
    when the event was applied. Results of an event that is not NEW are empty lists.
    """

    status: str
    home: list[bytes | None] = []
    away: list[bytes | None] = []
    home_reads: list[bytes | dict[bytes, bytes] | list[bytes] | None] = []
    away_reads: list[bytes | dict[bytes, bytes] | list[bytes] | None] = []
    recorded: bytes | None = None  # the verdict this offset was answered with; for SAME the event's last one
    gone: bool = (
        False  # applied so long ago that the memo is forgotten: no result is known, nor what was recorded
    )


class HashWrite(NamedTuple):
    """Fields to set in a hash of the entry's beneficiary (keys: `state.keys`). `ttl` 0: left as it is."""

    key: str
    fields: Mapping[str, bytes]
    ttl: int = 0


class HashDelete(NamedTuple):
    """Fields to remove from a hash of the entry's beneficiary."""

    key: str
    fields: Sequence[str]


class Entry(msgspec.Struct, kw_only=True):
    """One verdict to record, and what is written with it, once."""

    input: int  # index in the batch's spans
    offset: int
    beneficiary: str
    event_id: str
    revision: int
    blob: bytes
    ttl: int = VERDICT_SECONDS
    writes: Sequence[HashWrite] = ()
    deletes: Sequence[HashDelete] = ()

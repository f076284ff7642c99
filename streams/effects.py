"""From which offset on which loads of tables decide: one offset a partition for each, recorded with the batch.

A batch is screened under one snapshot of the tables. When the snapshot differs from the one under which the
partition was screened last, the first offset decided in the batch is where the new loads take effect; that is
written in the same fenced step as the batch's verdicts, so a batch that is taken again does not move it. A worker
that takes a partition over waits until it has read the tables as far as whoever screened there before: no partition
goes back to an older edition.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from detectors.referentials import Referentials
from state import Store
from state.formats import refuse_newer
from streams.messages import Batch

log = logging.getLogger("crible.effects")

VERSION: Final = 1
KEPT: Final = 100
"""Effects that a partition's record remembers; the older ones go."""
PATIENCE_SECONDS: Final = 30.0
LOOK_SECONDS: Final = 0.05
Loads = tuple[tuple[str, str, str], ...]
"""(table, edition, checksum) of every load in force."""


class Effect(msgspec.Struct, array_like=True, frozen=True):
    """From `offset` on the partition is screened under these loads. `at`: seconds since the epoch."""

    offset: int
    at: float
    loads: Loads


class Record(msgspec.Struct, array_like=True, frozen=True):
    """What is kept of one partition: its effects, the last one at the end, and how far the tables had been read."""

    version: int
    effects: tuple[Effect, ...] = ()
    read: dict[str, int] = {}


_decoder = msgspec.msgpack.Decoder(Record)


def name(input_name: str) -> str:
    """The state's name of a partition's record."""
    return f"effects:{input_name}"


def read(blob: bytes | None) -> Record:
    """The record of its bytes, an empty one where there are none.

    Raises msgspec.MsgspecError where it is damaged, BadFormat for a newer release's.
    """
    if blob is None:
        return Record(VERSION)
    record = _decoder.decode(blob)
    refuse_newer("effects", record.version, VERSION)
    return record


class Effects:
    """What a worker knows of the partitions that it screens. One for each screener; not for several threads.

    Args:
        patience: seconds for which a worker that is behind waits for its reader of the tables.
    """

    def __init__(self, store: Store, patience: float = PATIENCE_SECONDS) -> None:
        self._store, self._patience = store, patience
        self._records: dict[str, Record] = {}
        self._ends: dict[str, int] = {}
        """Input -> end of the last batch recorded here: what goes on from there was screened by nobody else."""
        self._due: dict[str, Record] = {}
        self._taken: dict[str, int] = {}
        """Input -> where new loads take effect in the batch in hand."""
        self._forgotten: set[str] = set()
        self._held = Referentials()

    def in_force(self, batch: Batch, current: Callable[[], Referentials]) -> Referentials:
        """The snapshot to screen the batch under: one at least as new as those its partitions have seen."""
        self._due, self._taken = {}, {}
        unknown = [span.input for span in batch.spans if self._ends.get(span.input) != span.prev]
        if unknown:
            blobs = self._store.models([name(each) for each in unknown])
            self._records |= {each: read(blob) for each, blob in zip(unknown, blobs, strict=True)}
        self._held = current()
        deadline = time.monotonic() + self._patience
        while any(self._behind(span.input) for span in batch.spans):
            if time.monotonic() > deadline:
                log.warning("the tables were read less far than before: were their topics made anew?")
                self._forget([span.input for span in batch.spans if self._behind(span.input)])
                break
            time.sleep(LOOK_SECONDS)
            self._held = current()
        return self._held

    def due(self, fresh: Iterable[tuple[str, int]]) -> dict[str, bytes]:
        """What to write with the batch. `fresh`: (input, offset) of the messages that are decided in it.

        What was decided before a crash stays as it is; the new loads take effect behind it.
        """
        firsts: dict[str, int] = {}
        for input_name, offset in fresh:
            firsts[input_name] = min(offset, firsts.get(input_name, offset))
        for input_name, first in firsts.items():
            effects = self._records[input_name].effects
            if not effects or effects[-1].loads != self._held.loads:
                effects = (*effects, Effect(first, time.time(), self._held.loads))[-KEPT:]
                self._taken[input_name] = first
            elif input_name not in self._forgotten:
                continue
            self._due[input_name] = Record(VERSION, effects, dict(self._held.read))
        return {name(each): msgspec.msgpack.encode(record) for each, record in self._due.items()}

    def recorded(self, batch: Batch) -> dict[str, int]:
        """The batch is recorded: input -> offset, where new loads took effect in it."""
        self._records |= self._due
        self._forgotten -= self._due.keys()
        self._ends |= {span.input: span.end for span in batch.spans}
        return self._taken

    def _forget(self, inputs: Iterable[str]) -> None:
        """How far the tables had been read means nothing any more: nobody waits for it again."""
        for each in inputs:
            self._records[each] = Record(VERSION, self._records[each].effects)
            self._forgotten.add(each)

    def _behind(self, input_name: str) -> bool:
        seen = self._records[input_name].read
        return any(self._held.read.get(partition, 0) < offset for partition, offset in seen.items())

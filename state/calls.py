"""Puts the function calls together: keys numbered once, arguments packed, one call a tag."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain, count
from struct import Struct
from typing import NamedTuple
from zlib import crc32

import msgspec

from state import keys
from state.batch import Ask, Entry, Span
from state.chain import MODELS_A_VERDICT, VERDICTS_A_CALL, Chain, Link, cut
from state.keys import Lane
from state.library import function
from state.ops import Op, Read
from state.packing import INT64, array, integer, key, listing, raw
from state.router import Command

_encode = msgspec.msgpack.encode
_LENGTHS = Struct("<HH")
_NO_KEY = key(0)
CONTENT_BYTES = 16
LABEL_BYTES = 4
_HEAD = Struct(">BBqBqB16s")  # a list of 14: span, offset, content hash...
_RAW16 = 0xA0 | CONTENT_BYTES
_EMPTY, _NOTHING = raw(b""), array(0)
_READS = tuple(array(2) + integer(kind) for kind in range(4))

_PACKED = tuple(key(number) for number in range(1, 8193))  # calls of 256 events name about half as many


class KeyTable(defaultdict[str, bytes]):
    """The packed numbers of a call's keys (from 1), given without prefix; a new key takes the next number."""

    def __init__(self, prefix: str) -> None:
        super().__init__(chain(_PACKED, map(key, count(len(_PACKED) + 1))).__next__)
        self.prefix = prefix
        self[keys.FENCES]  # the first

    @property
    def names(self) -> list[str]:
        """The keys by number, whole."""
        prefix = self.prefix
        return [prefix + name for name in self]


class Share(NamedTuple):
    """What one event asks of one tag."""

    place: int  # in the batch
    ask: Ask
    ops: Sequence[Op]
    reads: Sequence[Read]
    event_key: str | None
    undo_keys: Sequence[str]
    places: tuple[Sequence[int], Sequence[int]]  # which of the event's ops and reads these are


class ObserveCall:
    """One FCALL crible_observe, for one tag and lane."""

    def __init__(self, prefix: str, lane: Lane, spans: Sequence[Span]) -> None:
        self._prefix, self._lane, self._spans = prefix, lane, spans
        self._table = KeyTable(prefix)
        self._args: list[bytes] = []
        self.labels: list[bytes] = []
        self.asked: list[int] = []  # which events of the batch, in the order of the answers
        self.places: list[tuple[Sequence[int], Sequence[int]]] = []  # which of their ops and reads

    def add(self, share: Share) -> None:
        """One event, with what it asks of this tag. Raises ValueError for a content hash of another size."""
        index, ask, ops, reads, event_key, undo_keys, places = share
        if len(ask.content) != CONTENT_BYTES:
            raise ValueError(f"a content hash has {CONTENT_BYTES} bytes, not {len(ask.content)}")
        number = self._table
        ref = ask.ref or b""
        label = labels(ops)
        self.labels.append(label)
        answered = ask.event_id or ask.answers
        parts = [
            _HEAD.pack(0x9E, INT64, ask.input + 1, INT64, ask.offset, _RAW16, ask.content),
            number[keys.memo(self._lane, self._spans[ask.input].input, ask.offset)],
            _NO_KEY if event_key is None else number[event_key],
            raw(ref),
            raw(_told(ask, ops)) if event_key else _EMPTY,
            raw(label),
            listing([number[name] for name in undo_keys]) if undo_keys else _NOTHING,
            raw(ask.undo) if ask.undo else _EMPTY,
            number[keys.verdict(answered)] if self._lane == "h" and answered else _NO_KEY,
            array(len(ops)),
        ]
        for _, names, head, tail, _, _ in ops:
            if len(names) == 1:
                parts += (head, number[names[0]], tail)
            else:
                parts += (head, *[number[name] for name in names], tail)
        parts.append(array(len(reads)))
        for _, name, kind in reads:
            parts += (_READS[kind], number[name])
        parts.append(raw(ask.beneficiary.encode()) if undo_keys else _EMPTY)
        self._args.append(b"".join(parts))
        self.asked.append(index)
        self.places.append(places)

    def command(self, spans: Sequence[Span], epochs: Mapping[str, int], link: Link) -> Command:
        """The call, with what it covers of each input and its place in the batch."""
        covered = [[s.input, s.prev, s.end, epochs.get(s.input, 0), crc32(s.input.encode())] for s in spans]
        header = _encode([self._prefix, self._lane, covered, link])
        names = self._table.names
        return ("FCALL", function("observe"), len(names), *names, header, *self._args)


def labels(ops: Sequence[Op]) -> bytes:
    """What tells the ops of one event from each other: four bytes each."""
    return _labels(len(ops)).pack(*[crc32(op[1][0].encode()) for op in ops])


@lru_cache(maxsize=256)
def _labels(count: int) -> Struct:
    return Struct(f"<{count}I")


def _told(ask: Ask, ops: Sequence[Op]) -> bytes:
    """What the record of an event keeps: who it was about, and what to take out again."""
    identity, who = _encode([ask.event_id, ask.claim_id]), ask.beneficiary
    parts = [b"", identity, who.encode(), b""]
    effects = 0
    for _, names, _, _, mark, kept in ops:
        if mark:
            name = names[0]
            short = name[:2] if who and name[2:] == who else name
            parts += (mark, raw(short.encode()), kept)
            effects += 1
    parts[0] = _LENGTHS.pack(len(identity), len(parts[2]))
    parts[3] = array(effects)
    return b"".join(parts)


def record_commands(
    prefix: str,
    spans: Sequence[Span],
    epochs: Mapping[str, int],
    entries: Sequence[Entry],
    models: Mapping[str, bytes],
) -> list[Command]:
    """The calls crible_record of one batch for one tag: verdicts in chunks, the last of which makes all known.

    That one writes the models too: where they are many, it brings no verdicts.
    """
    covered = _encode([[s.input, s.prev, s.end, epochs.get(s.input, 0)] for s in spans])
    chain = Chain()
    runs = cut(entries, VERDICTS_A_CALL)
    if runs[-1] and len(runs[-1]) + len(models) // MODELS_A_VERDICT > VERDICTS_A_CALL:
        runs.append(())
    commands: list[Command] = []
    for number, run in enumerate(runs, 1):
        last = number == len(runs)
        table = KeyTable(prefix)
        if last:
            for name in models:
                table[keys.model(name)]
        link = _encode(chain.link(last=last))
        header = b"".join((array(4), covered, integer(len(run)), raw(prefix.encode()), link))
        args = [header, *[_entry(entry, spans, table) for entry in run]]
        if last:
            args += models.values()
        names = table.names
        commands.append(("FCALL", function("record"), len(names), *names, *args))
    return commands


def _entry(entry: Entry, spans: Sequence[Span], number: KeyTable) -> bytes:
    parts = [
        array(9),
        integer(entry.input + 1),
        integer(entry.offset),
        number[keys.memo("h", spans[entry.input].input, entry.offset)],
        number[keys.verdict(entry.event_id)],
        integer(entry.revision),
        raw(entry.blob),
        integer(entry.ttl),
        array(len(entry.writes)),
    ]
    for write in entry.writes:
        pairs = [raw(item) for name, value in write.fields.items() for item in (name.encode(), value)]
        parts.append(array(2 + len(pairs)) + number[write.key] + integer(write.ttl) + b"".join(pairs))
    parts.append(array(len(entry.deletes)))
    for delete in entry.deletes:
        gone = [raw(name.encode()) for name in delete.fields]
        parts.append(array(1 + len(gone)) + number[delete.key] + b"".join(gone))
    return b"".join(parts)


def advance_command(prefix: str, span: Span, epoch: int, models: Mapping[str, bytes]) -> Command:
    """One FCALL crible_advance, for one tag."""
    names = [prefix + keys.FENCES, *(prefix + keys.model(name) for name in models)]
    header = _encode([[span.input, span.prev, span.end, epoch]])
    return ("FCALL", function("advance"), len(names), *names, header, *models.values())

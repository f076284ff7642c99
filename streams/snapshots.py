"""Models taken out of Redis and put back: beside running workers, in one step a piece, with the way back kept.

Models have one writer each: the learner and profiling, which read a record from Redis for every batch and write it with
their fence. Whoever puts a snapshot in force takes their inputs over by a higher epoch first and writes under it: a
fold that had read the former record is refused and starts over from what stands then. With every record its former one
is kept, in the same call.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from detectors.models.keys import SINGLE, Pair
from detectors.models.records import KINDS, DamagedRecord, Record, decode, encode
from detectors.models.snapshot import SHARED, Snapshot, SnapshotError
from state import BadFormat, Span, Stale, Store
from streams.model_folds import TOPICS, name, pair

INPUT: Final = "models|import|0"
"""Fence of what is put in force: each piece moves it by one, so that a piece is written once, whatever tags it has."""
LAST: Final = "imports:last"
"""Record of what was put in force last."""
FORMER: Final = "former-"
"""Before the kind of a record that was replaced."""
PIECE: Final = 1000
"""Records a call, each with its former one: some milliseconds of Redis."""
ATTEMPTS: Final = 10
VERSION: Final = 1
FUSION: Final = ("fusion", SINGLE)
_Version = Annotated[int, Meta(ge=1, le=VERSION)]


class Former(msgspec.Struct, array_like=True, frozen=True):
    """A record as it stood before import `number`; None where there was none."""

    version: _Version
    number: int
    blob: bytes | None


class Import(msgspec.Struct, array_like=True, frozen=True):
    """What was put in force last. `at`: Unix seconds; `source`: SHA-256 of the snapshot, or "rollback of <number>"."""

    version: _Version
    number: int
    at: int
    source: str
    names: tuple[str, ...]


_encode = msgspec.msgpack.encode
_former = msgspec.msgpack.Decoder(Former)
_import = msgspec.msgpack.Decoder(Import)


def readers() -> Mapping[str, Callable[[bytes], Any]]:
    """How a check of the state reads what this module writes, by "m:<kind>"."""
    return {"m:imports": read_import, **{f"m:{FORMER}{kind}": read_former for kind in SHARED}}


def read_former(blob: bytes) -> Former:
    """Raises msgspec.MsgspecError."""
    return _former.decode(blob)


def read_import(blob: bytes) -> Import:
    """Raises msgspec.MsgspecError."""
    return _import.decode(blob)


def last(store: Store) -> Import | None:
    """What was put in force last, None where nothing ever was. Raises BadFormat."""
    (blob,) = store.models([LAST])
    try:
        return None if blob is None else read_import(blob)
    except msgspec.MsgspecError as error:
        raise BadFormat(f"the record of the last import is damaged ({error}): import a snapshot") from error


def read(store: Store, pairs: Iterable[Pair], *, mending: bool = False) -> dict[Pair, Record]:
    """The records that there are. Raises RecordError for one that cannot be used.

    `mending`: a damaged one counts as none, for what is put in its place mends it.
    """
    found: dict[Pair, Record] = {}
    for some in _pieces(pairs):
        for each, blob in zip(some, store.models([name(one) for one in some]), strict=True):
            if blob is not None:
                with suppress(*(DamagedRecord,) * mending):
                    found[each] = decode(each[0], blob)
    return found


def put(store: Store, snapshot: Snapshot) -> int:
    """Put the records of a verified snapshot in force; those that it does not name stay. Returns the import's number.

    Safe beside running workers. Raises Stale where another import runs, or the writers never let go.
    """
    return _put(store, {each: encode(record) for each, record in snapshot.records.items()}, snapshot.digest)


def roll_back(store: Store) -> tuple[int, list[Pair]]:
    """Put what stood before the last import in force again: its number, and the records.

    Another one brings the import back. Raises SnapshotError where there is nothing to go back to.
    """
    done = last(store)
    if done is None:
        raise SnapshotError("nothing was imported here: there is nothing to go back to")
    blobs: dict[Pair, bytes] = {}
    pairs = [pair(one) for one in done.names]
    for some in _pieces(pairs):
        for each, blob in zip(some, store.models([_former_name(one) for one in some]), strict=True):
            if blob is None:
                continue  # it ended before this record was written
            try:
                former = read_former(blob)
            except msgspec.MsgspecError as error:
                raise BadFormat(f"the former record of kind {each[0]!r} is damaged ({error})") from error
            if former.number == done.number:
                empty = encode(KINDS[each[0]]())  # reads as none does
                blobs[each] = encode(decode(each[0], former.blob)) if former.blob is not None else empty
    if not blobs:
        raise SnapshotError(
            f"import {done.number} ended before it wrote anything: what was in force still is"
        )
    return _put(store, blobs, f"rollback of {done.number}"), list(blobs)


def _put(store: Store, blobs: Mapping[Pair, bytes], source: str) -> int:
    """The number of the import; a piece that was interrupted leaves those before it, with their former records."""
    fences = store.own([INPUT])[INPUT]
    done, end = fences.recorded, max(fences.recorded_by_tag) + 1
    first = end + 1  # people count from one; pieces take the numbers up to the next import
    note = Import(VERSION, first, int(time.time()), source, tuple(map(name, blobs)))
    _write(store, Span(INPUT, done, end), lambda: {LAST: _encode(note)})
    for number, some in enumerate(_pieces(blobs), first):
        _write(store, Span(INPUT, number - 1, number), partial(_piece, store, blobs, some, first))
    return first


def _piece(store: Store, blobs: Mapping[Pair, bytes], some: Sequence[Pair], number: int) -> dict[str, bytes]:
    """Some records with those they replace, as they stand now."""
    written: dict[str, bytes] = {}
    standing = read(store, some, mending=True)
    for each in some:
        before = standing.get(each)
        former = None if before is None else encode(before)
        written[_former_name(each)] = _encode(Former(VERSION, number, former))
        written[name(each)] = _above(blobs[each], before) if each == FUSION else blobs[each]
    return written


def _pieces(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    rest = iter(pairs)
    while some := list(islice(rest, PIECE)):
        yield some


def _former_name(each: Pair) -> str:
    return FORMER + name(each)


def _above(blob: bytes, before: Record | None) -> bytes:
    """The weights under a higher edition than the present ones: a verdict names it, and it must not mean two things."""
    record: Any = decode(FUSION[0], blob)
    present = getattr(before, "edition", 0)
    return encode(msgspec.structs.replace(record, edition=max(record.edition, present) + 1))


def _writers(inputs: Sequence[str]) -> list[str]:
    """The inputs whose folds write shared models: private topics, and event logs that were screened here."""
    logs = {one.split("|", 1)[1] for one in inputs if one.startswith("log|")}
    return [
        one for one in inputs for topic, _, rest in (one.partition("|"),) if topic in TOPICS or rest in logs
    ]


def _write(store: Store, span: Span, make: Callable[[], dict[str, bytes]]) -> None:
    """One step: the writers' inputs are taken over, what stands is read, and all is written under their epochs."""
    for attempt in range(ATTEMPTS):
        writers = _writers(store.inputs())
        store.own(writers)
        try:
            store.record([span, *(Span(one, -1, -1) for one in writers)], [], make())
            return
        except Stale as stale:
            if stale.input == INPUT or attempt == ATTEMPTS - 1:
                raise

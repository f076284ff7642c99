"""A snapshot of the models: one text file, verified as a whole before anything of it is used.

The first line bears the snapshot's version, and the length and SHA-256 of all that follows. The second says when it was
taken and how many records of each kind there are; then comes a line per record, `["<kind>","<entity>",[<version>,...]]`
in order. A beneficiary's habits are in no snapshot: bringing one back would bring back who was erased.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from hashlib import sha256
from itertools import pairwise
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from detectors.models import fusion, quantile, ramp
from detectors.models.activity import MAX_MEMBERS
from detectors.models.drift import MOST_LETTERS
from detectors.models.keys import SINGLE, Pair
from detectors.models.records import KINDS, Record, RecordError, decode_plain, encode_plain

VERSION: Final = 1
PERSONAL: Final = frozenset(("beneficiary",))
SHARED: Final = tuple(sorted(set(KINDS) - PERSONAL))
"""Kinds that a snapshot may hold."""
ALONE: Final = frozenset(("fusion", "quantile", "coverage"))
"""Kinds of which there is one record."""
MOST_BYTES: Final = 1 << 28
"""Of a file: several hundred thousand provider models."""
LINE_BYTES: Final = 1 << 20
"""Of a record: twenty times a full table of members."""
ENTITY_CHARS: Final = 1024
MOST_WEIGHTS: Final = 4096
"""Of the score: a hundred for each detector."""
MOST_KINDS: Final = 64
"""Of providers, in the coverage."""
MOST_EDITION: Final = 2**53 - 2**20
"""What comes into force gets a higher edition, and reviews go on counting from there."""


class SnapshotError(ValueError):
    """A snapshot cannot be used; the message says what is wrong with it, and where."""


class Snapshot(msgspec.Struct, frozen=True):
    """What a file holds. `taken`: when, with its time zone; `digest`: SHA-256 in hex of all but its first line."""

    taken: dt.datetime
    records: Mapping[Pair, Record]
    digest: str = ""

    def counts(self) -> dict[str, int]:
        """How many records there are of each kind."""
        return dict(sorted(Counter(kind for kind, _ in self.records).items()))


class _Version(msgspec.Struct):
    crible_models: int


class _Head(msgspec.Struct, forbid_unknown_fields=True):
    crible_models: int
    bytes: int
    sha256: str


class _About(msgspec.Struct, forbid_unknown_fields=True):
    taken: Annotated[dt.datetime, Meta(tz=True)]
    records: dict[str, int]


_version, _head, _about = map(msgspec.json.Decoder, (_Version, _Head, _About))
_line = msgspec.json.Decoder(tuple[str, str, msgspec.Raw])


def pack(snapshot: Snapshot) -> bytes:
    """The file of a snapshot; the same records at the same time give the same bytes. Raises SnapshotError for a record
    that `unpack` would refuse."""
    lines = [msgspec.json.encode(_About(snapshot.taken, snapshot.counts()))]
    for (kind, entity), record in sorted(snapshot.records.items()):
        line = msgspec.json.encode((kind, entity, msgspec.Raw(encode_plain(record))))
        _read(len(lines) + 2, line)
        lines.append(line)
    body = b"\n".join(lines) + b"\n"
    return _first_line(body) + body


def unpack(data: bytes) -> Snapshot:
    """The snapshot of a file's bytes, verified. Raises SnapshotError, and nothing else, whatever the bytes are."""
    if len(data) > MOST_BYTES:
        raise SnapshotError(f"is larger than {MOST_BYTES:,} bytes")
    first, _, body = data.partition(b"\n")
    _check_head(first, body)
    if not body.endswith(b"\n"):
        raise SnapshotError("its last line does not end")
    about, *lines = body[:-1].split(b"\n")
    try:
        said = _about.decode(about)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise SnapshotError(f"line 2: does not say what the snapshot holds ({error})") from error
    records: dict[Pair, Record] = {}
    for number, line in enumerate(lines, 3):
        pair, record = _read(number, line)
        records[pair] = record
    if any(before >= after for before, after in pairwise(records)) or len(records) != len(lines):
        raise SnapshotError("its records are out of order, or one is there twice")
    found = Snapshot(said.taken, records, sha256(body).hexdigest())
    if said.records != found.counts():
        raise SnapshotError(f"line 2: announces {said.records}, there are {found.counts()}")
    return found


def _first_line(body: bytes) -> bytes:
    return msgspec.json.encode(_Head(VERSION, len(body), sha256(body).hexdigest())) + b"\n"


def _check_head(first: bytes, body: bytes) -> None:
    try:
        version = _version.decode(first).crible_models
        if version != VERSION:
            raise SnapshotError(f"is of version {version}, this Crible reads version {VERSION}")
        head = _head.decode(first)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise SnapshotError(f"is no snapshot of models: its first line is none ({error})") from error
    if head.bytes != len(body):
        raise SnapshotError(f"was cut short or added to: {head.bytes:,} bytes announced, {len(body):,} there")
    if first + b"\n" != _first_line(body):
        raise SnapshotError("its checksum differs: the file was changed after it was written")


def _read(number: int, line: bytes) -> tuple[Pair, Record]:
    if len(line) > LINE_BYTES:
        raise SnapshotError(f"line {number}: is longer than {LINE_BYTES:,} bytes")
    try:
        kind, entity, raw = _line.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise SnapshotError(f"line {number}: is no record ({error})") from error
    if kind not in SHARED:
        why = "names people and is in no snapshot" if kind in PERSONAL else "is not known"
        raise SnapshotError(f"line {number}: kind {kind[:40]!r} {why}; known: {', '.join(SHARED)}")
    try:
        record = decode_plain(kind, bytes(raw))
    except RecordError as error:
        raise SnapshotError(f"line {number}: {error}") from error
    _check(kind, entity, record, f"line {number}")
    return (kind, entity), record


def _check(kind: str, entity: str, record: Record, where: str) -> None:
    """What types and bounds do not say: names, and lengths. Raises SnapshotError."""
    if not 0 < len(entity) <= ENTITY_CHARS:
        raise SnapshotError(f"{where}: the name of its entity is empty or too long")
    if kind in ALONE and entity != SINGLE:
        raise SnapshotError(f"{where}: there is one record of kind {kind!r}, and it is named {SINGLE!r}")
    for name, allowed in _LENGTHS.get(kind, {}).items():
        found: Any = record
        for part in name.split("."):
            found = getattr(found, part)
        if len(found) not in allowed:
            limits = " or ".join(_told(one) for one in allowed.ranges)
            raise SnapshotError(f"{where}: {kind}.{name} has {len(found):,} entries, not {limits}")
    edition = getattr(record, "edition", 0)
    if edition > MOST_EDITION:
        raise SnapshotError(f"{where}: {kind}.edition is {edition}, more than could ever be reached")


class _Allowed:
    """Lengths that fit."""

    def __init__(self, *ranges: range) -> None:
        self.ranges = ranges

    def __contains__(self, length: int) -> bool:
        return any(length in one for one in self.ranges)


def _told(lengths: range) -> str:
    return str(lengths[0]) if len(lengths) == 1 else f"at most {lengths[-1]:,}"


def _up_to(most: int) -> _Allowed:
    return _Allowed(range(most + 1))


def _none_or(count: int) -> _Allowed:
    return _Allowed(range(1), range(count, count + 1))


_LENGTHS: Final[dict[str, dict[str, _Allowed]]] = {
    "fusion": {"weights": _up_to(MOST_WEIGHTS), "bins": _none_or(len(fusion.BINS) + 1)},
    "quantile": {"counts": _none_or(quantile.BINS)},
    "provider": {
        "ramp.came": _none_or(ramp.WEEKS),
        "ramp.given": _none_or(ramp.WEEKS),
        "drifts": _up_to(MOST_LETTERS),
    },
    "members": {"members": _up_to(MAX_MEMBERS)},
    "habits": {"members": _up_to(MAX_MEMBERS)},
    "coverage": {"kinds": _up_to(MOST_KINDS)},
}

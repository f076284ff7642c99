"""The model records: what is remembered of an entity between two claims, as versioned msgpack arrays.

Each record begins with its version. Decoding checks types and bounds; a number that is not finite is
refused, because it would poison every later update. Records are values: a fold returns a new one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar
from zlib import crc32

import msgspec
from msgspec import Meta

VERSION: Final = 1
"""Version of a record's layout, where its class says no other: what this code writes, and the newest that it reads."""

Finite = Annotated[float, Meta(ge=-1e15, le=1e15)]
"""A finite float: NaN and infinities fail the bounds."""
Positive = Annotated[float, Meta(ge=0, le=1e15)]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Day = Annotated[int, Meta(ge=-(2**31), le=2**31)]
"""Days since 1970-01-01."""


class RecordError(ValueError):
    """A stored model record cannot be used; the message says which kind, why, and what to do."""


class DamagedRecord(RecordError):
    """It is no record of its kind, or holds a number that is not finite: nobody will ever read it again."""


class Record(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What all records share: the layout's version, first on the wire."""

    version: Annotated[int, Meta(ge=1)] = VERSION


class PeerRecord(Record, array_like=True, frozen=True, gc=False):
    """The habit of a peer group for one thing (log amount of an act, lines of a visit...)."""

    n: Count = 0
    mean: Finite = 0.0
    var: Positive = 0.0
    recent: Annotated[bytes, Meta(max_length=64)] = b""
    """Who taught it last, a byte each (0 where a turn was refused): caps the share of any one."""


class Habit(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Running mean and variance of a subject's own standardised values."""

    n: Count = 0
    mean: Finite = 0.0
    var: Positive = 0.0


class BeneficiaryRecord(Record, array_like=True, frozen=True, gc=False):
    """What is usual for one beneficiary, measured against the peers."""

    claims: Count = 0
    first_day: Day = 0
    last_day: Day = 0
    visits: Count = 0
    care: Habit = Habit()
    pharmacy: Habit = Habit()
    providers: Habit = Habit()
    lines: Habit = Habit()


class Pace(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A series seen slowly and fast; `spread` is the usual squared distance between the two."""

    slow: Finite = 0.0
    fast: Finite = 0.0
    spread: Positive = 0.0


class Ramp(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Claims of a provider or a network by week, newest week first, and the pace of the last days."""

    first: Day = 0
    head: Day = 0
    """First and newest day of arrival; nothing is known while `pace` is 0."""
    pace: Positive = 0.0
    """Claims, each weighed by what its day counts on the newest one."""
    came_week: Day = 0
    came: tuple[Count, ...] = ()
    """By arrival."""
    care_week: Day = 0
    given: tuple[Count, ...] = ()
    """By date of care."""


Drift = tuple[Count, Finite, Finite, Finite, Day]
"""Page and Hinkley's test: values, their mean, cumulated rise, its least, day of the last alarm (0 = never)."""
PROVIDER_VERSION: Final = 2


class ProviderRecord(Record, array_like=True, frozen=True, gc=False):
    """What is usual for one provider (arrival axis); of a network, its ramp alone."""

    version: Annotated[int, Meta(ge=1)] = PROVIDER_VERSION
    claims: Count = 0
    """Claims ever seen; never frozen."""
    learnt: Count = 0
    """Claims that entered the slow baselines."""
    level: Pace = Pace()
    level_var: Positive = 0.0
    new: Pace = Pace()
    top: Pace = Pace()
    weekend: Pace = Pace()
    day: Day = 0
    today: Count = 0
    days: Count = 0
    daily_mean: Positive = 0.0
    daily_var: Positive = 0.0
    cusum: Positive = 0.0
    alarm_day: Day = 0
    """Last day on which the cumulated drift of the level crossed its limit, 0 = never."""
    frozen_until: Day = 0
    """Slow baselines stand still through this day, after a confirmed fraud."""
    ramp: Ramp = Ramp()
    drifts: dict[str, Drift] = {}
    """How it codes each key letter."""


class ActivityRecord(Record, array_like=True, frozen=True, gc=False):
    """A peer group's 30-day activity in short: median and MAD of the logarithms of three ratios."""

    members: Count = 0
    updates: Count = 0
    per_day: tuple[Finite, Positive] = (0.0, 0.0)
    """Beneficiaries a day of activity: median and median absolute deviation of its logarithm."""
    per_beneficiary: tuple[Finite, Positive] = (0.0, 0.0)
    """MAD a beneficiary."""
    acts: tuple[Finite, Positive] = (0.0, 0.0)
    """Lines a beneficiary."""


EVERYBODY: Final = 2**32
"""Reach of a group that is not full: no CRC-32 lies beyond it."""


class MembersRecord(Record, array_like=True, frozen=True, gc=False):
    """A peer group's members and their latest figures; read by the learner only."""

    updates: Count = 0
    reach: Annotated[int, Meta(ge=0, le=2**32)] = EVERYBODY
    """Largest CRC-32 of a member once the group is full: beyond it nobody enters."""
    members: dict[str, tuple[Day, Finite, Finite, Finite]] = {}
    """INPE -> (arrival day, log of the three ratios of ActivityRecord)."""


class Habits(msgspec.Struct, array_like=True, frozen=True):
    """What one provider told its peers last."""

    day: Day
    lines: Count
    off_days: Count
    digits: Finite
    """Unevenness of last digits, -1: too few."""
    fresh: Finite
    """Claims of seven days of one that opened less than 90 days ago, -1: of any other."""
    letters: dict[str, tuple[Count, Count]] = {}
    """Lines, and lines at the top, by key letter."""


class HabitsRecord(Record, array_like=True, frozen=True, gc=False):
    """A peer group's members and their latest habits; read by the learner only."""

    updates: Count = 0
    reach: Annotated[int, Meta(ge=0, le=2**32)] = EVERYBODY
    """As in MembersRecord."""
    members: dict[str, Habits] = {}


Norm = tuple[Count, Finite, Finite]
"""How many members were compared, their mean, and the value that 5 % of them exceed."""


class NormsRecord(Record, array_like=True, frozen=True, gc=False):
    """A peer group's habits in short."""

    updates: Count = 0
    off_days: Norm = (0, 0.0, 0.0)
    """Share of lines on Sundays and holidays."""
    digits: Norm = (0, 0.0, 0.0)
    """Unevenness of last digits."""
    newcomers: Norm = (0, 0.0, 0.0)
    """Claims in seven days of those who opened less than 90 days ago."""
    letters: dict[str, Norm] = {}
    """Share of lines in the upper quarter of a key letter's coefficients."""


class Bin(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Reviewed claims whose score lay in one range: mean score and mean outcome, exponentially weighted."""

    n: Count = 0
    expected: Finite = 0.0
    observed: Finite = 0.0


class FusionRecord(Record, array_like=True, frozen=True, gc=False):
    """The score's learned weights, by term key; a term that is absent still has its start weight."""

    edition: Count = 0
    """Grows by one with every review learned; the verdict names it."""
    weights: dict[str, Finite] = {}
    reviews: Count = 0
    frauds: Count = 0
    bins: tuple[Bin, ...] = ()
    calibrated: bool = False
    recent: Annotated[bytes, Meta(max_length=64)] = b""
    """Who decided the last reviews, a byte each (0 where a turn was refused)."""


class QuantileRecord(Record, array_like=True, frozen=True, gc=False):
    """How the scores of recent claims are spread, as counts over bins of log odds."""

    edition: Count = 0
    flag: Annotated[float, Meta(ge=0, le=1)] = 0.0
    """The least score that is flagged, as last computed; 0 = not yet."""
    counts: tuple[Count, ...] = ()


class CoverageRecord(Record, array_like=True, frozen=True, gc=False):
    """Lines that bear an INPE, and lines, by kind of provider and day of arrival; seven days up to the newest."""

    newest: Day = 0
    kinds: dict[str, dict[Day, tuple[Count, Count]]] = {}


KINDS: Final[dict[str, type[Record]]] = {
    "peers": PeerRecord,
    "beneficiary": BeneficiaryRecord,
    "provider": ProviderRecord,
    "activity": ActivityRecord,
    "members": MembersRecord,
    "fusion": FusionRecord,
    "quantile": QuantileRecord,
    "coverage": CoverageRecord,
    "habits": HabitsRecord,
    "norms": NormsRecord,
}

Step = Callable[[list[Any]], list[Any]]
STEPS: Final[dict[tuple[str, int], Step]] = {("provider", 1): list}
"""(kind, version) -> what makes of a record of that version, as a list with its version first, one of the next.

To change a kind: give its class a `version` one higher, and a step from the version before. A step that only adds
fields which have defaults is the identity.
"""

T = TypeVar("T")


def admit(table: dict[str, T], name: str, entry: T, reach: int, most: int) -> int | None:
    """Put a member into a group's table; the reach after it, None where the group is full and leaves this one out.

    Of a larger group those whose CRC-32 is smallest stay, a fair sample that any order of arrival gives.
    """
    if reach < EVERYBODY and name not in table and crc32(name.encode()) > reach:
        return None
    table[name] = entry
    if len(table) <= most:
        return reach
    ranks = sorted((crc32(member.encode()), member) for member in table)
    del table[ranks[-1][1]]
    return ranks[-2][0]


_encoder = msgspec.msgpack.Encoder()
_decoders = {kind: msgspec.msgpack.Decoder(struct) for kind, struct in KINDS.items()}
_plain = {kind: msgspec.json.Decoder(struct) for kind, struct in KINDS.items()}
_versions = {kind: struct().version for kind, struct in KINDS.items()}


def encode(record: Record) -> bytes:
    """The bytes that `decode` reads back."""
    return _encoder.encode(record)


def decode(kind: str, blob: bytes) -> Record:
    """The record of that kind, raised to the present version where it is of an earlier one.

    Raises:
        DamagedRecord: another layout, a number that is not finite.
        RecordError: a version from the future.
    """
    read = _decoders[kind].decode
    record: Record
    try:
        record = read(blob)
        if record.version == _versions[kind]:
            return record
    except msgspec.MsgspecError:
        pass  # an earlier layout need not fit the present one: its version decides
    try:
        record = read(_upgraded(kind, blob))
    except msgspec.MsgspecError as error:
        raise DamagedRecord(
            f"model record of kind {kind!r} is damaged ({error}); delete its key and replay `learning`"
        ) from error
    return record


def encode_plain(record: Record) -> bytes:
    """The record as one line of JSON, for people and files; no number is rounded."""
    return msgspec.json.encode(record)


def decode_plain(kind: str, text: bytes) -> Record:
    """The record that `encode_plain` wrote, raised to the present version where it is of an earlier one.

    Raises:
        DamagedRecord: no JSON, another layout, a number that is not finite.
        RecordError: a version from the future.
    """
    try:
        values = _raised(kind, msgspec.json.decode(text))
        record: Record = _plain[kind].decode(msgspec.json.encode(values))
    except (msgspec.MsgspecError, RecursionError) as error:
        raise DamagedRecord(f"is no record of kind {kind!r} ({error})") from error
    return record


def _upgraded(kind: str, blob: bytes) -> bytes:
    """The record's bytes in the present version. Raises RecordError for a newer one, MsgspecError for no record."""
    return msgspec.msgpack.encode(_raised(kind, msgspec.msgpack.decode(blob)))


def _raised(kind: str, values: Any) -> list[Any]:
    """The record's values in the present version. Raises as `_upgraded` does."""
    known = _versions[kind]
    if not (isinstance(values, list) and values and isinstance(values[0], int)):
        raise msgspec.ValidationError("no version")
    if values[0] > known:
        raise RecordError(
            f"model record of kind {kind!r} has version {values[0]}, this Crible reads up to {known}: "
            "run the release that wrote it, or delete the model keys and let them be learned again"
        )
    for version in range(max(values[0], 1), known):
        values = [version + 1, *STEPS[kind, version](values)[1:]]
    return list(values)

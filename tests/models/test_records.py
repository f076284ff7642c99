"""Every record survives its snapshot; what could poison it, or comes from the future, is refused."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import pytest

from detectors.models import records
from detectors.models.folds import fold_provider
from detectors.models.records import (
    KINDS,
    VERSION,
    ActivityRecord,
    BeneficiaryRecord,
    Bin,
    CoverageRecord,
    FusionRecord,
    Habit,
    Habits,
    HabitsRecord,
    MembersRecord,
    NormsRecord,
    Pace,
    PeerRecord,
    ProviderRecord,
    QuantileRecord,
    Ramp,
    Record,
    RecordError,
    decode,
    encode,
)
from detectors.models.store import Records

FULL: dict[str, Record] = {
    "peers": PeerRecord(n=3, mean=1.5, var=0.25, recent=b"\x01\x02"),
    "beneficiary": BeneficiaryRecord(
        claims=9,
        first_day=20_000,
        last_day=20_400,
        visits=12,
        care=Habit(9, 0.123456789, 1.1),
        lines=Habit(9, -0.5, 2.0),
    ),
    "provider": ProviderRecord(
        claims=500,
        learnt=480,
        level=Pace(5.1, 5.3, 0.02),
        level_var=0.3,
        day=20_500,
        cusum=1.25,
        ramp=Ramp(20_000, 20_500, 12.5, 2_928, (9, 8), 2_927, (7,)),
        drifts={"K": (40, 0.7, 0.3, -0.1, 20_400)},
    ),
    "activity": ActivityRecord(
        members=40, updates=7, per_day=(2.0, 0.3), per_beneficiary=(5.5, 0.4), acts=(0.9, 0.1)
    ),
    "members": MembersRecord(updates=4, members={"100000001": (20_500, 1.0, 2.0, 3.0)}),
    "fusion": FusionRecord(
        edition=2, weights={"P01@2.079": 1.9}, reviews=2, frauds=1, bins=(Bin(2, 0.3, 0.5),)
    ),
    "quantile": QuantileRecord(edition=3, counts=(1, 2, 0)),
    "habits": HabitsRecord(
        updates=4, members={"100000001": Habits(20_500, 90, 4, 0.012, -1.0, {"K": (40, 9), "Z": (1, 0)})}
    ),
    "norms": NormsRecord(updates=2, off_days=(40, 0.01, 0.04), letters={"K": (22, 0.2, 0.4)}),
    "coverage": CoverageRecord(newest=20_500, kinds={"MEDECIN": {20_500: (9, 10), 20_494: (1, 1)}}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_survives_its_snapshot(kind: str) -> None:
    for record in (FULL[kind], KINDS[kind]()):
        assert decode(kind, encode(record)) == record


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e300])
@pytest.mark.parametrize("kind", sorted(FULL.keys() - {"quantile", "coverage"}))
def test_a_number_that_is_not_finite_is_refused(kind: str, bad: float) -> None:
    spoiled, done = spoil(msgspec.msgpack.decode(encode(FULL[kind]), strict=False), bad)
    assert done
    with pytest.raises(RecordError, match=f"{kind!r} is damaged"):
        decode(kind, msgspec.msgpack.encode(spoiled))


def spoil(value: object, bad: float) -> tuple[object, bool]:
    """The value with its first float replaced."""
    if isinstance(value, float):
        return bad, True
    if isinstance(value, dict):
        for key in value:
            value[key], done = spoil(value[key], bad)
            if done:
                return value, True
    if isinstance(value, list):
        for index in range(len(value)):
            value[index], done = spoil(value[index], bad)
            if done:
                return value, True
    return value, False


@pytest.mark.parametrize(
    "body", [[VERSION + 1], [VERSION + 1, 3, 1.0, 0.5, b"", "more"], [VERSION + 1, "other layout"]]
)
def test_a_newer_version_names_both_versions_and_the_way_out(body: list[object]) -> None:
    with pytest.raises(RecordError, match=f"version {VERSION + 1}, this Crible reads up to {VERSION}"):
        decode("peers", msgspec.msgpack.encode(body))


@pytest.mark.parametrize(
    "blob", [b"", b"\xc1", encode(FULL["peers"])[:-2], msgspec.msgpack.encode([1, "x"]), b"\x80"]
)
def test_damaged_bytes_are_refused(blob: bytes) -> None:
    with pytest.raises(RecordError, match="damaged"):
        decode("peers", blob)


def test_records_stay_small() -> None:
    habit, pace = Habit(200, 0.123456789, 1.987654321), Pace(0.123456789, 0.2, 0.3)
    person = BeneficiaryRecord(VERSION, 500, 20_000, 20_700, 900, habit, habit, habit, habit)
    shop = ProviderRecord(
        VERSION, 90_000, 80_000, pace, 0.5, pace, pace, pace, 20_000, 99, 400, 31.5, 60.2, 3.3, 20_000, 20_090
    )
    assert len(encode(person)) <= 150
    assert len(encode(shop)) <= 550


def test_a_working_set_decodes_once_and_returns_what_changed() -> None:
    pair = ("peers", "GP|NGAP|CS")
    records = Records({pair: encode(FULL["peers"]), ("provider", "1"): None})
    assert records.missing([pair, ("provider", "1"), ("provider", "2")]) == [("provider", "2")]
    assert records.peers(pair[1]) is records.peers(pair[1])
    assert records.provider("1") is None
    assert records.changed() == {}
    records.put(*pair, PeerRecord(n=4))
    records.add({pair: encode(FULL["peers"])})  # older bytes do not undo
    assert records.changed() == {pair: encode(PeerRecord(n=4))}
    assert records.changed() == {}


class Widened(Record, array_like=True, frozen=True, gc=False):
    """`PeerRecord` as two later versions might have it: a field put in, then another taken out."""

    version: int = 3
    n: int = 0
    weight: float = 0.0
    mean: float = 0.0
    recent: bytes = b""


def test_a_record_of_an_earlier_version_is_raised_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    old = encode(FULL["peers"])
    monkeypatch.setitem(records._decoders, "peers", msgspec.msgpack.Decoder(Widened))
    monkeypatch.setitem(records._versions, "peers", 3)
    monkeypatch.setitem(records.STEPS, ("peers", 1), lambda values: [*values[:2], 0.5, *values[2:]])
    monkeypatch.setitem(records.STEPS, ("peers", 2), lambda values: [*values[:4], *values[5:]])
    raised = decode("peers", old)
    assert raised == Widened(n=3, weight=0.5, mean=1.5, recent=b"\x01\x02")
    assert decode("peers", encode(raised)) == raised
    with pytest.raises(RecordError, match="version 4, this Crible reads up to 3"):
        decode("peers", msgspec.msgpack.encode([4, "whatever"]))
    with pytest.raises(RecordError, match="damaged"):
        decode("peers", msgspec.msgpack.encode([1, "three", 1.5, 0.25, b""]))


def test_every_kind_can_be_raised_from_version_1() -> None:
    """A class whose version was raised without a step would refuse all that is stored."""
    wanted = {(kind, version) for kind, struct in KINDS.items() for version in range(1, struct().version)}
    assert wanted == records.STEPS.keys()


def test_a_provider_of_the_first_version_is_read_and_goes_on() -> None:
    """The bytes are those that the first version wrote; what it did not know begins with the next claim."""
    stored = bytes.fromhex((Path(__file__).parent / "data" / "provider1.hex").read_text())
    raised = decode("provider", stored)
    assert isinstance(raised, ProviderRecord)
    assert (raised.version, raised.claims, raised.level.slow, raised.frozen_until) == (2, 500, 5.1, 20_300)
    assert (raised.ramp, raised.drifts) == (Ramp(), {})
    told = {"day": 20_501, "level": 5.0, "peers": None, "new": 0, "top": 0, "weekend": 0}
    after = fold_provider(raised, {**told, "care": 20_499, "letters": {"K": 0.5}})
    assert (after.claims, after.ramp.first, after.drifts["K"][:2]) == (501, 20_501, (1, 0.5))
    assert decode("provider", encode(after)) == after
    assert fold_provider(raised, told).ramp == Ramp()  # a message of the first version

"""What `streams` packs into Redis: read as earlier releases wrote it, refused as later ones will."""

from __future__ import annotations

import json
import lzma
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from state.errors import BadFormat
from state.formats import FORMATS
from streams.claim_state import ClaimState, packed
from streams.reanswering import person_changed
from streams.signals import SignalRecord, live, name
from tests.support.former_state import CLAIM

FORMER = Path(__file__).with_name("data") / "claims2.json"
"""`packed` of each of `CLAIM`, in hexadecimal, as the release before version 3 wrote it."""
FILE = Path(__file__).parents[1] / "state" / "data" / "version1.json.xz"


def of_before() -> dict[bytes, bytes]:
    """A claim's hash as version 1 wrote it."""
    (kept,) = [
        one for one in json.loads(lzma.decompress(FILE.read_bytes()))["1"] if one["key"] == "{s0}:c:C0"
    ]
    return {bytes.fromhex(field): bytes.fromhex(value) for field, value in kept["value"]}


def of_today() -> dict[bytes, bytes]:
    return {field.encode(): value for field, value in (packed(*one) for one in CLAIM.items())}


def test_a_claim_of_version_1_reads_like_one_of_today() -> None:
    before, today = of_before(), of_today()
    assert {value[0] & 0xF0 for value in before.values()} == {0x90}
    assert {value[0] for value in today.values()} == {FORMATS["claims"]}
    assert ClaimState.of(before) == ClaimState.of(today)
    assert {**ClaimState.of(before).answers, **ClaimState.of(before).payments} == CLAIM
    mixed = {**before, **{field: value for field, value in today.items() if field.startswith(b"p:")}}
    assert ClaimState.of(mixed) == ClaimState.of(today)


def test_a_claim_of_version_2_reads_like_one_of_today() -> None:
    """What version 3 adds is not known of it: no amounts, no validity, nothing claimed or liquidated."""
    before = {name.encode(): bytes.fromhex(value) for name, value in json.loads(FORMER.read_bytes()).items()}
    assert {value[0] for value in before.values()} == {2}
    assert ClaimState.of(before) == ClaimState.of(of_today())
    dossier = ClaimState.of(before).dossier("L-1")
    assert (dossier.filed, dossier.valid_until, dossier.steps) == (None, None, {})
    assert dossier.payments["P0"].lines == (1,)
    assert [part.line for part in dossier.left()] == [1]


@pytest.mark.parametrize("field", [b"a:E0", b"p:P0"])
def test_a_claim_of_a_later_version_is_refused_and_names_nobody(field: bytes) -> None:
    later = of_today()
    later[field] = bytes([FORMATS["claims"] + 1]) + later[field][1:]
    with pytest.raises(BadFormat, match="holds claims in version 4, this release reads up to 3: run") as told:
        ClaimState.of(later)
    assert "E0" not in str(told.value)
    later[field] = b""
    with pytest.raises(BadFormat, match="kind claims is damaged"):
        ClaimState.of(later)


def test_open_events_of_a_later_version_are_refused() -> None:
    item: Any = SimpleNamespace(answer=SimpleNamespace(home_reads=[{b"E0": b"\x02{}"}]), follow_ups=[])
    with pytest.raises(BadFormat, match="holds open in version 2, this release reads up to 1: run"):
        person_changed(item, SimpleNamespace(beneficiary="B"), SimpleNamespace(open={}), None)  # type: ignore[arg-type]


def test_a_signal_of_a_later_version_is_refused() -> None:
    record = SignalRecord(FORMATS["signals"] + 1, 0.5, 2e9, "desk")
    with pytest.raises(BadFormat, match="holds signals in version 2, this release reads up to 1: run"):
        live([name("beneficiary:B")], {name("beneficiary:B"): msgspec.msgpack.encode(record)}, None)  # type: ignore[arg-type]

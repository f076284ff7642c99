"""Tables are loaded whole or not at all: digest, row types, unique keys."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Any

import pytest

from schemas import invalid
from schemas.decode import Decoder, Invalid
from schemas.referential import (
    KEYS,
    POLICIES,
    TABLES,
    ActRow,
    DetectorRow,
    Referential,
    Table,
    checksum,
    rows_of,
)
from tests.schemas.samples import ENVELOPE, wire

ACTS: list[dict[str, Any]] = [
    {
        "nomenclature": "NGAP",
        "code": "CS",
        "label_fr": "Consultation spécialisée",
        "cap_day": 2,
        "to": "2025-12-31",
    },
    {"nomenclature": "NGAP", "code": "CS", "minutes": 15, "from": "2026-01-01", "letter": None},
]


def load(rows: list[dict[str, Any]], name: str = "acts", type_: str = "referential", **changes: Any) -> bytes:
    return wire(
        {
            "type": type_,
            **ENVELOPE,
            "name": name,
            "edition": "2026-1",
            "valid_from": "2026-01-01",
            "checksum": checksum(rows),
            "rows": rows,
            **changes,
        }
    )


def refuse(value: bytes) -> Invalid:
    with pytest.raises(Invalid) as caught:
        Decoder().decode(value)
    return caught.value


def test_rows_become_structs() -> None:
    event = Decoder().decode(load(ACTS))
    assert isinstance(event, Referential)
    first, second = rows_of(event)
    assert isinstance(first, ActRow)
    assert (first.cap_day, first.to) == (2.0, dt.date(2025, 12, 31))
    assert (second.minutes, second.letter, second.from_) == (15.0, None, dt.date(2026, 1, 1))


def test_a_policy_may_hold_numbers_words_and_switches() -> None:
    values = [1.5, "rule", True, None]
    rows = [
        {"code": "D01", "parameter": f"p{n}", "value": value, "mode": "enforce"}
        for n, value in enumerate(values)
    ]
    event = Decoder().decode(load(rows, "detectors", "policy"))
    assert isinstance(event, Table)
    typed: list[DetectorRow] = rows_of(event)
    assert [row.value for row in typed] == values


def test_the_digest_is_that_of_sorted_rows_without_spaces_in_utf8() -> None:
    text = json.dumps(ACTS, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert checksum(ACTS) == "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    assert "é" in text
    error = refuse(load(ACTS, checksum="sha256:" + "0" * 64))
    assert (error.reason, error.field, error.expected) == (invalid.CHECKSUM, "checksum", checksum(ACTS))


BROKEN: dict[str, tuple[list[dict[str, Any]], str, str]] = {
    "no key": ([{"nomenclature": "NGAP"}], invalid.MISSING_FIELD, "rows[0].code"),
    "wrong type": ([ACTS[0], {**ACTS[1], "minutes": "ten"}], invalid.WRONG_TYPE, "rows[1].minutes"),
    "unknown value": ([{**ACTS[0], "care_group": "X"}], invalid.UNKNOWN_VALUE, "rows[0].care_group"),
    "unknown kind": (
        [{**ACTS[0], "allowed_kinds": ["X"]}],
        invalid.UNKNOWN_VALUE,
        "rows[0].allowed_kinds[0]",
    ),
    "negative cap": ([{**ACTS[0], "cap_day": -1}], invalid.OUT_OF_RANGE, "rows[0].cap_day"),
    "year 9999": ([{**ACTS[0], "to": "9999-01-01"}], invalid.OUT_OF_RANGE, "rows[0].to"),
    "turned round": ([{**ACTS[0], "from": "2026-01-01"}], invalid.DATES_ORDER, "rows[0].to"),
    "key twice": ([*ACTS, {**ACTS[0], "to": "2024-01-01"}], invalid.DUPLICATE_KEY, "rows[2]"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_row_rejects_the_load_and_is_named(case: str) -> None:
    rows, reason, field = BROKEN[case]
    error = refuse(load(rows))
    assert (error.reason, error.field) == (reason, field)
    assert error.expected


@pytest.mark.parametrize(
    ("name", "type_"), [("prices", "referential"), ("detectors", "referential"), ("acts", "policy")]
)
def test_a_table_travels_under_its_own_type(name: str, type_: str) -> None:
    error = refuse(load([], name, type_))
    assert (error.reason, error.field, error.value) == (invalid.UNKNOWN_VALUE, "name", name)


def test_every_table_has_a_key_of_its_own_columns() -> None:
    assert TABLES.keys() == KEYS.keys()
    assert TABLES.keys() > POLICIES
    assert all(set(KEYS[name]) <= set(row.__struct_fields__) for name, row in TABLES.items())

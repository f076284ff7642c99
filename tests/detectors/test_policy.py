"""Thresholds and modes: defaults, overrides, versions."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from detectors.catalogue import BY_CODE, DECLARATIONS
from detectors.policy import DECISION, ENFORCED, Thresholds
from schemas.referential import DetectorRow
from tests.detectors.scene import DAY, Scene


def row(**columns: object) -> DetectorRow:
    return DetectorRow(**{"code": "U06", **columns})  # type: ignore[arg-type]


def test_defaults_are_the_declared_ones() -> None:
    thresholds = Thresholds(DECLARATIONS)
    for declaration in DECLARATIONS:
        for name, threshold in declaration.thresholds.items():
            assert thresholds.value(declaration.code, name) == threshold.value
            assert threshold.unit
            assert threshold.reason
        assert thresholds.value(declaration.code, "weight") == declaration.weight
        started = "enforce" if declaration.code in ENFORCED else "shadow"
        assert thresholds.mode(declaration.code, "AMO") == started
    assert {name: thresholds.policy(name) for name in DECISION} == {n: t.value for n, t in DECISION.items()}
    with pytest.raises(KeyError):
        thresholds.value("U06", "none")


def test_the_row_that_names_most_wins_and_the_later_among_equals() -> None:
    thresholds = Thresholds(
        DECLARATIONS,
        [
            row(parameter="soft", value=11),
            row(parameter="soft", value=10, flow="AMO"),
            row(parameter="soft", value=9, flow="AMO", sector="PUBLIC"),
            row(parameter="soft", value=8, flow="AMO", organism="CNSS"),
            row(parameter="hard", value=True),
        ],
    )
    assert thresholds.value("U06", "soft", "RG") == 11
    assert thresholds.value("U06", "soft", "AMO", "CNOPS") == 10
    assert thresholds.value("U06", "soft", "AMO", "CNOPS", "PUBLIC") == 9
    assert thresholds.value("U06", "soft", "AMO", "CNSS", "PUBLIC") == 8
    assert thresholds.value("U06", "soft", None) == 11
    assert thresholds.value("U06", "hard") == 1


def test_modes() -> None:
    thresholds = Thresholds(DECLARATIONS, [row(mode="shadow"), row(mode="off", organism="CNSS")])
    assert [thresholds.mode("U06", "AMO", o) for o in ("CNOPS", "CNSS")] == ["shadow", "off"]
    assert thresholds.mode("E01") == "enforce"


def test_the_least_of_all_values_is_known() -> None:
    assert Thresholds(DECLARATIONS).lowest("U06", "soft") == 12
    rows = [
        row(parameter="soft", value=11),
        row(parameter="soft", value=9, flow="RG"),
        row(parameter="hard", value=20),
    ]
    thresholds = Thresholds(DECLARATIONS, rows)
    assert [thresholds.lowest("U06", name) for name in ("soft", "hard")] == [9, 16]
    assert thresholds.lowest("P02", "lines") == 30
    with pytest.raises(KeyError):
        thresholds.lowest("U06", "none")


def test_a_new_detector_stays_in_shadow_until_a_row_says_otherwise() -> None:
    rows = [
        DetectorRow(code="P02", parameter="lines", value=40),
        DetectorRow(code="P02", mode="enforce", organism="CNSS"),
    ]
    thresholds = Thresholds(DECLARATIONS, rows)
    assert [thresholds.mode("P02", "AMO", organism) for organism in ("CNOPS", "CNSS")] == [
        "shadow",
        "enforce",
    ]
    new = dataclasses.replace(BY_CODE["U06"], code="Z01")
    assert Thresholds([*DECLARATIONS, new]).mode("Z01") == "shadow"
    assert Thresholds([*DECLARATIONS, new]).ruleset != Thresholds(DECLARATIONS).ruleset


def test_the_version_follows_the_content() -> None:
    rows = [row(parameter="soft", value=11), row(parameter="hard", value=15)]
    versions = {Thresholds(DECLARATIONS, some).ruleset for some in ([], rows[:1], rows, rows[::-1])}
    assert len(versions) == 3  # rows on different parameters mean the same in any order


def test_rows_hold_within_their_dates() -> None:
    scene = Scene().table(
        "detectors",
        {"code": "U06", "parameter": "soft", "value": 11, "to": "2026-01-31"},
        {"code": "U06", "parameter": "soft", "value": 10, "from": "2026-02-01"},
        valid_from="2026-01-01",
    )
    held = scene.book.snapshot()
    found = [
        held.thresholds(dt.date(2026, 1, 1) + dt.timedelta(days=d)).value("U06", "soft") for d in (-1, 0, 31)
    ]
    assert found == [12, 11, 10]
    assert held.thresholds(DAY) is held.thresholds(DAY)
    assert held.thresholds(DAY).ruleset != held.thresholds(dt.date(2025, 1, 1)).ruleset

"""Referentials: what is in force at a date, and what a bad load leaves behind."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest

from detectors.book import ReferentialBook
from detectors.catalogue import run
from schemas.referential import Policy, Referential, checksum
from schemas.registries import Liquidator
from tests.detectors.scene import DAY, DOCTOR, ENVELOPE, OTHER, Scene, consultation, day

ACT = {"nomenclature": "NGAP", "code": "CS", "minutes": 20}


def load(
    book: ReferentialBook, name: str, rows: list[Any], *, edition: str = "1", **fields: Any
) -> str | None:
    body = {
        **ENVELOPE,
        "type": "referential",
        "event_id": "r",
        "name": name,
        "edition": edition,
        "rows": rows,
    }
    body |= {"valid_from": "2020-01-01", "checksum": checksum(rows), **fields}
    answer = book.apply(msgspec.convert(body, Policy if body["type"] == "policy" else Referential))
    assert answer is not None
    assert (answer.name, answer.edition, answer.rows) == (name, edition, len(rows))
    return answer.reason


def test_rows_hold_within_their_dates_and_editions() -> None:
    book = ReferentialBook()
    assert (
        load(book, "acts", [{**ACT, "to": "2025-12-31"}, {**ACT, "minutes": 25, "from": "2026-01-01"}])
        is None
    )
    assert load(book, "acts", [{**ACT, "minutes": 30}], edition="2", valid_from="2026-06-01") is None
    held = book.snapshot()
    found = {
        text: None if (row := held.act("NGAP", "CS", dt.date.fromisoformat(text))) is None else row.minutes
        for text in ("2019-12-31", "2020-01-01", "2025-12-31", "2026-01-01", "2026-05-31", "2026-06-01")
    }
    assert list(found.values()) == [None, 20, 20, 25, 25, 30]
    assert held.editions == {"acts": "2,1"}
    assert held.known("acts")
    assert not held.known("acts", dt.date(2019, 12, 31))
    assert not held.known("drugs")


def test_an_edition_may_end() -> None:
    book = ReferentialBook()
    load(book, "acts", [ACT])
    load(
        book,
        "acts",
        [{**ACT, "minutes": 5}],
        edition="special",
        valid_from="2026-01-01",
        valid_to="2026-01-31",
    )
    held = book.snapshot()
    assert [held.act("NGAP", "CS", dt.date(2026, m, 1)).minutes for m in (1, 2)] == [5, 20]  # type: ignore[union-attr]


def test_the_order_of_loading_does_not_matter() -> None:
    first, second = ReferentialBook(), ReferentialBook()
    loads: list[tuple[str, int]] = [("a", 1), ("b", 2)]
    for book, order in ((first, loads), (second, loads[::-1])):
        for edition, minutes in order:
            load(book, "acts", [{**ACT, "minutes": minutes}], edition=edition)
    assert first.snapshot().act("NGAP", "CS", DAY) == second.snapshot().act("NGAP", "CS", DAY)


@pytest.mark.parametrize(
    ("name", "rows", "fields", "reason"),
    [
        ("acts", [ACT], {"checksum": "sha256:" + "0" * 64}, "checksum: 'sha256:0000"),
        (
            "acts",
            [ACT, ACT],
            {},
            "row 2: nomenclature, code: 'NGAP, CS', expected a key that is there once on any date (row 1 has it too)",
        ),
        ("acts", [{**ACT, "minutes": -1}], {}, "row 1: minutes: '-1', expected a number >= 0"),
        ("acts", [{"code": "CS"}], {}, "row 1: nomenclature: nothing, expected text"),
        ("actes", [ACT], {}, "name: 'actes', expected one of acts, act_pairs"),
        (
            "acts",
            [ACT],
            {"valid_to": "2019-01-01"},
            "valid_to: '2019-01-01', expected not before valid_from (2020-01-01)",
        ),
        ("detectors", [], {}, "type: 'referential', expected policy"),
        ("acts", [], {"type": "policy"}, "type: 'policy', expected referential"),
        (
            "detectors",
            [{"code": "E99", "mode": "off"}],
            {"type": "policy"},
            "row 1: code: 'E99', expected one of B01, ",
        ),
        (
            "detectors",
            [{"code": "E01", "parameter": "x", "value": 1}],
            {"type": "policy"},
            "row 1: parameter: 'x', expected one of ttl, weight",
        ),
        (
            "detectors",
            [{"code": "E01", "parameter": "ttl", "value": "long"}],
            {"type": "policy"},
            "row 1: value: 'long', expected a number for ttl",
        ),
    ],
)
def test_a_bad_load_is_rejected_and_says_why(
    name: str, rows: list[Any], fields: dict[str, Any], reason: str
) -> None:
    book = ReferentialBook()
    assert load(book, "acts", [ACT]) is None
    said = load(book, name, rows, **fields)
    assert said is not None
    assert said.startswith(reason)
    held = book.snapshot()
    assert held.act("NGAP", "CS", DAY) is not None
    assert held.stale == ({name} if name != "actes" else set())
    load(book, "acts", [ACT], edition="3")
    assert "acts" not in book.snapshot().stale


def test_a_rejected_table_is_not_held_upon() -> None:
    scene = (
        Scene()
        .table("drugs", {"ean13": "6118001230068", "ppv": 9_500})
        .act("CS", cap_line=1, cap_kind="LINE")
    )
    claim = scene.claim(consultation(quantity=5))
    assert [f.review for f in run(scene.context(claim)).findings] == [False]
    load(scene.book, "acts", [ACT], checksum="sha256:" + "0" * 64)
    assert [f.review for f in run(scene.context(claim)).findings] == [True]
    load(scene.book, "acts", [{**ACT, "cap_line": 1, "cap_kind": "LINE"}])
    assert [f.review for f in run(scene.context(claim)).findings] == [False]
    scene.book.age(["acts"])
    assert [f.review for f in run(scene.context(claim)).findings] == [True]


def test_registries_and_their_tombstones() -> None:
    scene = Scene().provider().provider(OTHER).order(f"provider:{DOCTOR}").act()
    body = {**ENVELOPE, "type": "liquidator", "event_id": "l", "liquidator": "L-1", "role": "SAISIE"}
    assert scene.book.apply(msgspec.convert(body, Liquidator)) is None
    before = scene.book.snapshot()
    assert scene.book.snapshot() is before
    for kind, key in (
        ("provider", DOCTOR),
        ("liquidator", "L-1"),
        ("order", f"provider:{DOCTOR}"),
        ("referential", "acts:1"),
        ("referential", "acts:never-there"),
        ("provider", "nobody"),
    ):
        scene.book.delete(kind, key)
    after = scene.book.snapshot()
    assert (before.provider(DOCTOR) is None, after.provider(DOCTOR) is None) == (False, True)
    assert after.provider(OTHER) is not None
    assert (list(before.liquidators), list(after.liquidators)) == (["L-1"], [])
    assert (list(after.orders), after.known("acts")) == ([], False)
    with pytest.raises(ValueError, match="tombstone of kind 'claim': expected one of provider"):
        scene.book.delete("claim", "x")
    with pytest.raises(TypeError, match="claim C-1: the book takes provider"):
        scene.book.apply(scene.claim())


def test_the_most_specific_row_wins() -> None:
    rows = [
        {"letter": "K", "value": 1_000},
        {"letter": "K", "value": 1_300, "sector": "PRIVATE"},
        {"letter": "K", "value": 1_500, "sector": "PRIVATE", "organism": "CNSS"},
    ]
    held = Scene().table("letter_values", *rows).book.snapshot()
    assert held.letter_value("K", DAY, "MEDECIN", "PUBLIC", "CNOPS") == 1_000
    assert held.letter_value("K", DAY, "MEDECIN", "PRIVATE", "CNOPS") == 1_300
    assert held.letter_value("K", DAY, "MEDECIN", "PRIVATE", "CNSS") == 1_500
    assert held.letter_value("Z", DAY, None, None, None) is None


def test_the_other_tables() -> None:
    scene = (
        Scene()
        .provider(DOCTOR, commune="C1")
        .provider(OTHER, commune="C1")
        .provider("104000001", commune="C2")
    )
    scene.table("act_pairs", {"code_1": "A", "code_2": "B", "indicator": 0})
    scene.table("communes", {"commune": "C1", "region": "RSK", "population": 5})
    scene.table("calendar", {"date": day(), "kind": "RAMADAN"}, {"date": day(), "kind": "SUNDAY"})
    scene.table("deadlines", {"days_to_pay": 60}, {"organism": "CNSS", "flow": "AMO", "days_to_pay": 45})
    scene.table("rates", {"organism": "CNOPS", "care_group": "PHARMACY", "rate": 70})
    scene.table("capacity", {"level": "LOCAL", "reviews_per_day": 40})
    scene.table("thresholds", {"name": "PEC", "value": 200_000})
    scene.table("ald", {"code": "D1", "essential": True})
    held = scene.book.snapshot()
    assert held.pair("B", "A", DAY) is held.pair("A", "B", DAY) is not None
    assert (held.region("C1"), held.region("C2"), held.region(None)) == ("RSK", None, None)
    assert held.commune("C1", DAY) is not None
    assert {row.kind for row in held.calendar(DAY)} == {"RAMADAN", "SUNDAY"}
    assert [held.deadline(o, "AMO", DAY).days_to_pay for o in ("CNOPS", "CNSS")] == [60, 45]  # type: ignore[union-attr]
    assert held.rate("CNOPS", "PHARMACY", DAY, "PRIVATE", None) == 70
    assert held.rate("CNSS", "PHARMACY", DAY, None, None) is None
    assert held.capacity("LOCAL", DAY)[0].reviews_per_day == 40
    assert held.control_thresholds("PEC", DAY)[0].value == 200_000
    assert held.ald("D1", DAY) is not None
    assert [held.sole_of_kind(i) for i in (DOCTOR, "104000001", "nobody")] == [False, True, False]


def test_dates_are_those_of_morocco() -> None:
    held = ReferentialBook().snapshot()
    assert held.local_date(dt.datetime(2026, 1, 10, 23, 30, tzinfo=dt.UTC)) == dt.date(2026, 1, 11)
    assert held.local_date(dt.datetime(2026, 3, 2, 23, 30, tzinfo=dt.UTC)) == dt.date(2026, 3, 2)  # Ramadan

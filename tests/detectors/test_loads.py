"""A load is checked before it is used: each kind of bad row with its message, and what is in force beside it."""

from __future__ import annotations

import datetime as dt
import random
from itertools import permutations
from typing import Any

import msgspec
import pytest

from detectors.book import Load, ReferentialBook
from detectors.catalogue import DECLARATIONS
from detectors.loads.checking import rows_alone
from detectors.loads.problem import FIRST
from schemas.referential import POLICIES, Policy, Referential, Table, checksum
from tests.detectors.scene import BOX, ENVELOPE

NOON = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)
ACT = {"nomenclature": "NGAP", "code": "CS"}
PAIR = {"code_1": "CS", "code_2": "V"}
DRUG = {"ean13": BOX}
AGENCY = {"agency": "RBA-02"}
KIND = {"code": "E01", "mode": "enforce"}
Rows = list[dict[str, Any]]


def table(name: str, rows: Rows, edition: str = "1", minutes: int = 0, **fields: Any) -> Table:
    kind = Policy if name in POLICIES else Referential
    body = {**ENVELOPE, "event_id": f"{name}-{edition}", "name": name, "edition": edition, "rows": rows}
    body |= {"type": kind.__struct_config__.tag, "valid_from": "2020-01-01", "checksum": checksum(rows)}
    body["event_time"] = (NOON + dt.timedelta(minutes=minutes)).isoformat()
    return msgspec.convert(body | fields, kind)


def load(book: ReferentialBook, name: str, rows: Rows, edition: str = "1", **fields: Any) -> Load:
    said = book.apply(table(name, rows, edition, **fields))
    assert said is not None
    return said


UNIQUE = "expected a key that is there once on any date"
BAD_ROWS: dict[str, tuple[str, dict[str, Any], str]] = {
    "no key": ("acts", {"nomenclature": "NGAP"}, "code: nothing, expected text"),
    "text for a number": ("acts", {**ACT, "minutes": "ten"}, "minutes: 'ten', expected a number"),
    "a fraction of a centime": ("drugs", {**DRUG, "ppv": 95.5}, "ppv: '95.5', expected a whole number"),
    "below its range": ("acts", {**ACT, "cap_day": -1}, "cap_day: '-1', expected a number >= 0"),
    "above its range": ("rates", {"rate": 170}, "rate: '170', expected a number <= 100"),
    "off the globe": ("communes", {"commune": "C1", "lat": 91}, "lat: '91', expected a number <= 90"),
    "no such value": ("acts", {**ACT, "sex": "X"}, "sex: 'X', expected one of F, M"),
    "no such kind": (
        "acts",
        {**ACT, "tooth_class": "GOLD"},
        "tooth_class: 'GOLD', expected one of BRIDGE, CONSERVATIVE, CROWN, ENDODONTIC, EXTRACTION, IMPLANT",
    ),
    "no such day": (
        "acts",
        {**ACT, "from": "2026-02-30"},
        "from: '2026-02-30', expected a date such as 2026-03-02",
    ),
    "a day out of range": (
        "acts",
        {**ACT, "to": "9999-01-01"},
        "to: '9999-01-01', expected a year from 1900 to 2100",
    ),
    "turned round": (
        "acts",
        {**ACT, "from": "2026-01-02", "to": "2026-01-01"},
        "to: '2026-01-01', expected not before from (2026-01-02)",
    ),
    "no such column": (
        "ald",
        {"code": "D1", "taux": 70},
        "taux: nothing, expected one of from, to, code, label_fr, label_en, rate, essential",
    ),
    "ages turned round": (
        "acts",
        {**ACT, "age_min": 60, "age_max": 18},
        "age_max: '18', expected at least age_min (60)",
    ),
    "a wrong check digit": (
        "drugs",
        {"ean13": "6118001230069"},
        "ean13: '6118001230069', expected thirteen digits with their EAN-13 check digit, or checksum_exempt true",
    ),
    "an empty box": (
        "drugs",
        {**DRUG, "units_per_box": 0},
        "units_per_box: '0', expected more than 0, or nothing where it is not known",
    ),
    "a pair with itself": (
        "act_pairs",
        {"code_1": "V", "code_2": "V"},
        "code_2: 'V', expected another act than code_1",
    ),
    "no such detector": ("detectors", {"code": "E99", "mode": "off"}, "code: 'E99', expected one of "),
    "no such parameter": (
        "detectors",
        {"code": "E01", "parameter": "x", "value": 1},
        "parameter: 'x', expected one of ttl, weight",
    ),
    "no number": (
        "detectors",
        {"code": "E01", "parameter": "ttl", "value": "long"},
        "value: 'long', expected a number for ttl",
    ),
}
GOOD: dict[str, Rows] = {
    "acts": [{**ACT, "code": "A"}, {**ACT, "code": "B"}],
    "act_pairs": [PAIR, {**PAIR, "code_2": "K"}],
    "drugs": [{"ean13": "4006381333931"}, {"ean13": "1", "checksum_exempt": True}],
    "rates": [{"organism": "CNOPS", "rate": 70}, {"organism": "CNSS", "rate": 70}],
    "ald": [{"code": "D2"}, {"code": "D3"}],
    "communes": [{"commune": "C8"}, {"commune": "C9"}],
    "detectors": [KIND, {**KIND, "code": "E02"}],
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_a_bad_row_is_told_with_its_place(case: str) -> None:
    name, row, message = BAD_ROWS[case]
    rows = [*GOOD[name], row]
    _, problems = rows_alone(name, rows, DECLARATIONS)
    (problem,) = problems
    assert problem.told().startswith(f"row 3: {message}")
    assert problem.told([2, 4, 7]).startswith(f"line 7: {message}")
    said = load(ReferentialBook(), name, rows)
    assert said.reason is not None
    assert said.reason.startswith(f"row 3: {message}")
    assert load(ReferentialBook(), name, GOOD[name]).reason is None


@pytest.mark.parametrize(
    ("name", "rows", "message"),
    [
        (
            "acts",
            [ACT, {**ACT, "minutes": 5}],
            f"line 9: nomenclature, code: 'NGAP, CS', {UNIQUE} (line 8 has it too)",
        ),
        (
            "acts",
            [{**ACT, "to": "2026-01-01"}, {**ACT, "from": "2026-01-01"}],
            f"line 9: nomenclature, code: 'NGAP, CS', {UNIQUE} (line 8 has it too)",
        ),
        (
            "act_pairs",
            [PAIR, {"code_1": "V", "code_2": "CS"}],
            "line 9: code_1, code_2: 'V, CS', expected each pair once on any date, whichever way round "
            "(line 8 has it too)",
        ),
        (
            "routing",
            [{**AGENCY, "liquidator": "L-1", "share": 0.7}, {**AGENCY, "liquidator": "L-2", "share": 0.4}],
            "line 8: share: '1.1 in all for RBA-02', expected at most 1 an agency",
        ),
    ],
)
def test_rows_may_not_contradict_each_other(name: str, rows: Rows, message: str) -> None:
    _, problems = rows_alone(name, rows)
    assert [problem.told([8, 9]) for problem in problems] == [message]


def test_spans_that_only_touch_are_lawful() -> None:
    rows = [{**ACT, "to": "2025-12-31"}, {**ACT, "from": "2026-01-01"}]
    assert rows_alone("acts", rows)[1] == []
    pairs = [{**PAIR, "to": "2025-12-31"}, {"code_1": "V", "code_2": "CS", "from": "2026-01-01"}]
    assert rows_alone("act_pairs", pairs)[1] == []
    shares = [{**AGENCY, "liquidator": f"L-{n}", "share": 0.1} for n in range(10)]
    assert rows_alone("routing", shares)[1] == []


def test_every_bad_row_is_found_and_the_first_are_told() -> None:
    rows: Rows = [{**ACT, "code": f"A{n}", "minutes": -1 if n % 2 else 1} for n in range(40)]
    typed, problems = rows_alone("acts", rows)
    assert [problem.row for problem in problems] == list(range(1, 40, 2))
    assert [row is None for row in typed] == [bool(n % 2) for n in range(40)]
    reason = load(ReferentialBook(), "acts", rows).reason or ""
    assert reason.count("expected") == FIRST
    assert reason.startswith("row 2: minutes: '-1', expected a number >= 0; row 4: ")
    assert reason.endswith("; and 15 more")


def test_a_table_may_not_lose_more_than_a_twentieth_unnoticed() -> None:
    rows: Rows = [{**ACT, "code": f"A{n}"} for n in range(100)]
    for left, lost in ((95, False), (94, True)):
        for edition, valid_from in (("1", "2020-01-01"), ("2", "2026-01-01")):
            book = ReferentialBook()
            assert load(book, "acts", rows).reason is None
            said = load(book, "acts", rows[:left], edition, minutes=1, valid_from=valid_from)
            assert (said.reason is not None) is lost
            assert len(book.in_force("acts")[0].rows) == (100 if lost else left)
            assert book.snapshot().stale == ({"acts"} if lost else set())
            if lost:
                assert said.reason == (
                    "rows: '94', expected at least 95% of the 100 keys of edition '1' (6.0% are gone), or accept_loss"
                )
                meant = {"minutes": 2, "valid_from": valid_from, "accept_loss": True}
                assert load(book, "acts", rows[:left], edition, **meant).reason is None


def test_former_prices_are_no_rows_lost() -> None:
    book = ReferentialBook()
    old = [{**ACT, "to": "2025-12-31"}, {**ACT, "from": "2026-01-01"}]
    assert load(book, "acts", old).reason is None
    assert load(book, "acts", [ACT], "2", minutes=1).reason is None


@pytest.mark.parametrize(
    ("edition", "valid_from", "reason"),
    [
        ("2026-10", "2026-10-01", None),
        ("2026-8", "2026-08-01", None),
        ("2026-10", "2026-08-01", "expected not before 2026-09-01, from which edition '2026-9' is in force"),
        ("2026-8", "2026-10-01", "expected before 2026-09-01, from which edition '2026-9' is in force"),
        ("special", "2020-01-01", None),
        ("2026-10", "2026-09-01", None),
        (
            "2026-8",
            "2026-09-01",
            "expected a name after '2026-9', which is in force from the same day and hides it",
        ),
    ],
)
def test_editions_follow_each_other(edition: str, valid_from: str, reason: str | None) -> None:
    book = ReferentialBook()
    assert load(book, "acts", [ACT], "2026-9", valid_from="2026-09-01").reason is None
    said = load(book, "acts", [ACT], edition, minutes=1, valid_from=valid_from).reason
    assert (said is None) == (reason is None)
    assert reason is None or reason in (said or "")


def test_a_reference_has_to_lead_somewhere() -> None:
    book = ReferentialBook()
    assert load(book, "act_pairs", [PAIR]).reason is None  # acts are not known yet
    assert load(book, "acts", [ACT], minutes=1).reason is None
    rows = [{"code_1": "CS", "code_2": "CS2"}, PAIR]
    said = load(book, "act_pairs", rows, "2", minutes=2)
    wanted = "expected a code of the table acts"
    assert said.reason == f"row 1: code_2: 'CS2', {wanted}; row 2: code_2: 'V', {wanted}"
    assert book.snapshot().editions == {"act_pairs": "1", "acts": "1"}
    assert (
        load(book, "acts", [ACT, {**ACT, "code": "V"}, {**ACT, "code": "CS2"}], "2", minutes=3).reason is None
    )
    assert load(book, "act_pairs", rows, "3", minutes=4).reason is None


@pytest.mark.parametrize(
    ("known", "rows", "name", "row", "column", "value"),
    [
        ("letter_values", [{"letter": "K"}], "acts", {**ACT, "letter": "Z"}, "letter", "Z"),
        (
            "communes",
            [{"commune": "C1"}],
            "campaigns",
            {"campaign": "x", "communes": ["C1", "C7"]},
            "communes",
            "C7",
        ),
        ("acts", [ACT], "campaigns", {"campaign": "x", "acts": ["CS", "FCV"]}, "acts", "FCV"),
        ("acts", [ACT], "act_pairs", {"code_1": "FCV", "code_2": "CS"}, "code_1", "FCV"),
    ],
)
def test_each_reference(
    known: str, rows: Rows, name: str, row: dict[str, Any], column: str, value: str
) -> None:
    book = ReferentialBook()
    assert load(book, known, rows).reason is None
    (problem,) = load(book, name, [row], minutes=1).problems
    assert (problem.field, problem.value, problem.row) == (column, value, 0)


def test_what_is_in_force_does_not_depend_on_the_order_of_arrival() -> None:
    rows: Rows = [{**ACT, "code": f"A{n}"} for n in range(40)]
    events = [
        table("acts", rows, "2026-1", valid_from="2026-01-01"),
        table("acts", rows[:20], "2026-2", 1, valid_from="2026-02-01"),
        table("acts", rows[:39], "2026-3", 2, valid_from="2026-03-01"),
        table("act_pairs", [{"code_1": "A1", "code_2": "A39"}], "1", 3),
        table("act_pairs", [{"code_1": "A1", "code_2": "X"}], "2", 4),
    ]
    seen = set()
    for order in permutations(events):
        book = ReferentialBook()
        for event in order:
            book.apply(event)
        snapshot = book.snapshot()
        refused = tuple((one.name, one.edition) for one in book.outcomes() if one.problems)
        seen.add((tuple(snapshot.editions.items()), refused, snapshot.stale))
    assert seen == {
        (
            (("act_pairs", "1"), ("acts", "2026-3,2026-1")),
            (("acts", "2026-2"), ("act_pairs", "2")),
            frozenset({"act_pairs"}),
        )
    }


def test_what_could_not_be_read_at_all_keeps_what_is_in_force() -> None:
    book = ReferentialBook()
    assert load(book, "acts", [ACT]).reason is None
    (problem,) = rows_alone("acts", [{}])[1]
    book.refuse("acts", "2", NOON + dt.timedelta(minutes=1), [problem])
    assert book.snapshot().editions == {"acts": "1"}
    assert book.snapshot().stale == {"acts"}
    assert load(book, "acts", [ACT], "3", minutes=2).reason is None
    assert book.snapshot().stale == set()
    book.delete("referential", "acts:3")
    assert book.snapshot().stale == {"acts"}
    book.delete("referential", "acts:2")
    assert book.snapshot().editions == {"acts": "1"}
    assert book.snapshot().stale == set()


def test_overlaps_are_those_of_every_day_compared() -> None:
    """The interval check against one that marks days."""
    draw = random.Random(5)
    for _ in range(200):
        rows = []
        for _ in range(draw.randint(2, 6)):
            first = draw.randint(1, 28)
            rows.append({**ACT, "from": f"2026-02-{first:02}", "to": f"2026-02-{draw.randint(first, 28):02}"})
        days: set[str] = set()
        clashing = []
        for index, row in enumerate(rows):
            own = {f"2026-02-{n:02}" for n in range(int(row["from"][-2:]), int(row["to"][-2:]) + 1)}
            if own & days:
                clashing.append(index)
            days |= own
        assert [problem.row for problem in rows_alone("acts", rows)[1]] == clashing

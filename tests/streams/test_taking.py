"""What a worker makes of messages on the registry topics, and the alert of a load that it refuses."""

from __future__ import annotations

import datetime as dt
from typing import Any

import orjson
import pytest

from detectors.book import ReferentialBook
from schemas.decode import Decoder
from streams.referentials import alerts
from streams.referentials.taking import Refused, take
from tests.streams.stage import DOCTOR, Desk, Event

AT = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)
ROWS: list[dict[str, Any]] = [{"code": f"D{n}", "rate": 70} for n in range(40)]
BAD = [*ROWS, {"code": "D1"}, {"code": "D50", "rate": "much"}, {"rate": 5}]


def tell(book: ReferentialBook, event: Event | bytes | None, topic: str = "referentials") -> Refused | None:
    value = orjson.dumps(event) if isinstance(event, dict) else event
    key = f"{event['name']}:{event['edition']}" if isinstance(event, dict) and "name" in event else "ald:9"
    return take(book, Decoder(), topic, key.encode(), value, AT)


def test_a_table_that_cannot_be_decoded_is_told_with_all_its_bad_rows() -> None:
    book, desk = ReferentialBook(), Desk()
    assert tell(book, desk.table("ald", *ROWS)) is None
    refused = tell(book, desk.table("ald", *BAD, edition="2"))
    assert refused is not None
    assert (refused.name, refused.edition) == ("ald", "2")
    assert [(problem.row, problem.field) for problem in refused.problems] == [
        (40, "code"),
        (41, "rate"),
        (42, "code"),
    ]
    assert book.snapshot().editions == {"ald": "1"}
    assert book.snapshot().stale == {"ald"}
    assert tell(book, desk.table("ald", *ROWS, edition="3")) is None
    assert book.snapshot().stale == set()


@pytest.mark.parametrize(
    ("value", "name", "field"),
    [
        (b"{", "ald", "message"),
        (b"[]", "ald", "message"),
        (b'{"type":"referential","name":"ald","edition":"2","rows":5,"event_time":"now"}', "ald", "rows"),
        (b'{"type":"referential","name":"prices","edition":"2"}', "prices", "version"),
    ],
)
def test_what_is_no_table_is_refused_under_its_key(value: bytes, name: str, field: str) -> None:
    book, desk = ReferentialBook(), Desk()
    assert tell(book, desk.table("ald", *ROWS)) is None
    refused = tell(book, value)
    assert refused is not None
    assert (refused.name, refused.problems[0].field, refused.loaded) == (name, field, AT)
    assert book.snapshot().editions == {"ald": "1"}


def test_the_alert_is_the_same_whoever_raises_it_and_when() -> None:
    desk = Desk()
    good, bad, short = (
        desk.table("ald", *ROWS),
        desk.table("ald", *BAD, edition="2"),
        desk.table("ald", *ROWS[:9], edition="3", valid_from="2016-01-01"),
    )
    for refused_one in (bad, short):
        hot = ReferentialBook()
        assert tell(hot, good) is None
        refused = tell(hot, refused_one)
        assert refused is not None
        raised = alerts.rejected(refused.name, refused.edition, refused.loaded, refused.problems)
        later = ReferentialBook()
        tell(later, refused_one)
        tell(later, good)
        (outcome,) = [one for one in later.outcomes() if one.problems]
        assert alerts.rejected(outcome.name, outcome.edition, outcome.loaded, outcome.problems) == raised
        assert raised.key == b"referential:ald"
        said = orjson.loads(raised.value)
        assert said["first_seen"] == refused_one["event_time"].replace("+00:00", "Z")


def test_registries_are_taken_and_their_tombstones() -> None:
    book, desk = ReferentialBook(), Desk()
    assert tell(book, desk.provider(DOCTOR), "providers") is None
    assert take(book, Decoder(), "providers", DOCTOR.encode(), None, AT) is None
    assert book.snapshot().provider(DOCTOR) is None
    claim = tell(book, desk.claim("C-1"), "providers")
    assert claim is not None
    assert "the book takes provider" in claim.reason
    assert tell(book, desk.table("ald", *ROWS)) is None
    assert take(book, Decoder(), "referentials", b"ald:1", None, AT) is None
    assert book.snapshot().editions == {}

"""Every kind of message that should not be there: its bytes, and what the dead letter must say of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

from tests.streams.stage import Desk, Event, visit

PERSON = "B-secret-person"


class Bad(NamedTuple):
    """A bad message. `field`, `value` and `expected` as in the headers, None = absent, `...` = whatever."""

    name: str
    value: bytes
    reason: str
    field: str | None = None
    shown: Any = None
    expected: Any = ...
    verdict: bool = True  # a CANNOT_SCREEN verdict follows: its ids can be read
    key: bytes | None = None
    file: bool = True  # can be a line of an event log


def _text(event: Event, old: str, new: str) -> bytes:
    raw = orjson.dumps(event).decode()
    assert raw.count(old) >= 1, (old, raw)
    return raw.replace(old, new, 1).encode()


def catalogue(desk: Desk, lines: int = 10_000) -> list[Bad]:
    """The issue's list, each under an event_id of its own. `lines` of the claim that has too many."""
    numbers = iter(range(1, 100))

    def claim(*lines: Event, **fields: Any) -> Event:
        return desk.claim(f"BAD-{next(numbers)}", *lines, who=PERSON, **fields)

    deep: Callable[[int], str] = lambda depth: "[" * depth + "]" * depth  # noqa: E731
    many = [visit(amount=100 + number) for number in range(lines)]
    return [
        Bad("truncated", orjson.dumps(claim())[:-40], "not-json"),
        Bad("not json", b"claim;BAD;1", "not-json", verdict=False),
        Bad("not an object", b"[1,2]", "not-object", shown="an array", verdict=False),
        Bad(
            "wrong type",
            _text(claim(), '"amount":25000', '"amount":"dear"'),
            "wrong-type",
            "lines[0].amount",
            "dear",
        ),
        Bad("missing field", _text(claim(), '"kind":"AMBULATOIRE",', ""), "missing-field", "kind"),
        Bad(
            "a person's field",
            _text(claim(), f'"insured":"A-{PERSON}"', f'"insured":["{PERSON}"]'),
            "wrong-type",
            "insured",
        ),
        Bad(
            "unknown type",
            _text(claim(), '"type":"claim"', '"type":"dream"'),
            "unknown-type",
            "type",
            "dream",
            verdict=False,
        ),
        Bad("newer version", orjson.dumps(claim(version=2)), "newer-version", "version", "2", "at most 1"),
        Bad("unknown value", orjson.dumps(claim(kind="SURPRISE")), "unknown-value", "kind", "SURPRISE"),
        Bad("not utf-8", orjson.dumps(claim()).replace(b"CNOPS", b"CN\xffPS"), "not-utf8", "organism"),
        Bad("NaN", _text(claim(), '"amount":25000', '"amount":NaN'), "not-finite", "lines[0].amount", "nan"),
        Bad(
            "1e400",
            _text(claim(), '"amount":25000', '"amount":1e400'),
            "not-finite",
            "lines[0].amount",
            "inf",
        ),
        Bad(
            "negative quantity",
            orjson.dumps(claim(visit(quantity=-1))),
            "out-of-range",
            "lines[0].quantity",
            "-1",
        ),
        Bad("10,000 lines", orjson.dumps(claim(*many)), "too-many-lines", "lines", str(lines)),
        Bad("900 kB", orjson.dumps(claim(kind="X" * 900_000)), "unknown-value", "kind", "X" * 64),
        Bad("nested", _text(claim(), '"version":1', f'"version":1,"more":{deep(100_000)}'), "too-deep"),
        Bad(
            "year 9999",
            orjson.dumps(claim(visit(service_date="9999-12-31"))),
            "out-of-range",
            "lines[0].service_date",
            "9999-12-31",
        ),
        Bad(
            "the future",
            orjson.dumps({**claim(), "event_time": "2026-03-11T09:00:00Z"}),
            "future",
            "event_time",
            "2026-03-11T09:00:00+00:00",
        ),
        Bad(
            "no zone",
            orjson.dumps({**claim(), "ingest_time": "2026-03-10T09:00:00"}),
            "malformed",
            "ingest_time",
            ...,
        ),
        Bad("empty", b"", "empty", verdict=False),
        Bad("blank", b"   ", "empty", verdict=False),
        Bad("tombstone", b"", "tombstone", verdict=False, file=False),
        Bad("another's key", orjson.dumps(claim()), "key-mismatch", "beneficiary", key=b"B-1", file=False),
    ]


def background(desk: Desk) -> tuple[list[Event], list[Event]]:
    """Lawful events before and after: duplicates, a held line, payments, so that a miscount would show."""
    world = desk.world()
    first = [desk.claim("C-1"), desk.claim("C-2", visit(), who="B-2"), desk.liquidation({"claim_id": "D-C-1",
             "beneficiary": "B-1"}, "L-1")]  # fmt: skip
    one = {"claim_id": "D-C-1", "beneficiary": "B-1"}
    after = [
        desk.claim("C-3"),
        desk.payment(one, "P-1", 1),
        desk.claim("C-4", visit("104599999", code="K")),
        desk.cancel(first[1], "X-2"),
        desk.claim("C-5", visit(), who="B-2"),
    ]
    return [*world, *first], after


def check(bad: Bad, letter: dict[str, str]) -> None:
    """The dead letter says what is wrong, without naming a person."""
    assert letter["reason"] == bad.reason, letter
    assert letter.get("field") == bad.field, letter
    if bad.shown is not ...:
        assert letter.get("value") == bad.shown, letter
    assert len(letter.get("value", "")) <= 64
    if bad.expected is not ...:
        assert letter.get("expected") == bad.expected, letter
    else:
        assert letter.get("expected"), letter
    told = {name: text for name, text in letter.items() if name != "received"}
    assert PERSON not in str(told)
    assert {"topic", "partition", "offset", "received_at"} <= letter.keys()

"""Every kind of bad input ends in an Invalid that names field, value and expectation."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from typing import Any

import pytest

from schemas import invalid
from schemas.claim import Claim
from schemas.decode import Decoder, Invalid
from schemas.invalid import (
    DATES_ORDER,
    DUPLICATE_LINE,
    MALFORMED,
    MISSING_FIELD,
    NEWER_VERSION,
    OUT_OF_RANGE,
    TOO_MANY_LINES,
    UNKNOWN_TYPE,
    UNKNOWN_VALUE,
    WRONG_TYPE,
)
from schemas.pseudonym import Pseudonyms
from tests.schemas.samples import LINE, NOW, TYPES, claim, message, wire

DECODER = Decoder()


def refuse(value: bytes | None, **context: Any) -> Invalid:
    with pytest.raises(Invalid) as caught:
        DECODER.decode(value, **context)
    assert caught.value.reason in invalid.REASONS
    return caught.value


@pytest.mark.parametrize("type_", TYPES)
def test_a_lawful_message_of_each_type_decodes(type_: str) -> None:
    assert DECODER.decode(wire(message(type_)), timestamp=NOW).type == type_


UNREADABLE = {
    "tombstone": (None, invalid.TOMBSTONE),
    "empty": (b"", invalid.EMPTY),
    "blank": (b" \n", invalid.EMPTY),
    "text": (b"claim", invalid.NOT_JSON),
    "two objects": (wire(claim()) * 2, invalid.NOT_JSON),
    "a list": (b"[1]", invalid.NOT_OBJECT),
    "a number": (b"7", invalid.NOT_OBJECT),
    "nothing but brackets": (b"[" * 100_000, invalid.TOO_DEEP),
    "no utf-8 at all": (b"\xff\xfe\x00", invalid.NOT_UTF8),
    "endless digits": (b'{"type":"claim","version":' + b"9" * 10_000 + b"}", None),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_is_no_object_gives_no_ids(case: str) -> None:
    value, reason = UNREADABLE[case]
    error = refuse(value)
    assert reason is None or error.reason == reason
    assert (error.event_id, error.claim_id, error.value) == (
        None,
        None,
        None if case != "a list" else "an array",
    )
    assert error.expected


@pytest.mark.parametrize("kept", [-7, -40])
def test_a_message_cut_short_still_tells_the_ids_before_the_cut(kept: int) -> None:
    error = refuse(wire(claim())[:kept])
    assert (error.reason, error.event_id, error.claim_id) == (invalid.NOT_JSON, "E-1", "D-1")
    cut = wire(claim())
    error = refuse(cut[: cut.index(b'"D-1"') + 3])
    assert (error.event_id, error.claim_id) == ("E-1", None)  # half an id is none


# message, reason, field, value shown, part of the expectation
READABLE: dict[str, tuple[Any, str, str | None, str | None, str]] = {
    "unknown type": (message(type="claims"), UNKNOWN_TYPE, "type", "claims", "claim, liquidation"),
    "no type": ({"event_id": "E-1"}, MISSING_FIELD, "type", None, "claim"),
    "type is a number": (message(type=3), WRONG_TYPE, "type", "3", "claim"),
    "newer version": (message(version=2), NEWER_VERSION, "version", "2", "at most 1"),
    "newer version of another form": (
        message(version=2, lines={"new": "form"}), NEWER_VERSION, "version", "2", "at most 1"
    ),
    "version zero": (message(version=0), OUT_OF_RANGE, "version", "0", "int >= 1"),
    "version in words": (message(version="one"), WRONG_TYPE, "version", "one", "int"),
    "no organism": (message(organism=None), MISSING_FIELD, "organism", None, "text"),
    "time without offset": (
        message(event_time="2026-03-02T10:15:00"), MALFORMED, "event_time", "2026-03-02T10:15:00", "instant"
    ),
    "amount in words": (claim({"amount": "many"}), WRONG_TYPE, "lines[0].amount", "many", "int"),
    "amount with cents": (claim({}, {"amount": 1.5}), WRONG_TYPE, "lines[1].amount", "1.5", "int"),
    "amount is true": (claim({"amount": True}), WRONG_TYPE, "lines[0].amount", "true", "int"),
    "amount is an object": (claim({"amount": {}}), WRONG_TYPE, "lines[0].amount", "an object", "int"),
    "no amount": (claim({"amount": None}), MISSING_FIELD, "lines[0].amount", None, "whole number"),
    "negative amount": (claim({"amount": -1}), OUT_OF_RANGE, "lines[0].amount", "-1", "int >= 0"),
    "amount beyond the bound": (
        claim({"amount": 10**14}), OUT_OF_RANGE, "lines[0].amount", str(10**14), "int <="
    ),
    "negative quantity": (claim({"quantity": -2}), OUT_OF_RANGE, "lines[0].quantity", "-2", "float > 0"),
    "quantity zero": (claim({"quantity": 0}), OUT_OF_RANGE, "lines[0].quantity", "0", "float > 0"),
    "line zero": (claim({"line": 0}), OUT_OF_RANGE, "lines[0].line", "0", "int >= 1"),
    "unknown enum value": (
        claim({"care_group": "MAGIC"}), UNKNOWN_VALUE, "lines[0].care_group", "MAGIC", "one of BIOLOGY"
    ),
    "unknown kind": (message(kind="X" * 100), UNKNOWN_VALUE, "kind", "X" * 64, "AMBULATOIRE"),
    "unknown flow": (message(flow="X"), UNKNOWN_VALUE, "flow", "X", "one of AMO, CONV, RG"),
    "no such day": (
        claim({"service_date": "2026-02-30"}), MALFORMED, "lines[0].service_date", "2026-02-30", "a date"
    ),
    "hour of its own": (
        claim({"service_time": "25:00"}), MALFORMED, "lines[0].service_time", "25:00", "regex"
    ),
    "year 9999": (
        claim({"service_date": "9999-12-31"}), OUT_OF_RANGE, "lines[0].service_date", "9999-12-31", "2100"
    ),
    "year 9999 among sessions": (
        claim({"sessions": ["2026-02-01", "9999-01-01"]}),
        OUT_OF_RANGE, "lines[0].sessions[1]", "9999-01-01", "2100",
    ),
    "year 9999 of the event": (
        message(event_time="9999-12-31T23:59:59-10:00"), OUT_OF_RANGE, "event_time",
        "9999-12-31T23:59:59-10:00", "2100",
    ),
    "year 1 of a document": (
        claim(documents=[{"type": "FACTURE", "date": "0001-01-01"}]),
        OUT_OF_RANGE, "documents[0].date", "0001-01-01", "1900",
    ),
    "end before begin": (
        claim({"service_end": "2026-02-01"}),
        DATES_ORDER, "lines[0].service_end", "2026-02-01", "service_date"
    ),
    "leave turned round": (
        claim({"leaves": [{"from": "2026-02-03", "to": "2026-02-01"}]}),
        DATES_ORDER, "lines[0].leaves[0].to", "2026-02-01", "from",
    ),
    "approval turned round": (
        message("prior_approval", valid_to="2025-01-01"),
        DATES_ORDER, "valid_to", "2025-01-01", "valid_from"
    ),
    "line twice": (claim({}, {"line": 1}), DUPLICATE_LINE, "lines[1].line", "1", "unique"),
    "no lines": (claim(lines=[]), MISSING_FIELD, "lines", None, "at least one"),
    "null lines": (claim(lines=None), MISSING_FIELD, "lines", None, "at least one"),
    "10,000 lines": (
        claim(*[{}] * 10_000), TOO_MANY_LINES, "lines", "10000", "at most 200"
    ),
    "cancels nothing": (message(action="CANCEL"), MISSING_FIELD, "replaces", None, "CANCEL"),
    "corrects itself": (
        message(action="CORRECT", replaces="E-1"), MALFORMED, "replaces", "E-1", "another event"
    ),
    "rate of 700": (message("liquidation", rate=700), OUT_OF_RANGE, "rate", "700", "float <= 100"),
    "one signature": (message("order", ordered_by=["A"]), OUT_OF_RANGE, "ordered_by", "an array", ">= 2"),
    "signed twice by one": (
        message("order", ordered_by=["A", " a "]), OUT_OF_RANGE, "ordered_by", None, "two different people"
    ),
    "signal for ever": (message("signal", expires="9999-12-31"), OUT_OF_RANGE, "expires", None, "2100"),
    "signal on no day": (message("signal", expires="2026-02-30"), MALFORMED, "expires", None, "a date"),
}  # fmt: skip


@pytest.mark.parametrize("case", READABLE)
def test_bad_input_names_field_value_and_expectation_and_keeps_its_ids(case: str) -> None:
    tree, reason, field, value, expected = READABLE[case]
    error = refuse(wire(tree))
    assert (error.reason, error.field) == (reason, field)
    assert value is None or error.value == value
    assert error.expected is not None
    assert expected in error.expected
    assert error.event_id == "E-1"
    assert error.claim_id == tree.get("claim_id")
    assert error.type == (tree.get("type") if tree.get("type") in TYPES else None)
    headers = error.headers("claims", 3, 17, NOW)
    assert (headers["reason"], headers["offset"], headers["received_at"]) == (reason, "17", NOW.isoformat())
    assert all(isinstance(text, str) for text in headers.values())


NOT_FINITE = {"NaN": "nan", "1e400": "inf", "-1e400": "-inf", "Infinity": "inf"}


@pytest.mark.parametrize("number", NOT_FINITE)
@pytest.mark.parametrize("member", ["amount", "quantity", "coefficient"])
def test_a_number_that_is_none_is_named_and_the_ids_are_kept(number: str, member: str) -> None:
    value = wire(claim({}, {member: "HERE"})).replace(b'"HERE"', number.encode())
    error = refuse(value)
    assert (error.reason, error.field) == (invalid.NOT_FINITE, f"lines[1].{member}")
    assert (error.value, error.event_id, error.claim_id) == (NOT_FINITE[number], "E-1", "D-1")


def test_bytes_that_are_not_utf8_name_their_field() -> None:
    error = refuse(wire(claim(batch="HERE")).replace(b"HERE", b"\xe9t\xe9"))
    assert (error.reason, error.field, error.event_id) == (invalid.NOT_UTF8, "batch", "E-1")
    error = refuse(wire(claim(claim_id="HERE")).replace(b"HERE", b"\xe9"))
    assert (error.reason, error.field, error.event_id, error.claim_id) == (
        invalid.NOT_UTF8,
        "claim_id",
        "E-1",
        None,
    )
    assert refuse(wire(claim(batch="\ud800"))).reason == invalid.NOT_UTF8


@pytest.mark.parametrize(
    "event_id",
    ["", "a b", "é", "x" * 65, "E-1\n", 7, None],
    ids=["empty", "space", "accent", "long", "lf", "int", "null"],
)
def test_an_event_id_out_of_form_is_not_used(event_id: Any) -> None:
    error = refuse(wire(message(event_id=event_id)))
    assert error.field == "event_id"
    assert error.event_id is None
    assert error.claim_id == "D-1"


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_deep_nesting_keeps_the_ids(opening: str) -> None:
    depth = 200_000
    nested = (opening * depth).encode() + b"1" + (b"]" if opening == "[" else b"}") * depth
    before = wire(message(more="HERE")).replace(b'"HERE"', nested)
    after = wire({"more": "HERE", **message()}).replace(b'"HERE"', nested)
    for value in (before, after):
        error = refuse(value)
        assert (error.reason, error.event_id, error.claim_id) == (invalid.TOO_DEEP, "E-1", "D-1")


def test_a_message_of_900_kb_decodes_when_its_form_is_right() -> None:
    padded = wire(claim(*[{}] * 200, padding="[{" * 450_000))
    assert len(padded) > 900_000
    event = DECODER.decode(padded)
    assert isinstance(event, Claim)
    assert len(event.lines) == 200
    error = refuse(wire(claim(contact="x" * 900_000)))
    assert (error.reason, error.field, error.value) == (invalid.OUT_OF_RANGE, "contact", None)


def test_an_event_from_the_future_is_refused_against_the_broker_or_else_its_own_arrival() -> None:
    hour = dt.timedelta(hours=1)
    late = wire(message(event_time="2026-03-02T11:15:05Z", ingest_time=None))
    assert refuse(late, timestamp=NOW).reason == invalid.FUTURE
    DECODER.decode(late)  # nothing to compare with
    DECODER.decode(late, timestamp=NOW + hour)
    assert refuse(wire(message(event_time="2026-03-02T11:15:05Z"))).field == "event_time"
    assert (
        refuse(wire(message(event_time="2026-03-02T12:16:00+00:30")), timestamp=NOW).reason == invalid.FUTURE
    )
    DECODER.decode(wire(message(event_time="2026-03-02T11:15:04Z")))


def test_an_event_under_another_key_is_refused_without_showing_either() -> None:
    DECODER.decode(wire(message()), key=b"B-1")
    error = refuse(wire(message()), key=b"B-2")
    assert (error.reason, error.field, error.value) == (invalid.KEY_MISMATCH, "beneficiary", None)
    assert "B-" not in str(error)
    DECODER.decode(wire(message("provider")), key=b"anything")


def test_a_type_on_the_wrong_topic_is_refused() -> None:
    error = refuse(wire(message("payment")), accepts=("claim",))
    assert (error.reason, error.value) == (invalid.WRONG_TOPIC, "payment")
    DECODER.decode(wire(message("claim")), accepts=("claim",))


def test_unknown_fields_are_ignored_and_null_is_absence() -> None:
    plain = DECODER.decode(wire(message()))
    padded = claim(
        {**LINE, "colour": "red", "letter": None}, action=None, documents=None, novelty={"deep": [1]}
    )
    assert DECODER.decode(wire(padded)) == plain


def test_requests_and_cancellations_need_no_lines() -> None:
    for tree in (claim(kind="PEC_DEMANDE", lines=[]), claim(action="CANCEL", replaces="E-0", lines=None)):
        event = DECODER.decode(wire(tree))
        assert isinstance(event, Claim)
        assert event.lines == ()


def test_times_become_utc() -> None:
    event = DECODER.decode(
        wire(message(event_time="2026-03-02T11:15:00+01:00", ingest_time="2026-03-02T10:15:04Z"))
    )
    assert event.event_time == dt.datetime(2026, 3, 2, 10, 15, tzinfo=dt.UTC)
    assert event.event_time.tzinfo is event.arrived.tzinfo is dt.UTC


PERSONAL = {
    "claim": ["beneficiary", "insured", "contact"],
    "liquidation": ["beneficiary", "bank_account"],
    "payment": ["beneficiary", "bank_account"],
    "prior_approval": ["beneficiary"],
    "beneficiary": ["beneficiary", "insured", "bank_account"],
    "provider": ["person", "bank_account"],
    "review": ["beneficiary"],
}
KEY = bytes(range(32))


def pseudonym(identifier: str) -> str:
    return hmac.new(KEY, identifier.encode(), hashlib.sha256).hexdigest()


@pytest.mark.parametrize("type_", PERSONAL)
def test_identifiers_of_people_become_pseudonyms(type_: str) -> None:
    fields = PERSONAL[type_]
    value = wire(message(type_, **{name: f"clear {name}" for name in fields}))
    event = Decoder(Pseudonyms(KEY)).decode(value)
    assert [getattr(event, name) for name in fields] == [pseudonym(f"clear {name}") for name in fields]


def test_lists_and_entities_that_name_people_become_pseudonyms_and_public_numbers_stay() -> None:
    decoder = Decoder(Pseudonyms(KEY))
    provider: Any = decoder.decode(wire(message("provider", owners=["104512345", "AB12"])))
    assert provider.owners == ("104512345", pseudonym("AB12"))
    liquidator: Any = decoder.decode(wire(message("liquidator", linked_beneficiaries=["B-1"])))
    assert liquidator.linked_beneficiaries == (pseudonym("B-1"),)
    signal: Any = decoder.decode(wire(message("signal", entity="beneficiary:B-1")))
    assert signal.entity == "beneficiary:" + pseudonym("B-1")
    order: Any = decoder.decode(wire(message("order")))
    assert order.entity == "provider:104512345"
    rescreen: Any = decoder.decode(wire(message("rescreen")))  # our own message bears a pseudonym
    assert rescreen.beneficiary == "B-1"


def test_a_refusal_bears_the_pseudonym() -> None:
    with pytest.raises(Invalid) as caught:
        Decoder(Pseudonyms(KEY)).decode(wire(message(kind="?")))
    assert caught.value.beneficiary == pseudonym("B-1")


@pytest.mark.parametrize(
    ("type_", "changes"),
    [
        ("claim", {"beneficiary": ["secret"]}),
        ("claim", {"insured": {"id": "secret"}}),
        ("claim", {"contact": "secret" * 1000}),
        ("payment", {"bank_account": "secret" * 100}),
        ("provider", {"owners": ["secret" * 100]}),
        ("provider", {"person": "secret" * 100}),
        ("liquidator", {"linked_beneficiaries": ["secret" * 100]}),
        ("order", {"entity": "secret"}),
        ("signal", {"entity": "beneficiary:" + "secret" * 100}),
    ],
)
def test_a_refusal_never_repeats_what_identifies_a_person(type_: str, changes: dict[str, Any]) -> None:
    error = refuse(wire(message(type_, **changes)))
    assert "secret" not in f"{error} {error.headers('t', 0, 0, NOW)}"

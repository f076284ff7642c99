"""Whatever the bytes, a decoder answers with an event or with an Invalid, and what it wrote it reads back."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import inspect

from schemas import invalid, outputs, reading, rules
from schemas.decode import Decoder, Invalid
from schemas.events import EVENTS, Event
from schemas.outputs import Alert, Screened, Suspension, Verdict
from tests.schemas.samples import NOW, TYPES, message, wire

EVENT = msgspec.json.Decoder(Event)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=8), below, max_size=3),
    max_leaves=5,
)
MOMENTS = st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 12, 31), timezones=st.just(dt.UTC))


def values(info: inspect.Type) -> st.SearchStrategy[Any]:
    """Values of a msgspec type within its bounds."""
    match info:
        case inspect.StrType(pattern=pattern) if pattern:
            return st.from_regex(pattern, alphabet=st.characters(max_codepoint=126), fullmatch=True).filter(
                lambda text: len(text) <= 300
            )
        case inspect.StrType(min_length=low, max_length=high):
            return st.text(min_size=low or 0, max_size=min(high or 20, 20))
        case inspect.IntType(ge=low, le=high):
            return st.integers(-(2**53) if low is None else low, 2**53 if high is None else high)
        case inspect.FloatType(ge=low, gt=above, le=high):
            least = above if low is None else low
            return st.floats(
                least, high, exclude_min=above is not None, allow_nan=False, allow_infinity=False
            )
        case inspect.LiteralType(values=options):
            return st.sampled_from(options)
        case inspect.UnionType(types=types):
            return st.one_of(*map(values, types))
        case inspect.VarTupleType(item_type=item, min_length=low):
            return st.lists(values(item), min_size=low or 0, max_size=(low or 0) + 2).map(tuple)
        case inspect.DictType(value_type=item):
            return st.dictionaries(st.text(max_size=8), values(item), max_size=3)
        case inspect.StructType(cls=cls):
            return st.deferred(lambda: structs(cls))
    simple = {
        inspect.BoolType: st.booleans(),
        inspect.NoneType: st.none(),
        inspect.DateType: st.dates(dt.date(1900, 1, 1), dt.date(2100, 12, 31)),
        inspect.DateTimeType: MOMENTS,
        inspect.AnyType: JSON,
    }
    return simple[type(info)]


def structs(cls: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    info = inspect.type_info(cls)
    assert isinstance(info, inspect.StructType)
    required = {field.name: values(field.type) for field in info.fields if field.required}
    optional = {field.name: values(field.type) for field in info.fields if not field.required}
    return st.fixed_dictionaries(required, optional=optional).map(lambda members: cls(**members))


def answer_to(value: bytes, timestamp: dt.datetime = NOW) -> Event | Invalid:
    """What a decoder makes of the bytes; an Invalid has a known reason."""
    try:
        return Decoder().decode(value, timestamp=timestamp)
    except Invalid as refused:
        answer = refused
    assert answer.reason in invalid.REASONS
    return answer


@pytest.mark.parametrize("cls", EVENTS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_an_event_survives_the_wire(cls: type[msgspec.Struct], data: st.DataObject) -> None:
    event = data.draw(structs(cls))
    assert EVENT.decode(outputs.encode(event)) == event


@pytest.mark.parametrize("cls", [Verdict, Screened, Suspension, Alert])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_an_output_survives_the_wire(cls: type[msgspec.Struct], data: st.DataObject) -> None:
    output = data.draw(structs(cls))
    assert msgspec.json.decode(outputs.encode(output), type=cls) == output


@pytest.mark.parametrize("cls", EVENTS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_the_decoder_refuses_exactly_what_breaks_a_rule(
    cls: type[msgspec.Struct], data: st.DataObject
) -> None:
    event = data.draw(structs(cls))
    broken = event.version > 1
    try:
        broken = broken or rules.fault(event) is not None
    except msgspec.ValidationError:  # rows of a table that do not fit it
        broken = True
    answer = answer_to(outputs.encode(event), dt.datetime(2101, 1, 1, tzinfo=dt.UTC))
    assert isinstance(answer, Invalid) if broken else answer == event


@settings(max_examples=200, deadline=None)
@given(value=st.binary(max_size=200))
def test_any_bytes_at_all(value: bytes) -> None:
    assert isinstance(answer_to(value), Invalid)


@settings(max_examples=300, deadline=None)
@given(type_=st.sampled_from(TYPES), at=st.floats(0, 1), junk=st.binary(max_size=4), cut=st.integers(0, 8))
def test_a_message_damaged_anywhere(type_: str, at: float, junk: bytes, cut: int) -> None:
    whole = wire(message(type_))
    place = int(at * len(whole))
    answer_to(whole[:place] + junk + whole[place + cut :])


@settings(max_examples=300, deadline=None)
@given(data=st.data(), type_=st.sampled_from(TYPES), other=JSON)
def test_any_json_in_place_of_any_member_is_read_or_named(
    data: st.DataObject, type_: str, other: Any
) -> None:
    tree = message(type_)
    spot: Any = tree
    path = data.draw(st.sampled_from(sorted(tree)))
    if path == "lines" and data.draw(st.booleans()):
        tree["lines"] = [dict(tree["lines"][0])]
        spot = tree["lines"][0]
        path = data.draw(st.sampled_from(sorted(spot)))
    spot[path] = other
    answer = answer_to(wire(tree))
    if isinstance(answer, Invalid) and answer.reason not in (invalid.TOO_DEEP, invalid.NOT_JSON):
        assert answer.field
        assert answer.expected


def depth(tree: Any) -> int:
    if isinstance(tree, dict):
        return 1 + max(map(depth, tree.values()), default=0)
    return 1 + max(map(depth, tree), default=0) if isinstance(tree, list) else 0


@settings(max_examples=100, deadline=None)
@given(tree=JSON, text=st.text('[]{}\\"a', max_size=40), levels=st.integers(0, 40), width=st.integers(1, 3))
def test_depth_is_counted_as_a_parser_counts_it(tree: Any, text: str, levels: int, width: int) -> None:
    for _ in range(levels):
        tree = [text, tree] if width == 1 else {text: tree, "again": [[]] * width}
    assert reading.too_deep(json.dumps(tree).encode()) == (depth(tree) > reading.MAX_DEPTH)

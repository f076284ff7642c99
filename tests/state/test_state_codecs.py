"""Records to bytes and back, and the pieces of MessagePack that Redis reads."""

from __future__ import annotations

import struct

import msgspec
import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from schemas.observation import CloneUse, DocumentUse, Fact, LogLine
from state import codecs, packing

U32 = st.integers(0, 2**32 - 1)
I32 = st.integers(-(2**31), 2**31 - 1)
I64 = st.integers(-(2**63), 2**63 - 1)
BYTE = st.integers(0, 255)
REF = st.binary(min_size=12, max_size=12)
WHO = st.binary(min_size=8, max_size=8)

LINES = st.builds(
    LogLine, REF, WHO, I32, I64, U32, U32, U32, U32, U32, I64, st.integers(0, 65535), BYTE, BYTE
)
FACTS = st.builds(Fact, REF, I32, I32, BYTE, U32, U32, BYTE)
DOCUMENTS = st.builds(DocumentUse, REF, I32, WHO, WHO, WHO, U32, U32, BYTE)
CLONES = st.builds(CloneUse, REF, I32, WHO, I64)


@given(st.lists(LINES, max_size=5))
def test_log_lines_come_back(lines: list[LogLine]) -> None:
    data = codecs.pack_log(lines)
    assert len(data) == 64 * len(lines)
    assert codecs.unpack_log(data) == lines


@given(st.lists(FACTS, max_size=5), st.lists(DOCUMENTS, max_size=5), st.lists(CLONES, max_size=5))
def test_other_records_come_back(facts: list[Fact], uses: list[DocumentUse], clones: list[CloneUse]) -> None:
    assert codecs.unpack_facts(codecs.pack_facts(facts)) == facts
    assert codecs.unpack_documents(b"".join(map(codecs.pack_document, uses))) == uses
    assert codecs.unpack_clones(codecs.pack_clones(clones)) == clones


@given(LINES, FACTS, DOCUMENTS, CLONES)
def test_every_record_begins_with_event_and_day(
    line: LogLine, fact: Fact, use: DocumentUse, clone: CloneUse
) -> None:
    for record, data in (
        (line, codecs.pack_log([line])),
        (fact, codecs.pack_facts([fact])),
        (use, codecs.pack_document(use)),
        (clone, codecs.pack_clones([clone])),
    ):
        assert struct.unpack_from("<12si", data) == (record.event, record.day)


def test_a_field_out_of_range_is_refused() -> None:
    with pytest.raises(struct.error):
        codecs.pack_clones([CloneUse(b"e" * 12, 2**31, b"b" * 8, 1)])


@pytest.mark.parametrize("size", [0, 1, 31, 32, 255, 256, 65535, 65536])
def test_raw_strings_arrive_as_they_are(raw: redis.Redis, size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    echo = "return cmsgpack.unpack(ARGV[1])[1]"
    assert raw.eval(echo, 0, packing.listing([packing.raw(data[:size])])) == data[:size]


@given(st.integers(-(2**53), 2**53))
def test_integers_are_messagepack(value: int) -> None:
    assert msgspec.msgpack.decode(packing.integer(value)) == value


def test_integers_beyond_lua_are_refused() -> None:
    with pytest.raises(ValueError, match="53 bits"):
        packing.integer(2**53 + 1)


@pytest.mark.parametrize("count", [0, 15, 16, 300])
def test_lists_are_messagepack(count: int) -> None:
    items = [packing.key(number) for number in range(count)]
    assert msgspec.msgpack.decode(packing.listing(items)) == list(range(count))

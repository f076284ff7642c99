"""The key layout: the only place that knows what Redis keys look like.

Every key begins with a hash tag, so that all keys of one call lie in one slot:

    {s}:layout                   layout record (tag 0)
    {s}:intern  {s}:names        name -> number (hash), names by number from 2**30 up (list); tag 0
    {s}:fence                    hash: o|<lane>|<input> observed, r|<input> recorded, e|<input> owner epoch,
                                 m|<input> oldest memo block that is kept
    {s}:memo:<lane>:<input>:<block>   hash: <offset> -> status, content hash, results; r<offset> -> revision
    recorded {s}:x:<ref>  {s}:y:<ref>     what an event did in its home tag and in other tags (24 months)
    {s}:h:<ref>  {s}:i:<ref>     the last event of a payment, in its home tag and in other tags (200 days)
    {s}:b:<beneficiary>          log of care lines            {s}:k:<beneficiary>   permanent facts
    {s}:r:<beneficiary>          registry entry               {s}:o:<beneficiary>   open events (hash)
    {s}:c:<claim_id>             claim state (hash), in its beneficiary's tag {s}:v:<event_id>
    verdicts (hash): <revision> -> blob, last -> revision {s}:d:<document>             uses of a document
    {s}:p:<inpe>  {s}:q:<inpe>   tiles of an executor, of a prescriber {s}:n:p:<inpe>  {s}:n:q:<inpe>
    their patients (hash): reference -> days of arrival {s}:w:<inpe>:<day>           sheet of a day of care
    {s}:t:<role>:<id>   tiles of a performer "f", network "n", liquidator "l", bank account "b"
    {s}:n:t:<role>:<id>   who was seen there (hash), as for a provider's patients
    {s}:s:<role>:<id>   sums in a ring of buckets of days: a liquidator's acts "l", an executor's days off "o",
                                 letters "g" and last digits "d"
    {s}:z:<kind>:<first>:<bucket>   how often an entity met its partners
    {s}:u:<partition>            held events of a partition that wait for tables (hash)
    {s}:g:<inpe>:<signature>   clone uses {s}:f:<family>:<bucket>      counted members (hash)
    {s}:m:<kind>:<entity>      model record

`input` is "topic|topic id|partition". An entity's tag is crc32(entity) modulo the number of tags.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal
from zlib import crc32

from redis.crc import key_slot

SLOTS = 16384
MEMO_BLOCK = 1024  # offsets whose memo shares one hash
FIRST_NAME = 1 << 30  # interned numbers start above every nine-digit INPE

Lane = Literal["h", "a"]
Role = Literal["p", "q", "f", "n", "l", "b", "c", "o", "g", "d"]
"""Executor, prescriber, performer, network, liquidator, bank account, an executor beside a control threshold, in the
calendar, in a key letter, and by last digits."""
LANES: tuple[Lane, ...] = ("h", "a")


@lru_cache(maxsize=8)
def prefixes(count: int) -> tuple[str, ...]:
    """The key prefixes `{tag}:` of `count` hash tags, evenly placed over the cluster's slots.

    Tag 0 is always `s0`, so that the layout record is found before the count is known.
    """
    step = SLOTS / count
    start = key_slot(b"s0")
    names = ["s0"]
    for index in range(1, count):
        aim = (start + index * step) % SLOTS
        attempt = 0
        while _distance(key_slot(f"s{index}.{attempt}".encode()), aim) > step / 8:
            attempt += 1
        names.append(f"s{index}.{attempt}")
    return tuple(f"{{{name}}}:" for name in names)


def _distance(slot: float, aim: float) -> float:
    around = abs(slot - aim)
    return min(around, SLOTS - around)


def tag_of(entity: str, count: int) -> int:
    """The index of the tag that holds an entity."""
    return crc32(entity.encode()) % count if count > 1 else 0


def event(ref: bytes) -> str:
    return f"x:{ref.hex()}"


def event_away(ref: bytes) -> str:
    return f"y:{ref.hex()}"


def payment(ref: bytes) -> str:
    return f"h:{ref.hex()}"


def payment_away(ref: bytes) -> str:
    return f"i:{ref.hex()}"


def memo(lane: Lane, input: str, offset: int) -> str:
    return f"memo:{lane}:{input}:{offset // MEMO_BLOCK}"


def memo_block(lane: Lane, input: str, block: int) -> str:
    return f"memo:{lane}:{input}:{block}"


def log(beneficiary: str) -> str:
    return f"b:{beneficiary}"


def facts(beneficiary: str) -> str:
    return f"k:{beneficiary}"


def registry(beneficiary: str) -> str:
    return f"r:{beneficiary}"


def open_events(beneficiary: str) -> str:
    return f"o:{beneficiary}"


def waiting(partition: int) -> str:
    return f"u:{partition}"


def claim(claim_id: str) -> str:
    return f"c:{claim_id}"


def verdict(event_id: str) -> str:
    return f"v:{event_id}"


def document(key: str) -> str:
    return f"d:{key}"


def tiles(role: Role, name: str) -> str:
    return f"{role}:{name}" if role in ("p", "q") else f"t:{role}:{name}"


def patients(role: Role, name: str) -> str:
    return "n:" + tiles(role, name)


def sums(role: Role, name: str) -> str:
    return f"s:{role}:{name}"


def pair(kind: str, first: str, bucket: int) -> str:
    return f"z:{kind}:{first}:{bucket}"


def sheet(inpe: str, day: int) -> str:
    return f"w:{inpe}:{day}"


def clones(inpe: str, signature: str) -> str:
    return f"g:{inpe}:{signature}"


def family(name: str, bucket: int) -> str:
    return f"f:{name}:{bucket}"


def model(key: str) -> str:
    """`key` is "<kind>:<entity>"; the record lies in the entity's tag."""
    return f"m:{key}"


def model_entity(key: str) -> str:
    return key.partition(":")[2]


def input_of(field: str) -> str:
    """The input that a field of the fences is about: o|<lane>|<input>, r|<input>, e|<input>, m|<input>."""
    kind, _, rest = field.partition("|")
    return rest.partition("|")[2] if kind == "o" else rest


LAYOUT = "layout"
FENCES = "fence"
NUMBERS = "intern"
NAMES = "names"

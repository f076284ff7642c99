"""The whole of Crible's Redis as plain values, to compare two runs by what they counted.

Left out are the books of delivery, which say how a run went and not what it found: fences, epochs and memo, and from
which offset tables were in force.
Numbers of interned names are told by their names, since they are given in order of appearance.
"""

from __future__ import annotations

import re
from struct import Struct
from typing import Any

import msgspec
import redis

from state import codecs
from state.keys import FIRST_NAME

VERSION_BYTES = 1
SHEET, PERSON, PLACE = Struct("<iH"), Struct("<8sH"), Struct("<IH")  # state/functions/counts.lua
MET, PARTNER = Struct("<IIHH"), Struct("<8sI")
INTERNED = rb"\xce([\x40-\x7f]...)"  # a number from 2**30 up, as MessagePack has it
EVENT_INPUT = slice(18, 30)  # of an event record: which log it came from, and at which offset
EFFECTS = "m:effects:"
DELIVERY = ("fence", "memo", "layout", "intern", "names")


def dump(*urls: str) -> dict[str, Any]:
    """Every key without its hash tag, and its content; of one server or of all masters of a cluster."""
    named = [name for url in urls for name in _names(url)]
    found: dict[str, Any] = {}
    for url in urls:
        found |= _dump(url, named)
    return found


def _names(url: str) -> list[str]:
    """The interned names, in their order; none where this master does not hold them."""
    with redis.Redis.from_url(url) as client:
        try:
            return [name.decode() for name in client.lrange("{s0}:names", 0, -1)]
        except redis.exceptions.MovedError:
            return []


def _dump(url: str, named: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with redis.Redis.from_url(url) as client:
        for key in client.scan_iter(count=5000):
            tag, _, name = key.decode().partition(":")
            kind = name.partition(":")[0]
            if kind in DELIVERY or name.startswith(EFFECTS):
                continue
            if kind in ("x", "y"):  # an event may stand in every tag that it touched
                name = f"{name}@{tag}"
            stored: Any = client.get(key) if client.type(key) == b"string" else client.hgetall(key)
            found[name] = _content(kind, stored, named)
        return found


def _content(kind: str, stored: Any, named: list[str]) -> Any:
    if kind == "v":
        return {field: _verdict(value) for field, value in stored.items()}
    if kind in ("x", "y"):
        return stored[: EVENT_INPUT.start], _event(stored[EVENT_INPUT.stop :], named)
    if kind == "u":  # a digest of the tables, which is left out where a verdict is applied again
        return {field: msgspec.msgpack.decode(value)[:-1] for field, value in stored.items()}
    if kind == "w":
        return _sheet(stored[VERSION_BYTES:], named)
    if kind == "z":
        return _pairs(stored[VERSION_BYTES:])
    if kind not in ("b", "k", "d", "g"):
        return stored
    body = stored[VERSION_BYTES:]
    if kind == "b":
        return sorted(
            line._replace(
                executor=_name(line.executor, named),
                prescriber=_name(line.prescriber, named),
                act=_name(line.act, named),
                site=_name(line.site, named),
            )
            for line in codecs.unpack_log(body)
        )
    if kind == "k":
        return sorted(
            (fact._replace(key=_name(fact.key, named), provider=_name(fact.provider, named)))
            for fact in codecs.unpack_facts(body)
        )
    if kind == "d":
        return sorted(
            use._replace(executor=_name(use.executor, named), product=_name(use.product, named))
            for use in codecs.unpack_documents(body)
        )
    return sorted(codecs.unpack_clones(body))


def _event(told: bytes, named: list[str]) -> bytes:
    """Who an event was about and its effects, with interned numbers told by their names."""

    def name(found: re.Match[bytes]) -> bytes:
        number = int.from_bytes(found[1], "big") - FIRST_NAME
        return named[number].encode() if 0 <= number < len(named) else found[0]

    return re.sub(INTERNED, name, told, flags=re.DOTALL)


def _sheet(body: bytes, named: list[str]) -> Any:
    """Minutes, people and places of a day: members are appended as they come, so their order tells nothing."""
    total, size = SHEET.unpack_from(body)
    people, places = body[SHEET.size : SHEET.size + size], body[SHEET.size + size :]
    return (
        total,
        sorted(PERSON.iter_unpack(people)),
        sorted(PLACE.iter_unpack(places)),  # communes by a checksum, the same in every run
    )


def _pairs(body: bytes) -> Any:
    """Partners have an entry in the order in which they came, which between partitions is nobody's."""
    *totals, entries = MET.unpack_from(body)
    end = MET.size + entries * PARTNER.size
    return totals, sorted(PARTNER.iter_unpack(body[MET.size : end])), body[end:]


def _name(number: int, named: list[str]) -> Any:
    return named[number - FIRST_NAME] if number >= FIRST_NAME else str(number)


def _verdict(value: bytes) -> Any:
    return without_clock(msgspec.json.decode(value)) if value.startswith(b"{") else value


AS_OF_NOW = ("claims", "amount_at_risk", "amount_stoppable", "priority", "history", "precision_to_date")
"""What an alert says of its case as it stands at that moment (`streams.cases`)."""


def without_clock(said: dict[str, Any]) -> dict[str, Any]:
    """A verdict without what a second run cannot repeat: its instant, and where in `rescreens` it was asked
    for.
    """
    left = {name: value for name, value in said.items() if name not in ("issued_at", "held_at")}
    if "alert_id" in said:  # what other topics had said of its claims by then is theirs to order
        left = {name: value for name, value in left.items() if name not in AS_OF_NOW}
    elif "alert" in left.get("features", ()):
        alert = {name: value for name, value in left["features"]["alert"].items() if name != "now"}
        left["features"] = {**left["features"], "alert": alert}
    if left.get("input", {}).get("topic") == "rescreens":
        left["input"] = {"topic": "rescreens"}
    return left

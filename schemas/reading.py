"""The slow reading of a message that the fast decoder refused: which field, what stands there, what should.

It runs only after a failure, on bytes whose nesting is already known to be bounded, and never repeats what
may identify a person.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
import orjson

from schemas import invalid
from schemas.envelope import VERSION
from schemas.events import TYPES, Event, is_personal
from schemas.expectation import at, enumerated, plainly, wanted
from schemas.invalid import Invalid

MAX_DEPTH: Final = 32
"""Nesting beyond it is refused. The contract needs 4; parsers' own limits vary with Python's version."""

_EVENT_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_NOT_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in b"[]{}")
_ALIKE: Final = bytes.maketrans(b"[]", b"{}")
_RANGE = re.compile(r"^Expected `\w+` (?:[<>]|of length)")


def too_deep(value: bytes) -> bool:
    """Whether brackets are nested deeper than MAX_DEPTH; cheap on ordinary messages, linear on all."""
    if value.count(b"[") + value.count(b"{") <= MAX_DEPTH:
        return False
    outside = b"".join(value.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')[::2])
    brackets = left = outside.translate(_ALIKE, _NOT_BRACKETS)
    for _ in range(MAX_DEPTH):  # each round takes one level away, the innermost
        left = left.replace(b"{}", b"")
        if not left:
            return False
    depth = 0
    for byte in brackets:
        depth += 1 if byte == ord("{") else -1
        if depth > MAX_DEPTH:
            return True
    return False


def ids_of(members: dict[str, Any]) -> dict[str, str | None]:
    """The ids that can be read and used, as keywords of `Invalid` (the beneficiary still as it came)."""
    event_id = members.get("event_id")
    known: dict[str, str | None] = {
        "event_id": event_id if isinstance(event_id, str) and _EVENT_ID.fullmatch(event_id) else None
    }
    for name in ("claim_id", "beneficiary", "type"):
        text = members.get(name)
        usable = (
            isinstance(text, str) and 0 < len(text) <= 200 and text.isprintable() and "\ufffd" not in text
        )
        known[name] = text if usable else None
    if known["type"] not in TYPES:
        known["type"] = None
    return known


def top_strings(text: str) -> dict[str, str]:
    """The top-level members of an object that are strings, without parsing what is nested below."""
    found: dict[str, str] = {}
    depth, at, name = 0, 0, None
    for match in re.finditer(r'"(?:[^"\\]|\\.)*+(?:"|\Z)|[\[{]+|[\]}]+', text, re.DOTALL):
        token = match.group()
        if token[0] in "[{":
            depth += len(token)
            name = None
        elif token[0] in "]}":
            depth -= len(token)
        elif depth == 1:
            between = text[at : match.start()].strip()
            if between == ":" and name is not None:
                found[name] = _string(token)
                name = None
            else:
                name = _string(token)
        at = match.end()
    return found


def _string(token: str) -> str:
    try:
        text = json.loads(token, strict=False)
    except ValueError:
        return ""
    return text if isinstance(text, str) else ""


def read(value: bytes, decode: Callable[[bytes], Event]) -> Event:
    """The event, when only a null stood where a default belongs; else raises Invalid that names the field."""
    tree = _tree(value)
    ids = ids_of(tree)
    type_ = _header(tree, ids)
    # null says "not known" exactly as absence does, also where the struct has a default of its own
    present = {name: member for name, member in tree.items() if member is not None}
    try:
        return decode(orjson.dumps(present))
    except msgspec.ValidationError as error:
        raise explain(error, tree, TYPES[type_], ids) from None
    except msgspec.DecodeError as error:
        raise Invalid(invalid.NOT_JSON, None, None, str(error), **ids) from None


def explain(
    error: msgspec.ValidationError,
    tree: Any,
    kind: Any,
    ids: dict[str, str | None],
    prefix: str = "",
) -> Invalid:
    """What a refusal of msgspec means: its path, the value there, and what is expected of it."""
    what, _, tail = str(error).partition(" - at `$")
    path = tail.rstrip("`").lstrip(".")
    if what.startswith("Object missing required field"):
        name = what.split("`")[1]
        field = f"{path}.{name}" if path else name
        return Invalid(invalid.MISSING_FIELD, prefix + field, None, wanted(kind, field), **ids)
    found = at(tree, path)
    if found is None:
        return Invalid(invalid.MISSING_FIELD, prefix + path, None, wanted(kind, path), **ids)
    shown = None if is_personal(path, found) else _show(found)
    if what.startswith("Invalid enum value"):
        reason = invalid.UNKNOWN_VALUE
    elif path == "event_id":
        reason = invalid.EVENT_ID_FORMAT
    elif "got `" in what:
        reason = invalid.WRONG_TYPE
    elif _RANGE.match(what) or "out of range" in what:
        reason = invalid.OUT_OF_RANGE
    else:
        reason = invalid.MALFORMED
    expected = enumerated(kind, path) or plainly(what)
    return Invalid(reason, prefix + path, shown, expected, **ids)


def _tree(value: bytes) -> dict[str, Any]:
    """The message as a JSON object; raises Invalid where it is none."""
    try:
        tree = orjson.loads(value)
    except orjson.JSONDecodeError:
        raise _not_json(value) from None
    if not isinstance(tree, dict):
        raise Invalid(
            invalid.NOT_OBJECT, None, _show(tree) if isinstance(tree, list) else None, "one JSON object"
        )
    return tree


def _not_json(value: bytes) -> Invalid:
    """Tell bad bytes, numbers that are none, and half characters from text that is no JSON at all."""
    try:
        text, reason = value.decode(), invalid.NOT_JSON
    except UnicodeDecodeError:
        text, reason = value.decode(errors="replace"), invalid.NOT_UTF8
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        expected = "UTF-8 text" if reason == invalid.NOT_UTF8 else "one JSON object"
        cut_short = text.lstrip().startswith("{") and not text.rstrip().endswith("}")
        ids = ids_of(dict(top_strings(text))) if cut_short else {}  # what stands before the cut can be read
        return Invalid(reason, None, None, expected, **ids)
    ids = ids_of(tree) if isinstance(tree, dict) else {}
    for path, leaf in _leaves(tree, ""):
        if isinstance(leaf, float) and not math.isfinite(leaf):
            return Invalid(invalid.NOT_FINITE, path, str(leaf), "a finite number", **ids)
        if isinstance(leaf, str) and re.search("[\ufffd\ud800-\udfff]", leaf):
            return Invalid(invalid.NOT_UTF8, path, None, "UTF-8 text", **ids)
    return Invalid(
        reason, None, None, "UTF-8 text" if reason == invalid.NOT_UTF8 else "one JSON object", **ids
    )


def _leaves(tree: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(tree, dict):
        for name, member in tree.items():
            yield from _leaves(member, f"{path}.{name}" if path else name)
    elif isinstance(tree, list):
        for index, member in enumerate(tree):
            yield from _leaves(member, f"{path}[{index}]")
    else:
        yield path, tree


def _header(tree: dict[str, Any], ids: dict[str, str | None]) -> str:
    """Checks `type` and `version`, before which nothing else can be judged; answers the type."""
    type_, version = tree.get("type"), tree.get("version")
    known = "one of " + ", ".join(TYPES)
    if type_ is None:
        raise Invalid(invalid.MISSING_FIELD, "type", None, known, **ids)
    if not isinstance(type_, str):
        raise Invalid(invalid.WRONG_TYPE, "type", _show(type_), known, **ids)
    if type_ not in TYPES:
        raise Invalid(invalid.UNKNOWN_TYPE, "type", type_, known, **ids)
    if isinstance(version, int) and not isinstance(version, bool) and version > VERSION:
        raise Invalid(invalid.NEWER_VERSION, "version", str(version), f"at most {VERSION}", **ids)
    return type_


def _show(found: Any) -> str:
    if isinstance(found, str):
        return found
    if isinstance(found, (dict, list)):
        return "an object" if isinstance(found, dict) else "an array"
    return json.dumps(found)

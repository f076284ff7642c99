"""What lies under which key: kinds of keys, whose they are, how long they last and how their values are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

from state import keys, stored
from state.errors import BadFormat

ROLES: tuple[str, ...] = get_args(keys.Role)
TILES = ("p", "q", "t")
"""Letters under which tiles lie; "t" goes on with the role's."""
ROLE_NAMES = {
    "p": "executor",
    "q": "prescriber",
    "f": "performer",
    "n": "network",
    "l": "liquidator",
    "b": "bank account",
    "c": "control threshold",
    "o": "days off",
    "g": "key letter",
    "d": "last digits",
}
TILE_SECONDS, SHEET_SECONDS = 400 * 86400, 130 * 86400  # as tiles.lua and counts.lua keep them

Owner = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of key. `owner` gives the entity whose tag holds it, None where any tag may."""

    name: str
    type: str
    lasts: bool  # without expiry
    owner: Owner
    read: Callable[[Any], Any] | None = None


def _nobody(tail: str) -> None:
    return None


def _itself(tail: str) -> str:
    return tail


def _before_last(tail: str) -> str:
    return tail.rpartition(":")[0]


def _after_first(tail: str) -> str:
    return tail.partition(":")[2]


def _paired(tail: str) -> str:
    return _before_last(_after_first(tail))


def _seen_by(tail: str) -> str:
    tiles, _, name = tail.partition(":")
    return _after_first(name) if tiles == "t" else name


def _visits(fields: dict[bytes, bytes]) -> dict[bytes, list[tuple[int, int]]]:
    if any(len(name) != 8 for name in fields):
        raise BadFormat("patient under no reference of 8 bytes")
    return {name: stored.visits(value) for name, value in fields.items()}


def _memo(fields: dict[bytes, bytes]) -> None:
    for name, value in fields.items():
        if name.startswith(b"r"):
            int(name[1:]), int(value)
        else:
            int(name)
            stored.memo(value)


KINDS: dict[str, Kind] = {
    "layout": Kind("layout record", "string", True, _nobody),
    "intern": Kind("numbers of names", "hash", True, _nobody),
    "names": Kind("names by number", "list", True, _nobody),
    "fence": Kind("fences", "hash", True, _nobody),
    "memo": Kind("memo of answers", "hash", True, _nobody, _memo),
    "x": Kind("event records", "string", False, _nobody, stored.event),
    "y": Kind("event records (away)", "string", False, _nobody, stored.event),
    "b": Kind("care logs", "string", False, _itself, stored.log),
    "k": Kind("permanent facts", "string", True, _itself, stored.facts),
    "r": Kind("registry entries", "string", True, _itself, stored.entry),
    "o": Kind("open events", "hash", True, _itself),
    "u": Kind("events that wait for tables", "hash", True, _nobody),
    "c": Kind("claim states", "hash", False, _nobody),
    "v": Kind("verdicts", "hash", False, _nobody),
    "d": Kind("documents", "string", False, _itself, stored.documents),
    "w": Kind("day sheets", "string", False, _before_last, stored.sheet),
    "g": Kind("clone uses", "string", False, _before_last, stored.clones),
    "f": Kind("counted families", "hash", False, _before_last, stored.family),
    "m": Kind("model records", "string", False, _after_first),
}
KINDS |= {
    role: Kind(f"tiles of {ROLE_NAMES[role]}s", "string", False, _itself, stored.tiles) for role in ("p", "q")
}
KINDS |= {
    "t": Kind("tiles of other roles", "string", False, _after_first, stored.tiles),
    "s": Kind("sums", "string", False, _after_first, stored.sums),
    "z": Kind("pairs", "string", False, _paired, stored.pairs),
    "h": Kind("last events of payments", "string", False, _nobody, stored.payment),
    "i": Kind("last events of payments (away)", "string", False, _nobody, stored.payment),
}
PATIENTS = Kind("patients of providers", "hash", False, _seen_by, _visits)


def kind_of(name: str) -> tuple[str, Kind | None, str]:
    """Letter, kind (None: unknown) and the rest of a key without its tag."""
    letter, _, tail = name.partition(":")
    if letter == "n" and tail.partition(":")[0] in TILES and ":" in tail:
        return "n:", PATIENTS, tail
    return letter, KINDS.get(letter), tail


def split(key: bytes) -> tuple[str, str]:
    """The tag's prefix and the rest of a key; an empty prefix where it has none."""
    try:
        text = key.decode()
    except UnicodeDecodeError:
        return "", repr(key)
    prefix, mark, rest = text.partition("}:")
    return (prefix + mark, rest) if mark and prefix.startswith("{") else ("", text)

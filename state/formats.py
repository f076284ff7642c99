"""What Redis holds, by kind: its name for people, and the version in which this code writes it.

A value begins with its version. One of an earlier version is raised when it is read (`functions/former.lua`, and
the Python module that packs it); one of a later version is refused.
"""

from __future__ import annotations

from typing import Final

from state.errors import BadFormat

FORMATS: Final[dict[str, int]] = {
    "events": 1, "logs": 1, "facts": 1, "registry": 1, "documents": 1, "clones": 1, "sheets": 1, "tiles": 2,
    "families": 2, "memo": 2, "claims": 3, "open": 1, "verdicts": 1, "models": 1, "signals": 1,
    "sums": 1, "pairs": 1, "payments": 1,
}  # fmt: skip
"""Kind -> version; raised with a change that older code cannot read. The layout record names them all."""

OF_KEYS: Final[dict[str, str]] = {
    "x": "events", "y": "events", "b": "logs", "k": "facts", "r": "registry", "d": "documents", "g": "clones",
    "w": "sheets", "p": "tiles", "q": "tiles", "n": "tiles", "f": "families", "memo": "memo", "c": "claims",
    "o": "open", "v": "verdicts", "m": "models",
    "t": "tiles", "s": "sums", "z": "pairs", "h": "payments", "i": "payments",
}  # fmt: skip
"""First part of a key after its hash tag -> kind."""

ANEW = (
    "or start on an empty Redis and load it from the topics with `crible worker --observe-only` "
    "(docs/operations.md)"
)
"""The way out that always works."""


def kind_of(key: str) -> str:
    """The kind of a whole key, for messages: a key may name a person, its kind does not."""
    _, _, name = key.partition("}:")
    return OF_KEYS.get(name.partition(":")[0], "unknown")


def newer(kind: str, found: int, known: int) -> str:
    """What to say of a version that is newer than this code."""
    return (
        f"this Redis holds {kind} in version {found}, this release reads up to {known}: run the release "
        f"that wrote them, {ANEW}"
    )


def refuse_newer(kind: str, found: int, known: int) -> None:
    """Raises BadFormat for a version that is newer than this release reads."""
    if found > known:
        raise BadFormat(newer(kind, found, known))


def version_of(kind: str, value: bytes, unversioned: range) -> int:
    """The version that a value begins with; 1 for one that begins as values of its kind did before they bore one.

    Raises BadFormat for a newer one.
    """
    first = value[0] if value else 0
    if first in unversioned:
        return 1
    if first > FORMATS[kind]:
        raise BadFormat(newer(kind, first, FORMATS[kind]))
    if not first:
        raise BadFormat(unreadable(kind))
    return first


def unreadable(kind: str) -> str:
    """What to say of a value that is in no version known."""
    return (
        f"a value of kind {kind} is damaged, or nothing that Crible wrote: restore this Redis from its "
        f"append-only file, {ANEW}"
    )

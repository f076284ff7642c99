"""The calls of one batch as a chain: each is done only right after the one before it."""

from __future__ import annotations

from collections.abc import Sequence
from os import urandom
from typing import TypeVar

VERDICTS_A_CALL = 32
MODELS_A_VERDICT = 8  # models that are as much work as one verdict

Link = tuple[str, int, bool]
"""Token of the chain, index of the call, whether the batch ends with it."""
T = TypeVar("T")


class Chain:
    """The chunks of one batch for one tag: a function refuses a chunk that does not follow the one before."""

    def __init__(self) -> None:
        self._token = urandom(6).hex()  # no other batch of the same input, of whatever worker, bears it
        self._next = 0

    def link(self, *, last: bool) -> Link:
        """For the next call's header."""
        index, self._next = self._next, self._next + 1
        return self._token, index, last


def cut(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """Runs of at most `size` items; one empty run where there are none."""
    return [items[at : at + size] for at in range(0, len(items), size)] or [items]

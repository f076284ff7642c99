"""Names as small numbers: interned once in Redis, remembered by every worker."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from state import keys
from state.library import function
from state.router import Command


class Numbers(dict[str, int]):
    """Both directions of the interning table. Names are never forgotten nor renumbered.

    As a mapping it gives a name's number: 0 for the empty name, the number itself for nine digits, else the
    interned one; what is not known here yet is looked up, or given, in Redis.
    """

    def __init__(self, run: Callable[[Command], Any], prefix: str) -> None:
        super().__init__({"": 0})
        self._run = run
        self._numbers_key = prefix + keys.NUMBERS
        self._names_key = prefix + keys.NAMES
        self._names: list[str] = []

    def intern(self, names: Iterable[str]) -> None:
        """Make sure that every name has a number; one call for all that are not known here yet."""
        missing = []
        for name in dict.fromkeys(names):
            if name not in self:
                if is_inpe(name):
                    self[name] = int(name)
                else:
                    missing.append(name)
        if missing:
            reply = self._run(("FCALL", function("intern"), 2, self._numbers_key, self._names_key, *missing))
            self.update(zip(missing, reply, strict=True))

    def __missing__(self, name: str) -> int:
        self.intern((name,))
        return self[name]

    def forget(self) -> None:
        """Ask Redis again: after a crash it may have lost the youngest names, and give their numbers away."""
        self.clear()
        self[""] = 0
        self._names.clear()

    def name(self, number: int) -> str:
        """The way back. Raises KeyError for a number that was never given."""
        if number < keys.FIRST_NAME:
            return f"{number:09d}" if number else ""
        index = number - keys.FIRST_NAME
        if index >= len(self._names):
            found = self._run(("LRANGE", self._names_key, len(self._names), -1))
            self._names.extend(item.decode() for item in found)
        if index >= len(self._names):
            raise KeyError(number)
        return self._names[index]


def is_inpe(name: str) -> bool:
    """Nine digits: its own number. (000000000 counts as absent would: it is interned.)"""
    return len(name) == 9 and name.isascii() and name.isdigit() and name != "000000000"

"""One check: what it proves of a broker, and what Crible is without it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from streams.conformance.ground import Ground


class Unlike(AssertionError):
    """The broker did something else than was expected of it."""

    def __init__(self, expected: str, seen: object) -> None:
        super().__init__(f"expected {expected}; seen: {seen}")
        self.expected, self.seen = expected, str(seen)


def expect(good: bool, expected: str, seen: object) -> None:
    """Raises Unlike where something is not `good`."""
    if not good:
        raise Unlike(expected, seen)


@dataclass(frozen=True, slots=True)
class Check:
    """A named check. `try_on` returns where the broker does as Apache Kafka would, and raises where not.

    `without` completes the sentence "Without it, ...": what Crible needs it for, and loses.
    """

    name: str
    proves: str
    without: str
    try_on: Callable[[Ground], None]

    @property
    def subject(self) -> str:
        """The part of the name before the dot."""
        return self.name.partition(".")[0]


def check(name: str, *, proves: str, without: str) -> Callable[[Callable[[Ground], None]], Check]:
    """Make a function a check."""
    return lambda function: Check(name, proves, without, function)

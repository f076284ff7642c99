"""Two runs of one input, side by side: what the first says and the second does not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.support.published import Place, Published


@dataclass(slots=True)
class Differences:
    """Nothing in any of the lists: the runs cannot be told apart."""

    lost: list[Place] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    counters: list[str] = field(default_factory=list)

    def any(self) -> bool:
        """Whether there is a difference."""
        return bool(self.lost or self.duplicated or self.changed or self.counters)

    def summary(self) -> str:
        """How many of each, with examples."""
        parts: dict[str, list[Any]] = {
            "lost": [*self.lost],
            "duplicated": [*self.duplicated],
            "changed": [*self.changed],
            "counters": [*self.counters],
        }
        return "; ".join(f"{name} {len(found)} {found[:5]}" for name, found in parts.items())


def differences(
    calm: tuple[Published, dict[str, Any]], rough: tuple[Published, dict[str, Any]]
) -> Differences:
    """What the rough run lost, said twice, answered otherwise or counted otherwise than the calm one."""
    (told, state), (told_again, state_again) = calm, rough
    found = Differences(
        lost=sorted(told.sent() - told_again.sent()), duplicated=sorted(told_again.duplicated())
    )
    for kind, before, after in (
        ("screened", told.records, told_again.records),
        ("verdicts", told.verdicts, told_again.verdicts),
        ("dead letter", told.dead, told_again.dead),
        ("suspension or alert", told.told, told_again.told),
    ):
        names: set[Any] = set(before) | set(after)
        found.changed += sorted(f"{kind} {name}" for name in names if before.get(name) != after.get(name))
    keys = state.keys() | state_again.keys()
    found.counters = sorted(key for key in keys if state.get(key) != state_again.get(key))
    return found

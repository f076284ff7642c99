"""All loads that were read, and which of them are in force: a function of the loads, not of the order they came in.

Every worker reads the tables from a topic whose partitions keep no order between them. So that two workers agree,
loads are taken in the order of their `event_time`, each against those accepted before it. A load under the key of
one in force (same name and edition) takes its place where it is accepted; else what was there stays.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from detectors.base import Declaration
from detectors.loads import references
from detectors.loads.checking import beside, load_alone
from detectors.loads.problem import Problem
from detectors.loads.sheet import Natural, Sheet, natural
from detectors.loads.succession import shrunk
from schemas.referential import TABLES, Table

Key = tuple[str, str]
"""(name, edition)"""
Turn = tuple[dt.datetime, int, Natural]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a load: `problems` is empty for one in force."""

    name: str
    edition: str
    loaded: dt.datetime
    problems: tuple[Problem, ...] = ()
    sheet: Sheet | None = None
    """The readable table."""

    @property
    def turn(self) -> Turn:
        """The order in which loads are taken."""
        rank = references.RANK.get(self.name, references.LAST_RANK)
        return self.loaded, rank, natural(self.edition)


class Ledger:
    """Mutable: `take`, `refuse` and `drop`; the rest tells."""

    def __init__(self, declarations: Sequence[Declaration]) -> None:
        self._declarations = declarations
        self._readable: dict[Key, Outcome] = {}
        self._unused: dict[Key, Outcome] = {}
        """Loads that were refused beside one under the same key, or could not be read."""
        self.accepted: Mapping[str, Sequence[Sheet]] = {}
        """Table -> its editions in force, in the order of their loads."""

    def take(self, event: Table) -> Outcome:
        """Take a load in; what became of it."""
        sheet, problems = load_alone(event, self._declarations)
        key = event.name, event.edition
        if sheet is None:
            return self.refuse(*key, event.event_time, problems)
        before = self._readable.get(key)
        self._unused.pop(key, None)
        standing = before.sheet if before is not None and not before.problems else None
        if standing is not None:
            lost = list(shrunk(sheet, [standing]))
            if lost:
                return self.refuse(*key, event.event_time, lost)
        self._readable[key] = Outcome(*key, sheet.loaded, (), sheet)
        self._settle()
        problems = list(self._readable[key].problems)
        if problems and before is not None and standing is not None:
            self._readable[key] = before
            self._settle()
            return self.refuse(*key, event.event_time, problems)
        return self._readable[key]

    def refuse(self, name: str, edition: str, loaded: dt.datetime, problems: Sequence[Problem]) -> Outcome:
        """Note a load that cannot be used; what was in force stays."""
        outcome = Outcome(name, edition, loaded, tuple(problems))
        if name in TABLES:
            self._unused[name, edition] = outcome
        return outcome

    def drop(self, name: str, edition: str) -> None:
        """The edition is withdrawn. An unknown one is no error."""
        self._unused.pop((name, edition), None)
        if self._readable.pop((name, edition), None) is not None:
            self._settle()

    def outcomes(self) -> list[Outcome]:
        """What became of every load, in their order."""
        return sorted([*self._readable.values(), *self._unused.values()], key=lambda one: one.turn)

    def rejected(self) -> frozenset[str]:
        """The tables whose last load was refused."""
        last: dict[str, Outcome] = {}
        for outcome in self.outcomes():
            last[outcome.name] = outcome
        return frozenset(name for name, outcome in last.items() if outcome.problems)

    def _settle(self) -> None:
        accepted: dict[str, list[Sheet]] = {}
        for outcome in sorted(self._readable.values(), key=lambda one: one.turn):
            sheet = outcome.sheet
            assert sheet is not None
            problems = tuple(beside(sheet, accepted))
            if problems != outcome.problems:
                key = outcome.name, outcome.edition
                self._readable[key] = Outcome(*key, outcome.loaded, problems, sheet)
            if not problems:
                accepted.setdefault(sheet.name, []).append(sheet)
        self.accepted = accepted


SOONEST: Final = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
"""When a load counts as made that does not say when."""

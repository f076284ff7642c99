"""A beneficiary's windows of care, computed from the log: counts, sums and distincts by whatever a line names.

Pure functions of the log lines and the tables; nothing of it is stored. The lines are gone through once for
each dimension that is asked for, when it is asked for. A window of n days ends with its anchor, that day
included; care dated after the anchor is outside, and so a file that comes late is judged by what preceded it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Final, Literal, NamedTuple

from detectors.reading import DRUGS, INTERNED
from detectors.referentials import Referentials
from schemas.enums import CARE_GROUPS, COVERAGES
from schemas.observation import LogLine, date_of

SPANS: Final = (1, 7, 30, 90, 365, 731)
"""Days of the windows; the last is the log's 24 months."""
BASE, COMPLEMENTARY = COVERAGES.index("BASE"), COVERAGES.index("COMPLEMENTARY")

Dimension = Literal["all", "group", "act", "class", "product", "executor", "prescriber", "commune"]
"""What lines are grouped by. A group is an index of CARE_GROUPS, an act, a product (drugs only), an executor
and a prescriber their number in the state, a class of acts its tooth or device class, else its key letter, else
its care group; a commune is the payer's code of where the executor is. A line that does not name it is left out.
"""


class Tally(NamedTuple):
    """What the lines of one window add up to. Quantities in hundredths of a unit, amounts in centimes."""

    lines: int
    quantity: int
    base: int  # billed to the base scheme
    complementary: int  # billed to the complementary one
    both: int  # billed to both in one claim: the log does not say who bears what
    claims: int  # distinct
    days: int  # distinct days of care
    acts: int  # distinct
    executors: int  # distinct, those that are named
    prescribers: int
    communes: int  # distinct, where the executor's is known

    @property
    def amount(self) -> int:
        """All that was billed, centimes."""
        return self.base + self.complementary + self.both


EVERYTHING: Final = ""
"""The one key of the dimension `all`."""
EMPTY: Final = Tally(*[0] * len(Tally._fields))


class _Sum:
    """A tally on its way."""

    __slots__ = ("amounts", "lines", "quantity", "seen")

    def __init__(self) -> None:
        self.lines = self.quantity = 0
        self.amounts = [0, 0, 0]
        self.seen: tuple[set[Hashable], ...] = tuple(set() for _ in range(6))

    def add(self, line: LogLine, commune: str | None) -> None:
        self.lines += 1
        self.quantity += line.quantity
        self.amounts[line.coverage if line.coverage in (BASE, COMPLEMENTARY) else 2] += line.amount
        claims, days, acts, executors, prescribers, communes = self.seen
        claims.add(line.claim)
        days.add(line.day)
        acts.add(line.act)
        if line.executor:
            executors.add(line.executor)
        if line.prescriber:
            prescribers.add(line.prescriber)
        if commune is not None:
            communes.add(commune)

    def tally(self) -> Tally:
        return Tally(self.lines, self.quantity, *self.amounts, *map(len, self.seen))


class Care:
    """The windows of some lines up to a day of care.

    Args:
        lines: of one beneficiary, in any order (the log before a claim, its own lines, or both).
        day: the anchor, as a day number: usually the newest day of care of the claim.
        referentials: what act classes and communes are looked up in, at the date of care.
        name: name behind an interned number, as `Context.name`.
    """

    def __init__(
        self, lines: Iterable[LogLine], day: int, referentials: Referentials, name: Mapping[int, str]
    ) -> None:
        self._lines = sorted(lines, key=attrgetter("day"))
        self._days = [line.day for line in self._lines]
        self._day, self._referentials, self._name = day, referentials, name
        self._held: dict[Dimension, dict[Hashable, tuple[Tally, ...]]] = {}
        self._communes: dict[int, str | None] = {}

    def within(self, days: int) -> Sequence[LogLine]:
        """The lines of the last so many days, oldest first."""
        return self._lines[bisect_right(self._days, self._day - days) : bisect_right(self._days, self._day)]

    def by(self, dimension: Dimension) -> Mapping[Hashable, tuple[Tally, ...]]:
        """Key -> its tallies, one for each of SPANS; keys without a line in 24 months are not there."""
        held = self._held.get(dimension)
        if held is None:
            held = self._held[dimension] = self._counted(self._key(dimension))
        return held

    def of(self, dimension: Dimension, key: Hashable, days: int) -> Tally:
        """One tally. Raises ValueError for a number of days that is not one of SPANS."""
        place = SPANS.index(days)
        found = self.by(dimension).get(key)
        return EMPTY if found is None else found[place]

    def total(self, days: int) -> Tally:
        """Everything in one window. Raises ValueError as `of` does."""
        return self.of("all", EVERYTHING, days)

    def last(self, dimension: Dimension, key: Hashable) -> int | None:
        """The last day of care, up to the anchor, that names the key; None where there was none in 24 months."""
        keys = self._key(dimension)
        for line in reversed(self.within(SPANS[-1])):
            if keys(line) == key:
                return line.day
        return None

    def used(self, own: LogLine) -> Tally:
        """What the lines that precede this one in its claim have taken already of the same act."""
        found = _Sum()
        for line in self._lines:
            if line.claim == own.claim and line.act == own.act and _place(line) < _place(own):
                found.add(line, self.commune(line))
        return found.tally() if found.lines else EMPTY

    def commune(self, line: LogLine) -> str | None:
        """Where the executor is; None where that is not known."""
        number = line.executor
        if number not in self._communes:
            entry = None
            if number:
                inpe = f"{number:09d}" if number < INTERNED else self._name.get(number, "")
                entry = self._referentials.provider(inpe)
            self._communes[number] = None if entry is None else entry.commune
        return self._communes[number]

    def act_class(self, line: LogLine) -> str:
        """The class of a line's act: `tooth:CROWN`, `device:...`, `letter:...`, else `group:...`."""
        nomenclature, _, code = self._name.get(line.act, "").partition("|")
        row = self._referentials.act(nomenclature, code, date_of(line.day))
        if row is not None and row.tooth_class is not None:
            return f"tooth:{row.tooth_class}"
        if row is not None and row.device_class is not None:
            return f"device:{row.device_class}"
        if row is not None and row.letter is not None:
            return f"letter:{row.letter}"
        return f"group:{CARE_GROUPS[line.group]}"

    def _key(self, dimension: Dimension) -> Callable[[LogLine], Hashable]:
        if dimension == "all":
            return lambda line: EVERYTHING
        if dimension == "commune":
            return self.commune
        if dimension == "class":
            return self.act_class
        if dimension == "product":
            drugs = f"{DRUGS}|"
            return lambda line: line.act if self._name.get(line.act, "").startswith(drugs) else None
        if dimension in ("executor", "prescriber"):
            number = attrgetter(dimension)
            return lambda line: number(line) or None
        return attrgetter(dimension)

    def _counted(self, key: Callable[[LogLine], Hashable]) -> dict[Hashable, tuple[Tally, ...]]:
        """From the newest day backwards, so that each window only adds to the one inside it."""
        sums: dict[Hashable, _Sum] = {}
        tallies: dict[Hashable, list[Tally]] = {}
        until = bisect_right(self._days, self._day)
        for place, span in enumerate(SPANS):
            since = bisect_left(self._days, self._day - span + 1)
            changed = set()
            for line in self._lines[since:until]:
                of = key(line)
                if of is None:
                    continue
                if of not in sums:
                    sums[of], tallies[of] = _Sum(), [EMPTY] * place
                sums[of].add(line, self.commune(line))
                changed.add(of)
            for of, found in tallies.items():
                found.append(sums[of].tally() if of in changed else found[-1])
            until = since
        return {of: tuple(found) for of, found in tallies.items()}


def _place(line: LogLine) -> tuple[int, int]:
    return line.line, line.day

"""Made-up people put into a store by its own functions: as many as wanted, faster than they could be screened."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from schemas.observation import LogLine, entity_ref, event_ref
from schemas.registries import Beneficiary
from state import Ask, Span, Store, codecs, ops
from state.keys import Role

BATCH = 128
DAY = 86_400
INPUT = "fill|bench|0"
PEOPLE_PER_PROVIDER, PEOPLE_PER_PRESCRIBER = 100, 150
"""3 million people, 30,000 executors, 20,000 prescribers: the proportions of the design's measurements."""
ACTS, AMOUNT = 400, 5_000
EXECUTORS, PRESCRIBERS = 500_000_000, 700_000_000


@dataclass(frozen=True, slots=True)
class Life:
    """What one person has behind them: `claims` of `lines` lines each, evenly over `days` that end with `end`."""

    claims: int
    lines: int
    days: int
    end: int
    """Day number."""
    tiles: bool = False
    """Whether executors and prescribers count the claims too."""
    spread: bool = False
    """Whether a claim's lines are spread over the days up to it: a history in one call a person."""


class Filler:
    """Fills one store; offsets and event ids go on from call to call."""

    def __init__(self, store: Store, seed: int = 1) -> None:
        self._store, self._draw = store, random.Random(seed)
        self._offset = -1
        store.own([INPUT])
        names = [f"BENCH|{number}" for number in range(ACTS)]
        store.intern(names)
        self._acts = [store.number(name) for name in names]

    def fill(self, first: int, last: int, life: Life, progress: Callable[[int], None] | None = None) -> None:
        """People of these numbers, claim by claim in order of arrival."""
        self._apply(self._asks(first, last, life), progress)
        self._store.forget_memo(INPUT, self._offset + 1)

    def register(self, first: int, last: int, entry: Beneficiary) -> None:
        """Enter these people in the registry, all with the rights that `entry` tells of."""
        self._apply(self._entries(first, last, entry), None)

    def _entries(self, first: int, last: int, entry: Beneficiary) -> Iterator[Ask]:
        for number in range(first, last):
            name = person(number)
            value = msgspec.msgpack.encode(msgspec.structs.replace(entry, beneficiary=name))
            yield self._ask(f"entry-{number}", name, [ops.register(name, value, 1, number)], [])

    def _asks(self, first: int, last: int, life: Life) -> Iterator[Ask]:
        step = life.days / life.claims
        lowest = first // PEOPLE_PER_PROVIDER
        pool = range(lowest, max(last // PEOPLE_PER_PROVIDER, lowest + 1))
        for turn in range(life.claims):
            for number in range(first, last):
                share = 0.0 if life.spread else (number - first) / (last - first) - 1.0
                at = int((life.end - life.days + (turn + 1 + share) * step) * DAY)
                executor = self._draw.choice(pool)
                orders = PRESCRIBERS + executor * PEOPLE_PER_PROVIDER // PEOPLE_PER_PRESCRIBER
                who, event_id = person(number), f"fill-{number}-{turn}-{life.end}"
                lines = self._lines(event_id, at, EXECUTORS + executor, orders, life)
                home = [ops.append_log(who, codecs.pack_log(lines), at // DAY - 731)]
                roles: tuple[tuple[Role, int], ...] = (("p", EXECUTORS + executor), ("q", orders))
                away = [_tile(role, name, at, life.lines, who) for role, name in roles] if life.tiles else []
                yield self._ask(event_id, who, home, away)

    def _lines(self, event_id: str, at: int, executor: int, prescriber: int, life: Life) -> list[LogLine]:
        event, claim, lines = event_ref(event_id), entity_ref(event_id), life.lines
        every = life.days / life.claims / lines if life.spread else 0.0
        made = []
        for line in range(lines):
            day, act = at // DAY - int(every * (lines - 1 - line)), self._draw.choice(self._acts)
            made.append(LogLine(event, claim, day, at, executor, prescriber, act, 0, 100, AMOUNT, line, 1, 0))
        return made

    def _ask(self, event_id: str, who: str, home: Sequence[ops.Op], away: Sequence[ops.Op]) -> Ask:
        self._offset += 1
        ref = event_ref(event_id)
        return Ask(
            input=0,
            offset=self._offset,
            content=(ref * 2)[:16],
            event_id=event_id,
            ref=ref,
            claim_id=event_id,
            beneficiary=who,
            home=home,
            away=away,
        )

    def _apply(self, asks: Iterator[Ask], progress: Callable[[int], None] | None) -> None:
        batch: list[Ask] = []
        last = self._offset
        for ask in asks:
            batch.append(ask)
            if len(batch) == BATCH:
                last = self._send(batch, last, progress)
                batch = []
        if batch:
            self._send(batch, last, progress)

    def _send(self, batch: Sequence[Ask], last: int, progress: Callable[[int], None] | None) -> int:
        end = batch[-1].offset
        span = [Span(INPUT, last, end)]
        self._store.observe(span, batch)
        self._store.record(span, [], {})
        self._store.forget_memo(INPUT, end)
        if progress is not None:
            progress(len(batch))
        return end


def person(number: int) -> str:
    """The name of a made-up beneficiary, as long as a pseudonym is."""
    return f"{number:064x}"


def _tile(role: Role, name: int, at: int, lines: int, who: str) -> ops.Op:
    amount, ref = AMOUNT * lines, entity_ref(who)
    return ops.tile(role, str(name), instant=at, day=at // DAY, lines=lines, amount=amount, beneficiary=ref)

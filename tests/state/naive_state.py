"""An oracle for the state: keeps every event in a list and recomputes every answer from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from math import floor
from typing import TypeVar

from schemas.observation import (
    CloneUse,
    DaySheet,
    Fact,
    Frequency,
    LogLine,
    PairCount,
    PairWindow,
    ProviderWindow,
    entity_ref,
    event_ref,
)
from state import codecs, keys, ops
from state.batch import Answer, Ask

DAY = 86400
ZONE = 3600  # the payer's calendar runs an hour ahead of UTC


@dataclass(frozen=True)
class Event:
    """A small claim of one provider and one prescriber."""

    name: str
    content: int
    person: str
    provider: str
    prescriber: str
    instant: int
    care: tuple[int, ...]  # days of care of the lines
    amount: int
    commune: int
    undo: str | None = None

    @property
    def day(self) -> int:
        return floor((self.instant + ZONE) / DAY)

    @property
    def lines(self) -> list[LogLine]:
        return [
            LogLine(
                event_ref(self.name), entity_ref("claim " + self.name), day, self.instant, int(self.provider),
                int(self.prescriber), 1 << 30, 0, 100, self.amount, number + 1, 3, 1,
            )
            for number, day in enumerate(self.care)
        ]  # fmt: skip

    @property
    def detail(self) -> int:
        """Small claims have none, as facts of a former release."""
        return self.amount % 5 if self.amount > 10_000 else 0

    @property
    def facts(self) -> list[Fact]:
        if self.amount % 2:
            return []
        return [
            Fact(
                event_ref(self.name),
                self.care[0],
                self.care[0] + 2,
                1,
                11,
                int(self.provider),
                self.detail,
            )
        ]

    @property
    def use(self) -> CloneUse:
        return CloneUse(event_ref(self.name), self.care[0], entity_ref(self.person), self.amount)

    @property
    def deltas(self) -> list[int]:
        return [1, self.amount % 3, len(self.care), self.amount % 10**6]

    @property
    def minutes(self) -> int:
        return 10 + self.amount % 10**5

    @property
    def partner(self) -> bytes:
        return entity_ref(self.provider + str(self.amount % 3))

    @property
    def cut(self) -> int:
        return self.day - 731

    def tile(self, role: keys.Role, inpe: str) -> ops.Op:
        return ops.tile(
            role,
            inpe,
            instant=self.instant,
            day=self.day,
            lines=len(self.care),
            amount=self.amount,
            beneficiary=entity_ref(self.person),
        )

    def ask(self, offset: int) -> Ask:
        who = entity_ref(self.person)
        return Ask(
            input=0,
            offset=offset,
            content=blake2b(f"{self.name}/{self.content}".encode(), digest_size=16).digest(),
            event_id=self.name,
            ref=event_ref(self.name),
            claim_id="claim " + self.name,
            beneficiary=self.person,
            undo=event_ref(self.undo) if self.undo else None,
            home=[
                ops.append_log(self.person, codecs.pack_log(self.lines), self.cut),
                ops.append_facts(self.person, codecs.pack_facts(self.facts)),
            ],
            away=[
                self.tile("p", self.provider),
                self.tile("q", self.prescriber),
                ops.day(self.provider, self.care[0], self.minutes, who, self.commune),
                ops.count("peers", self.care[0] // 30, self.provider),
                ops.append_clone(self.provider, "sig", codecs.pack_clones([self.use]), self.care[0] - 90),
                self.tile("l", self.prescriber),
                ops.sums("p", self.provider, self.deltas, bucket=self.care[0] // 30, slots=7, days=30),
                ops.pair("pe", self.prescriber, self.partner, bucket=self.care[0] // 90, days=90),
            ],
        )


USES = 7  # where the clone uses stand in an answer in the oracle's shape
Record = TypeVar("Record", LogLine, Fact, CloneUse)


def decoded(answer: Answer) -> tuple[object, ...]:
    """An answer of the store in the oracle's shape."""
    if answer.status != "NEW":
        return (answer.status,)
    log, facts = answer.home
    executor, prescriber, sheet, count, clones, steps, totals, pairs = answer.away
    assert None not in (log, facts, *answer.away)
    return (
        "NEW",
        codecs.unpack_log(log or b""),
        codecs.unpack_facts(facts or b""),
        codecs.window(executor or b""),
        codecs.window(prescriber or b""),
        codecs.day_sheet(sheet or b""),
        codecs.frequency(count or b""),
        codecs.unpack_clones(clones or b""),
        codecs.window(steps or b""),
        codecs.sums(totals or b""),
        codecs.pair_window(pairs or b""),
    )


@dataclass
class Naive:
    """The state as a list of live events."""

    live: list[Event] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)
    """Event that came -> whose it is; empty: erased."""
    instead: dict[tuple[str, str], str] = field(default_factory=dict)
    """(event, person for whom it was taken out) -> what came in its place."""
    heads: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)

    def apply(self, event: Event) -> tuple[object, ...]:
        if event.name in self.seen:
            return ("SAME" if self.seen[event.name] == event.content else "OTHER",)
        self.seen[event.name] = event.content
        if event.undo and event.undo != event.name:
            if self.people.get(event.undo, event.person) not in ("", event.person):
                self.people[event.name] = event.person
                return ("FOREIGN",)
            self.replace(event.undo, event)
        self.people[event.name] = event.person
        before = list(self.live)
        self.live.append(event)
        answer = (
            "NEW",
            by_day(
                [line for other in before if other.person == event.person for line in other.lines], event.cut
            ),
            by_day([fact for other in before if other.person == event.person for fact in other.facts], None),
            self.windows("p", event.provider, event),
            self.windows("q", event.prescriber, event),
            self.sheet(event),
            self.frequency(event),
            by_day([other.use for other in before if other.provider == event.provider], event.care[0] - 90),
            self.windows("l", event.prescriber, event),
            self.sums(event),
            self.pairs(event),
        )
        if (event.name, event.person) in self.instead:
            self.live.remove(event)
        return answer

    def replace(self, name: str, event: Event) -> None:
        """Take out what stands at the end of the line that begins with `name`."""
        walked: set[str] = set()
        following: str | None = name
        while following is not None and following != event.name and following not in walked:
            walked.add(following)
            if self.people.get(following, event.person) not in ("", event.person):
                return
            before = len(self.live)
            self.live = [other for other in self.live if other.name != following]
            after = self.instead.get((following, event.person))
            if len(self.live) < before or following not in self.people:
                self.instead[following, event.person] = event.name
            following = None if len(self.live) < before else after

    def windows(self, role: str, inpe: str, event: Event) -> ProviderWindow:
        head, head_day = self.heads.get((role, inpe), (event.instant, event.day))
        head, head_day = max(head, event.instant), max(head_day, event.day)
        self.heads[role, inpe] = head, head_day
        mine = [e for e in self.live if (e.provider if role == "p" else e.prescriber) == inpe]
        mine = [e for e in mine if e.day > head_day - 96]
        ts, day = event.instant, event.day
        today = [e for e in mine if e.day == day]
        day_before = [e for e in mine if e.day == day - 1 and e.day > head_day - 96]
        month = [e for e in mine if day - 29 <= e.day <= day]
        hour = tiles(mine, head, ts, 3600, 300, 48) or tiles(mine, head, ts, 3600, 3600, 72)
        full = tiles(mine, head, ts, DAY, 3600, 72) or (len(today), sum(e.amount for e in today))
        latest: dict[str, int] = {}
        for e in mine:
            latest[e.person] = max(latest.get(e.person, e.day), e.day)
        return ProviderWindow(
            claims_1h=hour[0] if hour else max(len(today) / 24, min(len(today), 1)),
            claims_24h=full[0],
            amount_24h=full[1],
            claims_7d=sum(1 for e in month if e.day >= day - 6),
            claims_30d=len(month),
            lines_30d=sum(len(e.care) for e in month),
            amount_30d=sum(e.amount for e in month),
            patient_days_30d=len({(e.person, e.day) for e in month}),
            patients_30d=sum(1 for last in latest.values() if last > head_day - 30),
            active_days_30d=len({e.day for e in month}),
            claims_1d=len(today),
            claims_2d=len(today) + len(day_before),
            patient_new=not any(e.person == event.person and e is not event for e in mine),
            late=day < head_day - 66,
        )

    def sheet(self, event: Event) -> DaySheet:
        same = [e for e in self.live if e.provider == event.provider and e.care[0] == event.care[0]]
        return DaySheet(
            sum(e.minutes for e in same),
            len({e.person for e in same}),
            len({e.commune for e in same if e.commune}),
        )

    def sums(self, event: Event) -> tuple[int, ...]:
        """Sums over seven buckets of 30 days of care up to the newest that ever came."""
        key = ("sums", event.provider)
        head = max(self.heads.get(key, (-(10**9), 0))[0], event.care[0] // 30)
        self.heads[key] = head, 0
        mine = [e for e in self.live if e.provider == event.provider and e.care[0] // 30 > head - 7]
        return tuple(sum(column) for column in zip([0] * 4, *(e.deltas for e in mine), strict=True))

    def pairs(self, event: Event) -> PairWindow:
        both = []
        for bucket in (event.care[0] // 90, event.care[0] // 90 - 1):
            mine = [e for e in self.live if e.prescriber == event.prescriber and e.care[0] // 90 == bucket]
            met = [e.partner for e in mine]
            both.append(PairCount(met.count(event.partner), len(met), 0, len(set(met)), exact=True))
        return PairWindow(*both)

    def frequency(self, event: Event) -> Frequency:
        both = []
        for bucket in (event.care[0] // 30, event.care[0] // 30 - 1):
            inside = [e.provider for e in self.live if e.care[0] // 30 == bucket]
            both += [len(set(inside)), len(inside), inside.count(event.provider)]
        return Frequency(*both)


def by_day(records: Iterable[Record], cut: int | None) -> list[Record]:
    return sorted((r for r in records if cut is None or r.day >= cut), key=lambda r: r.day)


def tiles(
    events: list[Event], head: int, ts: int, span: int, width: int, slots: int
) -> tuple[float, float] | None:
    """(ts - span, ts] in tiles, the oldest weighted; None where the ring does not reach back."""
    low = ts - span
    first, last = floor(low / width), floor(ts / width)
    if first <= floor(head / width) - slots:
        return None
    part = 1 - (low - first * width) / width
    oldest = [e for e in events if floor(e.instant / width) == first]
    others = [e for e in events if first < floor(e.instant / width) <= last]
    return (
        len(oldest) * part + len(others),
        sum(e.amount for e in oldest) * part + sum(e.amount for e in others),
    )

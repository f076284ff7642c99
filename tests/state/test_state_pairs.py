"""Pairs with more partners than have an entry of their own: what is exact, what is bounded, what is undone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from hashlib import blake2b
from random import Random

import redis

from schemas.observation import PairCount, entity_ref, event_ref
from state import codecs, ops
from state.batch import Ask, Span
from state.store import Store

INPUT = "claims|topic-id|0"
ENTRIES = 128
FIRST = "100000001"


@dataclass(frozen=True)
class Meeting:
    number: int
    partner: int
    undo: int | None = None

    def ask(self) -> Ask:
        name = f"E{self.number}"
        return Ask(
            input=0,
            offset=self.number,
            content=blake2b(name.encode(), digest_size=16).digest(),
            event_id=name,
            ref=event_ref(name),
            claim_id=name,
            beneficiary="amina",
            undo=None if self.undo is None else event_ref(f"E{self.undo}"),
            away=[] if self.partner < 0 else [self.op()],
        )

    def op(self) -> ops.Op:
        return ops.pair("pe", FIRST, entity_ref(f"partner {self.partner}"), bucket=7, days=90)


def feed(store: Store, meetings: list[Meeting]) -> list[PairCount | None]:
    told: list[PairCount | None] = []
    for begin in range(0, len(meetings), 100):
        part = meetings[begin : begin + 100]
        span = Span(INPUT, part[0].number - 1, part[-1].number)
        for answer in store.observe([span], [meeting.ask() for meeting in part]):
            told.append(codecs.pair_window(answer.away[0] or b"").now if answer.away else None)
    return told


def draw(seed: int, count: int) -> list[Meeting]:
    """Meetings with 600 partners: a few of them often, most seldom."""
    random = Random(seed)
    return [Meeting(number, int(600 * random.random() ** 2)) for number in range(count)]


def test_the_first_partners_are_exact_and_the_tail_keeps_its_bound(store: Store) -> None:
    store.own([INPUT])
    met: Counter[int] = Counter()
    own: set[int] = set()
    beyond = tails = 0
    for meeting, told in zip(made := draw(1, 3000), feed(store, made), strict=True):
        met[meeting.partner] += 1
        if len(own) < ENTRIES:
            own.add(meeting.partner)
        tail = sum(met.values()) - sum(met[partner] for partner in own)
        assert told is not None
        assert (told.total, told.tail, told.partners) == (sum(met.values()), tail, len(own))
        assert told.exact == (meeting.partner in own)
        if told.exact:
            assert (told.own, told.error) == (met[meeting.partner], 0)
        else:
            tails += 1
            assert met[meeting.partner] <= told.own <= tail
            beyond += told.own - met[meeting.partner] > told.error
    assert tails > 500
    assert beyond <= 0.019 * tails


def test_corrections_leave_what_never_having_come_would_have_left(store: Store, raw: redis.Redis) -> None:
    """Beyond the first partners too: the sketch adds up, so that what is taken out of it is gone."""
    store.own([INPUT])
    meetings = draw(2, 900)
    early = list({meeting.partner: meeting for meeting in reversed(meetings)}.values())
    keep = {meeting.number for meeting in sorted(early, key=lambda each: each.number)[:ENTRIES]}
    gone = [meeting for meeting in meetings if meeting.number not in keep and meeting.number % 3]
    undone = [Meeting(900 + place, -1, meeting.number) for place, meeting in enumerate(gone)]
    feed(store, meetings + undone)
    (key,) = raw.keys("*:z:pe:*")
    after = raw.get(key)
    raw.flushall()
    store.check()
    store.own([INPUT])
    left = [meeting for meeting in meetings if meeting not in gone]
    feed(store, [Meeting(number, meeting.partner) for number, meeting in enumerate(left)])
    assert raw.get(key) == after

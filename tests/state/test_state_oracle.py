"""Windows, logs and counts against the oracle: corrections, cancellations and late events in any order."""

from __future__ import annotations

import itertools
from dataclasses import replace

import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.observation import event_ref
from state import codecs
from state.batch import Answer, Span
from state.embedded import EmbeddedRedis
from state.store import Store
from tests.state.naive_state import Event, Naive, decoded

INPUT = "claims|topic-id|0"
PEOPLE = ["amina", "b" * 64, "karim"]
PROVIDERS = ["100000001", "100000002"]
STARTS = [1_700_000_000, -3 * 86400 + 5]  # also across 1970

SPANS = st.one_of(
    st.integers(0, 900), st.integers(0, 7200), st.integers(0, 4 * 86400), st.integers(0, 130 * 86400)
)


@st.composite
def streams(draw: st.DrawFn, *, cross: bool) -> list[Event]:
    """Events with reused names, corrections before their originals, late arrivals and days long past."""
    start = draw(st.sampled_from(STARTS))
    step = 1 if cross else len(PEOPLE)  # whether an event may take out another person's
    events = []
    for _ in range(draw(st.integers(1, 24))):
        number = draw(st.integers(0, 14))
        name, person = f"E{number}", PEOPLE[number % len(PEOPLE)]
        other = (number + step * draw(st.integers(0, 4))) % 15
        undo = draw(st.sampled_from([None, None, f"E{other}"]))
        instant = start + draw(SPANS)
        day = (instant + 3600) // 86400
        events.append(
            Event(
                name=name,
                content=draw(st.sampled_from([0, 0, 0, 1])),
                person=person,
                provider=draw(st.sampled_from(PROVIDERS)),
                prescriber=draw(st.sampled_from(PROVIDERS)),
                instant=instant,
                care=tuple(draw(st.lists(st.integers(day - 40, day), min_size=1, max_size=3))),
                amount=draw(st.integers(0, 10**9)),
                commune=draw(st.integers(0, 3)),
                undo=undo,
            )
        )
    return events


def feed(store: Store, events: list[Event], cuts: list[int]) -> list[Answer]:
    """The events in batches that end before the given places."""
    answers: list[Answer] = []
    bounds = sorted({0, len(events), *(cut % (len(events) + 1) for cut in cuts)})
    for begin, end in itertools.pairwise(bounds):
        batch = [event.ask(offset) for offset, event in enumerate(events[begin:end], begin)]
        answers += store.observe([Span(INPUT, begin - 1, end - 1)], batch)
    return answers


def fresh(server: EmbeddedRedis, tags: int) -> Store:
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
    store = Store(server.url, tags=tags, require_aof=False)
    store.check()
    store.own([INPUT])
    return store


SETTINGS = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
CUTS = st.lists(st.integers(0, 30), max_size=6)


@SETTINGS
@given(events=streams(cross=True), cuts=CUTS, again=CUTS)
def test_one_tag_answers_like_the_oracle_and_replays_alike(
    server: EmbeddedRedis, events: list[Event], cuts: list[int], again: list[int]
) -> None:
    store = fresh(server, 1)
    answers = feed(store, events, cuts)
    oracle = Naive()
    assert [decoded(answer) for answer in answers] == [oracle.apply(event) for event in events]
    assert feed(store, events, again) == answers
    store.close()


@SETTINGS
@given(events=streams(cross=False), cuts=CUTS, again=CUTS)
def test_three_tags_answer_like_one(
    server: EmbeddedRedis, events: list[Event], cuts: list[int], again: list[int]
) -> None:
    store = fresh(server, 3)
    answers = feed(store, events, cuts)
    oracle = Naive()
    assert [decoded(answer) for answer in answers] == [oracle.apply(event) for event in events]
    assert feed(store, events, again) == answers
    store.close()


@SETTINGS
@given(events=streams(cross=False), data=st.data())
def test_the_order_of_arrival_leaves_no_trace(
    server: EmbeddedRedis, events: list[Event], data: st.DataObject
) -> None:
    """Whatever order originals, corrections and cancellations came in, the next event sees the same.

    Of several corrections of one original the last to come stands, by its nature: here each has one at most.
    """
    taken: set[str | None] = set()
    once = []
    for event in {event.name: event for event in events}.values():
        once.append(replace(event, undo=None) if event.undo in taken else event)
        taken.add(event.undo)
    shuffled = data.draw(st.permutations(once))
    last = max(event.instant for event in once)
    probes = [
        Event(f"P{who}{inpe}", 0, who, inpe, inpe, last, (last // 86400,), 1, 1)
        for who in PEOPLE
        for inpe in PROVIDERS
    ]
    seen = []
    for order in (once, shuffled):
        store = fresh(server, 1)
        feed(store, order, [])
        answers = store.observe(
            [Span(INPUT, len(order) - 1, len(order) + len(probes) - 1)],
            [probe.ask(offset) for offset, probe in enumerate(probes, len(order))],
        )
        seen.append(
            [[sorted(part) if isinstance(part, list) else part for part in decoded(a)] for a in answers]
        )
        store.close()
    assert seen[0] == seen[1]


@SETTINGS
@given(
    named=st.lists(st.integers(0, 7), min_size=1, max_size=7),
    cuts=CUTS,
    tags=st.sampled_from([1, 3]),
    late=st.booleans(),
)
def test_of_a_family_of_corrections_the_last_to_come_stands(
    server: EmbeddedRedis, named: list[int], cuts: list[int], tags: int, late: bool
) -> None:
    """Each correction names the original or any correction before it; the original may come at the end."""
    original = Event("E0", 0, "amina", "100000001", "100000002", 1_700_000_000, (19_000,), 7, 1)
    line = [original]
    for number, which in enumerate(named, 1):
        name = line[which % len(line)].name
        line.append(
            replace(original, name=f"E{number}", undo=name, amount=100 + number, care=(19_000 + number,))
        )
    last = line[-1]
    if late:
        line = [*line[1:], original]
    probe = replace(original, name="P", undo=None)
    store = fresh(server, tags)
    feed(store, line, cuts)
    seen = store.observe([Span(INPUT, len(line) - 1, len(line))], [probe.ask(len(line))])
    alone = Naive()
    alone.apply(replace(last, undo=None))
    assert [decoded(answer) for answer in seen] == [alone.apply(probe)]
    store.close()


def test_another_persons_event_is_not_taken_out(server: EmbeddedRedis) -> None:
    """A correction that names one is refused, does nothing, and keeps its id."""
    store = fresh(server, 1)
    original = Event("E0", 0, "amina", "100000001", "100000002", 1_700_000_000, (19_000,), 7, 1)
    stranger = replace(original, name="E1", person="karim", undo="E0")
    again = feed(store, [original, stranger, stranger, replace(original, name="P", person="karim")], [1])
    assert [answer.status for answer in again] == ["NEW", "FOREIGN", "SAME", "NEW"]
    assert decoded(again[3])[1] == []
    probe = store.observe([Span(INPUT, 3, 4)], [replace(original, name="Q").ask(4)])
    assert [line.event for line in codecs.unpack_log(probe[0].home[0] or b"")] == [event_ref("E0")]
    store.close()


@SETTINGS
@given(rest=st.lists(st.sampled_from([0, 60, 96 * 86400, 96 * 86400 + 60]), min_size=1, max_size=4))
def test_a_tile_edited_and_left_in_one_batch_is_not_written(server: EmbeddedRedis, rest: list[int]) -> None:
    """A day and the one 96 days later share a place in the ring: only the later one may be found there."""
    instants = [0, 60, 96 * 86400, *rest, 96 * 86400 + 120]
    events = [
        Event(f"E{index}", 0, "amina", "100000001", "100000002", instant, (0,), 5 + index, 1)
        for index, instant in enumerate(instants)
    ]
    store = fresh(server, 1)
    answers = feed(store, events, [1, len(events) - 1])
    oracle = Naive()
    assert [decoded(answer) for answer in answers] == [oracle.apply(event) for event in events]
    store.close()

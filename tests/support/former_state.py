"""A small history of claims, and what Redis holds after the first half of it, as a file.

    python -m tests.support.former_state > tests/state/data/version1.json.xz

was run with the code of an earlier release (`git worktree add ../former 45f6b45`, this file copied into it): it uses
only what both have. The test that loads the file goes on with the second half. `xz -dc` shows it: keys, types, seconds
left, values in hexadecimal.
"""

from __future__ import annotations

import datetime as dt
import json
import lzma
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import redis

from detectors.models.records import PeerRecord, encode
from schemas.observation import DocumentUse, entity_ref, event_ref
from state import codecs, keys, ops
from state.batch import Answer, Ask, Entry, HashWrite, Span
from state.embedded import EmbeddedRedis
from state.store import Store
from streams.claim_state import Answer as ClaimAnswer
from streams.claim_state import PaymentAnswer, packed
from tests.state.naive_state import DAY, Event

INPUT = "claims|topic-id|0"
START = 1_700_000_000
PEOPLE = ("person-1", "f" * 64, "person-3")
PROVIDERS = ("100000001", "100000002", "100000003")
FIRST_HALF = 18
ZERO = "cb" + 16 * "0"
MODELS = {
    "peers:A1:act": encode(PeerRecord(n=3, mean=1.5, var=0.25, recent=b"\x01\x02")),
    "provider:100000001": bytes.fromhex(
        "dc001001070693"
        + 3 * ZERO
        + ZERO
        + 3 * ("93" + 3 * ZERO)
        + "000000cb3ff4000000000000"
        + 2 * ZERO
        + "0000"
    ),  # ProviderRecord(claims=7, learnt=6, daily_mean=1.25) in its first version
}
CLAIM: dict[str, ClaimAnswer | PaymentAnswer] = {
    "E0": ClaimAnswer(
        "claim", "V0", "HOLD", "CONTROL", (1, 2), dt.datetime(2026, 1, 2, tzinfo=dt.UTC), "RELEASE"
    ),
    "P0": PaymentAnswer("V1", "RELEASE", "ORDERED", (1,), dt.datetime(2026, 1, 1, tzinfo=dt.UTC), "order 1"),
}


def _event(number: int, hours: float, undo: str | None = None, *, name: str = "", days: int = 0) -> Event:
    instant = START + int(hours * 3600)
    day = instant // DAY
    return Event(
        name=name or f"E{number}",
        content=0,
        person=PEOPLE[number % 3],
        provider=PROVIDERS[number % 2],
        prescriber=PROVIDERS[1 + number % 2],
        instant=instant,
        care=(day - days, day - 1),
        amount=1000 + 37 * number,
        commune=number % 3,
        undo=undo,
    )


def history() -> list[Event]:
    """Claims, corrections, cancellations before and after what they cancel, late ones, and days of silence."""
    hours = (0, 0.05, 0.4, 1.2, 3, 20, 26, 27, 55, 54.5, 100, 171, 172, 400, 401, 719, 721, 730)
    undone = {4: "E1", 9: "E3", 12: "E20", 16: "E7"}
    first = [_event(number, hour, undone.get(number)) for number, hour in enumerate(hours)]
    second = [
        _event(18, 730.5, "E6"), _event(2, 0.4, name="E5"), replace(_event(20, 731), person=PEOPLE[0]),
        _event(21, 731.2, "E15"), _event(22, 500, "E13"), _event(23, 740), _event(24, 741, "E18"),
        _event(25, 1100, days=20), _event(26, 1101, "E8"), _event(27, 1101.5), _event(28, 2300, "E25"),
        _event(29, 2301, days=40),
    ]  # fmt: skip
    return first + second


def ask(event: Event, offset: int) -> Ask:
    """What a claim asks: every kind of window, and a look at the registry."""
    asked = event.ask(offset)
    use = DocumentUse(
        event_ref(event.name), event.care[0], entity_ref("claim"), entity_ref(event.person), entity_ref("payee"),
        int(event.provider), 1 << 30, 1,
    )  # fmt: skip
    asked.home = [*asked.home, ops.registered(event.person)]
    asked.away = [
        *asked.away[:5],  # what the release that wrote the state knew
        ops.append_document("document 1", codecs.pack_document(use), event.care[0] - 90),
    ]
    return asked


def entry_of_registry(person: str, offset: int) -> Ask:
    """A registry entry: it changes windows and is no claim that could be undone."""
    op = ops.register(person, b"entry of " + person.encode(), offset, offset)
    return Ask(input=0, offset=offset, content=b"%16d" % offset, beneficiary=person, home=[op])


def asks(begin: int, end: int) -> list[Ask]:
    """The messages at offsets [begin, end): three registry entries, then the history."""
    claims = history()
    return [
        entry_of_registry(PEOPLE[at], at) if at < len(PEOPLE) else ask(claims[at - len(PEOPLE)], at)
        for at in range(begin, end)
    ]


def observe(store: Store, begin: int, end: int) -> list[Answer]:
    """Those messages as batches of seven."""
    answers: list[Answer] = []
    for at in range(begin, end, 7):
        upto = min(at + 7, end)
        answers += store.observe([Span(INPUT, at - 1, upto - 1)], asks(at, upto))
    return answers


def cancel(store: Store, begin: int, numbers: Iterable[int]) -> list[Answer]:
    """Cancellations of these claims of the history, from offset `begin` on, one after the other."""
    claims, answers = history(), []
    for offset, number in enumerate(numbers, begin):
        known = claims[number]
        asked = Ask(
            input=0, offset=offset, content=b"%16d" % offset, event_id=f"cancels {known.name}",
            ref=event_ref(f"cancels {known.name}"), claim_id="claim", beneficiary=known.person,
            undo=event_ref(known.name),
        )  # fmt: skip
        answers += store.observe([Span(INPUT, offset - 1, offset)], [asked])
    return answers


def record(store: Store, begin: int, end: int) -> Sequence[bytes | None]:
    """A verdict for each claim among those messages, and models; the first claim's state."""
    said = [each for each in asks(begin, end) if each.event_id]
    entries = [
        Entry(
            input=0, offset=each.offset, beneficiary=each.beneficiary, event_id=str(each.event_id), revision=1,
            blob=b"verdict at %d" % each.offset,
            writes=[HashWrite(keys.claim("C0"), dict(packed(*one) for one in CLAIM.items()), 900 * DAY)]
            if each.event_id == "E0" else (),
        )
        for each in said
    ]  # fmt: skip
    return store.record([Span(INPUT, begin - 1, end - 1)], entries, MODELS)


def first_half(store: Store) -> None:
    """What stands in the file."""
    store.check()
    store.own([INPUT])
    store.intern(["A1", "B2"])
    observe(store, 0, FIRST_HALF)
    record(store, 0, FIRST_HALF)


def read(client: Any, key: bytes) -> Any:
    """The value of a key of any type: bytes, a list of them, or a dict."""
    kind = client.type(key)
    if kind == b"hash":
        return client.hgetall(key)
    return client.lrange(key, 0, -1) if kind == b"list" else client.get(key)


def dump(client: Any) -> list[dict[str, Any]]:
    """Every key with its value and the seconds it has left (-1: for ever)."""
    kept = []
    for key in sorted(client.scan_iter()):
        value = read(client, key)
        if isinstance(value, dict):
            value = [[name.hex(), each.hex()] for name, each in sorted(value.items())]
        else:
            value = [each.hex() for each in value] if isinstance(value, list) else value.hex()
        kind = client.type(key).decode()
        kept.append({"key": key.decode(), "type": kind, "seconds": client.ttl(key), "value": value})
    return kept


def load(client: redis.Redis, kept: list[dict[str, Any]]) -> None:
    """Put back what `dump` took."""
    data = bytes.fromhex
    for one in kept:
        key, value = one["key"], one["value"]
        if one["type"] == "hash":
            client.hset(key, mapping={data(name): data(each) for name, each in value})
        elif one["type"] == "list":
            client.rpush(key, *[data(each) for each in value])
        else:
            client.set(key, data(value))
        if one["seconds"] > 0:
            client.expire(key, one["seconds"])


def main() -> None:
    """Write the file, for one hash tag and for three."""
    made = {}
    for tags in (1, 3):
        with EmbeddedRedis() as server, redis.Redis.from_url(server.url) as client:
            store = Store(server.url, tags=tags, require_aof=False)
            first_half(store)
            store.close()
            made[str(tags)] = dump(client)
    lines = [f'"{tags}": [\n' + ",\n".join(map(json.dumps, kept)) + "\n]" for tags, kept in made.items()]
    text = "{" + ",\n".join(lines) + "}\n"
    sys.stdout.buffer.write(lzma.compress(text.encode(), preset=9))


if __name__ == "__main__":
    main()

"""A walk over everything in Redis, page by page at a bounded pace: for checks, erasure and looking people up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from redis import Redis

from state import keys
from state.kinds import Kind, kind_of, split
from state.servers import Servers

PAGE = 256


@dataclass(slots=True)
class Item:
    """One key that was met. `value`: bytes, a dict of bytes, or a number of elements for lists."""

    key: bytes
    prefix: str
    name: str  # without the prefix
    letter: str
    kind: Kind | None
    tail: str
    type: str = ""
    ttl: int = -1  # seconds left, -1 never expires
    value: Any = None
    tag: int | None = None  # index of its tag, None for a prefix of no tag
    size: int | None = None  # bytes, where it was asked for


@dataclass(slots=True)
class Pace:
    """At most so many keys a second (0: as fast as it goes)."""

    per_second: float
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _start: float = field(default=-1.0)
    _done: int = 0

    def step(self, count: int) -> None:
        """Wait until `count` more keys are within the pace."""
        if self._start < 0:
            self._start = self.clock()
        self._done += count
        if self.per_second > 0:
            ahead = self._done / self.per_second - (self.clock() - self._start)
            if ahead > 0:
                self.sleep(ahead)


class Walk:
    """Pages of keys of all servers. A key may be met twice while Redis grows its table, and one that was there all
    the time is met at least once."""

    def __init__(self, servers: Servers, pace: Pace) -> None:
        self._servers, self._pace = servers, pace
        servers.connect()
        self._tags = {prefix: index for index, prefix in enumerate(servers.prefixes)}

    def total(self) -> int:
        """How many keys there are about now."""
        sizes: list[Any] = [server.dbsize() for server in self._servers.connect().primaries()]
        return sum(sizes)

    def pages(self, wanted: Callable[[str], bool] | None = None) -> Iterator[tuple[Redis, list[Item], int]]:
        """Server, items without values, and how many keys were met. `wanted`: letters of interest, all where None."""
        for server in self._servers.connect().primaries():
            cursor: Any = 0
            while True:
                reply: Any = server.scan(cursor, count=PAGE)
                cursor, found = reply
                items = [self.item(key) for key in found]
                if wanted is not None:
                    items = [item for item in items if wanted(item.letter)]
                yield server, items, len(found)
                self._pace.step(len(found))
                if int(cursor) == 0:
                    break

    def item(self, key: bytes) -> Item:
        """A key, taken apart."""
        prefix, name = split(key)
        letter, kind, tail = kind_of(name)
        return Item(key, prefix, name, letter, kind, tail, tag=self._tags.get(prefix))

    def owner_tag(self, entity: str) -> int:
        """The tag that holds an entity."""
        return keys.tag_of(entity, len(self._tags))


def load(server: Redis, items: list[Item], *, sized: Callable[[Item], bool] | None = None) -> list[Item]:
    """The items with type, expiry and value; those that have gone since are left out."""
    ask = server.pipeline(transaction=False)
    for item in items:
        ask.type(item.key)
        ask.ttl(item.key)
    told: list[Any] = ask.execute()
    kept: list[Item] = []
    measured: list[Item] = []
    ask = server.pipeline(transaction=False)
    for item, kind, ttl in zip(items, told[::2], told[1::2], strict=True):
        item.type, item.ttl = kind.decode(), int(ttl)
        if item.type == "none":
            continue
        kept.append(item)
        if item.type == "string":
            ask.get(item.key)
        elif item.type == "hash":
            if item.letter == "intern":
                ask.hlen(item.key)
            else:
                ask.hgetall(item.key)
        elif item.type == "list":
            ask.llen(item.key)
        else:
            ask.exists(item.key)
    values: list[Any] = ask.execute()
    for item, value in zip(kept, values, strict=True):
        item.value = value
    kept = [item for item in kept if item.value not in (None, {})]
    if sized is not None:
        ask = server.pipeline(transaction=False)
        for item in kept:
            if sized(item):
                measured.append(item)
                ask.memory_usage(item.key, samples=0)
        for item, size in zip(measured, ask.execute(), strict=True):
            item.size = int(size or 0)
    return kept

"""Redis loses what it had last: the files of cases are put together again from what was published."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import orjson
import pytest
import redis

from detectors.book import ReferentialBook
from monitoring.metrics import Metrics
from schemas.decode import Decoder
from state import EmbeddedRedis, Span, Store
from streams import entity_files
from streams.messages import Batch, Message
from streams.screening import Screener
from tests.streams.stage import STRUCK_OFF, Desk, Event, held

INPUT = "claims|topic-id|0"
Given = Mapping[tuple[str, int], bytes]


class Worker:
    """Screens claims in batches; begins where the store stands."""

    def __init__(self, url: str, tags: int, tables: Sequence[Event]) -> None:
        book, decoder = ReferentialBook(), Decoder(None)
        for event in tables:
            book.apply(decoder.decode(orjson.dumps(event)))
        self.store = Store(url, tags=tags)
        self.store.check()
        self.store.own([INPUT])
        self._screener = Screener(self.store, decoder, book.snapshot, Metrics(), inline=True)

    def screen(
        self, claims: Sequence[Event], begin: int, size: int, given: Given
    ) -> dict[tuple[str, int], bytes]:
        """Answers by place. What was `given` before is applied, and answered no more."""
        told: dict[tuple[str, int], bytes] = {}
        for start in range(begin, len(claims), size):
            offsets = range(start, min(start + size, len(claims)))
            messages = [
                Message("claims", INPUT, 0, at, None, orjson.dumps(claims[at]), None, (INPUT, at) in given)
                for at in offsets
            ]
            batch = Batch(messages, [Span(INPUT, start - 1, offsets[-1])], None, dict(given))
            for output in self._screener.screen(batch):
                if output.topic == "screened":
                    place = orjson.loads(output.value)["input"]["offset"]
                    told[INPUT, place] = output.value
            self._screener.committed(batch)
        return told

    def file(self) -> entity_files.File:
        (blob,) = self.store.models([entity_files.name(f"provider:{STRUCK_OFF}")])
        assert blob is not None
        return entity_files.read(blob)


def _saved(url: str) -> dict[bytes, bytes]:
    with redis.Redis.from_url(url) as client:
        return {key: client.dump(key) for key in client.scan_iter()}


def _restored(url: str, saved: Mapping[bytes, bytes]) -> None:
    with redis.Redis.from_url(url) as client:
        for key in client.scan_iter():
            client.delete(key)
        for key, value in saved.items():
            client.restore(key, 0, value)


@pytest.mark.parametrize("tags", [1, 3])
@pytest.mark.parametrize("lost", [1, 7, 14])
def test_claims_that_were_counted_and_not_told_are_counted_again(
    server: EmbeddedRedis, lost: int, tags: int
) -> None:
    """Fifteen held claims of one provider: the first and the tenth are told, the others are counted in its case."""
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
    desk, draw = Desk(), random.Random(lost)
    tables = [event for event in desk.world() if event["type"] in ("provider", "referential", "policy")]
    claims = [desk.claim(f"C-{n}", held(), who=f"B-{n}") for n in range(15)]
    worker = Worker(server.url, tags, tables)
    told = worker.screen(claims[: 15 - lost], 0, 3, {})
    saved = _saved(server.url)
    told |= worker.screen(claims, 15 - lost, 3, {})
    whole = worker.file()
    assert (whole.count, whole.told, whole.revision, len(whole.links)) == (15, 10, 2, 15)
    _restored(server.url, saved)
    again = Worker(server.url, tags, tables)
    assert again.file().count < 15
    assert again.screen(claims, 15 - lost, draw.choice((1, 2, 5)), told) == {}
    assert again.file() == whole
    # applied once more, as after a crash between the writes of two tags, it changes nothing
    with redis.Redis.from_url(server.url) as client:
        kept = {key: client.dump(key) for key in client.scan_iter(match="*:m:alerts:*")}
    _restored(server.url, {**saved, **kept})
    third = Worker(server.url, tags, tables)
    third.screen(claims, 15 - lost, 4, told)
    assert third.file() == whole
    for one in (worker, again, third):
        one.store.close()

"""A real redis-server for the tests of the state."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from state.embedded import EmbeddedRedis
from state.store import Store


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis() as running:
        yield running


@pytest.fixture
def raw(server: EmbeddedRedis) -> Iterator[redis.Redis]:
    """A plain client of the emptied server."""
    client = redis.Redis.from_url(server.url)
    client.flushall()
    yield client
    client.close()


@pytest.fixture(params=[1, 3], ids=["one-tag", "three-tags"])
def store(request: pytest.FixtureRequest, server: EmbeddedRedis, raw: redis.Redis) -> Iterator[Store]:
    opened = Store(server.url, tags=request.param, require_aof=False)
    opened.check()
    yield opened
    opened.close()


@pytest.fixture
def server_url(server: EmbeddedRedis) -> str:
    return server.url

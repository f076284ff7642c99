"""Starting: configuration, functions and layout, each refusal with its remedy."""

from __future__ import annotations

import pytest
import redis

from state import library
from state.embedded import EmbeddedRedis
from state.errors import ConfigurationError
from state.layout import Layout
from state.store import Store


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("maxmemory-policy", "allkeys-lru", "CONFIG SET maxmemory-policy noeviction"),
        ("appendonly", "no", "CONFIG SET appendonly yes"),
        ("appendfsync", "no", "CONFIG SET appendfsync everysec"),
    ],
)
def test_settings_that_lose_state_are_refused(name: str, value: str, remedy: str) -> None:
    with EmbeddedRedis(durable=True) as server, redis.Redis.from_url(server.url) as client:
        store = Store(server.url)
        store.check()
        client.config_set(name, value)
        with pytest.raises(ConfigurationError, match=remedy):
            store.check()
        store.close()


def test_a_private_server_needs_no_log(server_url: str, raw: redis.Redis) -> None:
    store = Store(server_url, require_aof=False)
    store.check()
    store.close()
    strict = Store(server_url)
    with pytest.raises(ConfigurationError, match="appendonly"):
        strict.check()
    strict.close()


def test_settings_that_may_not_be_read_are_named(server_url: str, raw: redis.Redis) -> None:
    raw.acl_setuser("narrow", enabled=True, nopass=True, keys=["*"], commands=["+@all", "-config"])
    store = Store(server_url.replace("redis://", "redis://narrow:x@"), require_aof=False)
    with pytest.raises(ConfigurationError, match="ACL SETUSER"):
        store.check()
    store.close()
    raw.acl_deluser("narrow")


def test_the_functions_are_loaded_once(server_url: str, raw: redis.Redis) -> None:
    raw.function_flush()
    library.install(raw)
    before = raw.info("commandstats")["cmdstat_function|load"]["calls"]
    library.install(raw)
    assert raw.info("commandstats")["cmdstat_function|load"]["calls"] == before


def test_functions_that_a_server_lost_are_loaded_again(server_url: str, raw: redis.Redis) -> None:
    store = Store(server_url, require_aof=False)
    store.check()
    raw.function_flush()
    with pytest.raises(redis.ConnectionError, match="loaded again"):
        store.own(["claims|x|0"])
    assert store.own(["claims|x|0"])["claims|x|0"].epoch == 1
    store.close()


BASE = Layout(topics={"claims": "id-1"}, partitions={"claims": 6}, pseudonyms="ab12")


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (Layout(topics={"claims": "id-2"}), "made anew"),
        (Layout(partitions={"claims": 7}), "6 partitions"),
        (Layout(pseudonyms="cd34"), "CRIBLE_PSEUDONYM_KEY_FILE"),
        (Layout(pseudonyms=""), "CRIBLE_PSEUDONYM_KEY_FILE"),
        (Layout(formats={"logs": 9}), "holds events in version 1, this release reads up to 0"),
    ],
)
def test_another_layout_is_refused(server_url: str, raw: redis.Redis, other: Layout, told: str) -> None:
    store = Store(server_url, require_aof=False)
    store.check(BASE)
    store.check(BASE)
    with pytest.raises(ConfigurationError, match=told):
        store.check(other)
    store.check(Layout(topics={"payments": "id-3"}, partitions={"payments": 6}))
    with pytest.raises(ConfigurationError, match="payments was made anew"):
        store.check(Layout(topics={"payments": "id-4"}))
    store.close()


def test_the_number_of_tags_is_found_again_and_kept(server_url: str, raw: redis.Redis) -> None:
    first = Store(server_url, tags=5, require_aof=False)
    first.check()
    found = Store(server_url, require_aof=False)
    found.check()
    assert len(found.own(["claims|x|0"])["claims|x|0"].recorded_by_tag) == 5
    other = Store(server_url, tags=4, require_aof=False)
    with pytest.raises(ConfigurationError, match="5 hash tags"):
        other.check()
    for store in (first, found, other):
        store.close()


def test_an_unreadable_layout_is_refused(server_url: str, raw: redis.Redis) -> None:
    raw.set("{s0}:layout", b"not json")
    store = Store(server_url, require_aof=False)
    with pytest.raises(ConfigurationError, match="layout record"):
        store.check()
    store.close()


def test_a_server_that_is_away_is_a_connection_error() -> None:
    with EmbeddedRedis() as server:
        store = Store(server.url, require_aof=False)
        store.check()
        server.kill()
        with pytest.raises(redis.ConnectionError):
            store.own(["claims|x|0"])
        with pytest.raises(redis.ConnectionError):
            Store(server.url).check()
        store.close()


def test_a_full_memory_passes_for_a_server_that_is_away(server_url: str, raw: redis.Redis) -> None:
    store = Store(server_url, require_aof=False)
    store.check()
    raw.config_set("maxmemory", 1)
    try:
        with pytest.raises(redis.ConnectionError, match=r"OOM|OutOfMemory"):
            store.own(["claims|x|0"])
    finally:
        raw.config_set("maxmemory", 0)
    assert store.own(["claims|x|0"])["claims|x|0"].epoch == 1
    store.close()

"""Functions of two releases on one Redis: one is loaded, never an older one over a newer; nothing is counted twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis

from state import library
from state.embedded import EmbeddedRedis
from state.errors import ConfigurationError
from state.lanes import Lanes
from state.store import Store
from tests.state.test_state_former import contents
from tests.support import former_state as former

MIDDLE, END = former.FIRST_HALF, former.FIRST_HALF + 12
TOLD = f"version {library.VERSION + 1} of Crible's functions, this worker is of version {library.VERSION}: a newer"


@contextmanager
def release(version: int) -> Iterator[None]:
    """What is done inside is done by a release whose functions have that version."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library, "VERSION", version)
        yield


def of_version_2() -> str:
    """A library as they were named up to version 2."""
    return """#!lua name=crible
    redis.register_function{function_name='crible_version', flags={'no-writes'},
      callback=function() return {2, 'other'} end}
    redis.register_function('crible_observe', function(keys) return redis.call('SET', keys[1], 'applied') end)"""


def names(server: redis.Redis) -> dict[bytes, set[bytes]]:
    """Library -> its functions, without the version."""
    found: Any = server.function_list()
    libraries = [dict(zip(one[::2], one[1::2], strict=True)) for one in found]
    return {one[b"library_name"]: {function[1] for function in one[b"functions"]} for one in libraries}


@pytest.fixture
def bare(raw: redis.Redis) -> redis.Redis:
    raw.function_flush()
    return raw


def test_functions_bear_their_version(bare: redis.Redis) -> None:
    library.install(bare)
    with release(library.VERSION + 1):
        library.install(bare)
        newer = library.VERSION
    (functions,) = names(bare).values()
    assert names(bare).keys() == {b"crible_%d" % newer}
    assert functions - {b"crible_version"} == {
        b"crible_%s_%d" % (name, newer)
        for name in (b"observe", b"record", b"advance", b"own", b"begin", b"intern", b"forget")
    }


def test_functions_of_version_2_are_replaced_and_cannot_come_back(bare: redis.Redis) -> None:
    bare.function_load(of_version_2(), replace=True)
    library.install(bare)
    assert names(bare).keys() == {b"crible_%d" % library.VERSION}
    with pytest.raises(redis.ResponseError, match="not found"):  # what a worker of then calls
        bare.execute_command("FCALL", "crible_observe", 1, "key")
    with pytest.raises(redis.ResponseError, match="already exists"):  # what it would do at its start
        bare.function_load(of_version_2(), replace=True)
    assert bare.execute_command("FCALL_RO", "crible_version", 0)[0] == library.VERSION


def test_newer_functions_are_left_as_they_are(bare: redis.Redis) -> None:
    with release(library.VERSION + 1):
        library.install(bare)
    before: Any = bare.function_dump()
    with pytest.raises(ConfigurationError, match=TOLD):
        library.install(bare)
    with pytest.raises(ConfigurationError, match=f"FUNCTION DELETE crible_{library.VERSION + 1}"):
        library.install(bare)
    assert bare.function_dump() == before


@pytest.mark.parametrize("first", ["nothing", "version 2", "another build"])
def test_who_looked_before_a_newer_release_came_replaces_nothing(bare: redis.Redis, first: str) -> None:
    if first == "version 2":
        bare.function_load(of_version_2())
    elif first == "another build":
        library.replace(bare, None, library.source() + "\n-- built otherwise")
    found = library.loaded(bare)
    with release(library.VERSION + 1):
        library.install(bare)
    before: Any = bare.function_dump()
    assert not library.replace(bare, found, library.source())
    assert bare.function_dump() == before


def test_another_build_of_the_same_version_is_replaced(bare: redis.Redis) -> None:
    library.install(bare)
    built = library.loaded(bare)
    assert built is not None
    library.replace(bare, built, library.source().replace(built.digest, "0" * 64))
    library.install(bare)
    assert library.loaded(bare) == built


def lived_alone(server: EmbeddedRedis, tags: int) -> tuple[Any, dict[bytes, Any]]:
    """What one worker leaves and answers."""
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
        client.function_flush()
        store = Store(server.url, tags=tags, require_aof=False)
        former.first_half(store)
        store.own([former.INPUT])
        answers = former.observe(store, MIDDLE, END)
        store.close()
        return answers, contents(client)


@pytest.mark.parametrize("tags", [1, 3])
@pytest.mark.parametrize("when", ["between batches", "between lanes"])
def test_an_older_worker_stops_when_a_newer_one_starts_beside_it(
    server: EmbeddedRedis, raw: redis.Redis, tags: int, when: str
) -> None:
    alone, left = lived_alone(server, tags)
    raw.flushall()
    raw.function_flush()
    older, newer = (Store(server.url, tags=tags, require_aof=False) for _ in range(2))
    former.first_half(older)
    away = Lanes._away

    def replaced(lanes: Lanes) -> None:
        with release(library.VERSION + 1):
            newer.check()
        away(lanes)

    with pytest.MonkeyPatch.context() as patch:
        if when == "between batches":
            with release(library.VERSION + 1):
                newer.check()
        elif tags > 1:
            patch.setattr(Lanes, "_away", replaced)
        else:
            pytest.skip("with one tag both lanes are one call")
        held = contents(raw)
        with pytest.raises(ConfigurationError, match=TOLD):
            former.observe(older, MIDDLE, END)
        assert (contents(raw) == held) == (when == "between batches")
    with pytest.raises(ConfigurationError, match=TOLD):
        older.own([former.INPUT])
    with pytest.raises(ConfigurationError, match=TOLD):
        older.check()
    with release(library.VERSION + 1):
        newer.own([former.INPUT])
        assert former.observe(newer, MIDDLE, END) == alone
    assert contents(raw) == left
    for store in (older, newer):
        store.close()
    raw.function_flush()

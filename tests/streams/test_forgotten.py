"""A log that is read again from its beginning, after the memo of most of it was let go."""

from __future__ import annotations

import pytest
import redis

from state import EmbeddedRedis, keys, store
from tests.streams.stage import Desk, Event, Said, Stage, held, visit
from tests.support import keyspace

BLOCK = 4


@pytest.fixture(autouse=True)
def short_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of four offsets, of which none is kept behind the committed one."""
    monkeypatch.setattr(keys, "MEMO_BLOCK", BLOCK)
    monkeypatch.setattr(store, "KEPT_BLOCKS", 0)


def _again(stage: Stage, lines: list[Event], *, tags: int = 1) -> Said:
    """The same log, by its name: nothing of it is new."""
    stage._name -= 1
    return stage.screen(lines, size=BLOCK, tags=tags)


def _course(desk: Desk) -> list[Event]:
    claims = [
        desk.claim(f"C-{n}", held() if n % 3 == 0 else visit(), who=f"B-{n % 2 + 1}") for n in range(12)
    ]
    steps = [desk.liquidation(claim, f"L-{claim['event_id']}") for claim in claims]
    pays = [desk.payment(claim, f"P-{claim['event_id']}", 1) for claim in claims]
    return [*desk.world(), *claims, *steps, *pays, desk.person("B-1", to="2027-12-31")]


def _answers(said: Said) -> dict[str, Event]:
    """The verdict that each event got first, as published."""
    return {record["event_id"]: record for record in said.records if record["verdict_id"].endswith("-1")}


@pytest.mark.parametrize("tags", [1, 3])
def test_what_was_answered_is_told_again_as_it_stands(stage: Stage, server: EmbeddedRedis, tags: int) -> None:
    lines = _course(Desk())
    first = stage.screen(lines, size=BLOCK, tags=tags)
    with redis.Redis.from_url(server.url) as client:
        assert len(list(client.scan_iter("*memo:h:log|*"))) <= tags, "the memo was not let go"
    before = keyspace.dump(server.url)
    again = _again(stage, lines, tags=tags)
    assert len(_answers(first)) == 36
    assert _answers(again) == _answers(first)
    assert {record["decision"] for record in _answers(again).values()} >= {"HOLD", "RELEASE"}
    assert again.letters == first.letters == []
    assert keyspace.dump(server.url) == before


def test_one_whose_answer_nobody_keeps_is_a_dead_letter(stage: Stage, server: EmbeddedRedis) -> None:
    lines = _course(Desk())
    stage.screen(lines, size=BLOCK)
    with redis.Redis.from_url(server.url) as client:
        client.delete("{s0}:v:C-1")
    again = _again(stage, lines)
    assert [(one["reason"], one["event_id"], one["claim_id"]) for one in again.letters] == [
        ("forgotten", "C-1", "D-C-1")
    ]
    assert not again.of("C-1")
    assert len(_answers(again)) == 35


def test_what_was_only_observed_is_not_answered_later(stage: Stage) -> None:
    lines = _course(Desk())
    stage.screen(lines, size=BLOCK, observe_only=True)
    again = _again(stage, lines)
    assert (again.records, again.letters) == ([], [])

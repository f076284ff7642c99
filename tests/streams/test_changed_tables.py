"""A table changes between a crash and the replay: what was not asked at first is not known, and stops nobody."""

from __future__ import annotations

from typing import Any

import pytest

from state import EmbeddedRedis, Store
from tests.streams.stage import DOCTOR, Desk, Event, Stage, visit

ACT = {
    "nomenclature": "NGAP",
    "letter": "C",
    "coefficient": 1,
    "care_group": "CONSULTATION",
    "minutes": 15,
    "allowed_kinds": ["MEDECIN"],
    "needs_prescription": False,
    "repeatable_same_day": False,
}


class Crash(RuntimeError):
    """The worker is gone between observe and record."""


def fail(*_: Any) -> None:
    raise Crash


@pytest.fixture
def world() -> tuple[Desk, list[Event]]:
    desk = Desk()
    return desk, desk.world()


@pytest.mark.parametrize("tags", [1, 3])
@pytest.mark.parametrize("change", ["minutes", "provider"])
def test_the_replay_is_answered(
    monkeypatch: pytest.MonkeyPatch,
    stage: Stage,
    server: EmbeddedRedis,
    world: tuple[Desk, list[Event]],
    change: str,
    tags: int,
) -> None:
    desk, before = world
    claim = desk.claim("C-1", visit(code="Q", amount=150_000), visit(code="Q", amount=100_000))
    with monkeypatch.context() as patched:
        patched.setattr(Store, "record", fail)
        with pytest.raises(Crash):
            stage.screen([*before, claim], tags=tags)
    after = list(before)
    if change == "minutes":
        place = next(n for n, event in enumerate(before) if event.get("name") == "acts")
        after[place] = desk.table("acts", *({**ACT, "code": code} for code in "CKQ"))
    else:
        place = next(n for n, event in enumerate(before) if event.get("inpe") == DOCTOR)
        after[place] = {**before[place], "specialty": "02"}
    stage._name -= 1
    said = stage.screen([*after, claim], tags=tags)
    assert [record["event_id"] for record in said.records] == ["C-1"]
    assert said.letters == []

"""A batch that was recorded but not published is taken again: everything it had to say is said, alike."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import redis

from state import EmbeddedRedis, Store
from streams.messages import Batch, Output
from streams.screening import Screener
from tests.streams.stage import Desk, Event, Said, Stage, held, stable, visit
from tests.streams.test_families import _log


class Crash(RuntimeError):
    """Stands for a worker that dies."""


def _dying(monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    """Let every batch be screened twice: first it dies before (or after) its verdicts are recorded."""
    screen, record = Screener.screen, Store.record

    def twice(self: Screener, batch: Batch) -> list[Output]:
        if when == "recorded":
            screen(self, batch)  # its outputs are lost
            return screen(self, batch)

        def fail(*_: object) -> Sequence[bytes | None]:
            raise Crash

        monkeypatch.setattr(Store, "record", fail)
        with pytest.raises(Crash):
            screen(self, batch)
        monkeypatch.setattr(Store, "record", record)
        return screen(self, batch)

    monkeypatch.setattr(Screener, "screen", twice)


def _course(desk: Desk) -> list[Event]:
    """A family held as a group, rights that come late, corrections, payments around their claims."""
    family = _log(desk)
    late = [desk.person("B-1", to="2026-01-31"), desk.claim("L-1"), desk.person("B-1")]
    wrong = desk.claim("K-1", held(), who="B-2")
    order = desk.payment(wrong, "P-1", 1)
    early = desk.claim("K-3", visit(service_date="2026-03-05"), who="B-2")
    tail = [order, wrong, desk.correct(wrong, "K-2", visit()), desk.payment(early, "P-2", 1), early, wrong]
    gone = desk.claim("K-5", held(service_date="2026-03-06"), who="B-2")
    tail += [desk.correct(gone, "K-6", visit(service_date="2026-03-06")), gone]  # the correction comes first
    return [*family, *late, *tail, desk.review(family[-1], "CONFIRMED_FRAUD"), desk.claim("Z-1", who="B-2")]


def _said(said: Said) -> list[list[Event]]:
    """What was said on each topic, by verdict: requests made again may be answered in another order."""
    kept = [[stable(one) for one in said.records], [stable(one) for one in said.verdicts]]
    kept += [[{**one, "held_at": None} for one in topic] for topic in (said.suspensions, said.alerts)]
    return [sorted(topic, key=lambda one: str(one.get("verdict_id", one.get("alert_id")))) for topic in kept]


@pytest.mark.parametrize("size", [5, 128])
@pytest.mark.parametrize("when", ["observed", "recorded"])
def test_a_batch_taken_again_says_the_same(
    server: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch, stage: Stage, when: str, size: int
) -> None:
    expected = stage.screen(_course(Desk()), size=size)
    client = redis.Redis.from_url(server.url)
    client.flushall()
    client.close()
    _dying(monkeypatch, when)
    said = Stage(server.url).screen(_course(Desk()), size=size)
    told, wanted = ({**one.topics, "rescreens": 0} for one in (said, expected))
    assert told == wanted  # a request may be made again: its answer changes nothing
    for one, two in zip(_said(said), _said(expected), strict=True):
        assert one == two
    assert {record.get("cause") for record in said.records} >= {
        "GROUP_HOLD",
        "RIGHTS_CHANGED",
        "REPLACED",
        "CLAIM_ANSWERED",
        "REVIEW:CONFIRMED_FRAUD",
    }

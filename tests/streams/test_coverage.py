"""E03 proposes a review until the INPE of a kind are in use, then it holds; both within one log."""

from __future__ import annotations

import pytest

from detectors.models.coverage import LEAST_LINES
from tests.streams.stage import Desk, Event, Stage, visit


def _bulk(desk: Desk, name: str, missing: int, days: int = 0) -> list[Event]:
    """Claims of 25 lines each, the first `missing` lines of each without an INPE."""
    claims = []
    for number in range(LEAST_LINES // 20):
        lines = [visit(None if n < missing else "104512345", amount=100 * n + number + 1) for n in range(25)]
        claims.append(desk.claim(f"{name}-{number}", *lines, who=f"{name}-{number}"))
    return claims


@pytest.mark.parametrize("size", [1, 7, 128])
@pytest.mark.parametrize(("missing", "decision"), [(0, "HOLD"), (1, "HOLD"), (2, "RELEASE_FLAGGED")])
def test_review_below_95_percent_and_hold_above(stage: Stage, missing: int, decision: str, size: int) -> None:
    desk = Desk()
    world, early = desk.world(), desk.claim("C-0", visit(None), who="B-2")
    said = stage.screen(
        [*world, early, *_bulk(desk, "F", missing), desk.claim("C-1", visit(None))], size=size
    )
    assert said.live("C-0")["decision"] == "RELEASE_FLAGGED"
    assert [reason["code"] for reason in said.live("C-1")["reasons"]] == ["E03"]
    assert said.live("C-1")["decision"] == decision
    if decision == "HOLD":
        assert said.public("C-1")["purpose"] == "COMPLETE_FILE"
        assert said.public("C-1")["documents_requested"]

"""What was answered is applied again before anything new is read.

After Redis lost its last second, Kafka's answers are ahead of it. Taken together with new messages, a payment
would be decided on a claim whose answer Redis does not know yet, and a second answer would be overwritten by
the first. So the inputs that Redis is behind in come first, up to what was committed: what claims refer to, then
claims and what follows them, and second answers after what they answer.

History is loaded in the same stages, up to where it ended at the start. Kafka keeps no order between topics, and a
claim that is read before its person is counted at no commune.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from streams.positions import Position

STAGES = (
    ("beneficiaries", "prior-approvals"),
    ("claims", "liquidations", "payments"),
    ("rescreens",),
)
SILENCE_SECONDS = 2.0

Positions = Mapping[tuple[str, int], Position]


class Replay:
    """The stages of one start: answered inputs, answered second answers, everything.

    Args:
        ends: input -> offset behind what is to be read in stages, where that is more than what was committed.
    """

    def __init__(self, ends: Mapping[str, int] | None = None) -> None:
        self._ends = ends or {}
        self._stage: list[Position] = []
        self._caught: set[str] = set()
        self._since = 0.0

    @property
    def under_way(self) -> bool:
        """Whether something is applied again before anything new is read."""
        return bool(self._stage)

    def next_stage(self, positions: Positions) -> list[Position]:
        """The partitions to read now."""
        live = [position for position in positions.values() if not position.stopped]
        behind = [position for position in live if self._behind(position)]
        stages = ([position for position in behind if position.topic in topics] for topics in STAGES)
        self._stage = next(filter(None, stages), [])
        self._since = time.monotonic()
        return self._stage or live

    def stage_done(self, positions: Positions, high: Callable[[Position], int]) -> bool:
        """Whether a stage was under way and is through.

        Compaction may have removed the end of what was answered, and a transaction's mark may be the end: a silent
        partition whose log ends there is through.
        """
        if not self._stage:
            return False
        if time.monotonic() - self._since > SILENCE_SECONDS:
            self._caught.update(p.input for p in self._stage if 0 <= high(p) <= self._end(p))
        return not any(self._behind(position) for position in self._stage)

    def beyond(self, position: Position, offset: int) -> bool:
        """Whether a message comes after what the stage is for."""
        if not self._stage or offset < self._end(position):
            return False
        self._caught.add(position.input)
        return True

    def heard(self) -> None:
        """Something was read."""
        self._since = time.monotonic()

    def _end(self, position: Position) -> int:
        return max(position.committed, self._ends.get(position.input, 0))

    def _behind(self, position: Position) -> bool:
        return position.last + 1 < self._end(position) and position.input not in self._caught

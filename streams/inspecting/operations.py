"""What a liquidator did: every step whose answer is kept, on which file and with which controls.

Told by the events themselves: a walk over the recorded answers, which goes back as far as they are kept. Nobody's
patients are named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from detectors.overrides import overrides
from schemas.liquidation import Liquidation
from schemas.outputs import Screened
from state.inspection import Inspection
from state.survey import Walk, load
from streams import outputs
from streams.follower_record import event_of
from streams.inspecting.practice import KEPT

Step = tuple[Screened, Liquidation]


@dataclass(slots=True)
class Operations:
    """Counts of all steps, and the youngest of them; those that put a control aside are kept apart too."""

    actions: Counter[str] = field(default_factory=Counter)
    files: set[str] = field(default_factory=set)
    last: list[Step] = field(default_factory=list)
    overridden: list[Step] = field(default_factory=list)
    overrides: int = 0

    def take(self, step: Step, latest: int) -> None:
        """Count a step, and keep it while it is among the youngest."""
        _, event = step
        self.actions[event.action] += 1
        self.files.add(event.claim_id)
        kept = [self.last]
        if overrides(event):
            self.overrides += 1
            kept.append(self.overridden)
        for steps in kept:
            steps.append(step)
            if len(steps) > KEPT + latest:
                steps[:] = _youngest(steps, latest)


def gather(
    state: Inspection, walk: Walk, name: str, latest: int, progress: Callable[[int], None] = lambda done: None
) -> Operations:
    """Walk every recorded answer for the steps of this liquidator."""
    quoted, found, met = b'"' + name.encode() + b'"', Operations(), 0
    for server, items, count in walk.pages(lambda letter: letter == "v"):
        for item in load(server, items):
            step = _step(item.value, name, quoted)
            if step is not None:
                found.take(step, latest)
        met += count
        progress(met)
    found.last, found.overridden = _youngest(found.last, latest), _youngest(found.overridden, latest)
    return found


def told(found: Operations) -> dict[str, Any]:
    """The counts and the steps, the youngest first."""
    return {
        "steps": found.actions.total(),
        "files": len(found.files),
        "overrides": found.overrides,
        "by_action": dict(sorted(found.actions.items())),
        "last": [_row(*step) for step in found.last],
        "last_overrides": [_row(*step) for step in found.overridden],
    }


def _step(revisions: dict[bytes, bytes], name: str, quoted: bytes) -> Step | None:
    blob = revisions.get(revisions.get(b"last", b""), b"")
    if quoted not in blob:
        return None
    record = outputs.decode(blob)
    event = event_of(record) if record.type == "liquidation" else None
    return (record, event) if isinstance(event, Liquidation) and event.liquidator == name else None


def _youngest(steps: list[Step], count: int) -> list[Step]:
    return sorted(steps, key=lambda step: (step[1].event_time, step[1].event_id), reverse=True)[:count]


def _row(record: Screened, event: Liquidation) -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "event_time": event.event_time.isoformat(),
        "claim_id": event.claim_id,
        "line": event.line,
        "action": event.action,
        "role": event.role,
        "base": event.base_amount,
        "complementary": event.complementary_amount,
        "controls": [msgspec.to_builtins(one) for one in event.controls or ()],
        "override": overrides(event),
        "verdict_id": record.verdict_id,
        "decision": record.decision,
        "codes": [reason.code for reason in record.reasons],
    }

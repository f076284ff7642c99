"""A liquidator's steps, for a person to read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from streams.inspecting.tables import mad, table

COLUMNS = (
    "event time",
    "event",
    "claim",
    "line",
    "action",
    "base MAD",
    "compl. MAD",
    "controls",
    "decision",
    "codes",
)


def show(told: Mapping[str, Any] | None, console: Console) -> None:
    """How much was done, the last steps, and the last of those that put a control aside."""
    if told is None:
        console.print(Text("what was done, from the recorded events: add --walk (it reads every key)"))
        return
    actions = ", ".join(f"{action} {count:,}" for action, count in told["by_action"].items()) or "none"
    console.print(
        Text(
            f"recorded steps: {told['steps']:,} on {told['files']:,} files, {told['overrides']:,} of them with an "
            f"override ({actions})"
        )
    )
    for title, steps in (("last overrides", told["last_overrides"]), ("last steps", told["last"])):
        console.print(table(title, COLUMNS, map(_row, steps)) if steps else Text(f"{title}: none"))


def _row(step: Mapping[str, Any]) -> Iterable[Any]:
    controls = [f"{one.get('code') or '?'} {one.get('result') or ''}".strip() for one in step["controls"]]
    return (
        step["event_time"],
        step["event_id"],
        step["claim_id"],
        step["line"] if step["line"] is not None else "all",
        step["action"],
        mad(step["base"]),
        mad(step["complementary"]),
        controls,
        step["decision"],
        step["codes"],
    )

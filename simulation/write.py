"""Writing a stream to files: the event log that the screener reads, and the truth that it never reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import orjson

from simulation.tables import Event


@dataclass(slots=True)
class Written:
    """What went into the files: events by type, claims by truth class and by scheme."""

    events: int = 0
    types: dict[str, int] = field(default_factory=dict)
    classes: dict[str, int] = field(default_factory=dict)
    schemes: dict[str, int] = field(default_factory=dict)

    def count(self, event: Event, truth: Event | None) -> None:
        """Count one event."""
        self.events += 1
        self.types[event["type"]] = self.types.get(event["type"], 0) + 1
        if truth is not None:
            self.classes[truth["class"]] = self.classes.get(truth["class"], 0) + 1
            if truth["scheme"]:
                name = f"{truth['class']}:{truth['scheme']}"
                self.schemes[name] = self.schemes.get(name, 0) + 1


def write_log(
    stream: Iterable[tuple[Event, Event | None]],
    log: Path,
    truth: Path | None = None,
    progress: Callable[[int], None] | None = None,
    every: int = 1000,
) -> Written:
    """Write events to `log`, truth to `truth`, as JSON Lines; `progress` gets the events written so far.

    Raises `OSError` as the file system does.
    """
    written = Written()
    with log.open("wb") as out:
        beside = None if truth is None else truth.open("wb")
        try:
            for event, line in stream:
                _line(out, event)
                if line is not None and beside is not None:
                    _line(beside, line)
                written.count(event, line)
                if progress is not None and written.events % every == 0:
                    progress(written.events)
        finally:
            if beside is not None:
                beside.close()
    if progress is not None:
        progress(written.events)
    return written


def _line(out: BinaryIO, value: Event) -> None:
    out.write(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE))

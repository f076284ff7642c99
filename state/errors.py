"""What can go wrong between the stream and its state.

Losing the connection stays redis-py's `ConnectionError`.
"""

from __future__ import annotations


class StateError(Exception):
    """Base of all errors of this room."""


class ConfigurationError(StateError):
    """The server, its settings or its layout do not fit. The message names the command that puts it right."""


class Gap(StateError):
    """The state stands behind the batch: events are missing. Rewind the input to just after `fence`."""

    def __init__(self, input: str, fence: int) -> None:
        super().__init__(f"the state has {input} up to offset {fence} only: rewind to {fence + 1}")
        self.input = input
        self.fence = fence


class Seen(StateError):
    """The fold of this input was already taken beyond the batch's end, by another owner or before a crash."""

    def __init__(self, input: str, end: int) -> None:
        super().__init__(f"{input} has been folded up to offset {end} or beyond")
        self.input = input
        self.end = end


class Stale(StateError):
    """Somebody owns this input by a higher epoch: stop working on it."""

    def __init__(self, input: str, epoch: int) -> None:
        super().__init__(f"{input} now belongs to owner epoch {epoch}")
        self.input = input
        self.epoch = epoch


class OtherLog(StateError):
    """A known offset holds another event now: the topic was made anew or lost its tail."""

    def __init__(self, input: str, offset: int) -> None:
        super().__init__(f"offset {offset} of {input} is not the event that was observed there")
        self.input = input
        self.offset = offset


class Lost(StateError):
    """Something that must still be there is gone: keys were deleted or evicted behind Crible's back."""


class BadFormat(StateError):
    """A stored value is not of a format this version reads."""

"""What moves through the loop: a message read, a batch of them, an output to publish."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from state import Span


class Message(msgspec.Struct, frozen=True, gc=False):
    """One record of an input, as it came.

    `input` names the log it came from for good ("topic|topic id|partition"): a topic made anew is another input.
    `answered` is true when Kafka already holds this record's outputs: it is applied again but not published again.
    """

    topic: str
    input: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: dt.datetime | None = None
    answered: bool = False


@dataclass(slots=True)
class Batch:
    """Messages to screen together, in the order in which they are applied, and what they cover of each input."""

    messages: Sequence[Message]
    spans: Sequence[Span]
    token: object = None
    """Whatever the source needs to commit or rewind this batch."""
    given: dict[tuple[str, int], bytes] = field(default_factory=dict)
    """Verdicts already published for some of these messages, read back from `screened`: they stand."""


class Output(msgspec.Struct, frozen=True, gc=False):
    """One record to publish. `partition` is None where the key chooses it."""

    topic: str
    key: bytes | None
    value: bytes
    partition: int | None = None
    headers: tuple[tuple[str, bytes], ...] = ()

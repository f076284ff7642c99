"""What is asked of the state for one event, before it is asked."""

from __future__ import annotations

import msgspec

from detectors.grading import Graded
from schemas.observation import LogLine
from state import ops


class Question(msgspec.Struct):
    """The operations of one event, and what is needed to read their results, in the same order."""

    home: list[ops.Op] = []
    away: list[ops.Op] = []
    reads: list[ops.Read] = []
    undo: bytes | None = None
    undo_payment: bool = False
    own: list[LogLine] = []
    history: bool = False  # a request that only looks at the log
    documents: list[tuple[int, str]] = []
    executors: list[str] = []
    prescribers: list[str] = []
    days: list[tuple[str, int]] = []
    clones: list[tuple[str, str]] = []
    performers: list[str] = []
    networks: list[str] = []
    shares: list[str] = []
    digits: list[str] = []
    grades: list[tuple[str, str]] = []
    graded: list[Graded] = []  # of this claim, in the same order
    brands: list[tuple[str, int]] = []
    pairs: list[tuple[str, str]] = []
    patients_from: list[str] = []
    accords: list[str] = []
    near: list[str] = []
    leaves: list[str] = []
    followed: list[str] = []

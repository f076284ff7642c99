"""One message on its way through the loop, and what is shared by the messages of one batch."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from detectors.base import CannotCheck, Finding
from detectors.catalogue import Answers
from detectors.models import Evidence, Records, Score, View
from detectors.models.coverage import Coverage
from detectors.referentials import Referentials
from schemas.events import Event
from schemas.invalid import Invalid
from schemas.observation import Followed, Observation
from schemas.outputs import Screened
from state import Answer
from streams.claim_state import ClaimState
from streams.entity_files import File
from streams.messages import Message, Output
from streams.questions import Question

NOTHING_ASKED, NOTHING_SEEN = Question(), Observation()
"""What stands in an item until it is asked and seen; never changed."""


class Item(msgspec.Struct):
    """A message, what it turned out to be, and what was found and decided about it."""

    message: Message
    event: Event | None = None
    invalid: Invalid | None = None
    content: bytes = b""
    question: Question = msgspec.field(default_factory=lambda: NOTHING_ASKED)
    answer: Answer | None = None
    seen: Observation = msgspec.field(default_factory=lambda: NOTHING_SEEN)
    followed: Followed | None = None
    """What the windows say about a liquidation or a payment."""
    view: View | None = None
    findings: list[Finding] = []
    shadow: list[Finding] = []
    cannot_check: list[CannotCheck] = []
    shadow_cannot: list[CannotCheck] = []
    evidence: Evidence | None = None
    score: Score | None = None
    record: Screened | None = None
    revision: int = 1
    before: str | None = None
    """Decision of the revision that the record supersedes."""
    standing: bytes | None = None
    """The verdict that stands already for this message, recorded or published before."""
    blob: bytes | None = None
    again: bool = False
    """A resubmission: answered again with the verdict that stands."""
    state_fields: dict[str, bytes] = {}
    """What this answer changes in the claim's state."""
    follow_ups: list[Output] = []

    def say(self, found: Answers) -> None:
        """Take up what the detectors said of it."""
        self.findings, self.cannot_check = found.findings, found.cannot_check
        self.shadow, self.shadow_cannot = found.shadow, found.shadow_cannot

    @property
    def event_id(self) -> str:
        """The event's id, empty where it cannot be read."""
        if self.event is not None:
            return self.event.event_id
        return (self.invalid.event_id if self.invalid else None) or ""

    @property
    def beneficiary(self) -> str:
        """The pseudonym, or what can be known of it."""
        if self.event is not None:
            return str(getattr(self.event, "beneficiary", ""))
        return (self.invalid.beneficiary if self.invalid else None) or ""

    @property
    def claim_id(self) -> str:
        """The claim's id, empty where there is none."""
        if self.event is not None:
            return str(getattr(self.event, "claim_id", ""))
        return (self.invalid.claim_id if self.invalid else None) or ""


@dataclass(slots=True)
class Shelf:
    """What the messages of one batch share: later ones see what earlier ones of the same batch changed."""

    referentials: Referentials
    records: Records = field(default_factory=lambda: Records(damaged=[]))
    claims: dict[str, ClaimState] = field(default_factory=dict)
    answered: dict[str, Screened] = field(default_factory=dict)
    """Event id -> its record of this batch."""
    open: dict[str, dict[str, Screened | None]] = field(default_factory=dict)
    """Beneficiary -> event id -> the claim's record while it is held, None once it no longer is: this
    batch's only.
    """
    signals: dict[str, bytes | None] = field(default_factory=dict)
    """Name of a signal's record -> the record, for the entities of this batch."""
    files: dict[str, File] = field(default_factory=dict)
    """Key of a case -> its file, as this batch has changed it."""

    def __post_init__(self) -> None:
        """The share of INPE in use moves with every claim learned: detectors read it as the records stand."""
        self.referentials = dataclasses.replace(self.referentials, coverage=Coverage(self.records), looked={})

    def note_open(self, record: Screened) -> None:
        """Note whether a claim's event is held now."""
        held = self.open.setdefault(record.beneficiary or "", {})
        held[record.event_id] = record if record.decision == "HOLD" else None

    def claim(self, claim_id: str, fields: Mapping[bytes, bytes] | None) -> ClaimState:
        """The claim's state: as it was read, with what this batch has changed since."""
        state = self.claims.get(claim_id)
        if state is None:
            state = self.claims[claim_id] = ClaimState.of(fields or {})
        return state

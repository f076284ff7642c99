"""Why a message is not an event: a closed set of reasons, and what a dead letter's headers say."""

from __future__ import annotations

import datetime as dt
from typing import Final

EMPTY: Final = "empty"
TOMBSTONE: Final = "tombstone"
NOT_UTF8: Final = "not-utf8"
NOT_JSON: Final = "not-json"
NOT_OBJECT: Final = "not-object"
NOT_FINITE: Final = "not-finite"  # NaN, Infinity or a number too large for a double
TOO_DEEP: Final = "too-deep"
UNKNOWN_TYPE: Final = "unknown-type"
NEWER_VERSION: Final = "newer-version"
WRONG_TOPIC: Final = "wrong-topic"
KEY_MISMATCH: Final = "key-mismatch"
EVENT_ID_FORMAT: Final = "event-id-format"
MISSING_FIELD: Final = "missing-field"
WRONG_TYPE: Final = "wrong-type"
UNKNOWN_VALUE: Final = "unknown-value"
MALFORMED: Final = "malformed"
OUT_OF_RANGE: Final = "out-of-range"
DATES_ORDER: Final = "dates-order"
FUTURE: Final = "future"
TOO_MANY_LINES: Final = "too-many-lines"
DUPLICATE_LINE: Final = "duplicate-line"
DUPLICATE_KEY: Final = "duplicate-key"
CHECKSUM: Final = "checksum"
REUSED_EVENT_ID: Final = "reused-event-id"
"""Not a matter of form: said by the screening loop, which alone knows what the id stood for."""
OTHER_PERSON: Final = "other-person"
"""Said by the loop as well: what is to be corrected or cancelled is about somebody else."""
FORGOTTEN: Final = "forgotten"
"""Said by the loop as well: it was applied long ago, is read again, and what it was answered is kept no more."""

REASONS: Final = (
    EMPTY, TOMBSTONE, NOT_UTF8, NOT_JSON, NOT_OBJECT, NOT_FINITE, TOO_DEEP, UNKNOWN_TYPE, NEWER_VERSION,
    WRONG_TOPIC, KEY_MISMATCH, EVENT_ID_FORMAT, MISSING_FIELD, WRONG_TYPE, UNKNOWN_VALUE, MALFORMED,
    OUT_OF_RANGE, DATES_ORDER, FUTURE, TOO_MANY_LINES, DUPLICATE_LINE, DUPLICATE_KEY, CHECKSUM,
    REUSED_EVENT_ID, OTHER_PERSON, FORGOTTEN,
)  # fmt: skip

MAX_VALUE: Final = 64
"""Characters of the offending value that are repeated."""


class Invalid(ValueError):
    """A message that cannot be read as an event.

    `field` is the JSON path (`lines[3].amount`), `value` what stands there, cut to 64 characters and left out
    where it may identify a person, `expected` what should. The ids are those that can still be read and used;
    `beneficiary` is a pseudonym already where the deployment has a key.
    """

    def __init__(
        self,
        reason: str,
        field: str | None = None,
        value: str | None = None,
        expected: str | None = None,
        *,
        event_id: str | None = None,
        claim_id: str | None = None,
        beneficiary: str | None = None,
        type: str | None = None,
    ) -> None:
        super().__init__(reason, field, value, expected)
        self.reason = reason
        self.field = field
        self.value = value if value is None else value[:MAX_VALUE]
        self.expected = expected
        self.event_id = event_id
        self.claim_id = claim_id
        self.beneficiary = beneficiary
        self.type = type

    def __str__(self) -> str:
        where = f" at {self.field}" if self.field else ""
        seen = f": {self.value!r}" if self.value is not None else ""
        wanted = f", expected {self.expected}" if self.expected else ""
        return f"{self.reason}{where}{seen}{wanted}"

    def headers(self, topic: str, partition: int, offset: int, received_at: dt.datetime) -> dict[str, str]:
        """The headers of the dead letter; what is not known is left out."""
        known = {
            "topic": topic,
            "partition": str(partition),
            "offset": str(offset),
            "reason": self.reason,
            "field": self.field,
            "value": self.value,
            "expected": self.expected,
            "event_id": self.event_id,
            "claim_id": self.claim_id,
            "received_at": received_at.isoformat(),
        }
        return {name: text for name, text in known.items() if text is not None}

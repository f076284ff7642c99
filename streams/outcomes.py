"""What became of earlier alerts: outcomes of reviews by entity, and of the reasons by detector.

A provider's, a liquidator's and a detector's are the learner's to write (one writer, each review once); a beneficiary's
are the control desk's, which reads one beneficiary's reviews in order, so that the learner's topic names no person.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from detectors.models.fusion import NEGATIVE, POSITIVE
from state.formats import refuse_newer

log = logging.getLogger("crible.outcomes")

VERSION: Final = 1
REMEMBERED: Final = 64
"""Reviews of a beneficiary that are recognised when they are handled again."""
CONFIRMED, REJECTED = "CONFIRMED", "REJECTED"
KIND: Final = "outcomes"


class Outcomes(msgspec.Struct, array_like=True, frozen=True):
    """How often each outcome was given. `seen`: the last reviews counted, where redelivery is not caught elsewhere."""

    version: int = VERSION
    counts: dict[str, int] = {}
    seen: tuple[str, ...] = ()

    def counted(self, outcome: str, review: str | None = None) -> Outcomes:
        """With one outcome more; unchanged for a review that is counted already."""
        if review is not None and review in self.seen:
            return self
        counts = {**self.counts, outcome: self.counts.get(outcome, 0) + 1}
        seen = self.seen if review is None else (*self.seen, review)[-REMEMBERED:]
        return Outcomes(VERSION, dict(sorted(counts.items())), seen)

    @property
    def precision(self) -> float | None:
        """Of a detector: the share of its examined reasons that were confirmed; None before the first."""
        right, wrong = self.counts.get(CONFIRMED, 0), self.counts.get(REJECTED, 0)
        return round(right / (right + wrong), 4) if right + wrong else None


_decoder = msgspec.msgpack.Decoder(Outcomes)
_encoder = msgspec.msgpack.Encoder()


def name(entity: str) -> str:
    """The state's name of the outcomes on an entity."""
    return f"{KIND}:{entity}"


def of_code(code: str) -> str:
    """The state's name of what became of a detector's reasons."""
    return name(f"code:{code}")


def read(blob: bytes | None) -> Outcomes:
    """The outcomes of their bytes, none where there are none.

    Raises msgspec.MsgspecError where they are damaged, BadFormat for a newer release's.
    """
    if blob is None:
        return Outcomes()
    found = _decoder.decode(blob)
    refuse_newer(KIND, found.version, VERSION)
    return found


def known(blob: bytes | None) -> Outcomes:
    """`read`, and none where they are damaged: an alert, and a review, must not wait for ever for them."""
    try:
        return read(blob)
    except msgspec.MsgspecError:
        log.error("outcomes of reviews were damaged: they are counted anew")
        return Outcomes()


def packed(outcomes: Outcomes) -> bytes:
    """The bytes of outcomes."""
    return _encoder.encode(outcomes)


def lesson(
    outcome: str, entities: Iterable[str], codes: Iterable[str], reasons: Mapping[str, str]
) -> dict[str, Any]:
    """What a review adds to the learner's message. `reasons`: what the reviewer said of some codes."""
    general = CONFIRMED if outcome in POSITIVE else REJECTED if outcome in NEGATIVE else None
    found = {code: reasons.get(code, general) for code in dict.fromkeys(codes)}
    return {
        "on": sorted(dict.fromkeys(entities)),
        "codes": {code: said for code, said in sorted(found.items()) if said in (CONFIRMED, REJECTED)},
    }


def keys(message: Mapping[str, Any]) -> list[str]:
    """The records that a learner's message touches."""
    return [*map(name, message.get("on", ())), *map(of_code, message.get("codes", ()))]


def fold(records: Mapping[str, bytes | None], messages: Sequence[Mapping[str, Any]]) -> dict[str, bytes]:
    """The records after these messages, of which each is to be counted."""
    held: dict[str, Outcomes] = {}
    for message in messages:
        said = [(name(entity), str(message["outcome"])) for entity in message.get("on", ())]
        said += [(of_code(code), outcome) for code, outcome in message.get("codes", {}).items()]
        for key, outcome in said:
            before = held[key] if key in held else known(records.get(key))
            held[key] = before.counted(outcome)
    return {key: packed(outcomes) for key, outcomes in held.items()}

"""What an event asks of the state, and how the answers become the observation that detectors read.

A `Question` is made from the event and the referentials alone, before Redis is asked, so that a replay asks
the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any
from zlib import crc32

import msgspec

from detectors import plan
from detectors.reading import DRUGS
from detectors.referentials import Referentials
from schemas.approval import PriorApproval
from schemas.claim import Claim
from schemas.control import Rescreen
from schemas.enums import CARE_KINDS
from schemas.events import Event
from schemas.liquidation import Liquidation
from schemas.observation import (
    Clones,
    Observation,
    day_number,
    event_ref,
)
from schemas.payment import Payment
from schemas.registries import Beneficiary
from schemas.topics import SCREENING_INPUTS, TOPICS
from state import codecs, ops
from streams import care_asks, follower_asks, persons, practice_asks, registry_changes
from streams.questions import Question
from streams.told import MONTHS_24, Number, Told, site

STOCKED = ("PEC_DEMANDE", "PEC_ACCORD")
"""Requests for medicines, before whose grant what is at home is looked at (B02)."""

EVER = 0
"""Day of care from which a log is looked at whole."""
ACCEPTS = {name: TOPICS[name].types for name in SCREENING_INPUTS}
"""Topic -> the types of event that it carries."""


def content_hash(event: Event | None, value: bytes | None) -> bytes:
    """16 bytes that tell whether two messages say the same; when they came in does not matter."""
    if event is None:
        return blake2b(value or b"", digest_size=16).digest()
    said = msgspec.structs.replace(event, ingest_time=None, trace_id=None)
    return blake2b(msgspec.msgpack.encode(said), digest_size=16).digest()


def names(event: Event) -> list[str]:
    """The names of an event that the state keeps as numbers."""
    if not isinstance(event, Claim):
        return []
    found = []
    for line in event.lines:
        found.append(f"{line.nomenclature}|{line.code}")
        found += [name for name in (line.executor, line.prescriber, line.performer) if name is not None]
        if (where := site(line)) is not None:
            found.append(where)
    return found


def commune_number(commune: str | None) -> int:
    """What a day sheet counts a commune by: a checksum of its code, 0 where it is not known.

    Not interned: the order in which communes are first met, which a crash changes, leaves no trace in the sheets.
    """
    return 0 if commune is None else crc32(commune.encode()) or 1


def question(
    event: Event, referentials: Referentials, number: Number, offset: int, commune: str | None = None
) -> Question:
    """What this event asks. `commune`: where a claim's beneficiary lives; of what follows a claim, the beneficiary's
    insured (`streams.residence`); None where it is not known."""
    asked = Question()
    if isinstance(event, Claim):
        _claim(asked, event, referentials, number, commune)
    elif isinstance(event, Beneficiary):
        micros = round(event.event_time.timestamp() * 1e6)
        asked.home.append(ops.register(event.beneficiary, persons.packed(event), micros, offset))
        asked.reads.append(ops.read_open(event.beneficiary))
        if registry_changes.concerns_care(event):
            asked.home.append(ops.append_log(event.beneficiary, b"", EVER))
            asked.history = True
    elif isinstance(event, PriorApproval):
        care_asks.approval(asked, event, referentials)
    elif isinstance(event, Rescreen):
        asked.reads += [
            ops.read_verdict(event.beneficiary, event.event_id),
            ops.read_claim(event.beneficiary, event.claim_id),
            ops.read_registry(event.beneficiary),
        ]
    elif isinstance(event, Liquidation | Payment):
        asked.reads.append(ops.read_claim(event.beneficiary, event.claim_id))
        if isinstance(event, Liquidation):
            follower_asks.liquidation(asked, event, referentials, commune)
        else:
            follower_asks.payment(asked, event, referentials, commune)
    return asked


def observation(asked: Question, results: Sequence[Any]) -> Observation:
    """Read the results of a claim's operations: home ops first, then away ops, as `question` listed them."""
    seen = Observation(own=asked.own)
    if not results:
        return seen
    answers = iter(results)
    stored = next(answers)
    if stored:
        seen.beneficiary = persons.read(stored)
    if asked.own:
        seen.log = codecs.unpack_log(next(answers))
        seen.facts = codecs.unpack_facts(next(answers))
        used = practice_asks.known(asked.documents, answers, codecs.unpack_documents)
        seen.documents = [(index, key, uses) for (index, key), uses in used.items()]
        seen.executors = practice_asks.known(asked.executors, answers, codecs.window)
        seen.prescribers = practice_asks.known(asked.prescribers, answers, codecs.window)
        seen.days = practice_asks.known(asked.days, answers, codecs.day_sheet)
        for inpe, signature in asked.clones:
            uses, group, everybody = next(answers), next(answers), next(answers)
            if uses is not None and group is not None and everybody is not None:
                seen.clones[inpe] = Clones(
                    signature,
                    codecs.unpack_clones(uses),
                    codecs.frequency(group),
                    codecs.frequency(everybody),
                )
        practice_asks.read(seen, asked, answers)
        care_asks.read(seen, asked, answers)
    elif asked.history:
        log = next(answers, None)  # a memo of an older version has none
        seen.log = [] if log is None else codecs.unpack_log(log)
    return seen


def _claim(
    asked: Question, claim: Claim, referentials: Referentials, number: Number, commune: str | None
) -> None:
    if claim.replaces is not None:
        asked.undo = event_ref(claim.replaces)
    asked.home.append(ops.registered(claim.beneficiary))
    asked.reads.append(ops.read_claim(claim.beneficiary, claim.claim_id))
    if claim.action == "CANCEL" or not claim.lines:
        return
    if claim.kind not in CARE_KINDS:
        if claim.kind in STOCKED and any(line.nomenclature == DRUGS for line in claim.lines):
            first = day_number(min([line.service_date for line in claim.lines]))
            asked.home.append(ops.append_log(claim.beneficiary, b"", first - MONTHS_24))
            asked.history = True
        return
    told = Told(claim, referentials, number)
    asked.own = told.own()
    first = min([line.day for line in asked.own])
    asked.home.append(ops.append_log(claim.beneficiary, codecs.pack_log(asked.own), first - MONTHS_24))
    asked.home.append(ops.append_facts(claim.beneficiary, codecs.pack_facts(told.facts())))
    told.documents(asked)
    told.providers(asked)
    place = commune_number(commune)
    sheets = dict.fromkeys(plan.dialysed(claim, referentials), 0) | plan.minutes(claim, referentials)
    for (inpe, day), spent in sheets.items():
        asked.days.append((inpe, day))
        asked.away.append(ops.day(inpe, day, spent, told.beneficiary, place))
    told.clones(asked)
    practice_asks.ask(asked, claim, referentials, told, commune)
    care_asks.ask(asked, claim, referentials)

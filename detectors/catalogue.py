"""All detectors, and the one way to run them on a claim."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from detectors.actors import ExcludedActor, SuspendedPayee, UnknownInpe
from detectors.base import CannotCheck, Context, Declaration, Detector, Finding
from detectors.caps import CapExceeded
from detectors.clones import CloneClaims
from detectors.documents import DocumentReuse
from detectors.drugs import InvalidDrug
from detectors.duplicates import ExactDuplicate
from detectors.eligibility import CareAfterDeath, RightsNotOpen
from detectors.pairs import IncompatiblePair
from detectors.peers import PeerOutlier
from detectors.shopping import Shopping
from detectors.terms import MODELS
from detectors.workload import ImpossibleDay

DETECTORS: Final[tuple[Detector, ...]] = (
    RightsNotOpen(),
    CareAfterDeath(),
    UnknownInpe(),
    ExcludedActor(),
    SuspendedPayee(),
    ExactDuplicate(),
    DocumentReuse(),
    InvalidDrug(),
    CapExceeded(),
    IncompatiblePair(),
    ImpossibleDay(),
    Shopping(),
    PeerOutlier(),
    CloneClaims(),
    *MODELS,
)
DECLARATIONS: Final[tuple[Declaration, ...]] = tuple(detector.declaration for detector in DETECTORS)
BY_CODE: Final[dict[str, Declaration]] = {declaration.code: declaration for declaration in DECLARATIONS}


class Answers(NamedTuple):
    """What the detectors say of one claim. `shadow` findings are recorded and decide nothing."""

    findings: list[Finding]
    cannot_check: list[CannotCheck]
    shadow: list[Finding]


def run(context: Context, detectors: Iterable[Detector] = DETECTORS) -> Answers:
    """Run every detector that applies to the claim's kind and flow, in the catalogue's order. Raises nothing.

    A detector that raises is a `CannotCheck`, `error:<type>`. What rests on a table whose last load was
    rejected is put to review instead of holding.
    """
    answers = Answers([], [], [])
    claim, thresholds, stale = context.claim, context.thresholds, context.referentials.stale
    sector: str | None = None
    if claim.lines and claim.lines[0].executor is not None:
        entry = context.referentials.provider(claim.lines[0].executor)
        sector = None if entry is None else entry.sector
    for detector in detectors:
        declaration = detector.declaration
        if claim.kind not in declaration.kinds or (
            claim.flow is not None and claim.flow not in declaration.flows
        ):
            continue
        mode = (
            thresholds.mode(declaration.code, claim.flow, claim.organism, sector)
            if thresholds.modes
            else "enforce"
        )
        if mode == "off":
            continue
        findings: list[Finding] = []
        cannot: dict[CannotCheck, None] = {}
        try:
            for item in detector.check(context):
                if isinstance(item, Finding):
                    findings.append(item)
                else:
                    cannot[item] = None
        except Exception as error:  # a detector's defect must not stop the stream; it is counted by type
            answers.cannot_check.append(CannotCheck(declaration.code, f"error:{type(error).__name__}"))
            continue
        if findings and stale and rests_on(declaration, stale):
            for finding in findings:
                finding.review = True
        (answers.findings if mode == "enforce" else answers.shadow).extend(findings)
        answers.cannot_check.extend(cannot)
    return answers


def rests_on(declaration: Declaration, tables: Iterable[str]) -> bool:
    """Whether the detector reads one of those tables."""
    return any(
        each == table or each.startswith(f"{table}.") for table in tables for each in declaration.reads
    )

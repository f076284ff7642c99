"""All detectors, and the one way to run them on a claim."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

from detectors.accounts import BankAccount
from detectors.actors import ExcludedActor, SuspendedPayee, UnknownInpe
from detectors.agreements import PriorAgreement
from detectors.base import CannotCheck, Context, Declaration, Detector, Finding, Need, present
from detectors.bursts import SuddenRise
from detectors.caps import CapExceeded
from detectors.channels import DoubleChannel
from detectors.clones import CloneClaims
from detectors.compatibility import IncompatibleAct
from detectors.conduct import Concentration, OddHours, Overrides
from detectors.dental import ImpossibleTooth
from detectors.devices import EarlyRenewal
from detectors.dialysis import DialysisFrequency
from detectors.documents import DocumentReuse
from detectors.drugs import InvalidDrug
from detectors.duplicates import ExactDuplicate
from detectors.eligibility import CareAfterDeath, RightsNotOpen
from detectors.followers import FollowerContext, FollowerDetector
from detectors.hospital import ElsewhereInHospital
from detectors.leave import SickLeaves
from detectors.mandates import OwnFile, Unauthorised
from detectors.near import NearDuplicate
from detectors.overpaid import OverLiquidated
from detectors.pairs import IncompatiblePair
from detectors.peers import PeerOutlier
from detectors.presence import ImpossiblePresence
from detectors.remittance import DoublePayment, UnscreenedPayment
from detectors.shopping import Shopping
from detectors.splitting import ThresholdAvoidance
from detectors.stockpile import Stockpile
from detectors.terms import MODELS
from detectors.workload import ImpossibleDay

if TYPE_CHECKING:
    from detectors.policy import Thresholds
    from schemas.claim import Claim

DETECTORS: Final[tuple[Detector, ...]] = (
    RightsNotOpen(),
    CareAfterDeath(),
    UnknownInpe(),
    ExcludedActor(),
    IncompatibleAct(),
    SuspendedPayee(),
    ExactDuplicate(),
    NearDuplicate(),
    DocumentReuse(),
    DoubleChannel(),
    InvalidDrug(),
    PriorAgreement(),
    ThresholdAvoidance(),
    CapExceeded(),
    IncompatiblePair(),
    DialysisFrequency(),
    ImpossibleTooth(),
    EarlyRenewal(),
    ImpossibleDay(),
    ElsewhereInHospital(),
    Shopping(),
    Stockpile(),
    SuddenRise(),
    ImpossiblePresence(),
    SickLeaves(),
    PeerOutlier(),
    CloneClaims(),
    *MODELS,
)
FOLLOWERS: Final[tuple[FollowerDetector, ...]] = (
    OverLiquidated(),
    DoublePayment(),
    BankAccount(),
    Unauthorised(),
    OwnFile(),
    Overrides(),
    Concentration(),
    OddHours(),
    UnscreenedPayment(),
)
"""The detectors of liquidations and payments."""
DECLARATIONS: Final[tuple[Declaration, ...]] = (
    *(detector.declaration for detector in DETECTORS),
    *(detector.declaration for detector in FOLLOWERS),
)
BY_CODE: Final[dict[str, Declaration]] = {declaration.code: declaration for declaration in DECLARATIONS}


class Applied(NamedTuple):
    """A detector that applies to a kind of claim, and how."""

    detector: Detector
    code: str
    shadow: bool


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
    stale = context.referentials.stale
    for detector, code, shadow in applied(context, detectors):
        try:
            said = list(detector.check(context))
        except Exception as error:  # a detector's defect must not stop the stream; it is counted by type
            answers.cannot_check.append(CannotCheck(code, f"error:{type(error).__name__}"))
            continue
        if not said:
            continue
        findings = [item for item in said if isinstance(item, Finding)]
        if len(findings) < len(said):
            unsaid = [item for item in said if isinstance(item, CannotCheck)]
            answers.cannot_check.extend(unsaid if len(unsaid) == 1 else dict.fromkeys(unsaid))
        if findings and stale and rests_on(detector.declaration, stale):
            for finding in findings:
                finding.review = True
        (answers.shadow if shadow else answers.findings).extend(findings)
    return answers


def applied(context: Context, detectors: Iterable[Detector] = DETECTORS) -> tuple[Applied, ...]:
    """The detectors that run on the claim; those of the catalogue are chosen once for claims alike."""
    claim, thresholds, has = context.claim, context.thresholds, frozenset(present(context))
    sector: str | None = None
    if claim.lines and claim.lines[0].executor is not None:
        entry = context.referentials.providers.get(claim.lines[0].executor)
        sector = None if entry is None else entry.sector
    if detectors is not DETECTORS:
        return _choose(detectors, thresholds, claim, sector, has)
    alike = (claim.kind, claim.flow, claim.organism, sector, has)
    chosen = thresholds.chosen.get(alike)
    if chosen is None:
        chosen = thresholds.chosen[alike] = _choose(detectors, thresholds, claim, sector, has)
    return chosen


def _choose(
    detectors: Iterable[Detector],
    thresholds: Thresholds,
    claim: Claim,
    sector: str | None,
    has: frozenset[Need],
) -> tuple[Applied, ...]:
    chosen = []
    for detector in detectors:
        declared = detector.declaration
        if declared.needs is not None and declared.needs not in has:
            continue
        if claim.kind in declared.kinds and (claim.flow is None or claim.flow in declared.flows):
            mode = thresholds.mode(declared.code, claim.flow, claim.organism, sector)
            if mode != "off":
                chosen.append(Applied(detector, declared.code, mode == "shadow"))
    return tuple(chosen)


def rests_on(declaration: Declaration, tables: Iterable[str]) -> bool:
    """Whether the detector reads one of those tables."""
    return any(
        each == table or each.startswith(f"{table}.") for table in tables for each in declaration.reads
    )


def run_followers(context: FollowerContext, detectors: Iterable[FollowerDetector] = FOLLOWERS) -> Answers:
    """Run every detector that applies to a liquidation or payment, as `run` does for a claim. Raises nothing."""
    answers = Answers([], [], [])
    event, stale = context.event, context.referentials.stale
    for detector in detectors:
        declared = detector.declaration
        if event.type not in declared.follows or event.flow not in (None, *declared.flows):
            continue
        mode = context.thresholds.mode(declared.code, event.flow, event.organism)
        if mode == "off":
            continue
        try:
            said = list(detector.check(context))
        except Exception as error:  # as for a claim: it is counted by type, and the stream goes on
            answers.cannot_check.append(CannotCheck(declared.code, f"error:{type(error).__name__}"))
            continue
        findings = [item for item in said if isinstance(item, Finding)]
        answers.cannot_check.extend(dict.fromkeys(item for item in said if isinstance(item, CannotCheck)))
        for finding in findings:
            finding.review = finding.review or bool(stale and rests_on(declared, stale))
        (answers.shadow if mode == "shadow" else answers.findings).extend(findings)
    return answers

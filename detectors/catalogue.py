"""All detectors, and the one way to run them on a claim."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

from detectors import sentences
from detectors.accounts import BankAccount
from detectors.actors import ExcludedActor, SuspendedPayee, UnknownInpe
from detectors.agreements import PriorAgreement
from detectors.base import CannotCheck, Context, Declaration, Detector, Finding, Need, present
from detectors.bursts import SuddenRise
from detectors.caps import CapExceeded
from detectors.channels import DoubleChannel
from detectors.clones import CloneClaims
from detectors.compatibility import IncompatibleAct
from detectors.concentration import Concentration
from detectors.dental import ImpossibleTooth
from detectors.devices import EarlyRenewal
from detectors.dialysis import DialysisFrequency
from detectors.documents import DocumentReuse
from detectors.drugs import InvalidDrug
from detectors.duplicates import ExactDuplicate
from detectors.eligibility import CareAfterDeath, RightsNotOpen
from detectors.followers import FollowerContext, FollowerDetector
from detectors.hospital import ElsewhereInHospital
from detectors.hours import OddHours
from detectors.influx import FarInflux
from detectors.leave import SickLeaves
from detectors.mandates import OwnFile, Unauthorised
from detectors.near import NearDuplicate
from detectors.oddities import CalendarAndDigits
from detectors.overpaid import OverLiquidated
from detectors.overrides import Overrides
from detectors.pairs import IncompatiblePair
from detectors.peers import PeerOutlier
from detectors.presence import ImpossiblePresence
from detectors.rampup import RampUp
from detectors.referral import Referral
from detectors.remittance import DoublePayment, UnscreenedPayment
from detectors.shopping import Shopping
from detectors.splitting import ThresholdAvoidance
from detectors.stockpile import Stockpile
from detectors.terms import MODELS
from detectors.upcoding import Upcoding
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
    Upcoding(),
    RampUp(),
    CloneClaims(),
    FarInflux(),
    CalendarAndDigits(),
    Referral(),
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
for _declaration in DECLARATIONS:
    sentences.declared(_declaration.code, _declaration.sentences)


class Applied(NamedTuple):
    """A detector that applies to a kind of claim, and how."""

    detector: Detector
    code: str
    shadow: bool


class Answers(NamedTuple):
    """What the detectors say of one claim. What those in shadow say is recorded and counted, and decides nothing."""

    findings: list[Finding]
    cannot_check: list[CannotCheck]
    shadow: list[Finding]
    shadow_cannot: list[CannotCheck]

    @classmethod
    def none(cls) -> Answers:
        """Nothing said yet."""
        return cls([], [], [], [])

    def take(
        self,
        said: Iterable[Finding | CannotCheck],
        declared: Declaration,
        stale: Iterable[str],
        *,
        shadow: bool,
    ) -> None:
        """Take in what one detector said; what rests on a stale table is put to review instead of holding."""
        cannot = self.shadow_cannot if shadow else self.cannot_check
        unsaid = []
        found = []
        for item in said:
            if isinstance(item, Finding):
                found.append(item)
            else:
                unsaid.append(item)
        if unsaid:
            cannot.extend(unsaid if len(unsaid) == 1 else dict.fromkeys(unsaid))
        if found and stale and rests_on(declared, stale):
            for finding in found:
                finding.review = True
        (self.shadow if shadow else self.findings).extend(found)


def run(context: Context, detectors: Iterable[Detector] = DETECTORS) -> Answers:
    """Run every detector that applies to the claim's kind and flow, in the catalogue's order. Raises nothing.

    A detector that raises is a `CannotCheck`, `error:<type>`. What rests on a table whose last load was
    rejected is put to review instead of holding.
    """
    answers = Answers.none()
    stale = context.referentials.stale
    for detector, code, shadow in applied(context, detectors):
        said: list[Finding | CannotCheck]
        try:
            said = list(detector.check(context))
        except Exception as error:  # a detector's defect must not stop the stream; it is counted by type
            said = [CannotCheck(code, f"error:{type(error).__name__}")]
        if said:
            answers.take(said, detector.declaration, stale, shadow=shadow)
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
    answers = Answers.none()
    event, stale = context.event, context.referentials.stale
    for detector in detectors:
        declared = detector.declaration
        if event.type not in declared.follows or event.flow not in (None, *declared.flows):
            continue
        mode = context.thresholds.mode(declared.code, event.flow, event.organism)
        if mode == "off":
            continue
        said: list[Finding | CannotCheck]
        try:
            said = list(detector.check(context))
        except Exception as error:  # as for a claim: it is counted by type, and the stream goes on
            said = [CannotCheck(declared.code, f"error:{type(error).__name__}")]
        answers.take(said, declared, stale, shadow=mode == "shadow")
    return answers

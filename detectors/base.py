"""The contract of a detector: what it declares, what it is given, what it may answer.

A detector is a value with a `declaration` and a pure `check(context)`: no I/O, no clock, no state of its own.
It answers with findings, with `CannotCheck` where something it needs is not known, or with nothing. It never
guesses.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Protocol

import msgspec

from detectors.lifetime import STAY
from detectors.reading import DRUGS
from schemas import enums

if TYPE_CHECKING:
    from detectors.models.evidence import Evidence
    from detectors.policy import Thresholds
    from detectors.referentials import Referentials
    from schemas.claim import Claim, Line
    from schemas.observation import LogLine, Observation
    from schemas.referential import ActRow

Nature = Literal["ADM", "TAR", "MED", "PRE", "INT"]
Class = Literal["H", "S"]
Axis = Literal["care", "arrival"]
Visibility = Literal["LIQUIDATOR", "FRAUD_TEAM", "AUDIT_ONLY"]

CARE_KINDS, REQUEST_KINDS = enums.CARE_KINDS, enums.REQUEST_KINDS
ALL_FLOWS = ("AMO", "RG", "CONV")
HARD_WEIGHT: Final = 0.95
"""With which a hard finding enters the score; an administrative one with ADMINISTRATIVE_WEIGHT."""
ADMINISTRATIVE_WEIGHT: Final = 0.1
Need = Literal[
    "drugs",
    "documents",
    "log",
    "near",
    "same_day",
    "stay",
    "clones",
    "orders",
    "models",
    "agreement",
    "bounds",
    "dental",
    "dialysis",
    "devices",
    "leave",
]
"""What a claim may lack so that a detector has nothing to say: lines of drugs, papers, earlier care, care within
NEAR days, care of the same days, a stay in hospital (its own or one on record), families of like claims with a member,
orders in force, an answer of the models; lines that name or may need a prior agreement, acts bounded by sex or age, or
not in the table; lines of dental care, dialysis, devices or glasses, a sick leave."""
NEAR: Final = 30
"""Days on either side of a claim's care within which most detectors compare it with other claims."""
_OF_GROUP: Final[Mapping[str, Need]] = {
    "DENTAL": "dental",
    "DIALYSIS": "dialysis",
    "DEVICE": "devices",
    "OPTICAL": "devices",
    "SICK_LEAVE": "leave",
    "HOSPITALISATION": "stay",
}
_day = attrgetter("day")


@dataclass(frozen=True, slots=True)
class Threshold:
    """A default threshold: its value, its unit and why it stands there."""

    value: float
    unit: str
    reason: str


@dataclass(frozen=True, slots=True)
class Declaration:
    """Everything a reader, a policy file or a dashboard needs to know of a detector without running it."""

    code: str
    label_fr: str
    label_en: str
    label_ar: str
    nature: Nature
    hard: bool  # whether any of its findings may hold by itself
    weight: float  # default contribution of its soft findings, 0..1
    axis: Axis
    reads: tuple[str, ...]  # fields of the event and referentials it reads
    windows: tuple[str, ...]  # windows of the observation it reads
    flows: tuple[str, ...] = ALL_FLOWS
    kinds: tuple[str, ...] = CARE_KINDS
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)
    needs: Need | None = None  # without it the detector says nothing, and is not asked
    caveats_fr: tuple[str, ...] = ()  # innocent explanations to check first
    caveats_en: tuple[str, ...] = ()
    visibility: Visibility = "FRAUD_TEAM"
    follows: tuple[Literal["liquidation", "payment"], ...] = ()  # of what follows a claim, instead of `kinds`
    case_of: Literal["provider", "beneficiary", "liquidator"] | None = None
    """Whose case its findings are, so that alerts on one of them are one; None: each claim is a case by itself."""
    habit: bool = False
    """Whether it tells of behaviour rather than of one file: worth an alert also while every claim is paid."""
    sentences: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Variant -> its sentence of facts in French and English; those of `sentences.toml` need not stand here too."""
    controls: tuple[str, ...] = ()  # proposed; those of `decision.CONTROLS` need not stand here too


class Beside(NamedTuple):
    """A value beside the peers' distribution, in the unit of its metric (money: centimes)."""

    metric: str
    value: float
    median: float
    p95: float
    n: int  # peers


class Finding(msgspec.Struct):
    """One reason to look at a claim. `facts` feeds the sentence template named by (code, variant)."""

    code: str
    cls: Class
    strength: float = 1.0  # 0..1
    weight: float = 0.5  # 0..1; hard findings enter the score as 0.95, administrative ones as 0.1
    nature: Nature = "PRE"
    lines: tuple[int, ...] = ()
    amount: int = 0  # centimes at stake on those lines
    value: float | None = None
    threshold: float | None = None
    window: str | None = None
    n: int | None = None
    variant: str = ""
    facts: dict[str, Any] = {}
    evidence: tuple[tuple[str, bytes], ...] = ()  # (entity whose record held it, event reference)
    scheme: str | None = None  # case key shared by all claims of one scheme
    review: bool = False  # the row says REVIEW: flag with a proposed control instead of holding
    model: bool = False  # a model's term rather than a rule's
    hold_ttl_days: int | None = None  # a row's own time limit
    group_hold: bool = False  # P04: hold the family's open claims too
    scope: Literal["PAYEE", "NETWORK"] | None = (
        None  # wider than its lines: only a named human order gives it
    )
    peers: Beside | None = None  # how the peers' values lie, where the row compares with them


class CannotCheck(msgspec.Struct, frozen=True):
    """The detector needed something that is not known: said and counted, never a pass nor a hold."""

    code: str
    missing: str


class Context(msgspec.Struct):
    """All that a detector may look at."""

    claim: Claim
    seen: Observation
    referentials: Referentials
    thresholds: Thresholds
    evidence: Evidence | None
    number: Mapping[str, int]  # interned number of a name; INPE of nine digits are their own number
    name: Mapping[int, str]  # and back
    _rows: Sequence[tuple[Line, ActRow | None]] | None = None
    _acts: Sequence[tuple[Line, ActRow | None]] = ()
    _drugs: Sequence[Line] = ()
    _near: Sequence[LogLine] | None = None
    _same_day: Sequence[LogLine] | None = None

    def rows(self) -> Sequence[tuple[Line, ActRow | None]]:
        """Each line with its act as it stood at the date of care; looked up once a claim.

        A drug has one only where the table of acts lists it too.
        """
        if self._rows is None:
            act, rows, acts, drugs = self.referentials.act, [], [], []
            for line in self.claim.lines:
                each = line, act(line.nomenclature, line.code, line.service_date)
                rows.append(each)
                if line.nomenclature == DRUGS:
                    drugs.append(line)
                else:
                    acts.append(each)
            self._rows, self._acts, self._drugs = rows, acts, drugs
        return self._rows

    def acts(self) -> Sequence[tuple[Line, ActRow | None]]:
        """Each line that is no drug, with its act."""
        if self._rows is None:
            self.rows()
        return self._acts

    def drugs(self) -> Sequence[Line]:
        """The lines of drugs."""
        if self._rows is None:
            self.rows()
        return self._drugs

    def near(self) -> Sequence[LogLine]:
        """Lines of other claims at most NEAR days before or after the claim's care, oldest first."""
        if self._near is None:
            own, log = self.seen.own, self.seen.log
            self._near = ()
            if own and log:
                days = [line.day for line in own]
                first, last, claim = min(days) - NEAR, max(days) + NEAR, own[0].claim
                if log[-1].day >= first:
                    late = log[bisect_left(log, first, key=_day) :]
                    self._near = [line for line in late if line.day <= last and line.claim != claim]
        return self._near

    def same_day(self) -> Sequence[LogLine]:
        """Lines of other claims on a day of the claim's care."""
        if self._same_day is None:
            near = self.near()
            if near:
                days = {line.day for line in self.seen.own}
                near = [line for line in near if line.day in days]
            self._same_day = near
        return self._same_day

    def value(self, code: str, parameter: str, sector: str | None = None) -> float:
        """A threshold in force for this claim's flow and organism; raises KeyError if undeclared."""
        thresholds = self.thresholds
        if thresholds.plain:
            return thresholds.defaults[code, parameter]
        claim = self.claim
        return thresholds.value(code, parameter, claim.flow, claim.organism, sector)


def present(context: Context) -> set[Need]:
    """What of `Need` the claim has."""
    claim, seen, evidence = context.claim, context.seen, context.evidence
    found: set[Need] = set()
    for line in context.drugs():
        found.add("drugs")
        if line.prior_approval is not None or line.country is not None:
            found.add("agreement")
    for line, act in context.acts():
        if act is None:
            found.update(("agreement", "bounds"))
        else:
            if act.prior_approval is not False or line.prior_approval is not None or line.country is not None:
                found.add("agreement")
            if act.sex is not None or act.age_min is not None or act.age_max is not None:
                found.add("bounds")
        if line.care_group in _OF_GROUP:
            found.add(_OF_GROUP[line.care_group])
    if claim.kind == "ETRANGER":
        found.add("agreement")
    if claim.documents:
        found.add("documents")
    if seen.log:
        found.add("log")
        if context.near():
            found.add("near")
            if context.same_day():
                found.add("same_day")
    for fact in seen.facts:
        if fact.kind == STAY:
            found.add("stay")
            break
    for clones in seen.clones.values():
        if clones.uses:
            found.add("clones")
            break
    if context.referentials.orders:
        found.add("orders")
    if evidence is not None and (evidence.findings or evidence.cannot):
        found.add("models")
    return found


def sorted_out(code: str, answers: Iterable[Finding | str | None]) -> Iterator[Finding | CannotCheck]:
    """The findings as they come, then what is missing, each once."""
    missing: dict[str, None] = {}
    for answer in answers:
        if isinstance(answer, str):
            missing[answer] = None
        elif answer is not None:
            yield answer
    for what in missing:
        yield CannotCheck(code, what)


class Detector(Protocol):
    """A pure check of one claim."""

    declaration: Declaration

    def check(self, context: Context) -> Iterable[Finding | CannotCheck]:
        """Yield what is found, or what could not be checked. Raises nothing on lawful input."""
        ...

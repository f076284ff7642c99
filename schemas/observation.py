"""What the state has seen around one event: plain values that Redis answers and detectors read.

Days are calendar dates as integers, days since 1970-01-01 (`day_number`), and may be negative.
Amounts are centimes, quantities hundredths of a unit, instants seconds since the epoch (UTC).
Providers and acts are numbers: a nine-digit INPE is its own number, any other name is interned
from 2**30 up, and 0 means absent.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from schemas.registries import Beneficiary

EPOCH_ORDINAL = dt.date(1970, 1, 1).toordinal()
MINUTE_AT, KIND_AT, TYPED_AT = 36, 48, 52
"""Bits of `LogLine.arrival` from which on the minute of care, the kind of claim and the typed date stand."""
EVENT_REF_BYTES = 12  # 96 bits: among 10^8 events a collision has odds of 10^-13
PAIR_ERROR = (
    math.e / 128
)  # a count-min sketch of 128 cells a row; four rows: more than that with odds of e**-4
ENTITY_REF_BYTES = 8  # only compared inside one record


def day_number(day: dt.date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - EPOCH_ORDINAL


def date_of(day: int) -> dt.date:
    """The calendar date of a day number."""
    return dt.date.fromordinal(day + EPOCH_ORDINAL)


def event_ref(event_id: str) -> bytes:
    """The 12-byte reference under which the state keeps an event."""
    return blake2b(event_id.encode(), digest_size=EVENT_REF_BYTES).digest()


def entity_ref(name: str) -> bytes:
    """The 8-byte reference of a claim, a beneficiary or an insured inside a record."""
    return blake2b(name.encode(), digest_size=ENTITY_REF_BYTES).digest()


class LogLine(NamedTuple):
    """One line of care in a beneficiary's log (24 months, by date of care)."""

    event: bytes
    claim: bytes
    day: int
    arrival: int  # the instant, and above it what `marked` adds; read it by the properties
    executor: int
    prescriber: int
    act: int  # interned "nomenclature|code"
    site: int  # interned teeth and side, 0 where there is none
    quantity: int
    amount: int
    line: int
    group: int  # index in enums.CARE_GROUPS
    coverage: int  # index in enums.COVERAGES

    @property
    def arrived(self) -> int:
        """The instant at which the claim came in."""
        half = 1 << (MINUTE_AT - 1)
        return (self.arrival + half) % (2 * half) - half

    @property
    def minute(self) -> int | None:
        """Local minute of the day at which the care was given; None: not known."""
        return self._bits(MINUTE_AT, KIND_AT) - 1 if self._bits(MINUTE_AT, KIND_AT) else None

    @property
    def kind(self) -> int | None:
        """Index in enums.CLAIM_KINDS of the claim that brought the line; None: an older version wrote it."""
        return self._bits(KIND_AT, TYPED_AT) - 1 if self._bits(KIND_AT, TYPED_AT) else None

    @property
    def typed(self) -> bool:
        """Whether the date of care is that of the deposit, on a claim that somebody typed."""
        return bool(self._bits(TYPED_AT, TYPED_AT + 1))

    def _bits(self, start: int, end: int) -> int:
        return ((self.arrival + (1 << (MINUTE_AT - 1))) >> start) & ((1 << (end - start)) - 1)


def marked(instant: int, kind: int, minute: int | None = None, *, typed: bool = False) -> int:
    """`LogLine.arrival`: the instant with what stands above it. `kind` is an index in enums.CLAIM_KINDS.

    A record of an older version has nothing above its instant; an older version never reads what stands there.
    """
    above = ((kind + 1) << KIND_AT) + (typed << TYPED_AT)
    return instant + above + (0 if minute is None else (minute + 1) << MINUTE_AT)


class Fact(NamedTuple):
    """One permanent fact about a beneficiary: a tooth treated, a once-in-life act, a device, a stay."""

    event: bytes
    day: int
    until: int  # last day of a stay, else the same day
    kind: int  # index in enums.FACT_KINDS
    key: int  # tooth (FDI), interned act or device class
    provider: int
    detail: int = (
        0  # a tooth: index in enums.TOOTH_CLASSES + 1; a once-in-life act: in SIDES + 1; 0: not known
    )


class DocumentUse(NamedTuple):
    """One use of a document (form, invoice, prescription...) by a claim line."""

    event: bytes
    day: int
    claim: bytes
    beneficiary: bytes
    insured: bytes
    executor: int
    product: int  # interned act of the line that used it, 0 where the document names no line
    coverage: int


class CloneUse(NamedTuple):
    """One claim of a provider that bore a given signature (P04)."""

    event: bytes
    day: int
    beneficiary: bytes
    amount: int


class Accord(NamedTuple):
    """A decision on a prior approval, or one line of care that names it."""

    event: bytes
    day: int  # of the decision, or of care
    claim: bytes  # of the care; empty for a decision
    first: int  # a decision's validity, both days included
    last: int
    beneficiary: bytes
    amount: int  # centimes granted or billed; -1: not said
    quantity: int  # hundredths granted or used; -1: not said
    act: int  # checksum of the code that it concerns; 0: all of them
    decision: int  # index in APPROVAL_DECISIONS; of care -1, or -2 where it counts in sessions


class ProviderWindow(NamedTuple):
    """Arrival-axis windows of a provider, the event itself included; 7 and 30 days end with its day."""

    claims_1h: float
    claims_24h: float
    amount_24h: float
    claims_7d: float
    claims_30d: float
    lines_30d: float
    amount_30d: float
    patient_days_30d: float
    patients_30d: float  # exact distinct beneficiaries, head-anchored
    active_days_30d: float
    claims_1d: float  # this calendar day so far
    claims_2d: float  # this calendar day and the one before
    patient_new: float  # 1 when the provider had not seen this beneficiary in its 96-day memory
    late: float = (
        0.0  # 1 when the claim came 67 days or more behind the newest: its 30 days are not all known
    )


class DaySheet(NamedTuple):
    """What one provider did on one calendar day of care, the event itself included (exact)."""

    minutes: int
    beneficiaries: int
    communes: int


class PairCount(NamedTuple):
    """How often an entity met one partner, among all its meetings of a bucket of days."""

    own: int  # with this partner: exact, or an upper bound
    total: int  # with all partners, exact
    tail: int  # with the partners that have no entry of their own, exact
    partners: int  # that have an entry, exact: all of them while `tail` is 0
    exact: bool  # else `own` is at most e/128 of `tail` too high, in all but 1.9 % of the cases

    @property
    def error(self) -> float:
        """By how much `own` may be too high; beyond it in at most 1.9 % of the cases, and never too low."""
        return 0.0 if self.exact else PAIR_ERROR * self.tail


class PairWindow(NamedTuple):
    """The meetings of a pair in this bucket of days, the event itself included, and in the one before."""

    now: PairCount
    before: PairCount


class Shares(NamedTuple):
    """How an executor's lines lie in the calendar, by date of care, over 90 to 120 days up to its newest; the claim
    included, night and emergency work not."""

    lines: int
    off_days: int  # on a Sunday or a holiday


class Grades(NamedTuple):
    """How an executor's lines of one key letter are coded, over the same days; the claim included."""

    lines: int
    top: int  # with a coefficient in the letter's upper quarter
    here: tuple[int, ...]  # numbers of this claim's lines among those
    mean: float  # coefficient of this claim's lines, as a share of the one at which the upper quarter begins


class LiquidatorCounts(NamedTuple):
    """What a liquidator did, by arrival, over 30 to 35 days up to its newest event, this one included."""

    steps: int
    validations: int
    overrides: int  # actions OVERRIDE
    cancellations: int
    controls: int  # results of controls it was shown
    failed: int
    overridden: int  # controls with the result OVERRIDDEN
    timed: int  # steps by hand whose duration is known
    hasty: int  # of those, under five seconds
    off_hours: int  # before 7, from 20 o'clock, on a Sunday or a holiday
    verdicts_overridden: int  # overridden controls that name a verdict


class Frequency(NamedTuple):
    """How often members of a group bore something, in this 30-day bucket and the one before."""

    members: int
    total: int
    own: int
    members_before: int
    total_before: int
    own_before: int


class Brand(NamedTuple):
    """How often a prescriber's patients are given one brand, and any of its class, by date of care in buckets of 90
    days; of a claim, its costliest drug is counted."""

    line: int
    brand: Frequency
    whole: Frequency  # of the ATC class of four levels: members = prescribers


class Clones(msgspec.Struct):
    """A claim's signature at one executor, and among its peers (P04)."""

    signature: str
    uses: list[CloneUse]  # earlier uses at this provider within 90 days of care, this event excluded
    signature_peers: Frequency  # members = providers of the group that billed the signature
    group_peers: Frequency  # members = providers of the group that billed anything


class Observation(msgspec.Struct):
    """Everything the windows say about one claim, as it stood when the claim was applied.

    `log`, `facts`, `documents` and `clones` hold what was there *before*; the claim's own lines are in `own`,
    one entry a session where a line lists its sessions.
    """

    status: str = "NEW"  # NEW, SAME (a resubmission) or OTHER (a reused event_id)
    beneficiary: Beneficiary | None = None
    log: list[LogLine] = []
    own: list[LogLine] = []
    facts: list[Fact] = []
    documents: list[tuple[int, str, list[DocumentUse]]] = []
    """(index in claim.documents, document key, earlier uses)"""
    executors: dict[str, ProviderWindow] = {}
    prescribers: dict[str, ProviderWindow] = {}
    days: dict[tuple[str, int], DaySheet] = {}
    """(INPE of who acted, day of care) -> sheet; only where the referentials give minutes"""
    clones: dict[str, Clones] = {}
    """executor INPE -> its family"""
    performers: dict[str, ProviderWindow] = {}
    """INPE of who acted, where another one bills -> windows"""
    networks: dict[str, ProviderWindow] = {}
    """network of an executor -> windows of the claims that its members bill"""
    shares: dict[str, Shares] = {}
    """executor INPE -> how its lines lie in the calendar"""
    digits: dict[str, tuple[int, ...]] = {}
    """executor INPE -> lines at an amount that no tariff gives, by their last digit 0, 1, ... 9 (whole dirhams), over
    180 to 210 days of care up to its newest; only where the claim has one, itself included"""
    grades: dict[tuple[str, str], Grades] = {}
    """(executor INPE, key letter) -> how its lines are coded; only where the letter has more than one coefficient"""
    pairs: dict[tuple[str, str], PairWindow] = {}
    """(prescriber, executor) -> claims with both, by date of care in buckets of 90 days"""
    patients_from: dict[str, Frequency] = {}
    """executor INPE -> distinct patients from the beneficiary's commune, by date of care in buckets of 30 days; only
    where that commune is known to be far away"""
    patients_of_week: dict[str, Frequency] = {}
    """the same in buckets of seven days"""
    brands: dict[str, Brand] = {}
    """prescriber INPE -> the claim's costliest drug among those of whose class the list has several brands"""
    accords: dict[str, list[Accord]] = {}
    """prior approval that a line names -> decisions on it and its earlier uses, this event excluded"""
    near: dict[str, tuple[int, int]] = {}
    """executor INPE -> its claims just under and just over the payer's control threshold, this one included (90 to
    120 days up to its newest date of care); only where the claim is one of them"""
    leaves: dict[str, tuple[Frequency, Frequency]] = {}
    """prescriber of a sick leave -> its employer's leaves of the week by prescriber, and this prescriber's by
    beneficiary"""


@dataclass(slots=True)
class Followed:
    """Everything the windows say about one liquidation or payment, as it stood when that was applied."""

    liquidator: ProviderWindow | None = None
    """Steps of its liquidator: claims = steps, patients = beneficiaries, amounts base and complementary together."""
    acts: LiquidatorCounts | None = None
    beneficiary: PairWindow | None = None
    """Liquidator and beneficiary, by arrival in buckets of 30 days"""
    provider: PairWindow | None = None
    """Liquidator and the provider that is paid, where the event names one"""
    account: ProviderWindow | None = None
    """The bank account: claims = payments, patients = payees, by the last event of each payment"""
    role: LiquidatorCounts | None = None
    """What all liquidators of the step's role did, this one included"""
    of_beneficiary: PairWindow | None = None
    """Beneficiary and liquidator: own = their meetings, total = the beneficiary's with any liquidator"""
    of_provider: PairWindow | None = None
    """The provider that is paid and the liquidator, likewise"""
    insured: Frequency | None = None
    """The bank account: members = the insured whom it was named for, this one included, for life"""
    person: Beneficiary | None = None
    """The beneficiary's registry entry when the event was applied"""


def clone_signature(parts: list[tuple[str, int, int]]) -> str:
    """P04's signature of an executor's lines: (code, quantity in hundredths, amount in MAD), order-free."""
    text = ";".join(f"{code}*{quantity}@{amount}" for code, quantity, amount in sorted(parts))
    return blake2b(text.encode(), digest_size=8).hexdigest()

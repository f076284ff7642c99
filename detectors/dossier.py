"""A claim as a whole, as liquidations and payments meet it: what was claimed, done, paid, and what holds it.

Puts together what the state keeps of each event (`filed`, `settlement`). Amounts are centimes, instants UTC.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from detectors.filed import Filed
from detectors.settlement import LEFT, PRICING, Paid, Part, Step
from schemas.enums import Payee


class Due(NamedTuple):
    """What was liquidated; None = no step says."""

    base: int | None
    complementary: int | None


class PaidTo(NamedTuple):
    """Who is paid, as far as it is known."""

    payee: Payee | None = None
    inpe: str | None = None
    account: str | None = None

    def over(self, before: PaidTo) -> PaidTo:
        """This, and where it does not say, what was said before."""
        return PaidTo(
            before.payee if self.payee is None else self.payee,
            before.inpe if self.inpe is None else self.inpe,
            before.account if self.account is None else self.account,
        )


NOBODY: Final = PaidTo()


class Hold(NamedTuple):
    """An open answer that keeps money back: which lines (none = all), why, and until when."""

    lines: tuple[int, ...]
    purpose: str | None
    expires_at: dt.datetime | None
    on_expiry: str | None
    of: str  # type of the event that is held
    verdict_id: str

    def blocks(self, paid: Collection[int], at: dt.datetime) -> bool:
        """Whether it keeps a payment of these lines (none = all) back at that instant."""
        if self.expires_at is not None and at >= self.expires_at and self.on_expiry != "ESCALATE":
            return False  # the hold has lapsed, and its row says that the money may go
        return not paid or not self.lines or bool(set(paid) & set(self.lines))


@dataclass(slots=True)
class Liquidated:
    """What the live steps say together: the whole claim's amounts, those of lines priced since, and who is paid."""

    lines: dict[int, Due] = field(default_factory=dict)
    whole: Due | None = None
    payee: dict[int | None, PaidTo] = field(default_factory=dict)
    """Line (None: the whole claim) -> who is paid for it"""

    def due(self, line: int) -> Due | None:
        """What a line may be paid; None where no step has its amounts."""
        return self.lines.get(line, self.whole)

    def paid_to(self, line: int | None) -> PaidTo:
        """Who is to be paid, as far as the steps say."""
        return self.payee.get(line, NOBODY).over(self.payee.get(None, NOBODY))


@dataclass(slots=True)
class Dossier:
    """Everything known of a claim when something that follows it is answered."""

    filed: Filed | None = None
    screened: bool = False  # whether the claim itself has a verdict that stands
    cancelled: bool = False
    valid_until: dt.datetime | None = None  # of the newest release
    codes: frozenset[str] = frozenset()  # of the claim's reasons: what its verdict has weighed already
    holds: tuple[Hold, ...] = ()
    verdicts: Mapping[str, str] = field(default_factory=dict)  # id of a live verdict -> its decision
    steps: Mapping[str, Step] = field(default_factory=dict)  # by event id, cancelled ones too
    payments: Mapping[str, Paid] = field(default_factory=dict)  # by event id

    def blocking(self, paid: Collection[int], at: dt.datetime) -> list[Hold]:
        """What keeps a payment of these lines (none = all) back at that instant."""
        return [hold for hold in self.holds if hold.blocks(paid, at)]

    def live(self) -> dict[str, Step]:
        """The steps that no cancellation took back, by time. One that names no event takes back what was before it."""
        gone = {step.cancels for step in self.steps.values() if step.cancels is not None}
        sweeps = [s for s in self.steps.values() if s.action == "CANCEL" and s.cancels is None]
        ordered = sorted(self.steps.items(), key=lambda one: (one[1].at, one[0]))
        return {
            name: step
            for name, step in ordered
            if step.action != "CANCEL"
            and name not in gone
            and not any(
                step.at < sweep.at and (sweep.line is None or sweep.line == step.line) for sweep in sweeps
            )
        }

    def liquidated(self) -> Liquidated:
        """What the claim pays: each step restates what it is about, the whole claim or one line."""
        said = Liquidated()
        for step in self.live().values():
            if step.action not in PRICING:
                continue
            now = PaidTo(step.payee, step.payee_inpe, step.account)
            said.payee[step.line] = now.over(said.payee.get(step.line, NOBODY))
            if step.base is None and step.complementary is None:
                continue
            known = (said.whole if step.line is None else said.lines.get(step.line)) or Due(None, None)
            due = Due(
                known.base if step.base is None else step.base,
                known.complementary if step.complementary is None else step.complementary,
            )
            if step.line is None:
                said.whole, said.lines = due, {}
            else:
                said.lines[step.line] = due
        return said

    def left(self, payment_id: str | None = None) -> list[Part]:
        """What has left or may leave by other payments than this one: each counts by its last event."""
        last: dict[str, Paid] = {}
        for paid in sorted(
            self.payments.values(), key=lambda one: (one.at, one.status not in LEFT, one.status)
        ):
            last[paid.payment_id] = paid
        return [part for name, paid in last.items() if name != payment_id for part in paid.leaves()]

"""What becomes of a claim: the steps of its liquidation and its payments, as the state keeps them.

Amounts are centimes, instants UTC.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import msgspec

from schemas.enums import LiquidationAction, Payee, PaymentStatus
from schemas.liquidation import Liquidation
from schemas.payment import Payment

PRICING: Final = ("COMPUTE", "MODIFY", "OVERRIDE", "VALIDATE")
"""Steps whose amounts are what the claim pays from then on."""
LEFT: Final = ("ORDERED", "PAID")


class Step(msgspec.Struct, array_like=True, frozen=True):
    """A liquidation step. `line` None = the whole claim."""

    action: LiquidationAction
    liquidator: str
    at: dt.datetime
    line: int | None = None
    base: int | None = None
    complementary: int | None = None
    payee: Payee | None = None
    payee_inpe: str | None = None
    account: str | None = None
    cancels: str | None = None

    @classmethod
    def of(cls, event: Liquidation) -> Step:
        """What is kept of a step."""
        return cls(
            event.action,
            event.liquidator,
            event.event_time,
            event.line,
            event.base_amount,
            event.complementary_amount,
            event.payee,
            event.payee_inpe,
            event.bank_account,
            event.cancels,
        )

    def restates(self, line: int | None, at: dt.datetime) -> bool:
        """Whether the step says anew what this line (None: the whole claim) pays, after that instant."""
        return self.at > at and self.line == line and self.action in PRICING and self.base is not None

    def meets(self, line: int | None) -> bool:
        """Whether the step is about this line (None: any)."""
        return self.line is None or line is None or self.line == line


class Part(msgspec.Struct, array_like=True, frozen=True):
    """What a payment pays of one line (None: it does not say which)."""

    line: int | None
    base: int | None = None
    complementary: int | None = None


class Paid(msgspec.Struct, array_like=True, frozen=True):
    """An event of a payment. `held`: its lines that are kept back; None: all that it pays."""

    payment_id: str
    status: PaymentStatus
    at: dt.datetime
    base: int
    complementary: int
    parts: tuple[Part, ...] = ()
    held: tuple[int, ...] | None = ()

    @classmethod
    def of(cls, event: Payment, held: tuple[int, ...] | None = ()) -> Paid:
        """What is kept of a payment."""
        parts = tuple(
            Part(line.line, line.base_amount, line.complementary_amount) for line in event.lines or ()
        )
        if len(parts) == 1 and parts[0].base is None:
            parts = (Part(parts[0].line, event.base_amount, event.complementary_amount),)
        return cls(
            event.payment_id,
            event.status,
            event.event_time,
            event.base_amount,
            event.complementary_amount or 0,
            parts,
            held,
        )

    @property
    def lines(self) -> tuple[int, ...]:
        """The lines that it pays; empty where it does not say, or not of all its parts: any."""
        named = [part.line for part in self.parts if part.line is not None]
        return tuple(named) if len(named) == len(self.parts) else ()

    def leaves(self) -> tuple[Part, ...]:
        """The parts of it that have left or may leave."""
        if self.status not in LEFT or (self.status == "ORDERED" and self.held is None):
            return ()
        kept = set(self.held or ()) if self.status == "ORDERED" else set()
        parts = self.parts or (Part(None, self.base, self.complementary),)
        return tuple(part for part in parts if part.line is None or part.line not in kept)

"""The registries: who is insured, who gives care, who liquidates. Each message is a whole entry.

A list that is None is *not known*; an empty list says that there is nothing (no right, no exclusion).
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from msgspec import Meta

from schemas.enums import ConventionStatus, Link, ProviderKind, Regime, RightStatus, Sector, Sex
from schemas.envelope import Count, Envelope, Interval, Name, Part, Percent, Ref, Text


class Right(Interval, kw_only=True, frozen=True):
    """A period of rights, and the body that manages it at that date."""

    manager: Ref | None = None
    status: RightStatus | None = None


class AldPeriod(Interval, kw_only=True, frozen=True):
    """A long-term illness on record, with its rate in percent."""

    code: Ref | None = None
    rate: Percent | None = None


class Beneficiary(Envelope, kw_only=True, frozen=True, tag="beneficiary"):
    """The registry entry of a person covered: the insured or one of his or her dependants."""

    beneficiary: Name
    insured: Name
    rank: Count | None = None
    link: Link | None = None
    sex: Sex | None = None
    birth_date: dt.date | None = None
    death_date: dt.date | None = None
    commune: Ref | None = None
    regime: Regime | None = None
    rights: tuple[Right, ...] | None = None
    ald: tuple[AldPeriod, ...] | None = None
    bank_account: Ref | None = None
    bank_account_since: dt.date | None = None


class Convention(Interval, kw_only=True, frozen=True):
    """Whether the provider had signed the tariff convention in that period."""

    status: ConventionStatus | None = None


class Exclusion(Interval, kw_only=True, frozen=True):
    """A period in which the payer does not pay this provider (hors convention, struck off)."""

    reason: Text | None = None


class Capacity(Part, kw_only=True, frozen=True):
    """What limits the work an establishment can do in a day."""

    beds: Count | None = None
    machines: Count | None = None
    chairs: Count | None = None


class Provider(Envelope, kw_only=True, frozen=True, tag="provider"):
    """The registry entry of a professional or an establishment, by INPE."""

    inpe: Name
    kind: ProviderKind
    person: Ref | None = None
    specialty: Ref | None = None
    sector: Sector | None = None
    conventions: tuple[Convention, ...] | None = None
    active: tuple[Interval, ...] | None = None
    excluded: tuple[Exclusion, ...] | None = None
    commune: Ref | None = None
    lat: Annotated[float, Meta(ge=-90, le=90)] | None = None
    lon: Annotated[float, Meta(ge=-180, le=180)] | None = None
    network: Ref | None = None
    owners: tuple[Name, ...] | None = None
    individual: bool | None = None
    capacity: Capacity | None = None
    bank_account: Ref | None = None
    bank_account_since: dt.date | None = None


class LiquidatorRight(Interval, kw_only=True, frozen=True):
    """Where a liquidator may work; None = any mutuelle, any agency, any scope."""

    mutuelle: Ref | None = None
    agency: Ref | None = None
    scope: tuple[Name, ...] | None = None


class Delegation(Interval, kw_only=True, frozen=True):
    """Whose rights this liquidator may use, when and why."""

    of: Ref | None = None
    reason: Text | None = None


class Liquidator(Envelope, kw_only=True, frozen=True, tag="liquidator"):
    """The registry entry of a liquidation agent or batch account."""

    liquidator: Name
    role: Name
    rights: tuple[LiquidatorRight, ...] | None = None
    linked_beneficiaries: tuple[Name, ...] | None = None
    delegations: tuple[Delegation, ...] | None = None
    calendar: Ref | None = None

"""What the models look at in one claim, and which records that needs.

`view` takes a claim apart once; scoring and learning both work from it. A claim that is not care to pay
for, or that corrects or cancels another, is scored where it can be but teaches nothing: models are never
taken back.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol
from zlib import crc32

import msgspec

from detectors.models.series import log_mad
from schemas.enums import CARE_KINDS
from schemas.observation import EPOCH_ORDINAL, Grades, ProviderWindow, Shares

if TYPE_CHECKING:
    from detectors.models.records import PeerRecord
    from schemas.claim import Claim, Line
    from schemas.observation import Observation
    from schemas.referential import CommuneRow
    from schemas.registries import Provider

WINDOW_DAYS: Final = 30
"""Window of the beneficiary's distinct providers and visits, by date of care."""
WEEKEND: Final = (6, 0)
"""Saturday and Sunday as ordinals modulo 7."""
NEW_DAYS: Final = 90
"""For how long a provider counts as new (P03)."""
ABROAD: Final = "ABROAD"
"""Peer group of care abroad, where an executor has no INPE."""
SINGLE: Final = "score"
"""Entity of the records of which there is one: fusion and quantile."""

Pair = tuple[str, str]
"""(kind of record, entity)"""
Standing = tuple[float | None, float | None, float | None]
"""A claim's amount, providers and lines a visit in its peers' standard deviations."""


class Registry(Protocol):
    """What the models ask of the referentials."""

    def provider(self, inpe: str) -> Provider | None:
        """The registry entry, None when unknown."""
        ...

    def commune(self, code: str, day: dt.date) -> CommuneRow | None:
        """The commune as the referential has it on that day."""
        ...


class Item(NamedTuple):
    """One line that can be compared: `log` is the logarithm of its amount in MAD."""

    line: int
    code: str
    amount: int
    log: float
    act: str
    """Peers' key: speciality and act."""
    group: str
    """Peers' key to fall back on: speciality and care group."""
    weekend: bool


class Bill(msgspec.Struct):
    """What one executor bills in the claim. `inpe` is None abroad."""

    inpe: str | None
    group: str
    items: list[Item] = []
    window: ProviderWindow | None = None
    amount: int = 0
    """Centimes billed."""
    peers: tuple[str, ...] = ()
    """Peer groups of its activity, the narrowest (with its region) first."""
    compared: list[tuple[float, PeerRecord, str] | None] | None = None
    """What `amounts.compare` said of each item; kept so that scoring and learning do it once."""
    told: dict[str, Any] | None = None
    """What `provider.figures` said; kept likewise."""
    ratios: tuple[float, float, float] | None = None
    """What `activity.ratios` said; kept likewise."""
    day: int = 0
    """Last day of care."""
    network: str | None = None
    newcomer: bool = False
    """Whether the registry has it active for less than 90 days at the claim's arrival."""
    shares: Shares | None = None
    digits: tuple[int, ...] | None = None
    grades: dict[str, Grades] = {}
    """By key letter."""

    @property
    def source(self) -> int:
        """The number under which its share in the peers' learning is counted."""
        return source_number(self.inpe)


class View(msgspec.Struct):
    """A claim as the models see it. Days are day numbers; counts are of the 30 days of care up to the
    claim's last."""

    beneficiary: str
    care: bool
    """Care to pay for, with lines: what the models concern."""
    feeds: bool
    """Whether the claim may teach the models."""
    day: int
    """Last day of care."""
    arrival_day: int
    bills: list[Bill]
    unknown: int
    """Lines whose executor is missing or not in the registry."""
    main: str | None
    """Care group of the costliest lines; None where nothing is billed."""
    amount: int
    providers: int
    """Distinct executors of the 30 days, this claim's included."""
    earlier_visits: int
    """Distinct (executor, day) of the 30 days, this claim's left out."""
    visits: int
    """Distinct (executor, day) of this claim."""
    lines: int
    wanted: tuple[Pair, ...] = ()
    standing: Standing | None = None
    """What `beneficiary` said of it; kept so that scoring and learning do it once."""


def view(claim: Claim, seen: Observation, registry: Registry) -> View:
    """Take a claim apart. Pure; raises nothing on lawful input."""
    care = claim.kind in CARE_KINDS and claim.action != "CANCEL" and bool(claim.lines)
    arrival = claim.event_time.toordinal() - EPOCH_ORDINAL
    result = View(
        claim.beneficiary,
        care,
        care and claim.action == "SUBMIT",
        arrival,
        arrival,
        [],
        0,
        None,
        0,
        0,
        0,
        0,
        0,
    )
    if care:
        _fill(result, claim, seen, registry)
    result.wanted = tuple(_wanted(result))
    return result


def _fill(result: View, claim: Claim, seen: Observation, registry: Registry) -> None:
    bills: dict[str | None, Bill | None] = {}
    totals: dict[str, int] = {}
    visits: set[tuple[str | None, int]] = set()
    last = 0
    for line in claim.lines:
        key, day, amount = (
            line.executor or (ABROAD if line.country else None),
            line.service_date.toordinal(),
            line.amount,
        )
        if day > last:
            last = day
        visits.add((key, day))
        totals[line.care_group] = totals.get(line.care_group, 0) + amount
        if key in bills:
            bill = bills[key]
        else:
            bill = bills[key] = _bill(line, seen, registry, result.arrival_day)
        if bill is None:
            result.unknown += 1
        elif amount > 0:
            bill.amount += amount
            if day - EPOCH_ORDINAL > bill.day:
                bill.day = day - EPOCH_ORDINAL
            bill.items.append(_item(line, bill.group, day))
    result.day = last - EPOCH_ORDINAL
    result.bills = [bill for bill in bills.values() if bill is not None and bill.items]
    for (inpe, letter), grades in seen.grades.items():
        if (graded := bills.get(inpe)) is not None:
            graded.grades[letter] = grades
    result.amount = sum(totals.values())
    if result.amount:
        result.main = max(totals, key=lambda name: (totals[name], name))
    result.visits, result.lines = len(visits), len(claim.lines)
    since, until = result.day - WINDOW_DAYS, result.day
    recent = {(entry.executor, entry.day) for entry in seen.log if since < entry.day <= until}
    result.earlier_visits = len(recent)
    executors = {executor for executor, _ in recent}
    executors.update(entry.executor for entry in seen.own)
    executors.discard(0)
    result.providers = len(executors)


def _bill(line: Line, seen: Observation, registry: Registry, today: int) -> Bill | None:
    if line.executor is None:
        return None if line.country is None else Bill(None, ABROAD)
    entry = registry.provider(line.executor)
    if entry is None:
        return None
    town = registry.commune(entry.commune, line.service_date) if entry.commune else None
    groups = peer_groups(entry.kind, entry.specialty, entry.sector, None if town is None else town.region)
    inpe = line.executor
    return Bill(
        inpe,
        entry.specialty or entry.kind,
        [],
        seen.executors.get(inpe),
        0,
        groups,
        network=entry.network,
        newcomer=opened(entry, today) is True,
        shares=seen.shares.get(inpe),
        digits=seen.digits.get(inpe),
    )


def opened(entry: Provider, today: int) -> bool | None:
    """Whether a provider's first activity on record began less than 90 days before; None where none is on record."""
    if not entry.active:
        return None
    first = (
        entry.active[0].from_
        if len(entry.active) == 1
        else min((one.from_ for one in entry.active if one.from_ is not None), default=None)
    )
    return None if first is None else today - (first.toordinal() - EPOCH_ORDINAL) < NEW_DAYS


def network_key(network: str) -> str:
    """Entity of the provider record that a network's claims teach."""
    return f"network|{network}"


@lru_cache(maxsize=4096)
def peer_groups(kind: str, specialty: str | None, sector: str | None, region: str | None) -> tuple[str, ...]:
    base = f"{kind}|{specialty or '-'}|{sector or '-'}"
    return (base,) if region is None else (f"{base}|{region}", base)


def _item(line: Line, group: str, day: int) -> Item:
    code, amount = line.code, line.amount
    fields = (
        line.line,
        code,
        amount,
        log_mad(amount),
        f"{group}|{line.nomenclature}|{code}",
        f"{group}|{line.care_group}",
        day % 7 in WEEKEND,
    )
    return tuple.__new__(Item, fields)


@lru_cache(maxsize=64)
def basket_key(care_group: str) -> str:
    """Peers' key of what a claim of this care group costs."""
    return f"basket|{care_group}"


@lru_cache(maxsize=64)
def lines_key(care_group: str) -> str:
    """Peers' key of lines per visit."""
    return f"lines|{care_group}"


@lru_cache(maxsize=1024)
def level_key(group: str) -> str:
    """Peers' key of what one executor of the group bills in a claim."""
    return f"level|{group}"


PROVIDERS_KEY: Final = "count|providers"
VISITS_KEY: Final = "count|visits"


@lru_cache(maxsize=1 << 16)
def source_number(name: str | None) -> int:
    """A number of 1 to 255 for whoever taught a record, not salted; two names may share one and its turns."""
    return 1 if name is None else crc32(name.encode()) % 255 + 1


def _wanted(of: View) -> dict[Pair, None]:
    pairs: dict[Pair, None] = {("fusion", SINGLE): None, ("quantile", SINGLE): None}
    if not of.care:
        return pairs
    pairs["beneficiary", of.beneficiary] = None
    if of.main is not None:
        for key in (basket_key(of.main), lines_key(of.main), PROVIDERS_KEY, VISITS_KEY):
            pairs["peers", key] = None
    for bill in of.bills:
        pairs["peers", level_key(bill.group)] = None
        for item in bill.items:
            pairs["peers", item.act] = None
            pairs["peers", item.group] = None
        if bill.inpe is not None:
            pairs["provider", bill.inpe] = None
            if bill.network is not None:
                pairs["provider", network_key(bill.network)] = None
            for group in bill.peers:
                pairs["activity", group] = None
                pairs["norms", group] = None
    return pairs

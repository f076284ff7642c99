"""The events that come in: the union of all input types, and which of their fields identify people."""

from __future__ import annotations

import re
from typing import Final

from msgspec.structs import force_setattr

from schemas.approval import PriorApproval
from schemas.claim import Claim
from schemas.control import Order, Rescreen, Review, Signal
from schemas.envelope import Envelope
from schemas.liquidation import Liquidation
from schemas.payment import Payment
from schemas.pseudonym import Pseudonyms
from schemas.referential import Policy, Referential
from schemas.registries import Beneficiary, Liquidator, Provider

Event = (
    Claim
    | Liquidation
    | Payment
    | PriorApproval
    | Beneficiary
    | Provider
    | Liquidator
    | Referential
    | Policy
    | Order
    | Review
    | Signal
    | Rescreen
)

EVENTS: Final[tuple[type[Envelope], ...]] = (
    Claim, Liquidation, Payment, PriorApproval, Beneficiary, Provider, Liquidator,
    Referential, Policy, Order, Review, Signal, Rescreen,
)  # fmt: skip
TYPES: Final[dict[str, type[Envelope]]] = {str(event.__struct_config__.tag): event for event in EVENTS}
"""The wire's `type` -> its struct."""

ANSWERED: Final = (Claim, Liquidation, Payment)
"""What gets a verdict."""
KEYED_BY_BENEFICIARY: Final = (Claim, Liquidation, Payment, PriorApproval, Beneficiary, Review, Rescreen)

PEOPLE: Final = frozenset(
    {"beneficiary", "insured", "person", "bank_account", "contact", "linked_beneficiaries", "owners"}
)
"""Fields whose value identifies a person, wherever they stand; `entity` does when it names a beneficiary."""

_PERSON: Final = "beneficiary:"
_SINGLE: Final = ("beneficiary", "insured", "person", "bank_account", "contact")
_FIELDS: Final[dict[type[Envelope], tuple[str, ...]]] = {
    event: tuple(name for name in _SINGLE if name in event.__struct_fields__)
    for event in EVENTS
    if event is not Rescreen  # our own: pseudonyms already
}
_INPE = re.compile(r"[0-9]{9}")


def is_personal(field: str | None, value: object) -> bool:
    """Whether what stands at a JSON path may identify a person."""
    names = set(re.split(r"[.\[]", field or ""))
    return bool(names & PEOPLE) or (
        "entity" in names and not str(value).startswith(("provider:", "network:"))
    )


def pseudonymise(event: Event, pseudonyms: Pseudonyms) -> None:
    """Replace people's identifiers in an event that nobody else has seen yet."""
    for name in _FIELDS.get(type(event), ()):
        identifier = getattr(event, name)
        if identifier:
            force_setattr(event, name, pseudonyms(identifier))
    if isinstance(event, Provider):
        if event.owners:  # an INPE is public and stays
            owners = tuple(name if _INPE.fullmatch(name) else pseudonyms(name) for name in event.owners)
            force_setattr(event, "owners", owners)
    elif isinstance(event, Liquidator):
        if event.linked_beneficiaries:
            linked = tuple(pseudonyms(name) for name in event.linked_beneficiaries)
            force_setattr(event, "linked_beneficiaries", linked)
    elif isinstance(event, (Order, Signal)) and event.entity.startswith(_PERSON):
        force_setattr(event, "entity", _PERSON + pseudonyms(event.entity.removeprefix(_PERSON)))

"""The contract of a detector of liquidations and payments: what it is given, beside what every detector has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from detectors.base import CannotCheck, Declaration, Finding

if TYPE_CHECKING:
    from detectors.dossier import Dossier
    from detectors.policy import Thresholds
    from detectors.referentials import Referentials
    from schemas.liquidation import Liquidation
    from schemas.observation import Followed
    from schemas.payment import Payment
    from schemas.registries import Liquidator


@dataclass(slots=True)
class FollowerContext:
    """All that a detector of what follows a claim may look at."""

    event: Liquidation | Payment
    dossier: Dossier
    """The claim as it stood before this event."""
    seen: Followed
    referentials: Referentials
    thresholds: Thresholds

    def value(self, code: str, parameter: str) -> float:
        """A threshold in force for this event's flow and organism; raises KeyError if undeclared."""
        return self.thresholds.value(code, parameter, self.event.flow, self.event.organism)

    @property
    def liquidator(self) -> Liquidator | None:
        """The registry entry of who acted; None for a payment, or where it is not known."""
        name = getattr(self.event, "liquidator", None)
        return None if name is None else self.referentials.liquidators.get(name)

    def excepted(self) -> bool:
        """Whether the registry grants an exception of his own that day: a delegation of nobody's rights."""
        entry = self.liquidator
        day = self.referentials.local_date(self.event.event_time)
        return entry is not None and any(
            one.of is None and one.reason is not None and one.covers(day) for one in entry.delegations or ()
        )


class FollowerDetector(Protocol):
    """A pure check of one liquidation or payment. Its declaration says in `follows` of which."""

    declaration: Declaration

    def check(self, context: FollowerContext) -> Iterable[Finding | CannotCheck]:
        """Yield what is found, or what could not be checked. Raises nothing on lawful input."""
        ...

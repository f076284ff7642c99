"""A stage for detectors of liquidations and payments: a claim, what was done to it, and one more event."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

from detectors.base import CannotCheck, Finding
from detectors.catalogue import FOLLOWERS
from detectors.dossier import Dossier, Hold
from detectors.filed import Filed
from detectors.findings import from_record, to_record
from detectors.followers import FollowerContext
from detectors.sentences import write
from detectors.settlement import Paid, Step
from schemas.liquidation import Liquidation
from schemas.observation import Followed, Frequency, LiquidatorCounts, PairCount, PairWindow, ProviderWindow
from schemas.payment import Payment
from schemas.registries import Beneficiary, Liquidator
from tests.detectors import examples
from tests.detectors.scene import ENVELOPE, Scene, consultation

NOON = dt.datetime(2026, 3, 11, 11, tzinfo=dt.UTC)  # a Wednesday; noon or eleven o'clock in Casablanca
Answers = tuple[list[Finding], list[CannotCheck]]
NOTHING = PairCount(0, 0, 0, 0, True)


class FollowerScene(Scene):
    """Collects what is known of a claim, then plays one detector on what follows it."""

    def __init__(self, *lines: dict[str, Any], filed: bool = True) -> None:
        super().__init__()
        self.followed = Followed()
        self.dossier = Dossier(screened=filed)
        self.steps: dict[str, Step] = {}
        self.payments: dict[str, Paid] = {}
        if filed:
            self.dossier.filed = Filed.of(self.claim(*(lines or (consultation(),))))

    def table(self, *args: Any, **fields: Any) -> FollowerScene:
        super().table(*args, **fields)
        return self

    def step(self, name: str, action: str = "COMPUTE", **fields: Any) -> FollowerScene:
        """A step that came before, under its event id."""
        self.steps[name] = Step.of(self.liquidation(action=action, event_id=name, **fields))
        return self

    def paid(
        self, name: str, *amounts: int, held: tuple[int, ...] | None = (), **fields: Any
    ) -> FollowerScene:
        """A payment event that came before."""
        self.payments[name] = Paid.of(
            self.payment(*amounts, event_id=name, **{"payment_id": name, **fields}), held
        )
        return self

    def hold(self, *lines: int, purpose: str = "FRAUD_REVIEW", verdict: str = "V-C-1-1") -> FollowerScene:
        """An open hold on those lines of the claim."""
        expires = NOON + dt.timedelta(days=30)
        self.dossier.holds += (Hold(lines, purpose, expires, "ESCALATE", "claim", verdict),)
        return self

    def liquidator(self, name: str = "L-1", **fields: Any) -> FollowerScene:
        """An entry of the registry."""
        body = {**ENVELOPE, "type": "liquidator", "event_id": f"l-{name}", "liquidator": name}
        body |= {"role": "LIQUIDATION", "rights": [{"from": "2020-01-01"}], "linked_beneficiaries": []}
        self.book.apply(msgspec.convert({**body, "delegations": [], **fields}, Liquidator))
        return self

    def known(self, **fields: Any) -> FollowerScene:
        """The beneficiary's registry entry."""
        self.person(**fields)
        person: Beneficiary | None = self.seen.beneficiary
        self.followed.person = person
        return self

    def liquidation(self, at: dt.datetime = NOON, **fields: Any) -> Liquidation:
        body = {**ENVELOPE, "type": "liquidation", "event_id": "S-1", "claim_id": "D-1", "beneficiary": "B-1"}
        body |= {"action": "COMPUTE", "liquidator": "L-1", "event_time": at.isoformat()}
        return msgspec.convert({**body, **fields}, Liquidation)

    def payment(self, *amounts: int, at: dt.datetime = NOON, **fields: Any) -> Payment:
        """An order that pays these amounts (base parts) of lines 1, 2, ..."""
        body = {**ENVELOPE, "type": "payment", "event_id": "P-1", "claim_id": "D-1", "beneficiary": "B-1"}
        body |= {"payment_id": "P-1", "payee": "INSURED", "status": "ORDERED", "base_amount": sum(amounts)}
        body["lines"] = [{"line": n, "base_amount": amount} for n, amount in enumerate(amounts, 1)] or None
        return msgspec.convert({**body, "event_time": at.isoformat(), **fields}, Payment)

    def follower(self, code: str, event: Liquidation | Payment) -> Answers:
        """(findings, cannot check) of one detector; what holds for all of them is checked here."""
        self.dossier.steps, self.dossier.payments = self.steps, self.payments
        tables = self.book.snapshot()
        day = tables.local_date(event.event_time)
        context = FollowerContext(event, self.dossier, self.followed, tables, tables.thresholds(day))
        (detector,) = [one for one in FOLLOWERS if one.declaration.code == code]
        assert event.type in detector.declaration.follows
        found = list(detector.check(context))
        assert found == list(detector.check(context)), "a detector answers the same twice"
        findings = [item for item in found if isinstance(item, Finding)]
        for finding in findings:
            assert finding.code == code
            assert 0 < finding.strength <= 1
            assert 0 < finding.weight < 1
            assert from_record(msgspec.json.decode(msgspec.json.encode(to_record(finding)))) == finding
            assert None not in write(code, finding.variant, finding.facts, finding.amount), "no sentence"
        examples.meet(event, findings)
        return findings, [item for item in found if isinstance(item, CannotCheck)]


def variants(answers: Answers) -> list[str]:
    """What was found, by variant."""
    return [finding.variant for finding in answers[0]]


def missing(answers: Answers) -> list[str]:
    """What could not be checked for lack of what."""
    return [check.missing for check in answers[1]]


def window(**fields: float) -> ProviderWindow:
    """Windows of an entity in which nothing was seen but what is named."""
    return ProviderWindow(**{**dict.fromkeys(ProviderWindow._fields, 0.0), **fields})


def counts(**fields: int) -> LiquidatorCounts:
    """Counts of a liquidator or role, zero but what is named."""
    return LiquidatorCounts(**{**dict.fromkeys(LiquidatorCounts._fields, 0), **fields})


def met(own: int, total: int) -> PairWindow:
    """A pair's meetings in the running bucket."""
    return PairWindow(PairCount(own, total, 0, 3, True), NOTHING)


def members(count: int) -> Frequency:
    """How many insured an account was named for."""
    return Frequency(count, count, 1, 0, 0, 0)

"""What follows a claim: one liquidation by a liquidator of its agency, one payment order some days later."""

from __future__ import annotations

from dataclasses import dataclass

from simulation import clock
from simulation.claims import Blame, Desk, Filed, Step
from simulation.draw import Draw
from simulation.tables import Event
from simulation.world import PORTFOLIO, World

USUAL = 6  # liquidators an agency in a world without traced controls
DEAR = 500_000  # centimes
CONTROLS = ("CTL-PIECES", "CTL-TARIF", "CTL-DROITS")


@dataclass(frozen=True, slots=True)
class Habit:
    """How a liquidator's controls come out between two instants, and what is true of what he puts aside."""

    first: int
    last: int
    failing: float
    forced: float
    blame: Blame


class BackOffice:
    """Liquidates and pays filed claims. It pays whatever comes: whether to hold is the screener's matter."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.draw = Draw(world.seed, "backoffice")
        self._payments = 0
        self._routed = frozenset(world.routed)
        self.habits: dict[str, Habit] = {}

    def settle(self, filed: Filed) -> list[Step]:
        """(instant, event, at fault) of the liquidation and of the payment order, both after the claim."""
        draw, desk, dossier = self.draw, self.world.desk, filed.dossier
        claim = filed.event
        home = dossier.person.household
        day = clock.office_day(filed.ingest // clock.DAY + clock.EPOCH + draw.integer(1, 6))
        at = clock.instant(day, draw.integer(30600, 54000 if clock.ramadan(day) else 59400))
        basis = sum(due[1] for due in dossier.dues)
        base = sum(due[2] for due in dossier.dues)
        billed = dossier.amount
        shares = _complements(dossier.dues, home.mutuelle is not None)
        complement = sum(shares)
        liquidation = self._event("liquidation", at, claim, desk)
        liquidation.update(
            claim_id=claim["claim_id"],
            beneficiary=claim["beneficiary"],
            action="VALIDATE" if draw.chance(0.3) else "COMPUTE",
            liquidator=self._desk(home.agency),
            role="LIQUIDATION",
            workstation=f"W-{home.agency}-{draw.integer(1, 9)}",
            tariff_amount=basis,
            basis_amount=basis,
            base_amount=base,
            complementary_amount=complement,
            patient_amount=max(billed - base - complement, 0),
            duration_ms=draw.integer(15_000, 240_000),
        )
        if dossier.person.ald is not None:
            liquidation["rate_ground"] = "ALD"
        paid = clock.office_day(day + draw.integer(2, 7))
        at_payment = clock.instant(paid, 6 * 3600 + draw.integer(0, 5400))
        payment = self._event("payment", at_payment, claim, desk)
        self._payments += 1
        payment.update(
            payment_id=f"P-{self._payments:08d}",
            claim_id=claim["claim_id"],
            beneficiary=claim["beneficiary"],
            status="ORDERED",
            base_amount=base,
            complementary_amount=complement,
            lines=[
                {
                    "line": line,
                    "liquidation_event_id": liquidation["event_id"],
                    "verdict_id": f"V-{claim['event_id']}-1",
                    "base_amount": part,
                    "complementary_amount": share,
                }
                for (line, _, part), share in zip(dossier.dues, shares, strict=True)
            ],
        )
        payee = (
            {"payee": "PROVIDER", "payee_inpe": dossier.payee, "bank_account": f"K-{dossier.payee}"}
            if dossier.payee
            else {"payee": "INSURED", "bank_account": home.account}
        )
        liquidation.update(payee)
        payment.update(payee)
        blame: Blame | None = None
        if self.world.scale.liquidators > USUAL:
            blame = self._control(at, liquidation, base + complement)
        steps: list[Step] = [(at, liquidation, blame or False), (at_payment, payment, False)]
        return steps if dossier.handling is None else dossier.handling(draw, claim, steps)

    def _desk(self, agency: str) -> str:
        """Who of the agency has the file: anybody, or most often the one whose portfolio it is."""
        desk = self.world.liquidators[agency][:-2]
        if agency in self._routed:
            return desk[0] if self.draw.chance(PORTFOLIO) else self.draw.pick(desk[1:])
        return self.draw.pick(desk)

    def _control(self, at: int, liquidation: Event, amount: int) -> Blame | None:
        """The controls of a step; whose fault it is where they are put aside out of habit."""
        # what is dear goes to a second person rather than past a control
        failing, forced, blame = 0.08, 0.3 if amount < DEAR else 0.01, None
        habit = self.habits.get(liquidation["liquidator"])
        if habit is not None and habit.first <= at < habit.last:
            failing, forced, blame = habit.failing, habit.forced, habit.blame
        liquidation["controls"] = self.controls(failing, forced)
        put_aside = any(one["result"] == "OVERRIDDEN" for one in liquidation["controls"])
        return blame if put_aside or (blame is not None and blame[0] == "LOOKALIKE") else None

    def controls(self, failing: float = 0.08, forced: float = 0.3) -> list[Event]:
        """What the payer's own program checked: some controls fail, and some of those are put aside."""
        results = []
        for code in CONTROLS:
            failed = self.draw.chance(failing)
            put_aside = failed and self.draw.chance(forced)
            results.append(
                {"code": code, "result": "OVERRIDDEN" if put_aside else "FAILED" if failed else "PASSED"}
            )
        return results

    def _event(self, type_: str, at: int, claim: Event, desk: Desk) -> Event:
        """An envelope with the claim's administration."""
        event = desk.envelope(type_, at, claim["organism"])
        event.update(
            {key: claim[key] for key in ("mutuelle", "agency", "region", "flow", "channel") if key in claim}
        )
        return event


def _complements(dues: list[tuple[int, int, int]], covered: bool) -> list[int]:
    """The mutuelle's part of each line: half of what the base left of the tariff."""
    return [(basis - base) // 2 if covered and basis > base else 0 for _, basis, base in dues]

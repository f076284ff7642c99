"""The gate's truth table: the state of the verdict x of the payment x the order of arrival x what changed since.

Every cell is a claim of its own in one log; what each must answer is said here, from the facts alone.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from typing import NamedTuple

import pytest
import redis

from state import EmbeddedRedis
from tests.streams.stage import START, Desk, Event, Said, Stage, visit

pytestmark = pytest.mark.slow

VERDICTS = (
    "none", "unreadable", "released", "flagged", "held", "lapsed", "escalated", "cleared", "appealed", "confirmed",
    "corrected", "cancelled", "liquidation held", "liquidation put right",
)  # fmt: skip
PAYMENTS = ("ORDERED", "PAID", "RETURNED", "CANCELLED")
ORDERS = tuple(itertools.permutations(("claim", "liquidation", "payment")))
CHANGES = (
    "nothing", "amount", "complement", "account", "payee", "paid already", "liquidation cancelled", "rights", "death",
    "exclusion", "order",
)  # fmt: skip
REVIEWED = ("flagged", "cleared", "appealed")  # a person weighed what was known
STRUCK_OFF = ("held", "escalated", "confirmed", "corrected", *REVIEWED)
DUE = 20_000


class Cell(NamedTuple):
    """One row of the table."""

    verdict: str
    payment: str
    order: tuple[str, ...]
    change: str


CELLS = [Cell(*cell) for cell in itertools.product(VERDICTS, PAYMENTS, ORDERS, CHANGES)]
NUMBERS = {cell: number for number, cell in enumerate(CELLS)}


def has(cell: Cell, part: str) -> bool:
    """Whether that part of the file is there when the payment comes."""
    return cell.order.index(part) < cell.order.index("payment")


def expected(cell: Cell) -> str:
    """The last answer to the payment."""
    if cell.payment in ("RETURNED", "CANCELLED"):
        return "RELEASE"
    if cell.payment == "PAID":
        return "RELEASE_FLAGGED" if paid_wrongly(cell) else "RELEASE"
    if cell.verdict in (
        "none",
        "unreadable",
        "held",
        "escalated",
        "confirmed",
        "cancelled",
        "liquidation held",
    ):
        return "HOLD"
    if cell.change in ("rights", "death", "exclusion"):
        known_to_the_claim = cell.order[-1] == "claim"
        weighed = cell.verdict in REVIEWED and (known_to_the_claim or cell.change == "exclusion")
        weighed = weighed or (cell.verdict, cell.change) == ("lapsed", "rights")
        return "RELEASE" if weighed else "HOLD"
    return "RELEASE" if cell.change == "nothing" else "HOLD"


def paid_wrongly(cell: Cell) -> bool:
    """Whether money left without a verdict, despite a hold, or otherwise than it was liquidated by then."""
    if not has(cell, "claim") or cell.verdict in ("none", "unreadable", "cancelled"):
        return True
    if cell.verdict in ("held", "escalated", "confirmed"):
        return True
    if cell.change in ("rights", "death") and cell.verdict not in REVIEWED:
        return (cell.verdict, cell.change) != ("lapsed", "rights")  # the registry has held the claim by then
    if not has(cell, "liquidation"):
        return False  # there is nothing yet to compare it with
    if cell.verdict == "liquidation held":
        return True
    return cell.change in ("amount", "complement", "account", "payee", "paid already")


class Writer:
    """The events of one cell."""

    def __init__(self, desk: Desk, cell: Cell) -> None:
        self.desk, self.cell, self.number = desk, cell, NUMBERS[cell]
        self.who, self.inpe = f"B-{self.number}", f"{100_000_000 + self.number}"
        late = cell.verdict in ("lapsed", "escalated")
        self.pays_at = START + (dt.timedelta(days=40) if late else dt.timedelta(hours=2))
        original = cell.verdict in STRUCK_OFF
        self.filed = desk.claim(
            f"C-{self.number}", visit("999999999" if original else self.inpe), who=self.who, at=START
        )

    def registered(self) -> list[Event]:
        """The person and the doctor before anything happens."""
        closed = "2026-01-31" if self.cell.verdict == "lapsed" else None
        return [self.desk.provider(self.inpe), self.person(to=closed)]

    def person(self, **fields: object) -> Event:
        account = {"bank_account": f"K-{self.number}", "bank_account_since": "2019-01-01"}
        return self.desk.person(self.who, **account, **fields)  # type: ignore[arg-type]

    def events(self, place: int) -> Iterator[Event]:
        """What arrives first, second, third, and last of all."""
        if place == len(self.cell.order):
            if self.cell.change == "liquidation cancelled":
                yield from self.cancellations()
            return
        part = self.cell.order[place]
        last = self.cell.order[-1] == "claim"
        if part == "claim" and last:
            yield from self.changed()
        yield from getattr(self, part)()
        if part == "claim" and not last:
            yield from self.changed()

    def cancellations(self) -> Iterator[Event]:
        for event_id in (f"L-{self.number}", f"M-{self.number}"):
            yield self.desk.liquidation(
                self.filed, f"X{event_id}", action="CANCEL", cancels=event_id, base_amount=None,
                liquidator=f"LQ-{self.number}", at=self.pays_at + dt.timedelta(hours=1),
            )  # fmt: skip

    def claim(self) -> Iterator[Event]:
        verdict, desk, filed = self.cell.verdict, self.desk, self.filed
        if verdict == "none":
            return
        if verdict == "unreadable":
            yield {**filed, "lines": [{**filed["lines"][0], "amount": "much"}]}
            return
        yield filed
        if verdict == "cancelled":
            yield desk.cancel(filed, f"Z-{self.number}", at=START)
        if verdict == "corrected":
            yield desk.correct(filed, f"R-{self.number}", visit(self.inpe), at=START)
        outcomes = {"flagged": ["INSUFFICIENT"], "cleared": ["LEGITIMATE"], "confirmed": ["CONFIRMED_FRAUD"],
                    "appealed": ["CONFIRMED_FRAUD", "APPEAL_UPHELD"]}  # fmt: skip
        for outcome in outcomes.get(verdict, ()):
            yield desk.review(filed, outcome)

    def liquidation(self) -> Iterator[Event]:
        over = self.cell.verdict in ("liquidation held", "liquidation put right")
        told = {"payee": "INSURED", "bank_account": f"K-{self.number}", "liquidator": f"LQ-{self.number}"}
        at = START + dt.timedelta(hours=1)
        yield self.desk.liquidation(
            self.filed, f"L-{self.number}", base_amount=26_000 if over else DUE, at=at, **told
        )
        if self.cell.verdict == "liquidation put right":
            at += dt.timedelta(minutes=5)
            yield self.desk.liquidation(
                self.filed, f"M-{self.number}", action="MODIFY", base_amount=DUE, at=at, **told
            )

    def payment(self) -> Iterator[Event]:
        base = 26_000 if self.cell.verdict == "liquidation held" else DUE
        if self.cell.change == "paid already":
            yield self.desk.payment(
                self.filed, f"O-{self.number}", 1, base_amount=base, status="PAID", at=self.pays_at,
                lines=[{"line": 1, "base_amount": base}],
            )  # fmt: skip
        more = 1 if self.cell.change == "complement" else None
        base += self.cell.change == "amount"
        other = "other-" if self.cell.change == "account" else ""
        yield self.desk.payment(
            self.filed, f"P-{self.number}", 1, base_amount=base, complementary_amount=more, status=self.cell.payment,
            lines=[{"line": 1, "base_amount": base, "complementary_amount": more}], at=self.pays_at,
            payee="PROVIDER" if self.cell.change == "payee" else "INSURED", bank_account=f"K-{other}{self.number}",
        )  # fmt: skip

    def changed(self) -> Iterator[Event]:
        """What the registries learn after the verdict; where the claim comes last, before it."""
        change = self.cell.change
        if change == "rights":
            yield self.person(to="2026-01-31")
        if change == "death":
            closed = "2026-01-31" if self.cell.verdict == "lapsed" else None
            yield self.person(to=closed, death_date="2026-01-15")
        if change == "exclusion":
            excluded = [{"from": "2025-01-01", "to": None, "reason": "struck off"}]
            yield self.desk.provider(self.inpe, excluded=excluded)
        if change == "order":
            yield self.desk.event(
                "order", order_id=f"OR-{self.number}", entity=f"beneficiary:{self.who}", scope="PAYEE",
                ordered_by=["R-1", "R-2"], motive="inquiry", **{"from": "2026-01-01"},
            )  # fmt: skip


@pytest.fixture(scope="module", params=[9, 128], ids=["small batches", "batches"])
def said(request: pytest.FixtureRequest, server: EmbeddedRedis) -> Said:
    """The whole table, screened as one log."""
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
    desk = Desk()
    writers = [Writer(desk, cell) for cell in CELLS]
    log = desk.world(strict=True)
    log.append(
        desk.provider("999999999", excluded=[{"from": "2025-01-01", "to": None, "reason": "struck off"}])
    )
    log += [event for writer in writers for event in writer.registered()]
    for place in range(4):  # what is asked again has its answer before the next part of the file comes
        log += [event for writer in writers for event in writer.events(place)]
    return Stage(server.url).screen(log, size=request.param)


@pytest.fixture(scope="module")
def answers(said: Said) -> dict[str, Event]:
    """Event id -> its last record."""
    return {record["event_id"]: record for record in said.records}


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: "-".join((*cell[:2], *cell.order, cell.change)))
def test_cell(answers: dict[str, Event], cell: Cell) -> None:
    assert answers[f"P-{NUMBERS[cell]}"]["decision"] == expected(cell)


def test_the_table_has_every_verdict_that_it_names(answers: dict[str, Event]) -> None:
    """What the cells call their verdict is what the loop answered, where nothing else happened."""
    wanted = {
        "unreadable": "CANNOT_SCREEN", "released": "RELEASE", "flagged": "RELEASE_FLAGGED", "held": "HOLD",
        "lapsed": "HOLD", "escalated": "HOLD", "cleared": "RELEASE", "appealed": "RELEASE", "confirmed": "HOLD",
        "corrected": "RELEASE", "cancelled": "RELEASE", "liquidation held": "RELEASE",
        "liquidation put right": "RELEASE",
    }  # fmt: skip
    for verdict, decision in wanted.items():
        number = NUMBERS[Cell(verdict, "ORDERED", ORDERS[0], "nothing")]
        assert answers[f"C-{number}"]["decision"] == decision, verdict
    number = NUMBERS[Cell("liquidation held", "ORDERED", ORDERS[0], "nothing")]
    assert answers[f"L-{number}"]["decision"] == "HOLD"
    number = NUMBERS[Cell("liquidation put right", "ORDERED", ORDERS[0], "nothing")]
    assert answers[f"L-{number}"]["decision"] == "RELEASE"
    assert answers[f"L-{number}"]["cause"] == "REPLACED"


def test_no_payment_s_hold_stays_open_once_it_is_released(said: Said) -> None:
    last: dict[str, str] = {one["event_id"]: one["state"] for one in said.suspensions}
    decided = {record["event_id"]: record["decision"] for record in said.records}
    assert {name for name, state in last.items() if state != "RELEASED"} == {
        name for name, decision in decided.items() if decision == "HOLD"
    }

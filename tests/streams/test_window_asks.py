"""What liquidations and payments put into the windows of those behind them, against plain enumerations."""

from __future__ import annotations

import datetime as dt
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.liquidation import Liquidation
from schemas.observation import Followed, LiquidatorCounts
from schemas.payment import Payment
from state.embedded import EmbeddedRedis
from tests.detectors.scene import DOCTOR
from tests.streams.asked import SETTINGS, TABLES, event, watch

STEPS = st.lists(
    st.fixed_dictionaries(
        {
            "who": st.sampled_from("AB"),
            "liquidator": st.sampled_from(["L-1", "L-2"]),
            "hours": st.integers(0, 24 * 39),
            "action": st.sampled_from(["COMPUTE", "OVERRIDE", "VALIDATE", "CANCEL"]),
            "cancels": st.one_of(st.none(), st.integers(0, 11)),
            "results": st.lists(st.sampled_from(["PASSED", "FAILED", "OVERRIDDEN"]), max_size=2),
            "duration_ms": st.sampled_from([None, 100, 60_000]),
            "role": st.sampled_from(["BATCH", "LIQUIDATION"]),
            "payee_inpe": st.sampled_from([None, DOCTOR]),
            "base": st.integers(0, 10**6),
            "complementary": st.one_of(st.none(), st.integers(0, 10**6)),
        }
    ),
    min_size=1,
    max_size=12,
)


def plain_counts(step: Liquidation) -> tuple[int, ...]:
    local = step.event_time.astimezone(TABLES.zone)
    results = [control.result for control in step.controls or ()]
    by_hand = step.role != "BATCH" and step.duration_ms is not None
    off = local.weekday() == 6 or local.date() == dt.date(2026, 3, 4)
    return (
        1,
        step.action == "VALIDATE",
        step.action == "OVERRIDE",
        step.action == "CANCEL",
        len(results),
        results.count("FAILED"),
        results.count("OVERRIDDEN"),
        by_hand,
        by_hand and step.duration_ms == 100,
        off or local.hour < 7 or local.hour >= 20,
        results.count("OVERRIDDEN"),
    )


@SETTINGS
@given(steps=STEPS, size=st.integers(1, 5), tags=st.sampled_from([1, 3]))
def test_liquidators_are_counted_and_a_cancelled_step_is_not(
    server: EmbeddedRedis, steps: list[dict[str, Any]], size: int, tags: int
) -> None:
    """In whatever order a step and what cancels it come; the oracle keeps the steps that stand in a list."""
    made: list[Liquidation] = []
    named: set[int] = set()
    for number, drawn in enumerate(steps):
        cancels = drawn["cancels"]
        ok = cancels is not None and cancels != number and cancels not in named and cancels < len(steps)
        ok = ok and steps[cancels]["who"] == drawn["who"]
        named.add(cancels)
        made.append(
            event(
                Liquidation,
                number,
                drawn["hours"],
                beneficiary=drawn["who"],
                liquidator=drawn["liquidator"],
                action=drawn["action"],
                cancels=f"E{cancels}" if ok else None,
                role=drawn["role"],
                duration_ms=drawn["duration_ms"],
                payee_inpe=drawn["payee_inpe"],
                base_amount=drawn["base"],
                complementary_amount=drawn["complementary"],
                controls=[{"result": result, "verdict_id": "V-1"} for result in drawn["results"]],
            )
        )
    told = watch(server, [(step, None) for step in made], size, tags)
    live: list[Liquidation] = []
    gone: set[str | None] = set()
    heads: dict[str, int] = {}
    for step, seen in zip(made, told, strict=True):
        gone.add(step.cancels)
        live = [other for other in live if other.event_id not in gone]
        now = [*live, step]
        assert isinstance(seen, Followed)
        mine = [other for other in now if other.liquidator == step.liquidator]
        day = _day(step)
        bucket = heads[step.liquidator] = max(heads.get(step.liquidator, day // 5), day // 5)
        columns = zip(*(plain_counts(other) for other in mine if _day(other) // 5 > bucket - 7), strict=True)
        in_ring = [other for other in mine if _day(other) // 5 > bucket - 7]
        wanted = LiquidatorCounts(*map(sum, columns)) if in_ring else LiquidatorCounts(*[0] * 11)
        assert seen.acts == wanted
        month = [other for other in mine if day - 30 < _day(other) <= day]
        assert seen.liquidator is not None
        assert (seen.liquidator.claims_30d, seen.liquidator.amount_30d) == (
            len(month),
            sum((other.base_amount or 0) + (other.complementary_amount or 0) for other in month),
        )
        same = [other for other in mine if _day(other) // 30 == day // 30]
        assert seen.beneficiary is not None
        assert seen.beneficiary.now.own == sum(other.beneficiary == step.beneficiary for other in same)
        assert (seen.provider is None) == (step.payee_inpe is None)
        if seen.provider is not None:
            paid = [other for other in same if other.payee_inpe is not None]
            assert (seen.provider.now.own, seen.provider.now.total) == (len(paid), len(paid))
        if step.event_id not in gone:
            live.append(step)


def _day(step: Liquidation | Payment) -> int:
    return (TABLES.local_date(step.event_time) - dt.date(1970, 1, 1)).days


PAYMENTS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from("AB"),
        st.sampled_from(["ORDERED", "PAID", "RETURNED", "CANCELLED"]),
        st.sampled_from(["K-1", "K-2", None]),
        st.integers(0, 10**6),
        st.sampled_from(["INSURED", "PROVIDER"]),
    ),
    min_size=1,
    max_size=14,
)


@SETTINGS
@given(payments=PAYMENTS, size=st.integers(1, 5), tags=st.sampled_from([1, 3]))
def test_a_payment_counts_once_at_its_account(
    server: EmbeddedRedis, payments: list[tuple[Any, ...]], size: int, tags: int
) -> None:
    """By its last event: one that came back leaves nothing. The id of a payment is its beneficiary's own."""
    made = [
        event(
            Payment,
            number,
            number,
            payment_id=f"P-{which}",
            beneficiary=who,
            status=status,
            bank_account=account,
            base_amount=amount,
            payee=payee,
            payee_inpe=DOCTOR,
        )
        for number, (which, who, status, account, amount, payee) in enumerate(payments)
    ]
    told = watch(server, [(payment, None) for payment in made], size, tags)
    last: dict[tuple[str, str], Payment] = {}
    for payment, seen in zip(made, told, strict=True):
        last[payment.payment_id, payment.beneficiary] = payment
        if payment.bank_account is None or payment.status not in ("ORDERED", "PAID"):
            assert not isinstance(seen, Followed)
            continue
        assert isinstance(seen, Followed)
        assert seen.account is not None
        there = [
            one
            for one in last.values()
            if one.bank_account == payment.bank_account and one.status in ("ORDERED", "PAID")
        ]
        payees = {one.beneficiary if one.payee == "INSURED" else one.payee_inpe for one in there}
        assert (seen.account.claims_30d, seen.account.amount_30d, seen.account.patients_30d) == (
            len(there),
            sum(one.base_amount for one in there),
            len(payees),
        )

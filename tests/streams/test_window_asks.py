"""What events put into the windows of those behind them, and take out again, against plain enumerations."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import msgspec
import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.approval import PriorApproval
from schemas.claim import Claim
from schemas.events import Event
from schemas.liquidation import Liquidation
from schemas.observation import Followed, Grades, LiquidatorCounts, Observation, Shares, event_ref
from schemas.payment import Payment
from state import Ask, Span, Store
from state.embedded import EmbeddedRedis
from streams import asking, follower_asks
from tests.detectors.scene import BOX, DOCTOR, OTHER, PHARMACY, Scene, box, consultation

INPUT = "claims|topic-id|0"
RIVAL, ALONE = "6118001230075", "6118001230082"
START = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
SCENE = (
    Scene()
    .table("letter_values", {"letter": "K", "value": 1_000}, {"letter": "C"})
    .act("CS", letter="C", coefficient=1)
    .act("K10", letter="K", coefficient=10)
    .act("K20", letter="K", coefficient=20)
    .act("K90", letter="K", coefficient=90)
    .table("calendar", {"date": "2026-03-04", "kind": "FIXED"}, {"date": "2026-03-05", "kind": "RAMADAN"})
    .table(
        "drugs",
        {"ean13": BOX, "atc": "N02BE01", "name": "DOLI 500"},
        {"ean13": RIVAL, "atc": "N02BE51", "brand": "RIVAL", "name": "RIVAL 1 G"},
        {"ean13": ALONE, "atc": "C08CA01", "brand": "ALONE"},
    )
    .table(
        "communes",
        {"commune": "C1", "lat": 33.6, "lon": -7.6},
        {"commune": "C2", "lat": 34.0, "lon": -6.8},
        {"commune": "C3", "lat": 33.7, "lon": -7.4},
    )
    .provider(DOCTOR, network="N-1", commune="C1")
    .provider(PHARMACY, "PHARMACIE", network="N-1", lat=34.05, lon=-6.85)
)
FAR = {("C1", PHARMACY), ("C2", DOCTOR), ("C3", PHARMACY)}
"""Rabat and Casablanca lie 86 km apart; C3 lies beside Casablanca; the pharmacy is in Rabat, the doctor in
Casablanca."""
TABLES = SCENE.book.snapshot()
SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def watch(
    server: EmbeddedRedis, events: Sequence[tuple[Event, str | None]], size: int = 3, tags: int = 1
) -> list[Observation | Followed | None]:
    """What the windows say to each (event, commune), in batches."""
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
    store = Store(server.url, tags=tags, require_aof=False)
    store.check()
    store.own([INPUT])
    told: list[Observation | Followed | None] = []
    for begin in range(0, len(events), size):
        batch = list(enumerate(events))[begin : begin + size]
        store.intern(name for _, (event, _) in batch for name in asking.names(event))
        made = [
            asking.question(event, TABLES, store.numbers.__getitem__, offset, commune)
            for offset, (event, commune) in batch
        ]
        asks = [
            Ask(
                input=0,
                offset=offset,
                content=blake2b(msgspec.msgpack.encode(event), digest_size=16).digest(),
                event_id=event.event_id,
                ref=event_ref(event.event_id),
                claim_id=str(getattr(event, "claim_id", "")),
                beneficiary=str(getattr(event, "beneficiary", "")),
                undo=asked.undo,
                undo_payment=asked.undo_payment,
                home=asked.home,
                away=asked.away,
                home_reads=asked.reads,
            )
            for (offset, (event, _)), asked in zip(batch, made, strict=True)
        ]
        answers = store.observe([Span(INPUT, begin - 1, begin + len(batch) - 1)], asks)
        for (_, (one, _)), asked, answer in zip(batch, made, answers, strict=True):
            if answer.status != "NEW" or isinstance(one, PriorApproval):
                told.append(None)
            elif asked.followed:
                told.append(follower_asks.followed(asked, answer.away))
            else:
                told.append(asking.observation(asked, [*answer.home, *answer.away]))
    store.close()
    return told


def event(of: type[Any], number: int, hours: int, **fields: Any) -> Any:
    at = START + dt.timedelta(hours=hours)
    body = {"version": 1, "event_id": f"E{number}", "event_time": at, "organism": "CNOPS", "flow": "AMO"}
    body |= {"type": of.__struct_config__.tag, "claim_id": f"D{number}", **fields}
    return msgspec.convert(body, of)


# -- liquidations and payments

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


# -- claims


def claim(number: int, *lines: dict[str, Any], who: str = "B-1", **fields: Any) -> Claim:
    body = [{**line, "line": place} for place, line in enumerate(lines, 1)]
    more = {"beneficiary": who, "insured": "A-1", "kind": "AMBULATOIRE", "deposit_date": "2026-03-10"}
    made: Claim = event(Claim, number, number, **{**more, "lines": body, **fields})
    return made


KINDS = {
    "visit": consultation(prescriber=OTHER, amount=15_300),
    "holiday": consultation(service_date="2026-03-04", amount=15_000),
    "ramadan": consultation(service_date="2026-03-05", amount=15_000),
    "sunday": consultation(service_date="2026-03-01", amount=19_900),
    "duty": consultation(service_date="2026-03-01", amount=19_900, modifiers=["NIGHT"]),
    "low": consultation(code="K10", amount=10_000, performer=OTHER),
    "high": consultation(code="K90", quantity=2, amount=180_000, prescriber=OTHER),
    "dear": consultation(code="K90", amount=90_700, care_group="RADIOLOGY"),
    "ill": consultation(code="K90", amount=90_000, ald="E11"),
    "agreed": consultation(code="K90", amount=90_000, prior_approval="PA-1"),
    "strange": consultation(code="NEW", amount=10_400, care_group="DEVICE"),
    "own fee": consultation(amount=31_900, care_group="PARAMEDICAL"),
    "box": box(prescriber=OTHER),
    "rival": box(code=RIVAL, amount=9_600, prescriber=OTHER),
    "alone": box(code=ALONE, amount=99_000, prescriber=OTHER),
}
DIGIT = {"dear": 7, "own fee": 9}
"""Whole dirhams of what is billed at no tariff, the last digit; fees of visits are round by custom."""
BRANDS = {"box": "DOLI 500", "rival": "RIVAL"}


def plain_digits(kinds: list[str]) -> tuple[int, ...]:
    return tuple(sum(DIGIT.get(kind) == digit for kind in kinds) for digit in range(10))


def plain_shares(kinds: list[str]) -> Shares:
    return Shares(
        sum(kind != "duty" for kind in kinds),
        sum(kind in ("holiday", "sunday") for kind in kinds),
    )


def plain_grades(kinds: list[str], mine: list[str]) -> Grades:
    top = [kind for kind in kinds if kind in ("high", "dear")]
    here = [place for place, kind in enumerate(mine, 1) if kind in ("high", "dear")]
    shares = [10 / 90 if kind == "low" else 1.0 for kind in mine if kind in ("low", "high", "dear")]
    lines = len(top) + kinds.count("low")
    return Grades(lines, len(top), tuple(here), sum(shares) / len(shares))


def week_of(kinds: list[str], inpe: str) -> int:
    days = [KINDS[kind]["service_date"] for kind in kinds if KINDS[kind]["executor"] == inpe]
    return (dt.date.fromisoformat(max(days)) - dt.date(1970, 1, 1)).days // 7


def costliest(kinds: list[str]) -> str | None:
    return "rival" if "rival" in kinds else "box" if "box" in kinds else None


CLAIMS = st.lists(
    st.tuples(
        st.sampled_from(["B-1", "B-2", "B-3"]),
        st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=4),
        st.sampled_from(["C1", "C2", "C3", "C9", None]),
        st.one_of(st.none(), st.integers(0, 8)),
    ),
    min_size=1,
    max_size=9,
)


@SETTINGS
@given(drawn=CLAIMS, size=st.integers(1, 5), tags=st.sampled_from([1, 3]))
def test_those_behind_the_lines_are_counted_and_corrections_leave(
    server: EmbeddedRedis, drawn: list[tuple[Any, ...]], size: int, tags: int
) -> None:
    made: list[Claim] = []
    named: set[int] = set()
    for number, (who, kinds, _, replaces) in enumerate(drawn):
        ok = replaces is not None and replaces != number and replaces not in named and replaces < len(drawn)
        ok = ok and drawn[replaces][0] == who
        named.add(replaces)
        more = {"action": "CORRECT", "replaces": f"E{replaces}"} if ok else {}
        made.append(claim(number, *(KINDS[kind] for kind in kinds), who=who, **more))
    communes = [commune for _, _, commune, _ in drawn]
    told = watch(server, list(zip(made, communes, strict=True)), size, tags)
    live: list[int] = []
    gone: set[str | None] = set()
    for number, (one, seen) in enumerate(zip(made, told, strict=True)):
        gone.add(one.replaces)
        live = [other for other in live if made[other].event_id not in gone]
        now = [*live, number]
        assert isinstance(seen, Observation)
        mine = drawn[number][1]
        for inpe, shares in seen.shares.items():
            kinds = [kind for other in now for kind in drawn[other][1] if KINDS[kind]["executor"] == inpe]
            assert shares == plain_shares(kinds)
            if inpe in seen.digits:
                assert seen.digits[inpe] == plain_digits(kinds)
            for (name, letter), grades in seen.grades.items():
                assert (name, letter) == (DOCTOR, "K")
                if name == inpe:
                    wanted = plain_grades(kinds, mine)
                    assert grades[:3] == wanted[:3]
                    assert grades.mean == pytest.approx(wanted.mean)
        assert set(seen.shares) == {KINDS[kind]["executor"] for kind in mine if kind != "duty"}
        assert set(seen.digits) == {KINDS[kind]["executor"] for kind in mine if kind in DIGIT}
        assert bool(seen.grades) is any(kind in ("low", "high", "dear") for kind in mine)
        chosen = costliest(mine)
        assert set(seen.brands) == ({OTHER} if chosen else set())
        for brand in seen.brands.values():
            each = [costliest(drawn[other][1]) for other in now]
            assert brand.line == mine.index(str(chosen)) + 1
            assert (brand.brand.own, brand.brand.members) == (each.count(chosen), 1)
            assert (brand.whole.own, brand.whole.total) == ((len(each) - each.count(None)),) * 2
        for (prescriber, executor), pair in seen.pairs.items():
            with_both = [
                other
                for other in now
                if any(
                    (KINDS[kind].get("prescriber"), KINDS[kind]["executor"]) == (prescriber, executor)
                    for kind in drawn[other][1]
                )
            ]
            assert (pair.now.own, pair.now.exact) == (len(with_both), True)
        assert set(seen.pairs) == {
            (OTHER, KINDS[kind]["executor"]) for kind in mine if KINDS[kind].get("prescriber")
        }
        acted = [other for other in now if "low" in drawn[other][1]]
        assert {name: window.claims_30d for name, window in seen.performers.items()} == (
            {OTHER: len(acted)} if "low" in mine else {}
        )
        assert seen.networks["N-1"].claims_30d == len(now)
        for inpe, found in seen.patients_from.items():
            there = [
                (drawn[other][0], week_of(drawn[other][1], inpe))
                for other in now
                if drawn[other][2] == drawn[number][2]
                and any(KINDS[kind]["executor"] == inpe for kind in drawn[other][1])
            ]
            assert (found.members, found.total) == (len({who for who, _ in there}), len(there))
            in_week = [who for who, week in there if week == week_of(mine, inpe)]
            of_week = seen.patients_of_week[inpe]
            assert (of_week.members, of_week.total) == (len(set(in_week)), len(in_week))
        assert set(seen.patients_from) == {
            KINDS[kind]["executor"] for kind in mine if (drawn[number][2], KINDS[kind]["executor"]) in FAR
        }
        if one.event_id not in gone:
            live.append(number)


@SETTINGS
@given(drawn=CLAIMS, order=st.randoms(use_true_random=False), size=st.integers(1, 5))
def test_the_windows_of_practice_end_alike_in_any_order_of_arrival(
    server: EmbeddedRedis, drawn: list[tuple[Any, ...]], order: random.Random, size: int
) -> None:
    """What P02, P05, P06 and R01 read of the last claim, whichever of those before came first."""
    made = [
        (claim(number, *(KINDS[kind] for kind in kinds), who=who), commune)
        for number, (who, kinds, commune, _) in enumerate(drawn)
    ]
    last = (claim(len(made), *(KINDS[kind] for kind in sorted(KINDS)), who="B-9"), "C2")
    shuffled = order.sample(made, len(made))
    seen, again = (watch(server, [*events, last], size)[-1] for events in (made, shuffled))
    assert isinstance(seen, Observation)
    assert isinstance(again, Observation)
    for one, other in (
        (seen.shares, again.shares),
        (seen.digits, again.digits),
        (seen.grades, again.grades),
        (seen.pairs, again.pairs),
        (seen.brands, again.brands),
        (seen.patients_from, again.patients_from),
        (seen.patients_of_week, again.patients_of_week),
    ):
        assert one
        assert one == other

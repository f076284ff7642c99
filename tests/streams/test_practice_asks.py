"""What claims put into the windows of those behind their lines, and corrections take out again, against plain
enumerations.
"""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.claim import Claim
from schemas.observation import Grades, Observation, Shares
from state.embedded import EmbeddedRedis
from tests.detectors.scene import DOCTOR, OTHER, box, consultation
from tests.streams.asked import ALONE, FAR, RIVAL, SETTINGS, claim, watch

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

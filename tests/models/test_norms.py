"""Peers' habits equal the plain ones; a group is a fair, bounded sample whatever the order."""

from __future__ import annotations

import json
import math
import random
from statistics import fmean
from typing import Any

import pytest

from detectors.models import norms
from detectors.models.folds import fold_learning, learning, touched
from detectors.models.keys import Bill, view
from detectors.models.records import HabitsRecord, NormsRecord, decode, encode
from detectors.models.store import Records
from schemas.observation import Grades, Observation, Shares
from tests.models.stage import DOCTOR, Registry, claim, line, provider, window


def own(off: int = 2, lines: int = 100, top: int = 20, **more: Any) -> list[Any]:
    habit = {
        "day": 100,
        "lines": lines,
        "off": off,
        "digits": -1.0,
        "fresh": -1.0,
        "letters": {"K": [lines, top]},
    }
    return list({**habit, **more}.values())


def grown(members: dict[str, list[Any]], times: int = 1) -> tuple[HabitsRecord, NormsRecord | None]:
    record: HabitsRecord | None = None
    summary: NormsRecord | None = None
    for name, habit in list(members.items()) * times:
        record, fresh = norms.fold(record, summary, name, habit)
        summary = fresh or summary
    assert record is not None
    return record, summary


def test_the_norms_are_those_of_the_members() -> None:
    rng = random.Random(1)
    shares = [rng.randrange(1, 60) for _ in range(40)]
    few = {str(index): own(lines=29, off=29, top=29) for index in range(900, 905)}
    members = {
        str(index): own(off=share, top=share, digits=share / 1_000) for index, share in enumerate(shares)
    }
    _, summary = grown({**few, **members}, times=2)
    assert summary is not None
    ordered = sorted(share / 100 for share in shares)
    wanted = [40, pytest.approx(fmean(ordered)), ordered[int(0.95 * 39)]]
    assert list(summary.off_days) == wanted
    assert list(summary.letters["K"]) == wanted
    assert len(summary.letters) == 1
    assert list(summary.digits) == [40, pytest.approx(fmean(ordered) / 10), pytest.approx(ordered[37] / 10)]
    assert summary.newcomers == (0, 0.0, 0.0)
    assert decode("norms", encode(summary)) == summary


def test_one_member_alone_is_never_the_norm() -> None:
    """The 95 % point of 20 is the largest but one: whoever is measured cannot raise it for itself."""
    _, summary = grown({str(index): own(off=90 if index == 7 else index) for index in range(20)})
    assert summary is not None
    assert summary.off_days[2] == 0.19


def test_a_large_group_keeps_the_same_sample_in_any_order_and_who_is_gone_leaves() -> None:
    names = [str(value) for value in range(1, 1500)]
    first, _ = grown({name: own() for name in names})
    second, _ = grown({name: own() for name in random.Random(2).sample(names, len(names))})
    assert first.members == second.members
    assert len(first.members) == 512
    members = {str(value): own() for value in range(30)} | {
        f"late {value}": own(day=161) for value in range(40)
    }
    record, _ = grown(members)
    assert all(name.startswith("late") for name in record.members)


def test_letters_that_a_claim_did_not_have_stay() -> None:
    record, _ = norms.fold(None, None, "1", own(letters={"K": [50, 5], "Z": [40, 4]}))
    record, _ = norms.fold(record, None, "1", own(letters={"K": [51, 6]}))
    assert record.members["1"].letters == {"K": (51, 6), "Z": (40, 4)}


@pytest.mark.parametrize(("claims", "turn"), [(9, False), (10, True), (11, False), (20, True)])
def test_a_provider_tells_its_habits_with_every_tenth_claim(claims: float, turn: bool) -> None:
    bill = Bill(DOCTOR, "GP", window=window(claims_30d=claims))
    assert (norms.told(bill, 1) is not None) is turn


def test_what_a_claim_tells_its_peers() -> None:
    seen = Observation(
        executors={
            DOCTOR: window(
                claims_30d=10.0,
                claims_7d=4.0,
                lines_30d=10,
                amount_30d=1e5,
                patients_30d=5,
                patient_days_30d=9,
                active_days_30d=5,
            )
        },
        shares={DOCTOR: Shares(40, 3)},
        digits={DOCTOR: (30, *[0] * 9, 270)[:10]},
        grades={(DOCTOR, "K"): Grades(12, 4, (1,), 0.9), ("999999999", "K"): Grades(1, 1, (1,), 1.0)},
    )
    looked = view(claim(line()), seen, Registry(provider(DOCTOR, active=[{"from": "2025-12-01"}])))
    message = learning(looked, 0.1)
    day = looked.arrival_day
    assert message["habits"] == [["MEDECIN|-|PRIVATE", DOCTOR, [day, 40, 3, -1.0, 4.0, {"K": [12, 4]}]]]
    assert {("habits", "MEDECIN|-|PRIVATE"), ("norms", "MEDECIN|-|PRIVATE")} <= set(touched(message))
    assert set(fold_learning(Records(), json.loads(json.dumps(message)))) <= set(touched(message))


def test_last_digits_that_are_even_or_not() -> None:
    assert norms.unevenness((30,) * 10) == pytest.approx(0.0)
    assert norms.unevenness((300, *[0] * 9)) == pytest.approx(0.18)
    assert math.isclose(
        norms.unevenness((60, *[40 - 40 // 9] * 9)), fmean(abs(x / 384 - 0.1) for x in (60, *[36] * 9))
    )

"""P06: days off and last digits."""

from __future__ import annotations

from typing import Any

import pytest
from scipy import stats

from detectors import grading
from detectors.models.norms import unevenness
from detectors.models.records import NormsRecord
from schemas.observation import Shares
from tests.detectors.norms_scene import evidence
from tests.detectors.scene import DOCTOR, Scene, box, consultation

SUNDAY = consultation(service_date="2026-03-01")
HOLIDAY = consultation(service_date="2026-01-11")
WEEKDAY = consultation()
PEERS = (
    20,
    0.02,
    0.06,
)  # of so many peers: their mean share of lines on days off, that of the highest but 5 %


def open_on(off: int, lines: int, *norms: Any, kind: str = "MEDECIN") -> Scene:
    scene = Scene().provider(DOCTOR, kind).table("calendar", {"date": "2026-01-11", "kind": "FIXED"})
    scene.seen.shares = {DOCTOR: Shares(lines, off)}
    scene.evidence = evidence(*[NormsRecord(off_days=norm) for norm in norms])
    return scene


@pytest.mark.parametrize("lines", [30, 100, 1_000])
def test_it_fires_beyond_four_standard_deviations_and_not_just_under(lines: int) -> None:
    mean, variance = stats.binom.stats(lines, 0.02)
    least = next(off for off in range(lines) if off > mean + 4 * variance**0.5 and off > 0.06 * lines)
    assert open_on(least - 1, lines, PEERS).play("P06", SUNDAY) == ([], [])
    (finding,), cannot = open_on(least, lines, PEERS).play("P06", SUNDAY)
    assert cannot == []
    assert (finding.cls, finding.nature, finding.weight, finding.variant) == ("S", "PRE", 0.2, "calendar")
    assert finding.value == pytest.approx((least - mean) / variance**0.5, abs=1e-4)
    assert (finding.threshold, finding.n, finding.facts["usual"]) == (4, lines, 2.0)


def test_few_lines_say_nothing() -> None:
    assert open_on(29, 29, PEERS).play("P06", SUNDAY) == ([], [])


def test_the_lines_of_the_days_off_are_named() -> None:
    (finding,), _ = open_on(20, 60, PEERS).play("P06", WEEKDAY, SUNDAY, HOLIDAY)
    assert (finding.lines, finding.amount) == ((2, 3), 50_000)
    assert open_on(20, 60, PEERS).play("P06", WEEKDAY) == ([], [])


@pytest.mark.parametrize(
    "kind", sorted(["CLINIQUE", "CHU", "HOPITAL_PUBLIC", "PHARMACIE", "SAGE_FEMME", "TRANSPORT"])
)
def test_who_is_open_on_duty_does_not_fire(kind: str) -> None:
    assert open_on(60, 60, PEERS, kind=kind).play("P06", SUNDAY) == ([], [])


@pytest.mark.parametrize("modifier", ["NIGHT", "EMERGENCY"])
def test_duty_work_is_not_counted(modifier: str) -> None:
    line = {**SUNDAY, "modifiers": [modifier]}
    assert open_on(60, 60, PEERS).play("P06", line) == ([], [])
    scene = Scene()
    claim = scene.claim(line, SUNDAY, WEEKDAY, box(service_date="2026-03-01"))
    found = grading.tally(claim, claim.lines, scene.book.snapshot())
    assert (found.lines, found.off) == (3, (2, 4))


def test_peers_who_are_open_too() -> None:
    assert open_on(20, 60, (20, 0.3, 0.5)).play("P06", SUNDAY) == ([], [])
    assert open_on(20, 60, (20, 0.05, 0.34)).play("P06", SUNDAY) == ([], [])
    assert len(open_on(20, 60, (20, 0.0, 0.0)).play("P06", SUNDAY)[0]) == 1
    assert open_on(1, 60, (20, 0.0, 0.0)).play("P06", SUNDAY) == ([], [])


def test_few_peers_or_no_calendar_cannot_be_compared() -> None:
    few = (19, 0.02, 0.06)
    assert [item.missing for item in open_on(20, 60, few).play("P06", SUNDAY)[1]] == ["peers"]
    assert len(open_on(20, 60, few, PEERS).play("P06", SUNDAY)[0]) == 1
    scene = open_on(20, 60, PEERS)
    scene.evidence = None
    assert [item.missing for item in scene.play("P06", SUNDAY)[1]] == ["peers"]
    late = open_on(20, 60, PEERS).table(
        "calendar", {"date": "2026-06-01", "kind": "FIXED"}, valid_from="2026-06-01"
    )
    assert [item.missing for item in late.play("P06", SUNDAY)[1]] == ["calendar"]


# -- last digits

CAST = consultation(code="CAST", letter="K", coefficient=10, amount=31_500, care_group="DEVICE")
EVEN = (20, 0.01, 0.014)


def billed(digits: tuple[int, ...], *norms: Any) -> Scene:
    scene = Scene().provider(DOCTOR).table("letter_values", {"letter": "K", "value": 2_200})
    scene.seen.digits = {DOCTOR: digits}
    scene.evidence = evidence(*[NormsRecord(digits=norm) for norm in norms])
    return scene


def digits_of(n: int, extra: int) -> tuple[int, ...]:
    """`n` amounts, of which so many more end in 0 than in any other digit."""
    return (n // 10 + extra, *[(n - n // 10 - extra) // 9] * 9)


def test_it_fires_where_last_digits_do_not_conform_and_not_just_under() -> None:
    """Nigrini's 0.015 and a chi-squared beyond chance, both by SciPy."""
    fired = []
    for extra in range(0, 200, 3):
        digits = digits_of(2_000, extra)
        wanted = unevenness(digits) > 0.015 and stats.chisquare(digits).pvalue < 1e-4
        findings, cannot = billed(digits, EVEN).play("P06", CAST)
        assert cannot == []
        assert len(findings) == wanted
        fired.append(wanted)
    assert fired == sorted(fired)
    assert True in fired
    assert False in fired
    assert findings[0].variant == "digits"
    assert (findings[0].threshold, findings[0].window, findings[0].lines) == (0.015, "180 d", (1,))
    assert (findings[0].facts["digit"], findings[0].facts["percent"]) == (0, 20)


def test_few_amounts_are_uneven_by_chance() -> None:
    assert billed((299, *[0] * 9), EVEN).play("P06", CAST) == ([], [])
    assert len(billed((300, *[0] * 9), EVEN).play("P06", CAST)[0]) == 1
    digits = (48, 41, 38, 34, 30, 27, 25, 22, 19, 16)  # 0.0276, and a chi-squared of 31.6: p = 2e-4
    assert unevenness(digits) > 0.015
    assert stats.chisquare(digits).pvalue > 1e-4
    assert billed(digits, EVEN).play("P06", CAST) == ([], [])


ROUND = (20, 0.1, 0.16)


def test_fees_that_are_round_among_all_peers_do_not_fire() -> None:
    digits = (200, 0, 0, 0, 0, 150, 0, 0, 0, 0)
    assert unevenness(digits) == pytest.approx(0.16)
    assert billed(digits, ROUND).play("P06", CAST) == ([], [])
    assert len(billed(digits, EVEN).play("P06", CAST)[0]) == 1
    assert [item.missing for item in billed(digits).play("P06", CAST)[1]] == ["peers"]


@pytest.mark.parametrize(
    ("fields", "free"),
    [
        ({}, (1,)),
        ({"amount": 22_000}, ()),
        ({"care_group": "CONSULTATION"}, ()),
        ({"letter": None, "coefficient": None}, ()),
        ({"letter": "Q"}, ()),
        ({"letter": "R"}, (1,)),
        ({"code": "OWN", "letter": None, "coefficient": None}, (1,)),
    ],
)
def test_what_counts_as_an_amount_of_no_tariff(fields: dict[str, Any], free: tuple[int, ...]) -> None:
    """Not visits, not what stands at its tariff, and nothing whose tariff the tables do not tell."""
    scene = Scene().act("OWN").table("letter_values", {"letter": "K", "value": 2_200}, {"letter": "R"})
    claim = scene.claim({**CAST, **fields}, box())
    found = grading.tally(claim, claim.lines, scene.book.snapshot())
    assert found.free == free
    assert found.digits == ((0, 0, 0, 0, 0, 1, 0, 0, 0, 0) if free else None)


def test_without_tariffs_nothing_is_known_to_be_off_them() -> None:
    scene = Scene().provider(DOCTOR)
    assert [item.missing for item in scene.play("P06", CAST)[1]] == ["letter_values"]
    assert scene.play("P06", consultation(), box()) == ([], [])

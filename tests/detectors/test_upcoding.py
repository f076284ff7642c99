"""P02: the dearest acts of a letter oftener than the peers."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from scipy import stats

from detectors import grading
from detectors.models.records import NormsRecord, ProviderRecord
from schemas.observation import Grades, date_of, day_number
from tests.detectors.norms_scene import evidence
from tests.detectors.scene import DOCTOR, Scene, consultation

K90 = consultation(code="K90", letter="K", coefficient=90, amount=90_000)
TODAY = day_number(dt.date(2026, 3, 10))  # of the claim's arrival
PEERS = (20, 0.2, 0.4)  # of so many peers: their mean share, and that of the highest but 5 %


def coded(
    top: int,
    lines: int,
    *norms: Any,
    here: tuple[int, ...] = (1,),
    alarm: int | None = None,
    letter: str = "K",
) -> Scene:
    scene = Scene().act("K90", letter="K", coefficient=90)
    scene.seen.grades = {(DOCTOR, letter): Grades(lines, top, here, 1.0)}
    records = [NormsRecord(letters={"K": norm}) for norm in norms]
    own = ProviderRecord(drifts={"K": (3, 0.8, 0.1, 0.0, 0 if alarm is None else TODAY - alarm)})
    scene.evidence = evidence(*records, habits={DOCTOR: own})
    return scene


@pytest.mark.parametrize("lines", [30, 60, 400])
def test_it_fires_where_the_posterior_passes_and_not_just_under(lines: int) -> None:
    """The prior is worth ten lines at the peers' mean; SciPy says from which count on the posterior is above 0.99."""

    def posterior(top: int) -> float:
        return float(stats.beta.sf(0.4, 10 * 0.2 + top, 10 * 0.8 + lines - top))

    least = next(top for top in range(lines) if posterior(top) > 0.99)
    assert coded(least - 1, lines, PEERS).play("P02", K90) == ([], [])
    (finding,), cannot = coded(least, lines, PEERS).play("P02", K90)
    assert cannot == []
    assert (finding.cls, finding.nature, finding.weight, finding.variant) == ("S", "PRE", 0.5, "peers")
    assert finding.value == pytest.approx(posterior(least), abs=1e-4)
    assert (finding.threshold, finding.n, finding.lines, finding.amount) == (0.99, lines, (1,), 90_000)
    assert (finding.facts["percent"], finding.facts["usual"]) == (round(100 * least / lines), 40)


def test_few_lines_say_nothing() -> None:
    assert coded(29, 29, PEERS).play("P02", K90) == ([], [])


def test_a_claim_without_such_a_line_says_nothing() -> None:
    assert coded(60, 60, PEERS, here=()).play("P02", K90) == ([], [])


def test_few_peers_are_no_group_and_a_wider_one_counts() -> None:
    few = (19, 0.2, 0.4)
    assert [item.missing for item in coded(60, 60, few, few).play("P02", K90)[1]] == ["peers"]
    assert len(coded(60, 60, few, PEERS).play("P02", K90)[0]) == 1
    assert [item.missing for item in coded(60, 60, PEERS, letter="Z").play("P02", K90)[1]] == ["peers"]
    scene = coded(60, 60)
    scene.evidence = None
    assert [item.missing for item in scene.play("P02", K90)[1]] == ["peers"]


def test_a_rate_below_the_least_is_no_habit() -> None:
    nobody = (20, 0.0, 0.0)
    assert coded(2, 200, nobody).play("P02", K90) == ([], [])
    assert len(coded(25, 200, nobody).play("P02", K90)[0]) == 1


@pytest.mark.parametrize(("ago", "fires"), [(0, True), (30, True), (31, False), (-1, False), (None, False)])
def test_a_rise_of_the_mean_coefficient_is_told_for_a_month(ago: int | None, fires: bool) -> None:
    """Above the peers' mean, though not yet above nearly all of them."""
    findings, _ = coded(24, 60, PEERS, alarm=ago).play("P02", K90)
    assert [finding.variant for finding in findings] == (["drift"] if fires else [])
    if findings and ago is not None:
        assert findings[0].facts["day"] == date_of(TODAY - ago).isoformat()


def test_a_rise_from_below_the_peers_to_their_mean_is_not() -> None:
    assert coded(14, 60, PEERS, alarm=1).play("P02", K90) == ([], [])


def test_a_rise_needs_no_peers() -> None:
    findings, cannot = coded(24, 60, alarm=1).play("P02", K90)
    assert [finding.variant for finding in findings] == ["drift"]
    assert [item.missing for item in cannot] == ["peers"]


REFERENCE = (20, 0.6, 0.9)  # centres to which graver cases are sent


def test_a_reference_centre_is_compared_with_others() -> None:
    assert coded(48, 60, REFERENCE).play("P02", K90) == ([], [])
    assert coded(48, 60, PEERS).play("P02", K90)[0]


LETTERS = [
    {"nomenclature": "NGAP", "code": f"K{coefficient}", "letter": "K", "coefficient": coefficient}
    for coefficient in (10, 20, 30, 90)
]


@pytest.mark.parametrize(
    ("fields", "graded"),
    [
        ({}, (1, (1,))),
        ({"coefficient": 89.9}, (1, ())),
        ({"coefficient": None, "letter": None}, (1, (1,))),
        ({"ald": "E11"}, None),
        ({"prior_approval": "PA-1"}, None),
        ({"letter": "Q"}, None),
    ],
)
def test_what_is_graded(fields: dict[str, Any], graded: tuple[int, tuple[int, ...]] | None) -> None:
    """A reader's caveats: graver patients and acts that the medical control saw do not count."""
    scene = Scene().table("acts", *LETTERS)
    claim = scene.claim({**K90, **fields})
    held = grading.tally(claim, claim.lines, scene.book.snapshot()).letters
    assert [(one.lines, one.top) for one in held.values()] == ([graded] if graded else [])


def test_a_letter_whose_acts_are_all_alike_is_not_graded_nor_a_mistyped_coefficient_believed() -> None:
    scene = Scene().table("acts", LETTERS[3])
    claim = scene.claim(K90)
    assert grading.tally(claim, claim.lines, scene.book.snapshot()).letters == {}
    scene = Scene().table("acts", *LETTERS)
    claim = scene.claim({**K90, "coefficient": 90_000})
    assert grading.tally(claim, claim.lines, scene.book.snapshot()).letters["K"].mean == grading.MOST_TOPS


def test_an_act_that_the_table_does_not_know_cannot_be_checked() -> None:
    scene = coded(60, 60, PEERS)
    scene.seen.grades = {}
    line = {**consultation(code="NEW"), "letter": None}
    assert [item.missing for item in scene.play("P02", line)[1]] == ["acts"]
    assert scene.play("P02", {**line, "ald": "E11"}) == ([], [])
    assert scene.play("P02", {**line, "nomenclature": "DM"}) == ([], [])

"""Answers held against the truth, by hand: what counts as found, as held for nothing, and as found in time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from detectors.base import Declaration
from detectors.catalogue import BY_CODE
from simulation.schemes import FRAUDS, HONEST
from streams.evaluation.figures import report
from streams.evaluation.pages import page
from streams.evaluation.scores import Scores
from streams.evaluation.typologies import OWN, REACHES
from streams.messages import Output

Event = dict[str, Any]


def claim(name: str) -> Event:
    return {"event_id": name, "type": "claim"}


def truth(class_: str, scheme: str | None = None, *, case: str | None = None, wrong: int = 1) -> Event:
    """Two lines of 100 and 50 MAD, the first `wrong` of them at fault."""
    lines = [
        {
            "line": number,
            "class": class_ if number <= wrong else "HONEST",
            "typology": scheme if number <= wrong else None,
            "amount": amount,
        }
        for number, amount in ((1, 10_000), (2, 5_000))
    ]
    return {"class": class_, "scheme": scheme, "case": case, "amount": 15_000, "lines": lines}


def record(name: str, decision: str, *findings: Event, purpose: str = "COMPLETE_FILE") -> Output:
    """A `screened` record."""
    body = {
        "event_id": name,
        "type": "claim",
        "decision": decision,
        "purpose": purpose,
        "cannot_check": [{"code": "U04", "missing": "acts"}],
        "features": {"findings": list(findings)},
    }
    return Output("screened", None, orjson.dumps(body))


def hard(code: str, *lines: int, review: bool = False) -> Event:
    return {"code": code, "cls": "H", "lines": list(lines), "review": review}


def told(scores: Scores, *codes: str) -> dict[str, Any]:
    declarations: list[Declaration] = [BY_CODE[code] for code in codes]
    return report(1, 1, scores, declarations)


def row(facts: dict[str, Any], code: str) -> dict[str, Any]:
    return next(one for one in facts["detectors"] if one["code"] == code)


def measured(facts: dict[str, Any], start: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in facts["targets"] if one["what"].startswith(start))
    return found


def test_a_hold_of_an_honest_line_beside_a_wrong_one_counts_by_line() -> None:
    scores = Scores()
    scores.expect(claim("a"), truth("ERROR", "sent_twice"))
    scores.take([record("a", "HOLD", hard("D01", 1, 2))])
    facts = told(scores, "D01")
    one = row(facts, "D01")
    assert (one["held_lines"], one["held_precision"]) == (2, 0.5)
    assert (one["own_lines"], one["own_found"], one["own_money"], one["own_money_found"]) == (
        1,
        1.0,
        10_000,
        10_000,
    )
    assert measured(facts, "hard rules: lines held")["met"] is False
    assert measured(facts, "hard rules: their lines")["met"] is True


def test_a_finding_put_to_review_finds_but_does_not_hold() -> None:
    scores = Scores()
    scores.expect(claim("a"), truth("ERROR", "missing_inpe"))
    scores.take([record("a", "RELEASE_FLAGGED", hard("E03", 1, review=True))])
    one = row(told(scores, "E03"), "E03")
    assert (one["fired"], one["held_lines"], one["own_found"]) == (1, 0, 1.0)


def test_a_finding_on_another_line_does_not_find() -> None:
    scores = Scores()
    scores.expect(claim("a"), truth("ERROR", "sent_twice"))
    scores.take([record("a", "HOLD", hard("D01", 2))])
    one = row(told(scores, "D01"), "D01")
    assert (one["own_found"], one["missed"]) == (0.0, {"sent_twice": 1})
    assert one["held_for_nothing"] == {"honest": 1}


def test_any_revision_counts_and_each_event_once() -> None:
    scores = Scores()
    scores.expect(claim("a"), truth("FRAUD", "clone_campaign", case="c-1", wrong=2))
    scores.take([record("a", "RELEASE"), record("a", "HOLD", hard("P04"), purpose="FRAUD_REVIEW")])
    facts = told(scores, "P04")
    assert facts["events"] == 1
    assert facts["money"] == {"frauds": 15_000, "frauds_held": 15_000, "controls": 1, "controls_right": 1}
    assert row(facts, "P04")["fired"] == 1


def test_honest_claims_held_to_complete_the_file_stand_apart() -> None:
    scores = Scores()
    for i in range(4):
        scores.expect(claim(f"h{i}"), truth("HONEST"))
    scores.expect(claim("look"), truth("LOOKALIKE", "duty_night", wrong=2))
    scores.take(
        [
            record("h0", "HOLD", hard("E01", 1)),
            record("h1", "HOLD", hard("U06", 1), purpose="FRAUD_REVIEW"),
            record("h2", "RELEASE_FLAGGED"),
            record("h3", "RELEASE"),
            record("look", "HOLD", hard("U06", 1), purpose="FRAUD_REVIEW"),
        ]
    )
    facts = told(scores, "E01", "U06")
    assert facts["honest"]["by_class"]["HONEST"] == {"claims": 4, "flagged": 1, "completed": 1, "held": 1}
    assert measured(facts, "honest claims held")["measured"] == 0.25
    assert measured(facts, "look-alikes")["measured"] == 1.0
    assert facts["honest"]["held_of"] == {"honest": 1, "duty_night": 1}
    assert row(facts, "U06")["held_for_nothing"] == {"honest": 1, "duty_night": 1}


@pytest.mark.parametrize(
    ("place", "found"), [(REACHES["doctor_shopping"] + 9, 1), (REACHES["doctor_shopping"] + 10, 0)]
)
def test_a_scheme_is_found_within_ten_claims_of_its_threshold_or_not(place: int, found: int) -> None:
    scores = Scores()
    for i in range(20):
        scores.expect(claim(f"s{i}"), truth("FRAUD", "doctor_shopping", case="doctor_shopping-01", wrong=2))
    scores.take([record(f"s{place}", "RELEASE_FLAGGED", {"code": "B01", "cls": "S"})])
    assert told(scores, "B01")["schemes"] == [
        {"code": "B01", "typology": "doctor_shopping", "schemes": 1, "found": found, "share": float(found)}
    ]


def test_a_scheme_that_never_reached_its_threshold_is_not_asked_for() -> None:
    scores = Scores()
    for i in range(REACHES["doctor_shopping"] - 1):
        scores.expect(claim(f"s{i}"), truth("FRAUD", "doctor_shopping", case="doctor_shopping-01", wrong=2))
    assert told(scores, "B01")["schemes"][0]["schemes"] == 0


def test_what_was_not_answered_is_told_and_cannot_check_is_a_share_of_answers() -> None:
    scores = Scores()
    scores.expect(claim("a"), truth("HONEST"))
    scores.expect(claim("b"), truth("HONEST"))
    scores.take([record("a", "RELEASE")])
    facts = told(scores, "U04")
    assert facts["unanswered"] == 1
    assert row(facts, "U04")["cannot_check"] == 1.0


def test_every_typology_that_is_measured_is_one_of_the_simulator_s() -> None:
    errors = {"rights_late", "missing_inpe", "wrong_sex", "sent_twice", "old_price", "agreement_forgotten"}
    known = {*FRAUDS, *errors, "quantity_typo", "copied_file"}
    assert {typology for typologies in OWN.values() for typology in typologies} <= known
    assert REACHES.keys() <= known


def test_the_page_says_what_was_met_and_how_it_was_made() -> None:
    scores = Scores()
    scores.expect(claim("a"), truth("ERROR", "sent_twice"))
    scores.take([record("a", "HOLD", hard("D01", 1))])
    text = page(told(scores, "D01"), "crible evaluate rules --seed 1")
    assert "crible evaluate rules --seed 1" in text
    assert "| hard rules: lines held that are fraud or error | ≥ 95 % | 100.00 % | met |" in text
    assert "NOT MET" in text


def test_the_page_in_the_docs_is_of_the_detectors_and_typologies_there_are() -> None:
    text = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")
    for name in (*BY_CODE, *FRAUDS, *HONEST):
        assert f"| {name} |" in text, name
    assert "crible evaluate rules --claims" in text

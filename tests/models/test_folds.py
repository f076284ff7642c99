"""The whole loop: score, then learn; the same records whatever the batch; what stands out, what does not."""

from __future__ import annotations

import json
import math

import pytest

from detectors.models import Records, assess, flag_from, score, view
from detectors.models import fusion as reviews
from detectors.models.folds import fold_learning, learning, touched
from detectors.models.keys import Pair
from detectors.models.records import PeerRecord, decode, encode
from schemas.observation import Observation
from tests.models.stage import DOCTOR, Loop, Registry, Town, claim, line, provider


def played(batch: int, events: int = 300) -> tuple[dict[Pair, bytes], list[str]]:
    town = Town(1)
    loop = Loop(town.registry, batch)
    said = [repr(loop.play(*town.event(index))[1:]) for index in range(events)]
    loop.flush()
    return loop.store, said


def test_records_and_scores_do_not_depend_on_the_batch() -> None:
    reference = played(1)
    for batch in (7, 128):
        assert played(batch) == reference


def test_honest_claims_stay_quiet_and_a_gross_one_does_not() -> None:
    town = Town(3)
    loop = Loop(town.registry, 64)
    unusual = unsaid = 0
    for index in range(1500):
        _, evidence, found = loop.play(*town.event(index))
        if index >= 500:
            unusual += found.value >= 0.03
            unsaid += bool(evidence.cannot)
    assert unusual <= 20  # 2 %
    assert unsaid == 0
    event, _ = town.event(1500)
    gross = claim(
        *(line(n, 900_000, event.lines[0].executor) for n in (1, 2)), at=event.event_time, beneficiary="B5"
    )
    _, evidence, found = loop.play(gross, town.observe(gross))
    assert {item.code for item in evidence.findings} >= {"M01", "M02"}
    assert found.value > 0.5
    for _ in range(12):  # one claim is no level yet; a series is
        _, evidence, found = loop.play(gross, town.observe(gross))
    assert "M03" in {item.code for item in evidence.findings}
    assert all(term.contribution <= 3.0 for term in found.terms)


def test_messages_are_json_and_survive_it() -> None:
    town = Town(5)
    event, seen = town.event(0)
    looked = view(event, seen, town.registry)
    message = learning(looked, 0.01)
    assert json.loads(json.dumps(message)) == message
    records, again = Records(), Records()
    changed = fold_learning(records, message)
    assert changed == fold_learning(again, json.loads(json.dumps(message)))
    assert set(changed) <= set(touched(message))
    assert records.changed() == {}  # a fold changes nothing by itself


def test_a_lesson_touches_only_what_screening_has_read() -> None:
    """In line nothing is fetched for a lesson: the claim's own records, its groups' members and the coverage do."""
    town = Town(5)
    for index in range(40):
        event, seen = town.event(index)
        looked = view(event, seen, town.registry)
        read = {*looked.wanted, ("coverage", "score")}
        read |= {
            (kind, group) for kind in ("members", "habits") for bill in looked.bills for group in bill.peers
        }
        assert set(touched(learning(looked, 0.01, inpe=[("MEDECIN", 1, 1)]))) <= read


def test_a_held_claim_is_no_candidate_for_a_flag() -> None:
    looked = view(claim(line()), Observation(), Registry(provider(DOCTOR, specialty="GP")))
    assert learning(looked, 0.98, held=True)["score"] == 0.0
    assert learning(looked, 0.98)["score"] == 0.98


def test_a_review_message_changes_the_weights_only() -> None:
    term = {"code": "P01", "value": 1.0, "start": 2.0}
    message = reviews.message("V-E1-1", "ABUSE", ["R1"], {}, [term])
    changed = fold_learning(Records(), message)
    assert touched(message) == [("fusion", "score")]
    assert list(changed) == [("fusion", "score")]
    assert fold_learning(Records(), reviews.message("V-E1-1", "EXPERTISE", ["R1"], {}, [term])) == {}


def test_the_models_versions_are_named() -> None:
    looked = view(claim(line()), Observation(), Registry(provider(DOCTOR, specialty="GP")))
    held = Records({("peers", "GP|NGAP|CS"): encode(PeerRecord(n=77, mean=math.log(150.0), var=0.1))})
    assert assess(looked, held).models == {"fusion": "0", "M01": "77", "M02": "0", "M03": "0"}
    request = view(claim(line(), kind="PEC_DEMANDE"), Observation(), Registry())
    evidence = assess(request, Records())
    assert (evidence.findings, evidence.cannot, evidence.activity) == ([], [], [])


def test_a_poisoned_lesson_leaves_every_record_readable() -> None:
    looked = view(claim(line()), Observation(), Registry(provider(DOCTOR, specialty="GP")))
    message = learning(looked, math.nan)
    for taught in message["peers"]:
        taught[1] = math.nan
    for (kind, _), record in fold_learning(Records(), message).items():
        assert decode(kind, encode(record)) == record


def test_what_the_models_never_see() -> None:
    """Forbidden features: no key or message holds a person's sex, age, regime, nationality or commune."""
    town = Town(2)
    event, seen = town.event(0)
    looked = view(event, seen, town.registry)
    said = repr((looked.wanted, learning(looked, 0.1))).lower()
    for word in ("sex", "birth", "age", "regime", "tadamon", "commune", "insured", "nationality"):
        assert word not in said.replace("lines|", "").replace("pharmacy", "")


def test_flags_begin_at_the_floor() -> None:
    records = Records()
    assert flag_from(records.quantile) == 0.03
    assert score([], records.fusion).value == pytest.approx(0.006693)

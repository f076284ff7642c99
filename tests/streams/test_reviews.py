"""What people decide: outcomes of reviews, what they teach, reports that raise priority; and rights that
come late.
"""

from __future__ import annotations

import msgspec
import pytest

from detectors.models import Records
from detectors.models.folds import FREEZE_DAYS
from state import Store
from tests.streams.stage import START, STRUCK_OFF, Desk, Event, Stage, held, visit

SIZES = pytest.mark.parametrize("size", [1, 128])


@pytest.fixture
def desk() -> Desk:
    return Desk()


def _model(stage: Stage, kind: str, entity: str) -> bytes | None:
    assert stage.url is not None
    store = Store(stage.url, tags=1)
    blob = store.models([f"{kind}:{entity}"])[0]
    store.close()
    return blob


@SIZES
@pytest.mark.parametrize("outcome", ["LEGITIMATE", "APPEAL_UPHELD"])
def test_a_cleared_hold_is_released_and_its_payment_with_it(
    stage: Stage, desk: Desk, outcome: str, size: int
) -> None:
    world, claim = desk.world(), desk.claim("C-1", held())
    review = desk.review(claim, outcome)
    said = stage.screen([*world, claim, desk.payment(claim, "P-1", 1), review, review], size=size)
    assert [one["decision"] for one in said.of("C-1")] == ["HOLD", "RELEASE"]
    assert said.live("C-1")["cause"] == f"REVIEW:{outcome}"
    assert said.public("C-1")["cause"] == "REVIEW"
    assert said.live("C-1")["valid_until"] > review["event_time"]
    assert [one["decision"] for one in said.of("P-1")] == ["HOLD", "RELEASE"]
    assert said.states("C-1") == ["HELD", "RELEASED"]


def test_insufficient_evidence_flags(stage: Stage, desk: Desk) -> None:
    world, claim = desk.world(), desk.claim("C-1", held())
    said = stage.screen([*world, claim, desk.review(claim, "INSUFFICIENT"), desk.payment(claim, "P-1", 1)])
    last = said.live("C-1")
    assert (last["decision"], last["purpose"]) == ("RELEASE_FLAGGED", "FRAUD_REVIEW")
    assert last["suggested_control"]
    assert not {"expires_at", "on_expiry", "scope"} & last.keys()
    assert said.live("P-1")["decision"] == "RELEASE"


@SIZES
@pytest.mark.parametrize("outcome", ["CONFIRMED_FRAUD", "ABUSE"])
def test_a_confirmed_hold_stays_until_a_person_ends_it(
    stage: Stage, desk: Desk, outcome: str, size: int
) -> None:
    world, claim = desk.world(), desk.claim("C-1", held())
    review = desk.review(claim, outcome)
    said = stage.screen([*world, claim, review, review, desk.payment(claim, "P-1")], size=size)
    first, second = said.of("C-1")
    assert (second["decision"], second["on_expiry"]) == ("HOLD", "ESCALATE")
    assert second["lines"] == first["lines"]
    assert said.states("C-1") == ["HELD", "CONFIRMED"]
    assert said.topics["fraud-alerts"] == 1
    assert said.live("P-1")["decision"] == "HOLD"
    frozen = _model(stage, "provider", STRUCK_OFF)
    record = Records({("provider", STRUCK_OFF): frozen}).provider(STRUCK_OFF)
    assert record is not None
    day = (START.date() - START.date().replace(year=1970, month=1, day=1)).days
    assert record.frozen_until == (day + FREEZE_DAYS if outcome == "CONFIRMED_FRAUD" else 0)
    upheld = stage.screen([*world, desk.review(claim, "APPEAL_UPHELD")], size=size)
    assert upheld.live("C-1")["decision"] == "RELEASE"


def test_lines_that_the_outcome_does_not_name_are_legitimate(stage: Stage, desk: Desk) -> None:
    world, claim = desk.world(), desk.claim("C-1", held(), held(service_date="2026-03-03"))
    review = desk.review(claim, "CONFIRMED_FRAUD", lines=[2])
    payments = [desk.payment(claim, f"P-{line}", line) for line in (1, 2)]
    said = stage.screen([*world, claim, review, *payments])
    assert [one["lines"] for one in said.of("C-1")] == [[1, 2], [2]]
    assert said.live("C-1")["amount_at_risk"] == 25_000
    assert [said.live(f"P-{line}")["decision"] for line in (1, 2)] == ["RELEASE", "HOLD"]


@pytest.mark.parametrize("outcome", ["EXPERTISE", "APPEAL_REJECTED", "ERROR"])
def test_other_outcomes_leave_the_hold(stage: Stage, desk: Desk, outcome: str) -> None:
    world, claim = desk.world(), desk.claim("C-1", held())
    said = stage.screen([*world, claim, desk.review(claim, outcome)])
    assert [one["decision"] for one in said.of("C-1")] == ["HOLD"]


def test_a_review_of_an_unknown_verdict_says_nothing(stage: Stage, desk: Desk) -> None:
    world, claim = desk.world(), desk.claim("C-1", held())
    wrong = [desk.review(claim, "LEGITIMATE", 7), desk.review(claim, "LEGITIMATE", verdict_id="nonsense")]
    said = stage.screen([*world, desk.review(claim, "LEGITIMATE"), claim, *wrong])
    assert [one["decision"] for one in said.of("C-1")] == ["HOLD"]


@pytest.mark.parametrize("reviews", [1, 3])
def test_a_review_teaches_once(stage: Stage, desk: Desk, reviews: int) -> None:
    world, claim = desk.world(), desk.claim("C-1", held())
    review = desk.review(claim, "LEGITIMATE")
    stage.screen([*world, claim, *[review] * reviews])
    fusion = Records({("fusion", "score"): _model(stage, "fusion", "score")}).fusion
    assert (fusion.reviews, fusion.edition) == (1, 1)
    assert fusion.weights


def _signal(desk: Desk, entity: str, strength: float, expires: str = "2026-12-31") -> Event:
    fields = {"source": "CAISSE", "strength": strength, "expires": expires}
    return desk.event("signal", entity=entity, **fields)


@SIZES
def test_a_report_raises_priority_and_nothing_else(stage: Stage, desk: Desk, size: int) -> None:
    world = desk.world()
    claims = [desk.claim(f"C-{n}", held(), who=who) for n, who in enumerate(("B-1", "B-2", "B-1"))]
    on_person, on_doctor = _signal(desk, "beneficiary:B-1", 0.5), _signal(desk, f"provider:{STRUCK_OFF}", 1.0)
    gone = _signal(desk, "beneficiary:B-2", 1.0, "2026-03-01")
    clean = desk.claim("C-3", visit(service_date="2026-03-05"))
    said = stage.screen([*world, on_person, gone, *claims[:2], on_doctor, claims[2], clean], size=size)
    plain, raised = said.live("C-1"), said.live("C-0")
    assert raised["priority"] == pytest.approx(1.5 * plain["priority"], abs=1e-3)
    assert "signals" not in plain["features"]
    assert raised["features"]["signals"] == [
        {"entity": "beneficiary:B-1", "source": "CAISSE", "strength": 0.5}
    ]
    assert [one["strength"] for one in said.live("C-2")["features"]["signals"]] == [1.0, 0.5]
    assert (said.live("C-3")["decision"], said.live("C-3").get("priority")) == ("RELEASE", 0.0)
    assert "signals" not in said.public("C-0").get("features", {})


@SIZES
@pytest.mark.parametrize("opened", [True, False])
def test_rights_that_come_late_release_what_waited_for_them(
    stage: Stage, desk: Desk, opened: bool, size: int
) -> None:
    world = [*desk.world(), desk.person("B-1", to="2026-01-31")]
    claim, order = desk.claim("C-1"), None
    order = desk.payment(claim, "P-1", 1)
    late = desk.person("B-1", to=None if opened else "2026-02-15")
    said = stage.screen([*world, claim, order, late], size=size)
    assert [reason["code"] for reason in said.of("C-1")[0]["reasons"]] == ["E01"]
    assert said.public("C-1")["purpose" if not opened else "decision"] == (
        "COMPLETE_FILE" if not opened else "RELEASE"
    )
    assert len(said.of("C-1")) == (2 if opened else 1)
    assert said.live("P-1")["decision"] == ("RELEASE" if opened else "HOLD")
    if opened:
        assert said.live("C-1")["cause"] == "RIGHTS_CHANGED"
        assert said.live("C-1")["reasons"] == []


def test_no_rule_reopens_what_a_person_decided(stage: Stage, desk: Desk) -> None:
    """Rights that come after a review change nothing: neither a release, nor a confirmed hold."""
    world = [*desk.world(), desk.person("B-1", to="2026-01-31")]
    cleared, confirmed = desk.claim("C-1", held()), desk.claim("C-2", held(service_date="2026-03-04"))
    reviews = [desk.review(cleared, "LEGITIMATE"), desk.review(confirmed, "CONFIRMED_FRAUD")]
    said = stage.screen([*world, cleared, confirmed, *reviews, desk.person("B-1")])
    assert said.live("C-1")["decision"] == "RELEASE"
    assert (said.live("C-2")["decision"], said.live("C-2")["cause"]) == ("HOLD", "REVIEW:CONFIRMED_FRAUD")


def test_messages_of_the_learner_survive_the_wire(stage: Stage, desk: Desk) -> None:
    """A damaged mark would teach twice: it is one byte, under the review's own id."""
    world, claim = desk.world(), desk.claim("C-1", held())
    review = desk.review(claim, "LEGITIMATE")
    stage.screen([*world, claim, review])
    assert _model(stage, "reviewed", review["event_id"]) == b"1"
    assert msgspec.msgpack.decode(_model(stage, "fusion", "score") or b"")[0] == 1

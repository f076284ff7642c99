from __future__ import annotations

import datetime as dt
import hashlib
import statistics
from collections import Counter, defaultdict

import orjson
import pytest

from schemas.decode import Decoder
from schemas.warnings import of
from simulation import Plan, World, generate
from tests.simulation.conftest import PEOPLE, PLAN, Event, Run, make_run


def _digest(pairs: list[tuple[Event, Event | None]]) -> str:
    return hashlib.sha256(orjson.dumps(pairs)).hexdigest()


def test_a_seed_gives_the_same_bytes_and_another_seed_others(run: Run) -> None:
    assert _digest(make_run(7).pairs) == _digest(run.pairs)
    assert _digest(make_run(8).pairs) != _digest(run.pairs)


def test_events_come_in_order_of_arrival_and_none_before_it_happened(run: Run) -> None:
    arrivals = [dt.datetime.fromisoformat(event["ingest_time"]) for event, _ in run.pairs]
    assert arrivals == sorted(arrivals)
    for event, _ in run.pairs:
        assert dt.datetime.fromisoformat(event["event_time"]) <= dt.datetime.fromisoformat(
            event["ingest_time"]
        )


def test_every_event_decodes_and_claims_carry_few_warnings(run: Run) -> None:
    decoder = Decoder(None)
    warned = 0
    for event, _ in run.pairs:
        decoded = decoder.decode(orjson.dumps(event))
        if decoded.type == "claim":
            warned += bool(of(decoded))  # type: ignore[arg-type]
    assert warned < 0.01 * len(run.of("claim"))


def test_identifiers_are_unique_but_for_retries_with_the_same_content(run: Run) -> None:
    seen: dict[str, Event] = {}
    retries = 0
    for event, _ in run.pairs:
        if event["event_id"] in seen:
            assert seen[event["event_id"]] == event
            retries += 1
        seen[event["event_id"]] = event
    assert retries > 0


def test_about_five_percent_of_claims_are_honest_errors_of_every_kind(run: Run) -> None:
    classes = Counter(truth["class"] for _, truth in run.pairs if truth)
    assert 0.04 < classes["ERROR"] / sum(classes.values()) < 0.06
    kinds = {truth["scheme"] for _, truth in run.pairs if truth and truth["class"] == "ERROR"}
    assert kinds >= {
        "rights_late",
        "wrong_rank",
        "missing_inpe",
        "deposit_as_care",
        "tooth_typo",
        "sent_twice",
    }


def test_corrections_and_cancellations_name_what_they_replace(run: Run) -> None:
    claims = {event["event_id"]: event for event in run.of("claim")}
    actions = Counter(event.get("action", "SUBMIT") for event in claims.values())
    assert actions["CORRECT"] > 5
    assert actions["CANCEL"] > 1
    for event in claims.values():
        if "replaces" in event:
            assert claims[event["replaces"]]["claim_id"] == event["claim_id"]


def test_every_live_claim_is_liquidated_and_paid_once(run: Run) -> None:
    boundary = dt.datetime.fromisoformat(run.boundary)
    live = {
        event["claim_id"]
        for event, truth in run.pairs
        if truth and "action" not in event and dt.datetime.fromisoformat(event["ingest_time"]) >= boundary
    }
    assert sorted(event["claim_id"] for event in run.of("liquidation")) == sorted(live)
    assert sorted(event["claim_id"] for event in run.of("payment")) == sorted(live)
    lines = {event["event_id"] for event in run.of("liquidation")}
    for payment in run.of("payment"):
        assert payment["base_amount"] == sum(line["base_amount"] for line in payment["lines"])
        assert {line["liquidation_event_id"] for line in payment["lines"]} <= lines


def test_amounts_add_up(run: Run) -> None:
    for claim in run.of("claim"):
        for line in claim["lines"]:
            assert line["amount"] == round(line["unit_price"] * line["quantity"])
    billed = {event["claim_id"]: event["declared_total"] for event in run.of("claim")}
    for event in run.of("liquidation"):
        parts = event["base_amount"] + event["complementary_amount"] + event["patient_amount"]
        assert event["base_amount"] + event["complementary_amount"] <= event["basis_amount"]
        assert parts >= billed[event["claim_id"]] * 0.8  # an old price is billed above what was declared


def test_requests_are_granted_before_care_and_named_by_it(run: Run) -> None:
    granted = {event["pec_id"] for event in run.of("prior_approval")}
    named = {
        line["prior_approval"]
        for claim in run.of("claim")
        for line in claim["lines"]
        if "prior_approval" in line
    }
    assert named
    assert named <= granted


def test_peers_are_many_and_busy() -> None:
    world = World(2, 6000)
    groups = Counter((p.kind, p.specialty) for p in world.providers)
    for group in (
        ("MEDECIN", "GENERALISTE"),
        ("MEDECIN", "CARDIOLOGIE"),
        ("MEDECIN", "PEDIATRIE"),
        ("PHARMACIE", ""),
        ("LABO", ""),
        ("RADIOLOGIE", ""),
        ("DENTISTE", ""),
        ("KINE", ""),
        ("OPTICIEN", ""),
        ("CLINIQUE", ""),
        ("ASSOC_DIALYSE", ""),
    ):
        assert groups[group] >= 20, group
    files: dict[str, set[str]] = defaultdict(set)
    for event, truth in generate(world, Plan(claims=14_000, days=60, live_days=0, schemes=False)):
        if truth:
            for line in event["lines"]:
                files[line.get("executor")].add(event["claim_id"])
    months = 2.0
    for kind, least in (("PHARMACIE", 25), ("LABO", 25), ("MEDECIN", 14)):
        counts = [
            len(files[p.inpe]) / months
            for p in world.providers
            if p.kind == kind and p.specialty != "CHIRURGIE"
        ]
        assert statistics.median(counts) >= least, kind


def test_the_history_holds_no_fraud(run: Run) -> None:
    boundary = dt.datetime.fromisoformat(run.boundary)
    for event, truth in run.pairs:
        if truth and truth["class"] in ("FRAUD", "LOOKALIKE"):
            assert dt.datetime.fromisoformat(event["ingest_time"]) >= boundary


def test_a_plan_without_room_and_a_used_world_are_refused(run: Run) -> None:
    with pytest.raises(ValueError, match="live_days"):
        generate(World(1, 200), Plan(days=10, live_days=10))
    with pytest.raises(ValueError, match="lived"):
        generate(run.world, PLAN)


def test_settling_can_be_left_out() -> None:
    plan = Plan(claims=300, days=20, live_days=0, schemes=False, settle="none")
    types = Counter(event["type"] for event, _ in generate(World(3, PEOPLE // 5), plan))
    assert types["payment"] == types["liquidation"] == 0
    assert types["claim"] >= 250

"""Alerts that a fraud team works from: one case a scheme or entity, what is linked, stoppable, usual and innocent."""

from __future__ import annotations

from typing import Any

import pytest

from detectors.catalogue import BY_CODE
from tests.streams.stage import DOCTOR, PAID_AS_FILED, STRUCK_OFF, Desk, Event, Stage, held, visit
from tests.streams.test_families import _clone, _log

SIZES = pytest.mark.parametrize("size", [1, 128])
RISING: list[Event] = [
    {"code": "B03", "parameter": "files", "value": 2},
    {"code": "B03", "parameter": "p", "value": 1},
]
"""A policy under which every claim but the first few of a beneficiary is a sudden rise, too weak to hold."""


@pytest.fixture
def desk() -> Desk:
    return Desk()


def policy(desk: Desk, *rows: Event) -> Event:
    return desk.table("detectors", PAID_AS_FILED, *rows)


def amounts(alert: Event) -> tuple[int, int]:
    return sum(one["amount"] for one in alert["claims"]), sum(one["stoppable"] for one in alert["claims"])


@SIZES
def test_a_campaign_of_forty_claims_is_one_case_with_what_can_still_be_stopped(
    stage: Stage, desk: Desk, size: int
) -> None:
    first = {"claim_id": "D-C-0", "beneficiary": "F-0"}
    paid = desk.payment(first, "P-0", status="PAID", base_amount=50_000)
    rows = {"level": "REGIONAL", "speciality": "GP", "reviews_per_day": 4, "minutes_per_review": 90}
    log = _log(desk, size=40)
    log.insert(next(n for n, one in enumerate(log) if one["event_id"] == "C-9"), paid)
    said = stage.screen([desk.table("capacity", rows), *log], size=size)
    alerts = [alert for alert in said.alerts if "D-C-" in alert["claims"][0]["claim_id"]]
    assert [(one["kind"], one["count"], one["revision"]) for one in alerts] == [("P04", 8, 1), ("P04", 25, 2)]
    assert {(one["case_id"], one["entity"]) for one in alerts} == {
        (alerts[0]["case_id"], f"provider:{DOCTOR}")
    }
    last = alerts[-1]
    linked = {one["claim_id"]: one for one in last["claims"]}
    assert linked.keys() == {f"D-C-{number}" for number in range(25)}
    assert (linked["D-C-0"]["paid"], linked["D-C-1"]["paid"]) == (True, False)
    assert linked["D-C-0"]["amount"] - linked["D-C-0"]["stoppable"] == 50_000
    assert linked["D-C-1"]["stoppable"] == linked["D-C-1"]["amount"] > 0
    assert {one["state"] for one in last["claims"]} <= {"HOLD", "RELEASE", "RELEASE_FLAGGED"}
    assert amounts(last) == (last["amount_at_risk"], last["amount_stoppable"])
    assert last["innocent_explanations"] == list(BY_CODE["P04"].caveats_fr)
    assert last["suggested_control"] == ["CONTROLE_SUR_PLACE", "EXAMEN_ASSURE"]
    assert last["suggested_route"][0] == "INDU"
    assert "DECONVENTIONNEMENT" in last["suggested_route"]
    assert (last["control_level"], last["speciality_needed"], last["est_minutes"]) == ("REGIONAL", "GP", 90)
    loss = 0.25 * last["amount_at_risk"] + 0.75 * last["amount_stoppable"]
    score = said.of("C-24")[0]["score"]
    assert last["priority"] == pytest.approx(score * loss / 100 / 90, rel=1e-3)
    assert last["first_seen"] < last["last_seen"]


@SIZES
def test_what_an_entity_does_is_one_case_that_is_told_again_when_it_has_grown(
    stage: Stage, desk: Desk, size: int
) -> None:
    claims = [desk.claim(f"C-{n}", held(), who=f"F-{n}") for n in range(12)]
    claims.append(desk.claim("C-99", held(), claim_id="D-C-11", who="F-11"))  # more of a claim that is known
    said = stage.screen([*desk.world(), *claims], size=size)
    assert [(one["kind"], one["entity"], one["count"]) for one in said.alerts] == [
        ("E04", f"provider:{STRUCK_OFF}", 1),
        ("E04", f"provider:{STRUCK_OFF}", 10),
    ]
    assert len({one["case_id"] for one in said.alerts}) == 1
    assert {one["claim_id"] for one in said.alerts[1]["claims"]} == {f"D-C-{n}" for n in range(10)}
    assert len([one for one in said.suspensions if one["state"] == "HELD"]) == 13, (
        "every hold stands by itself"
    )


def test_after_a_quiet_quarter_it_is_another_case(stage: Stage, desk: Desk) -> None:
    world, log = desk.world(), []
    for number, days in enumerate((0, 60, 151)):
        at = desk.now.replace(hour=10, minute=number) + days * (
            desk.now - desk.now.replace(day=desk.now.day - 1)
        )
        log.append(desk.claim(f"C-{number}", held(), who=f"F-{number}", at=at))
    said = stage.screen([*world, *log])
    assert [(one["claims"][0]["claim_id"], one["revision"]) for one in said.alerts] == [
        ("D-C-0", 1),
        ("D-C-2", 1),
    ]
    assert len({one["case_id"] for one in said.alerts}) == 2


@SIZES
def test_a_beneficiary_of_atypical_behaviour_is_alerted_while_every_claim_is_paid(
    stage: Stage, desk: Desk, size: int
) -> None:
    person = desk.person("F-1", birth_date="1980-01-01")
    days = [f"2026-03-{day:02d}" for day in range(1, 9)]
    claims = [desk.claim(f"C-{day[-1]}", visit(service_date=day, amount=5_000), who="F-1") for day in days]
    said = stage.screen([policy(desk, *RISING), *desk.world(strict=True), person, *claims], size=size)
    flagged = [one["claim_id"] for one in said.records if one["decision"] == "RELEASE_FLAGGED"]
    assert len(flagged) >= 4
    assert not said.suspensions
    (alert,) = said.alerts
    assert (alert["kind"], alert["entity"], alert["count"]) == ("B03", "beneficiary:F-1", 3)
    assert {one["claim_id"] for one in alert["claims"]} == set(flagged[:3])
    assert alert["innocent_explanations"] == list(BY_CODE["B03"].caveats_fr)
    assert alert["suggested_control"] == ["CONTROLE_MEDICAL", "EXAMEN_ASSURE"]
    assert alert["speciality_needed"] == "GP"


def test_earlier_outcomes_on_the_entity_and_the_precision_of_its_row_are_told(
    stage: Stage, desk: Desk
) -> None:
    """A review that is delivered again counts once."""
    claims = [desk.claim(f"C-{n}", held(), who=f"F-{n}") for n in range(4)]
    reviews = [
        desk.review(claims[0], "CONFIRMED_FRAUD"),
        desk.review(claims[1], "LEGITIMATE"),
        desk.review(claims[2], "CONFIRMED_FRAUD", reasons=[{"code": "E04", "outcome": "REJECTED"}]),
        desk.review(claims[3], "EXPERTISE"),
    ]
    for number, review in enumerate(reviews):
        review["event_id"] = f"RV-{number}"
    more = [desk.claim(f"M-{n}", held(service_date="2026-03-05"), who=f"M-{n}") for n in range(6)]
    said = stage.screen([*desk.world(), *claims, *reviews, reviews[0], *more])
    first, second = said.alerts
    assert (first["history"], "precision_to_date" in first) == ({}, False)
    assert second["history"] == {"CONFIRMED_FRAUD": 2, "EXPERTISE": 1, "LEGITIMATE": 1}
    assert second["precision_to_date"] == pytest.approx(1 / 3, abs=1e-4)


def test_a_beneficiarys_outcomes_are_counted_once_each(stage: Stage, desk: Desk) -> None:
    world = [*desk.world(), desk.person("B-1", death_date="2026-01-15")]
    claims = [desk.claim(f"C-{n}", visit(service_date=f"2026-02-{n + 1:02d}")) for n in range(10)]
    review = desk.review(claims[0], "ABUSE")
    said = stage.screen([*world, *claims[:1], review, review, *claims[1:]])
    assert [(one["kind"], one["entity"], one["history"]) for one in said.alerts] == [
        ("E02", "beneficiary:B-1", {}),
        ("E02", "beneficiary:B-1", {"ABUSE": 1}),
    ]


def test_peers_median_and_95th_percentile_stand_beside_the_providers_own_figure(
    stage: Stage, desk: Desk
) -> None:
    """25 peers of 12 claims at 100 to 124 MAD, and one provider at ten times that: P01, M01 and their like."""
    registry, log = [], []
    for number in range(26):
        inpe = f"1045{number:05d}"
        registry.append(desk.provider(inpe))
        amount = 10_000 + 100 * number if number else 100_000
        for visited in range(31):
            line = visit(inpe, amount=amount, service_date=f"2026-02-{visited % 28 + 1:02d}")
            log.append(desk.claim(f"C-{number}-{visited}", line, who=f"F-{number}-{visited}"))
    log = sorted(log, key=lambda one: int(one["event_id"].rpartition("-")[2]))
    for minute, event in enumerate(log):
        event["event_time"] = event["ingest_time"] = (
            f"2026-03-{2 + minute // 300:02d}T{minute % 300 // 60 + 8:02d}:{minute % 60:02d}:00+00:00"
        )
    said = stage.screen([*desk.world(), *registry, *log])
    alerts = [one for one in said.alerts if one["entity"] == "provider:104500000"]
    assert alerts
    peers = alerts[-1]["peers"]
    assert peers["metric"] in ("amount", "mad_per_beneficiary")
    assert 10_000 <= peers["median"] <= 13_000
    assert peers["median"] < peers["p95"] < peers["value"] == 100_000
    assert peers["n"] >= 20


@pytest.mark.parametrize("entity", ["beneficiary:B-1", f"provider:{DOCTOR}", "network:N-1"])
def test_a_signal_raises_priority_and_never_holds_alone(stage: Stage, desk: Desk, entity: str) -> None:
    """At full strength, on everybody concerned: what is released stays released, what is held matters twice."""
    world = [*desk.world(), desk.provider(DOCTOR, network="N-1")]
    signal = desk.event("signal", entity=entity, source="AUTORITE", strength=1.0, expires="2026-12-31")
    rights = desk.person("B-1", death_date="2026-02-01")
    clean = desk.claim("C-1", visit(service_date="2026-01-20"))
    late = desk.claim("C-2", visit(service_date="2026-03-05"))
    plain = Stage(None).screen([*world, clean, rights, late])
    said = stage.screen([*world, signal, clean, rights, late])
    for event_id in ("C-1", "C-2"):
        for name in ("decision", "score", "reasons"):
            assert said.live(event_id)[name] == plain.live(event_id)[name]
    assert [said.live(event_id)["decision"] for event_id in ("C-1", "C-2")] == ["RELEASE", "HOLD"]
    assert said.live("C-2")["priority"] == pytest.approx(2 * plain.live("C-2")["priority"], rel=1e-3)
    assert said.alerts[0]["priority"] == pytest.approx(2 * plain.alerts[0]["priority"], rel=1e-3)


@pytest.mark.parametrize(("entity", "scope"), [(f"provider:{DOCTOR}", "PAYEE"), ("network:N-1", "NETWORK")])
def test_only_an_order_of_two_people_suspends_a_payee_or_a_network(
    stage: Stage, desk: Desk, entity: str, scope: str
) -> None:
    """One person, however often he signs, suspends nobody; when one of the two lifts it, what it held goes too."""

    def order(*signed: str, **fields: Any) -> Event:
        more = {"order_id": "O-1", "scope": scope, "from": "2026-01-01", "motive": "m", **fields}
        return desk.event("order", entity=entity, ordered_by=signed, **more)

    doctor = desk.provider(DOCTOR, network="N-1")
    claims = [desk.claim(f"C-{n}", visit(service_date=f"2026-03-0{n}")) for n in (1, 2, 3)]
    log = [*desk.world(), doctor, order("L. Un", "l. un "), claims[0], order("L. Un", "L. Deux"), claims[1]]
    said = stage.screen([*log, order("L. Un", "L. Deux", lifted_by="L. Deux"), claims[2]])
    assert [[one["decision"] for one in said.of(f"C-{n}")] for n in (1, 2, 3)] == [
        ["RELEASE"],
        ["HOLD", "RELEASE"],
        ["RELEASE"],
    ]
    assert said.of("C-2")[0]["scope"] == scope
    assert said.live("C-2")["cause"] == "REFERENTIAL_CHANGED"
    assert [letter["field"] for letter in said.letters] == ["ordered_by"]
    assert not any(
        one.get("scope") in ("PAYEE", "NETWORK") for one in said.records if one["event_id"] != "C-2"
    )


def test_a_group_hold_never_reaches_beyond_its_claims_without_an_order(stage: Stage, desk: Desk) -> None:
    """The engine proposes: another claim of the provider whose family is held is paid."""
    log = _log(desk, size=30)
    said = stage.screen([*log, desk.claim("C-90", visit(amount=9_900), who="F-90"), _clone(desk, 91)])
    assert said.live("C-90")["decision"] == "RELEASE"
    assert {one.get("scope") for one in said.records if one["decision"] == "HOLD"} <= {"LINES", "CLAIM"}

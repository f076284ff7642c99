"""Detectors in shadow: computed, counted, recorded, without any effect, until the policy enforces them at run time."""

from __future__ import annotations

import pytest

from tests.streams.stage import PAID_AS_FILED, Desk, Event, Stage, held, stable, visit

SIZES = pytest.mark.parametrize("size", [1, 128])


@pytest.fixture
def desk() -> Desk:
    return Desk()


def policy(desk: Desk, edition: str, *rows: Event) -> Event:
    return desk.table("detectors", PAID_AS_FILED, *rows, edition=edition, valid_from="2015-01-01")


def world(desk: Desk, *rows: Event) -> list[Event]:
    return [policy(desk, "1", *rows), *desk.world(strict=True)]


@SIZES
def test_a_policy_from_shadow_to_enforce_changes_what_comes_after_it(
    stage: Stage, desk: Desk, size: int
) -> None:
    before, after = desk.claim("C-1", held()), desk.claim("C-2", held(service_date="2026-03-04"))
    log = [*world(desk, {"code": "E04", "mode": "shadow"}), before, desk.payment(before, "P-1", 1)]
    log += [
        policy(desk, "2", {"code": "E04", "mode": "enforce"}),
        after,
        desk.payment(after, "P-2", 1),
        before,
    ]
    said = stage.screen(log, size=size)
    first, again, second = said.of("C-1")[0], said.of("C-1")[1], said.live("C-2")
    assert (first["decision"], first["reasons"], [one["code"] for one in first["shadow"]]) == (
        "RELEASE",
        [],
        ["E04"],
    )
    assert first["shadow"][0]["facts_en"]
    assert (second["decision"], second["shadow"]) == ("HOLD", [])
    assert [one["code"] for one in second["reasons"]] == ["E04"]
    assert first["ruleset"] != second["ruleset"]
    assert stable(again) == stable(first), "what was answered in shadow stays as it was"
    assert [said.live(payment)["decision"] for payment in ("P-1", "P-2")] == ["RELEASE", "HOLD"]
    assert {one["event_id"] for one in said.suspensions} == {"C-2", "P-2"}
    assert [one["claims"][0]["claim_id"] for one in said.alerts] == ["D-C-2"]


def test_a_detector_in_shadow_leaves_the_verdict_as_if_it_were_off() -> None:
    """Everything but the shadow part and the rule set's name is equal, in the record and in public."""
    kept = []
    for mode in ("shadow", "off"):
        desk, stage = Desk(), Stage(None)
        rows = [{"code": code, "mode": mode} for code in ("E04", "D01", "E03", "M01", "M02")]
        lines = [held(), visit(None), visit("123"), visit(service_date="2026-03-03")]
        said = stage.screen([*world(desk, *rows), desk.claim("C-1", *lines), desk.claim("C-2", *lines)])
        records = [said.live("C-1"), said.live("C-2")]
        if mode == "shadow":
            assert {one["code"] for record in records for one in record["shadow"]} == {"E04", "E03", "D01"}
            unsaid = {code for record in records for code, _ in record["features"]["shadow_cannot_check"]}
            assert unsaid >= {"M01"}
        kept.append([_bare(record) for record in (*records, *said.verdicts)])
    assert kept[0] == kept[1]


def _bare(record: Event) -> Event:
    own = ("shadow", "ruleset")
    features = {
        name: kept for name, kept in record.get("features", {}).items() if name != "shadow_cannot_check"
    }
    return {name: kept for name, kept in stable(record).items() if name not in own} | {"features": features}


def test_a_liquidation_and_the_rules_of_the_day_heed_the_mode(stage: Stage, desk: Desk) -> None:
    claim = desk.claim("C-1")
    log = [*world(desk, {"code": "T01", "mode": "shadow"}, {"code": "E02", "mode": "shadow"}), claim]
    log += [desk.liquidation(claim, "L-1", base_amount=90_000), desk.person(death_date="2026-02-01")]
    said = stage.screen([*log, desk.payment(claim, "P-1", 1)])
    for event_id, code in (("L-1", "T01"), ("P-1", "E02")):
        record = said.live(event_id)
        assert code in [one["code"] for one in record["shadow"]]
        assert code not in [one["code"] for one in record["reasons"]]
    assert said.live("L-1")["decision"] == "RELEASE"

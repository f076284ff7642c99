"""Every typology beside its honest look-alike, played in waves, with the truth of each line."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

import orjson
import pytest

from schemas.decode import Decoder
from schemas.enums import CLAIM_KINDS
from simulation import Plan, World, generate
from simulation.schemes import BESIDE, FRAUDS, HONEST, MONTH_END
from simulation.world import Scale
from tests.simulation.conftest import Event

LEAST_BESIDE = 25  # look-alike claims a wave: 500 in the twenty of an evaluation
SMALL = {
    "phantom_after_death": 5,
    "override_habit": 10,
}  # what follows the size of the world: deaths, files a desk
WAVES = 2
PLAN = Plan(claims=6000, days=150, live_days=0, settle="all", waves=WAVES, requests=0.02)


@dataclass(frozen=True)
class Played:
    """A stream with two waves."""

    pairs: list[tuple[Event, Event | None]]
    scheme: dict[str, list[tuple[Event, Event]]]


@pytest.fixture(scope="module")
def played() -> Played:
    pairs = list(generate(World(5, 5000, scale=Scale(agencies=1, liquidators=10, routed=2)), PLAN))
    scheme: dict[str, list[tuple[Event, Event]]] = defaultdict(list)
    for event, truth in pairs:
        if truth is not None and truth["scheme"] is not None:
            scheme[truth["scheme"]].append((event, truth))
    return Played(pairs, scheme)


def test_every_typology_is_played_in_each_wave_beside_enough_that_is_honest(played: Played) -> None:
    for name in FRAUDS:
        cases = {truth["case"] for _, truth in played.scheme[name]}
        assert {case.split("-")[1] for case in cases} == {"01", "02"}, name
        assert {truth["class"] for _, truth in played.scheme[name]} == {"FRAUD"}
        of = "claim" if any(event["type"] == "claim" for event, _ in played.scheme[BESIDE[name][0]]) else ""
        beside = sum(
            event["type"] == of or not of for look in BESIDE[name] for event, _ in played.scheme[look]
        )
        assert beside >= WAVES * SMALL.get(name, LEAST_BESIDE), (name, beside)
    assert set(BESIDE) == set(FRAUDS)
    assert {look for looks in BESIDE.values() for look in looks} == {*HONEST, MONTH_END}


def test_every_event_decodes_and_every_kind_and_flow_is_there(played: Played) -> None:
    decoder = Decoder(None)
    kinds: Counter[str] = Counter()
    flows: Counter[str] = Counter()
    for event, _ in played.pairs:
        decoder.decode(orjson.dumps(event))
        if event["type"] == "claim":
            kinds[event["kind"]] += 1
            flows[event["flow"]] += 1
    assert set(kinds) == set(CLAIM_KINDS)
    assert set(flows) == {"AMO", "RG", "CONV"}


def test_claims_reach_every_sector(played: Played) -> None:
    sector = {event["inpe"]: event["sector"] for event, _ in played.pairs if event["type"] == "provider"}
    seen = {
        sector[line["executor"]] if "executor" in line else "ABROAD" if "country" in line else None
        for event, _ in played.pairs
        if event["type"] == "claim"
        for line in event["lines"]
    }
    assert seen >= {"PUBLIC", "PRIVATE", "MUTUALIST", "ABROAD"}


def test_a_claim_is_as_bad_as_its_worst_line_and_the_stakes_are_its_amounts(played: Played) -> None:
    for event, truth in played.pairs:
        if truth is None or event["type"] != "claim":
            continue
        assert [line["line"] for line in truth["lines"]] == [line["line"] for line in event["lines"]]
        assert truth["amount"] == sum(line["amount"] for line in event["lines"])
        classes = {line["class"] for line in truth["lines"]}
        assert classes <= {truth["class"], "HONEST"}
        if event["lines"]:
            assert truth["class"] in classes
        for line in truth["lines"]:
            assert (line["class"] == "HONEST") or line["typology"]


def test_one_line_of_an_unbundled_pair_is_wrong_and_the_tooth_of_a_crown_is_gone(played: Played) -> None:
    for event, truth in played.scheme["unbundling"]:
        if event["type"] == "claim":
            wrong = [line["line"] for line in truth["lines"] if line["class"] == "FRAUD"]
            assert [line["code"] for line in event["lines"] if line["line"] in wrong] == ["NAK"]
    gone: set[tuple[str, int]] = set()
    for event, _ in played.pairs:
        for line in event.get("lines", ()) if event["type"] == "claim" else ():
            if line["code"] == "EXTR":
                gone.add((event["beneficiary"], line["teeth"][0]))
    for event, _ in played.scheme["crown_after_extraction"]:
        if event["type"] == "claim":
            assert (event["beneficiary"], event["lines"][0]["teeth"][0]) in gone


def test_only_steps_are_to_blame_where_the_back_office_is(played: Played) -> None:
    for name in (
        "unlinked_account",
        "scripted_nights",
        "payment_changed",
        "double_payment",
        "shared_account",
    ):
        assert {event["type"] for event, _ in played.scheme[name]} <= {"liquidation", "payment"}
    for event, _ in played.scheme["scripted_nights"]:
        assert event["event_time"][11:13] in ("02", "03")
    first = {
        event["claim_id"]: event
        for event, _ in played.pairs
        if event["type"] == "liquidation" and event["action"] != "OVERRIDE"
    }
    for event, _ in played.scheme["payment_changed"]:
        before = first[event["claim_id"]]
        assert event["bank_account"] != before["bank_account"] or event["base_amount"] > before["base_amount"]


def test_a_hold_is_put_aside_by_whoever_computed(played: Played) -> None:
    computed = {
        event["claim_id"]: event["liquidator"]
        for event, _ in played.pairs
        if event["type"] == "liquidation" and event["action"] == "COMPUTE"
    }
    for event, _ in played.scheme["hold_override"]:
        assert computed[event["claim_id"]] == event["liquidator"]
    for event, _ in played.scheme["checked_by_another"]:
        assert computed[event["claim_id"]] != event["liquidator"]


def test_waves_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="waves"):
        generate(World(1, 200), Plan(days=70, live_days=0, waves=3))

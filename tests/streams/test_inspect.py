"""What `crible inspect` tells, against counters made by hand from the claims themselves."""

from __future__ import annotations

import datetime as dt
import math
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import redis
from typer.testing import CliRunner, Result

from schemas.enums import CARE_KINDS
from schemas.pseudonym import Pseudonyms
from state import EmbeddedRedis
from streams import cli
from tests.streams.stage import Desk, Event, Stage, held, visit
from tests.support.redis_cluster import RedisCluster

SPANS = {"1d": 1, "7d": 7, "30d": 30, "90d": 90, "365d": 365}
COVERED = {"BASE": "base", "COMPLEMENTARY": "complementary", "BOTH": "both"}


@pytest.fixture(scope="module")
def filled(simulated: Path) -> Iterator[EmbeddedRedis]:
    """A server that has screened the simulated log, laid out with three tags."""
    with EmbeddedRedis(durable=True) as server:
        Stage(server.url).screen(simulated.read_bytes().splitlines(), tags=3)
        yield server


@pytest.fixture(scope="module")
def care(simulated: Path) -> list[Event]:
    """Every line of care that stands at the end of the log, a session at a time, with its claim's fields."""
    claims: dict[str, Event] = {}
    replaced = set()
    for line in simulated.read_bytes().splitlines():
        event = orjson.loads(line)
        if event["type"] == "claim":
            claims.setdefault(event["event_id"], event)
            replaced.add(event.get("replaces"))
    found = []
    for claim in claims.values():
        if (
            claim["event_id"] in replaced
            or claim.get("action") == "CANCEL"
            or claim["kind"] not in CARE_KINDS
        ):
            continue
        for line in claim["lines"]:
            days = line.get("sessions") or [line["service_date"]]
            for number, day in enumerate(days):
                share, rest = divmod(line["amount"], len(days))
                amount = share + (number < rest)
                found.append({**line, "claim": claim, "day": dt.date.fromisoformat(day), "amount": amount})
    return found


def crible(server: EmbeddedRedis | RedisCluster, *arguments: str, given: str = "", **more: str) -> Result:
    environment = {"CRIBLE_REDIS": server.url, "CRIBLE_BROKERS": "127.0.0.1:1", "COLUMNS": "200", **more}
    return CliRunner().invoke(cli.app, arguments, given, env=environment, catch_exceptions=False)


def told(server: EmbeddedRedis | RedisCluster, *arguments: str, **more: str) -> dict[str, Any]:
    done = crible(server, "inspect", *arguments, "--json", **more)
    assert done.exit_code == 0, done.output
    said: dict[str, Any] = orjson.loads(done.stdout)
    return said


def by_hand(lines: list[Event], as_of: dt.date, days: int) -> dict[str, Any]:
    inside = [line for line in lines if as_of - dt.timedelta(days=days) < line["day"] <= as_of]
    amounts = dict.fromkeys(COVERED.values(), 0)
    for line in inside:
        amounts[COVERED[line["claim"].get("coverage") or "BASE"]] += line["amount"]
    return {
        "lines": len(inside),
        "claims": len({line["claim"]["claim_id"] for line in inside}),
        "days": len({line["day"] for line in inside}),
        "amount": amounts,
        "executors": len({line.get("executor") for line in inside} - {None}),
        "prescribers": len({line.get("prescriber") for line in inside} - {None}),
    }


def agrees(said: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert {name: said[name] for name in wanted} == wanted


def busiest(care: list[Event], name: str, count: int) -> list[str]:
    """Those with most lines, and some with few."""
    sizes: dict[str, int] = {}
    for line in care:
        who = line["claim"]["beneficiary"] if name == "beneficiary" else line.get(name)
        if who:
            sizes[who] = sizes.get(who, 0) + 1
    order = sorted(sizes, key=lambda one: (-sizes[one], one))
    return [*order[:count], *order[-count:]]


@pytest.mark.parametrize("back", [0, 5])
def test_a_persons_windows_are_those_of_the_claims(
    filled: EmbeddedRedis, care: list[Event], back: int
) -> None:
    for who in busiest(care, "beneficiary", 2):
        lines = [line for line in care if line["claim"]["beneficiary"] == who]
        as_of = max(line["day"] for line in lines) - dt.timedelta(days=back)
        asked = ("--as-of", as_of.isoformat()) if back else ()
        said = told(filled, "beneficiary", who, *asked)
        assert (said["id"], said["as_of"]) == (who, as_of.isoformat())
        for span, days in SPANS.items():
            agrees(said["windows"][span]["total"], by_hand(lines, as_of, days))
            groups = {line["care_group"] for line in lines}
            inside = by_group(lines, as_of, days)
            assert {name for name in groups if inside[name]["lines"]} == said["windows"][span][
                "care_group"
            ].keys()
            for name, one in said["windows"][span]["care_group"].items():
                agrees(one, inside[name])
            boxes = [
                line["quantity"]
                for line in lines
                if line["care_group"] == "PHARMACY" and as_of - dt.timedelta(days=days) < line["day"] <= as_of
            ]
            assert said["care"][span]["boxes"] == sum(boxes)
        assert said["windows"]["24m"]["total"] == said["windows"]["365d"]["total"]
        assert [day["date"] for day in said["log"]] == sorted(
            {line["day"].isoformat() for line in lines if line["day"] <= as_of}
        )
        assert said["registry"]["rights"]
        assert not said["registry"].keys() & {"beneficiary", "insured", "bank_account"}


def by_group(lines: list[Event], as_of: dt.date, days: int) -> dict[str, dict[str, Any]]:
    groups = {line["care_group"] for line in lines}
    return {
        name: by_hand([one for one in lines if one["care_group"] == name], as_of, days) for name in groups
    }


@pytest.mark.parametrize(("what", "role"), [("provider", "executor"), ("prescriber", "prescriber")])
def test_a_practice_is_that_of_the_claims(
    filled: EmbeddedRedis, care: list[Event], simulated: Path, what: str, role: str
) -> None:
    kinds = {}
    for raw in simulated.read_bytes().splitlines():
        event = orjson.loads(raw)
        if event["type"] == "provider":
            kinds[event["inpe"]] = (event["kind"], event.get("sector"))
    for name in busiest(care, role, 1):
        said = told(filled, what, name, "--log", str(simulated), "--walk")
        assert said["registry"]["kind"] == kinds[name][0]
        practice = said["practice"]
        as_of = dt.date.fromisoformat(practice["as_of"])
        lines = [line for line in care if line.get(role) == name]
        counted = practice["executed" if role == "executor" else "prescribed"]["windows"]
        for span, days in SPANS.items():
            agrees(counted[span]["total"], by_hand(lines, as_of, days))
            inside = [line for line in lines if as_of - dt.timedelta(days=days) < line["day"] <= as_of]
            assert counted[span]["patients"] == len({line["claim"]["beneficiary"] for line in inside})
            if role == "prescriber":
                wanted: dict[str, int] = {}
                for line in inside:
                    kind = kinds[line["executor"]][0] if line.get("executor") else "not known"
                    wanted[kind] = wanted.get(kind, 0) + line["amount"]
                found = counted[span]["establishment_type"].items()
                assert {kind: sum(one["amount"].values()) for kind, one in found} == wanted
        windows = said["roles"][role]["windows"]
        assert windows["90d"]["claims"] >= windows["30d"]["claims"] >= windows["1d"]["claims"] >= 1
        assert said["roles"][role]["windows"]["90d"]["patients"] == len(
            {line["claim"]["beneficiary"] for line in lines}
        )


def test_every_verdict_decides_alike(filled: EmbeddedRedis, simulated: Path) -> None:
    with redis.Redis.from_url(filled.url) as client:
        names = sorted(key.decode().partition(":v:")[2] for key in client.scan_iter(match="*:v:*"))
    checked = []
    for name in names[:: len(names) // 12]:
        for one in told(filled, "verdict", name, "--log", str(simulated))["revisions"]:
            assert one["decides_alike"] != "no"
            assert not one["decides_alike"].startswith("cannot")
            assert "beneficiary" not in one
            checked.append(one["decides_alike"])
    assert checked.count("yes") >= 3


@pytest.fixture
def small(stage: Stage, server: EmbeddedRedis) -> EmbeddedRedis:
    """One person's held claim, and one released."""
    desk = Desk()
    world, taken = desk.world(strict=True), desk.claim("E-held", held(), who="B-1")
    free = desk.claim("E-free", visit(), who="B-2")
    stage.screen([*world, taken, free, desk.liquidation(free, "E-step")])
    return server


def test_a_verdict_by_its_id_and_by_its_events(small: EmbeddedRedis) -> None:
    by_event, by_verdict = told(small, "verdict", "E-held"), told(small, "verdict", "V-E-held-1")
    assert by_event["revisions"] == by_verdict["revisions"]
    (one,) = by_event["revisions"]
    assert (one["decision"], one["decides_alike"]) == ("HOLD", "yes")
    assert [reason["code"] for reason in one["reasons"]] == ["E04"]
    adds = sum(term["value"] * term["weight"] for term in one["terms"])
    assert (
        one["adds_up_to"] == one["score"] == pytest.approx(1 / (1 + math.exp(-one["prior"] - adds)), abs=1e-6)
    )
    page = crible(small, "inspect", "verdict", "E-held").output
    assert re.search(rf"score {one['score']:g} .* {one['prior'] + adds:.4f}", page), page


def test_a_verdict_that_was_tampered_with_does_not_decide_alike(small: EmbeddedRedis) -> None:
    with redis.Redis.from_url(small.url) as client:
        blob: Any = client.hget("{s0}:v:E-held", "1")
        client.hset("{s0}:v:E-held", "1", blob.replace(b'"scope":"LINES"', b'"scope":"CLAIM"'))
    done = crible(small, "inspect", "verdict", "E-held")
    assert done.exit_code == 1
    assert "decides alike: no (differs in scope)" in done.output


def test_the_verdict_on_a_liquidation_names_nobody(small: EmbeddedRedis) -> None:
    (one,) = told(small, "verdict", "E-step")["revisions"]
    assert (one["decision"], one["features"]["action"]) == ("RELEASE", "COMPUTE")
    assert "event" not in one["features"]
    assert "B-2" not in str(one)


def test_open_holds_and_pages_for_people(small: EmbeddedRedis) -> None:
    said = told(small, "beneficiary", "B-1")
    assert [(one["event_id"], one["codes"]) for one in said["open_holds"]] == [("E-held", ["E04"])]
    for what, name in (("beneficiary", "B-1"), ("provider", "104512345"), ("establishment", "104512345")):
        done = crible(small, "inspect", what, name)
        assert done.exit_code == 0
        assert "\x1b[" not in done.output, "colours are for terminals"
        assert "compl. MAD" in done.output
        assert "A-B-1" not in done.output


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("liquidator", "no window is kept for this liquidator"),
        ("network", "no window is kept for this network"),
        ("provider", "no window is kept for this provider"),
        ("prescriber", "no window is kept for this prescriber"),
        ("beneficiary", "nothing is kept of this beneficiary"),
        ("verdict", "no verdict is kept of this event"),
    ],
)
def test_who_is_not_known(small: EmbeddedRedis, what: str, says: str) -> None:
    done = crible(small, "inspect", what, "nobody")
    assert done.exit_code == 1
    assert says in done.output
    assert "nobody" not in done.output


def test_identifiers_are_pseudonymised_as_they_come_in(server: EmbeddedRedis, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("A" * 43 + "=\n")
    pseudonym = Pseudonyms.from_file(file)("B-1")
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
    log = tmp_path / "log.jsonl"
    desk = Desk()
    log.write_bytes(
        b"".join(
            orjson.dumps(event) + b"\n" for event in [*desk.world(strict=True), desk.claim("E-1", held())]
        )
    )
    with_key = {"CRIBLE_PSEUDONYM_KEY_FILE": str(file)}
    assert (
        crible(
            server, "screen", str(log), "--redis", server.url, "-o", str(tmp_path / "v"), **with_key
        ).exit_code
        == 0
    )
    for who in ("B-1", pseudonym):
        said = told(server, "beneficiary", who, **with_key)
        assert said["id"] == who
        assert len(said["log"]) == 1
        assert who == pseudonym or pseudonym not in orjson.dumps(said).decode()
    assert crible(server, "inspect", "beneficiary", "B-1").exit_code == 1


def test_a_redis_that_is_away_is_told_with_the_setting() -> None:
    environment = os.environ | {"CRIBLE_REDIS": "redis://127.0.0.1:1/0"}
    command = [sys.executable, "-m", "streams.cli", "inspect", "beneficiary", "B-1"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no Redis answers" in done.stderr
    assert "CRIBLE_REDIS" in done.stderr


def test_a_liquidators_steps_are_called_steps(stage: Stage, server: EmbeddedRedis) -> None:
    desk = Desk()
    claim = desk.claim("C-1")
    stage.screen([*desk.world(), claim, desk.liquidation(claim, "L-C-1")])
    page = crible(server, "inspect", "liquidator", "L-1", "--no-walk").output
    assert "steps of the last hour 1" in page
    assert "beneficiary days" in page
    assert "patients" not in page


def test_what_a_liquidator_did_is_told_from_the_events(stage: Stage, server: EmbeddedRedis) -> None:
    """Whoever else worked on the file is not; a step that puts a control aside stands among the overrides too."""
    desk = Desk()
    first, second = desk.claim("C-1"), desk.claim("C-2")
    aside = [{"code": "CTRL-7", "result": "OVERRIDDEN", "reason": "seen", "verdict_id": "V-C-1-1"}]
    stage.screen(
        [
            *desk.world(),
            first,
            second,
            desk.liquidation(first, "L-C-1", complementary_amount=1_500),
            desk.liquidation(second, "L-C-2", liquidator="L-2"),
            desk.liquidation(first, "L-C-3", action="MODIFY", controls=aside, base_amount=19_000),
        ]
    )
    told = orjson.loads(crible(server, "inspect", "liquidator", "L-1", "--json", "--latest", "1").stdout)
    done = told["operations"]
    assert (done["steps"], done["files"], done["overrides"]) == (2, 1, 1)
    assert done["by_action"] == {"COMPUTE": 1, "MODIFY": 1}
    assert [step["event_id"] for step in done["last"]] == ["L-C-3"]
    (override,) = done["last_overrides"]
    assert override["controls"] == [{**aside[0]}]
    assert (override["claim_id"], override["line"], override["base"]) == (first["claim_id"], 1, 19_000)
    page = crible(server, "inspect", "liquidator", "L-1").output
    assert "recorded steps: 2 on 1 files, 1 of them with an override (COMPUTE 1, MODIFY 1)" in page
    assert "CTRL-7 OVERRIDDEN" in page
    assert "L-C-2" not in page
    assert "add --walk" in crible(server, "inspect", "liquidator", "L-1", "--no-walk").output

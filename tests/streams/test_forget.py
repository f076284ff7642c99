"""`crible state forget` and `crible state check` as an operator uses them."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import orjson
import pytest
import redis

from state import ConfigurationError, EmbeddedRedis, Store
from streams.broker import EmbeddedBroker
from streams.inspecting.checking import told_key
from streams.topics import BrokerAway, Topics
from tests.streams.stage import DOCTOR, PHARMACY, Desk, Event, Stage, held, visit
from tests.streams.test_inspect import crible, told

GONE = "B-1"


def claims(desk: Desk) -> list[Event]:
    """Two claims of the person, one of another at the same doctor."""
    return [
        desk.claim("E-1", visit(), visit(PHARMACY, code="K"), who=GONE),
        desk.claim("E-2", held(), visit(amount=20_000), who=GONE),
        desk.claim("E-3", visit(amount=30_000), who="B-2"),
    ]


def later(desk: Desk, first: list[Event]) -> list[Event]:
    """A correction and a cancellation of what was erased, a resubmission, and somebody's new claim."""
    return [
        desk.correct(first[0], "E-4", visit(amount=11_000)),
        desk.cancel(first[1], "E-5"),
        first[1],
        desk.claim("E-6", visit(amount=40_000), who="B-2"),
    ]


def forget(server: EmbeddedRedis, *options: str, **more: str) -> Any:
    return crible(server, "state", "forget", "beneficiary", GONE, *options, **more)


def roles(server: EmbeddedRedis) -> Any:
    said = told(server, "provider", DOCTOR, "--no-walk")
    return said["roles"], said["sheets"]


def dump(server: EmbeddedRedis) -> dict[bytes, bytes | None]:
    with redis.Redis.from_url(server.url) as client:
        return {key: client.dump(key) for key in client.scan_iter()}


def fill(stage: Stage) -> tuple[Desk, list[Event]]:
    desk = Desk()
    first = claims(desk)
    stage.screen([*desk.world(), *first])
    return desk, first


def test_later_corrections_find_the_counters_as_if_nobody_had_gone(
    stage: Stage, server: EmbeddedRedis
) -> None:
    desk, first = fill(stage)
    after = later(desk, first)
    stage.screen(after)
    wanted = roles(server)
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
    stage.screen([*desk.world(), *first])
    before = roles(server)
    done = forget(server, "--yes", "--json")
    assert done.exit_code == 0, done.output
    summary = orjson.loads(done.stdout)
    assert (summary["erased"], summary["waiting"], summary["held"]) == (True, 0, 1)
    assert summary["removes"]["verdicts"] == 2
    assert summary["removes"]["registry entry"] == 1
    assert roles(server) == before
    assert not [key for key in dump(server) if GONE.encode() in key]
    assert crible(server, "inspect", "beneficiary", GONE).exit_code == 1
    assert crible(server, "state", "check").exit_code == 0
    assert orjson.loads(forget(server, "--yes", "--json").stdout)["removes"] == {}
    again = stage.screen(after)
    assert roles(server) == wanted
    # the erased event's resubmission is known, so that it counts nothing; its answer is in `verdicts` only
    assert [record["event_id"] for record in again.records] == ["E-4", "E-5", "E-6"]
    assert crible(server, "state", "check").exit_code == 0
    assert told(server, "beneficiary", GONE)["log"], "what came later is kept again"
    assert forget(server, "--yes").exit_code == 0
    assert crible(server, "inspect", "beneficiary", GONE).exit_code == 1


@pytest.mark.parametrize(("options", "given"), [(("--dry-run",), ""), ((), "n\n")])
def test_nothing_is_changed_until_it_is_confirmed(
    stage: Stage, server: EmbeddedRedis, options: tuple[str, ...], given: str
) -> None:
    fill(stage)
    before = dump(server)
    done = crible(server, "state", "forget", "beneficiary", GONE, *options, given=given)
    assert done.exit_code == (0 if options else 1)
    assert "event records" in done.output
    assert dump(server) == before


def test_without_the_broker_nobody_knows_which_answers_are_out(stage: Stage, server: EmbeddedRedis) -> None:
    fill(stage)
    store = Store(server.url)
    store.own(["claims|topic-id|0"])
    store.begin("claims|topic-id|0", 5)
    before = dump(server)
    with pytest.raises(BrokerAway, match="no Kafka broker answers"):
        forget(server, "--yes")
    assert dump(server) == before
    assert forget(server, "--yes", "--workers-stopped").exit_code == 0
    assert crible(server, "inspect", "beneficiary", GONE).exit_code == 1
    store.close()


def test_a_check_names_what_is_wrong_and_nobody(stage: Stage, server: EmbeddedRedis) -> None:
    fill(stage)
    assert "nothing is wrong" in crible(server, "state", "check").output
    with redis.Redis.from_url(server.url) as client:
        client.append(f"{{s0}}:b:{GONE}", b"x")
        client.hset("{s0}:c:D-E-1", "zz", "1")
    done = crible(server, "state", "check")
    assert done.exit_code == 1
    assert "damaged" in done.output
    assert GONE not in done.output
    assert "D-E-1" not in done.output
    said = orjson.loads(crible(server, "state", "check", "--json", "--keys").stdout)
    assert {one["key"] for one in said["problems"]} == {f"{{s0}}:b:{GONE}", "{s0}:c:D-E-1"}
    assert said["kinds"]["care logs"]["keys"] == 2


def test_keys_name_no_person_nor_an_account() -> None:
    shown = {
        "{s0}:p:104512345": "{s0}:p:104512345",
        "{s0}:t:f:104512345": "{s0}:t:f:104512345",
        "{s0}:n:p:104512345": "{s0}:n:p:104512345",
        "{s0}:m:activity:G": "{s0}:m:activity:G",
    }
    assert {key: told_key(key.encode(), whole=False) for key in shown} == shown
    for key in ("b:B-1", "v:B-1", "t:b:B-1", "n:t:b:B-1", "m:beneficiary:B-1", "m:signal:beneficiary:B-1"):
        hidden = told_key(f"{{s0}}:{key}".encode(), whole=False)
        assert "B-1" not in hidden
        assert hidden.startswith(f"{{s0}}:{key[0]}:")
        assert told_key(f"{{s0}}:{key}".encode(), whole=True) == f"{{s0}}:{key}"


@pytest.mark.parametrize("command", ["inspect", "check", "forget"])
@pytest.mark.parametrize("wrong", ["tags", "key"])
def test_settings_of_another_deployment_are_refused(
    stage: Stage, server: EmbeddedRedis, tmp_path: Path, command: str, wrong: str
) -> None:
    """With them a person is not found, or in part, and would be told to be erased."""
    fill(stage)
    before = dump(server)
    key = tmp_path / "key"
    key.write_bytes(base64.b64encode(bytes(range(32))))
    key.chmod(0o600)
    more = {"CRIBLE_TAGS": "3"} if wrong == "tags" else {"CRIBLE_PSEUDONYM_KEY_FILE": str(key)}
    asked = {
        "inspect": ("inspect", "beneficiary", GONE),
        "check": ("state", "check"),
        "forget": ("state", "forget", "beneficiary", GONE, "--yes", "--workers-stopped"),
    }[command]
    with pytest.raises(ConfigurationError, match="1 hash tags" if wrong == "tags" else "pseudonym key"):
        crible(server, *asked, **more)
    assert dump(server) == before


@pytest.mark.parametrize(("where", "said"), [("claims:2", "2 partitions"), ("verdicts:0", "not screened")])
def test_no_log_is_adopted_that_is_not_there(
    stage: Stage, server: EmbeddedRedis, where: str, said: str
) -> None:
    with EmbeddedBroker() as broker:
        Topics({"bootstrap.servers": broker.bootstrap}).create(2)
        asked = ("state", "adopt-log", where, "--after", "5")
        done = crible(server, *asked, CRIBLE_BROKERS=broker.bootstrap)
        assert done.exit_code == 2
        assert said in " ".join(done.output.split())
        assert dump(server) == {}
        assert (
            crible(server, *asked[:2], "claims:1", *asked[3:], CRIBLE_BROKERS=broker.bootstrap).exit_code == 0
        )

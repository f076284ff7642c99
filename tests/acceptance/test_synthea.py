"""Claims that nobody here made up: what is held of them, what cannot be checked, and what is caught among them."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import orjson
import pytest

from simulation.inject import inject
from simulation.synthea import import_synthea
from streams.config import Settings
from streams.event_log import LogScreening, screen_log
from streams.messages import Output
from tests.support.reference_data import folder

CONTROLS = ("FRAUD_REVIEW", "MEDICAL_REVIEW", "INTERNAL_AUDIT")


def screened(events: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Event id -> the records of its revisions, claims only."""
    records: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def take(outputs: list[Output]) -> None:
        for output in outputs:
            if output.topic == "screened":
                record = orjson.loads(output.value)
                if record["type"] == "claim":
                    records[record["event_id"]].append(record)

    lines = (orjson.dumps(event) for event in events)
    screen_log(LogScreening(Settings(), None, "synthea", 128), lines, take)
    return records


@pytest.fixture(scope="module")
def claims() -> list[dict[str, Any]]:
    return list(import_synthea(folder("synthea")))


def test_honest_claims_are_answered_once_and_hardly_ever_held(claims: list[dict[str, Any]]) -> None:
    records = screened(claims)
    wanted = {event["event_id"] for event in claims if event["type"] == "claim"}
    assert len(wanted) == 9120
    assert records.keys() == wanted
    assert all(len(revisions) == 1 for revisions in records.values())
    said = [revisions[0] for revisions in records.values()]
    controls = [r for r in said if r["decision"] == "HOLD" and r["purpose"] in CONTROLS]
    assert len(controls) < 0.003 * len(said), [
        (r["claim_id"], [x["facts_en"] for x in r["reasons"]]) for r in controls
    ]
    cannot = Counter(code for r in said for code in {item["code"] for item in r["cannot_check"]})
    for code in ("D01", "U06", "M01", "M02", "M03"):
        assert cannot[code] <= 0.2 * len(said), f"{code} answers on fewer than 80 % of the claims"


def test_what_is_injected_is_caught(claims: list[dict[str, Any]]) -> None:
    pairs = list(inject(iter(claims), seed=7))
    truth = {event["event_id"]: fact for event, fact in pairs if fact is not None}
    records = screened([event for event, _ in pairs])
    caught: Counter[str] = Counter()
    families: dict[Any, list[bool]] = defaultdict(list)
    arrival = {event["event_id"]: place for place, (event, _) in enumerate(pairs)}
    for event_id in sorted(truth, key=arrival.__getitem__):
        held = records[event_id][-1]["decision"] == "HOLD"
        fact = truth[event_id]
        if fact["scheme"] == "clone_family":
            families[fact["family"]].append(held)
        else:
            caught[fact["scheme"]] += held
    assert caught["duplicate"] >= 180
    assert caught["after_death"] >= 180
    assert len(families) == 10
    for held_of_family in families.values():
        late = held_of_family[7:]  # from the eighth claim on
        assert sum(late) >= 0.9 * len(late)


def test_the_command_says_the_same(tmp_path: Path, claims: list[dict[str, Any]]) -> None:
    """A few hundred claims through the command line, as a user would."""
    import subprocess
    import sys

    log = tmp_path / "s.jsonl"
    few = [event for event in claims if event["type"] != "claim"] + [
        e for e in claims if e["type"] == "claim"
    ][:300]
    log.write_bytes(b"".join(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE) for event in few))
    out = tmp_path / "v.jsonl"
    run = subprocess.run(
        [sys.executable, "-m", "streams.cli", "screen", str(log), "--out", str(out), "--json"],
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert orjson.loads(run.stdout)["answers"] == {"claim": 300}
    assert len(out.read_bytes().splitlines()) == 300

"""A whole simulated log through the loop: the same whatever the batches, and each record decides itself
again.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from detectors import decision, findings
from detectors.book import ReferentialBook
from detectors.catalogue import BY_CODE
from detectors.reasons import CONTROL
from schemas.decode import Decoder
from schemas.outputs import Screened
from schemas.outputs import encode as written
from state import EmbeddedRedis
from streams.outputs import decode, public
from streams.outputs import suspension as suspension_of
from tests.streams.stage import Event, Said, Stage, stable

CONTROLLED = ("FRAUD_REVIEW", "INTERNAL_AUDIT")
ISSUED = re.compile(rb'"(issued_at|held_at)":"[^"]*"')


@pytest.fixture(scope="module")
def runs(simulated: Path) -> dict[str, Said]:
    """The log screened on private empty servers, for several batch sizes, and on three hash tags."""
    lines = simulated.read_bytes().splitlines()
    plans: dict[str, dict[str, Any]] = {
        "128": {},
        "again": {},
        "7": {"size": 7},
        "1": {"size": 1},
        "tags": {"tags": 3},
    }
    said = {}
    for name, plan in plans.items():
        with EmbeddedRedis(durable=True) as server:
            said[name] = Stage(server.url).screen(lines, **plan)
    return said


def _text(records: list[Event]) -> bytes:
    return b"\n".join(orjson.dumps(record) for record in records)


@pytest.mark.parametrize("other", ["again", "7", "1", "tags"])
@pytest.mark.parametrize("topic", ["records", "verdicts", "suspensions", "alerts"])
def test_the_same_bytes_whatever_the_batches(runs: dict[str, Said], other: str, topic: str) -> None:
    one, two = (ISSUED.sub(b"", _text(getattr(runs[name], topic))) for name in ("128", other))
    assert one == two


def test_the_log_holds_what_these_tests_need(runs: dict[str, Said]) -> None:
    said = runs["128"]
    causes = {record.get("cause") for record in said.records}
    assert {"GROUP_HOLD", "CLAIM_ANSWERED"} <= causes
    assert any((cause or "").startswith("REVIEW:") for cause in causes)
    assert any("signals" in record["features"] for record in said.records)
    assert {record["purpose"] for record in said.records if "purpose" in record} >= {
        "FRAUD_REVIEW",
        "COMPLETE_FILE",
    }


def test_one_verdict_for_each_claim_liquidation_and_payment(runs: dict[str, Said], simulated: Path) -> None:
    asked = [
        event["event_id"]
        for event in map(orjson.loads, simulated.read_bytes().splitlines())
        if event["type"] in ("claim", "liquidation", "payment")
    ]
    for said in runs.values():
        first = [record for record in said.records if "supersedes" not in record]
        assert sorted(asked) == sorted(record["event_id"] for record in first)
        contents: dict[str, set[str]] = {}
        for record in said.records:
            contents.setdefault(record["verdict_id"], set()).add(str(stable(record)))
        assert {len(versions) for versions in contents.values()} == {1}
        for record in said.records:
            if "supersedes" in record:
                before, after = (record[name].rpartition("-") for name in ("supersedes", "verdict_id"))
                assert (after[0], int(after[2])) == (before[0], int(before[2]) + 1)


def test_each_record_decides_itself_again(runs: dict[str, Said], simulated: Path) -> None:
    """decide(case, findings) gives the verdict, where no person and no correction gave it."""
    book, decoder = ReferentialBook(), Decoder(None)
    for line in simulated.read_bytes().splitlines():
        if orjson.loads(line)["type"] in ("referential", "policy"):
            book.apply(decoder.decode(line))
    checked = 0
    for raw in runs["128"].records:
        record = decode(orjson.dumps(raw))
        if record.type != "claim" or (record.cause or "").startswith(("REVIEW", "REPLACED")):
            continue
        case = decision.from_record(record.features["case"])
        kept = [findings.from_record(one) for one in record.features["findings"]]
        assert case.deposit is not None
        again = decision.decide(case, kept, book.snapshot().thresholds(case.deposit))
        for name in again.__struct_fields__:
            if name not in ("good_cause", "priority"):
                assert getattr(again, name) == getattr(record, name), (name, record.event_id)
        assert record.features.get("good_cause") == again.good_cause
        assert (record.priority or 0) >= again.priority
        assert [reason.code for reason in record.reasons] == [one.code for one in kept]
        checked += 1
    assert checked > 900


def _hidden(record: Screened, verdict: dict[str, Any], held: dict[str, Any] | None) -> None:
    """What a liquidator may not read of this record stands in neither projection."""
    for told in filter(None, (verdict, held)):
        for reason in told["reasons"]:
            if reason["code"] == "CTRL":
                assert set(reason) == {"code", "label_fr", "label_en", "label_ar", "lines"}
                assert reason["lines"] == []
            else:
                assert reason["visibility"] == "LIQUIDATOR"
                assert not {"strength", "threshold", "n"} & reason.keys()
        assert (
            not {"score", "terms", "priority", "features", "models", "shadow", "expected_loss"} & told.keys()
        )
        text = orjson.dumps({name: value for name, value in told.items() if name != "cannot_check"})
        for reason in record.reasons:
            if reason.visibility != "LIQUIDATOR":
                for secret in (reason.label_fr, reason.label_en, reason.facts_fr, reason.facts_en):
                    assert secret is None or secret.encode() not in text
        if record.purpose in CONTROLLED:
            assert told["purpose"] == "CONTROL"
            assert not {"control_level", "suggested_control", "legal_basis", "on_expiry"} & told.keys()
        assert "GROUP_HOLD" not in str(told.get("cause"))
        assert "FRAUD" not in str(told.get("cause"))


def test_a_liquidator_reads_nothing_that_is_not_his(runs: dict[str, Said]) -> None:
    masked = 0
    for raw in runs["128"].records:
        record = decode(orjson.dumps(raw))
        verdict = public(record)
        told = orjson.loads(written(verdict))
        held = None
        if record.decision == "HOLD":
            held = orjson.loads(written(suspension_of(record, verdict)))
        _hidden(record, told, held)
        codes = [reason["code"] for reason in told["reasons"]]
        if record.decision == "RELEASE":
            assert "CTRL" not in codes
        elif any(reason.visibility != "LIQUIDATOR" for reason in record.reasons):
            assert codes[-1] == "CTRL"
            masked += 1
    assert masked > 50


def test_an_internal_audit_looks_like_a_fraud_review(runs: dict[str, Said]) -> None:
    """The same hold for an internal reason: both projections are equal, the time limit included."""
    compared = 0
    for raw in runs["128"].records:
        if raw["type"] != "claim" or raw["decision"] != "HOLD" or raw["purpose"] != "FRAUD_REVIEW":
            continue
        if any(reason["visibility"] == "LIQUIDATOR" for reason in raw["reasons"]):
            continue
        fraud = decode(orjson.dumps(raw))
        internal = [{**reason, "nature": "INT", "visibility": "AUDIT_ONLY"} for reason in raw["reasons"]]
        more = {
            "purpose": "INTERNAL_AUDIT",
            "control_level": "CENTRAL",
            "reasons": internal,
            "on_expiry": "ESCALATE",
        }
        audit = decode(orjson.dumps({**raw, **more}))
        assert public(fraud) == public(audit)
        assert suspension_of(fraud, public(fraud)) == suspension_of(audit, public(audit))
        compared += 1
    assert compared > 20
    assert CONTROL.visibility is None
    assert all(each.visibility in ("LIQUIDATOR", "FRAUD_TEAM", "AUDIT_ONLY") for each in BY_CODE.values())


def test_reasons_name_events_that_exist(runs: dict[str, Said], simulated: Path) -> None:
    known = {orjson.loads(line)["event_id"] for line in simulated.read_bytes().splitlines()}
    cited = {
        one
        for record in runs["128"].records
        for reason in record["reasons"]
        for one in reason.get("evidence", ())
    }
    assert cited
    assert cited <= known

"""Generated documents are current, topics are the contract's, outputs keep what a reader relies on."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import msgspec
import pytest

from schemas import documents, outputs
from schemas.enums import CARE_GROUPS, CARE_KINDS, CLAIM_KINDS, COVERAGES, FACT_KINDS, REQUEST_KINDS
from schemas.events import TYPES
from schemas.outputs import Compared, InputPosition, Reason, Screened, Verdict
from schemas.topics import DAY_MS, MEGABYTE, SCREENING_INPUTS, SNAPSHOTS, TOPICS

NOW = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)


def test_the_committed_documents_are_current() -> None:
    assert documents.drift() == []


def test_drift_is_named(tmp_path: Path) -> None:
    documents.write(tmp_path)
    assert documents.drift(tmp_path) == []
    (tmp_path / "claim.schema.json").write_text("{}")
    (tmp_path / "order.schema.json").unlink()
    (tmp_path / "old.schema.json").write_text("{}")
    assert documents.drift(tmp_path) == [
        "differs: claim.schema.json",
        "missing: order.schema.json",
        "stale: old.schema.json",
    ]
    documents.write(tmp_path)
    assert documents.drift(tmp_path) == []


def test_an_unknown_argument_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert documents.main(["--dry"]) == 2
    assert "--check" in capsys.readouterr().err
    assert documents.main(["--check"]) == 0


def test_every_reference_of_the_documents_leads_somewhere() -> None:
    for text in documents.documents().values():
        document = json.loads(text)
        for reference in _references(document):
            target = document
            for step in reference.removeprefix("#/").split("/"):
                target = target[step]


def _references(tree: object) -> list[str]:
    if isinstance(tree, dict):
        below = [reference for member in tree.values() for reference in _references(member)]
        return [*below, tree["$ref"]] if isinstance(tree.get("$ref"), str) else below
    return (
        [reference for member in tree for reference in _references(member)] if isinstance(tree, list) else []
    )


def test_topics_are_those_of_the_contract() -> None:
    assert SCREENING_INPUTS == (
        "claims", "liquidations", "payments", "prior-approvals", "beneficiaries", "rescreens",
    )  # fmt: skip
    assert all(TOPICS[name].cleanup == "compact" for name in (*SNAPSHOTS, "beneficiaries", "signals"))
    assert TOPICS["learning"].partitions == 1
    assert TOPICS["referentials"].max_message_bytes == 16 * MEGABYTE
    dead = TOPICS["dead-letters"]
    assert (dead.retention_ms, dead.max_message_bytes, dead.restricted) == (7 * DAY_MS, 2 * MEGABYTE, True)
    assert {
        type_ for topic in TOPICS.values() if topic.direction == "in" for type_ in topic.types
    } <= TYPES.keys()
    carried = {type_ for topic in TOPICS.values() for type_ in topic.types}
    assert carried >= documents.MESSAGES.keys()


def test_a_bare_verdict_keeps_what_a_reader_relies_on() -> None:
    screened = Screened(
        verdict_id="V-E-1-1",
        event_id="E-1",
        claim_id="D-1",
        type="claim",
        decision="CANNOT_SCREEN",
        issued_at=NOW,
        ruleset="1",
        score=None,
        input=InputPosition(topic="claims", partition=0, offset=7),
    )
    record = json.loads(outputs.encode(screened))
    assert record["score"] is None
    assert record["issued_at"] == "2026-03-02T00:00:00Z"
    assert (record["reasons"], record["lines"], record["cannot_check"], record["degraded"]) == (
        [],
        [],
        [],
        False,
    )
    assert "beneficiary" not in record
    assert set(Screened.__struct_fields__) > set(Verdict.__struct_fields__)
    assert msgspec.json.decode(outputs.encode(Compared())) == {"lines": []}


def test_a_reason_bears_its_class() -> None:
    reason = Reason(code="D01", label_fr="a", label_en="b", label_ar="c", cls="H", lines=(2,))
    assert json.loads(outputs.encode(reason))["class"] == "H"


def test_stored_indices_do_not_move() -> None:
    assert CARE_GROUPS.index("CONSULTATION") == 0
    assert (CARE_GROUPS.index("PHARMACY"), CARE_GROUPS.index("SICK_LEAVE"), len(CARE_GROUPS)) == (2, 13, 14)
    assert COVERAGES == ("BASE", "COMPLEMENTARY", "BOTH")
    assert FACT_KINDS == ("TOOTH", "ONCE", "DEVICE", "STAY")
    assert CARE_KINDS + REQUEST_KINDS == CLAIM_KINDS
    assert CARE_KINDS[-1] == "IJ"

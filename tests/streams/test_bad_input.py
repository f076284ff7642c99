"""Bad input from an event log: a dead letter that says why, an answer where somebody waits, and no trace
elsewhere.
"""

from __future__ import annotations

import base64
from pathlib import Path

import orjson
import pytest

from state import EmbeddedRedis
from streams.config import Settings
from streams.event_log import LogScreening, screen_log
from tests.streams.bad_input import PERSON, Bad, background, catalogue, check
from tests.streams.stage import Desk, Event, Said, Stage, stable, visit

CASES = [bad for bad in catalogue(Desk()) if bad.file]


def _plain(said: Said) -> list[Event]:
    return [stable(record) for record in said.records if not record["event_id"].startswith("BAD")]


@pytest.fixture(scope="module")
def untouched() -> list[Event]:
    """What the background is answered without anything bad in it."""
    before, after = background(Desk())
    with EmbeddedRedis(durable=True) as server:
        return _plain(Stage(server.url).screen([*before, *after]))


@pytest.mark.parametrize("bad", CASES, ids=lambda bad: bad.name)
def test_each_kind(stage: Stage, bad: Bad, untouched: list[Event]) -> None:
    before, after = background(Desk())
    said = stage.screen([*before, bad.value, *after])
    (letter,) = said.letters
    check(bad, letter)
    assert letter["received"].encode() == bad.value.decode(errors="replace").rstrip("\r\n").encode()
    assert int(letter["offset"]) == len(before)
    assert _plain(said) == untouched
    mine = [record for record in said.records if record["event_id"].startswith("BAD")]
    assert [record["decision"] for record in mine] == (["CANNOT_SCREEN"] if bad.verdict else [])
    for record in mine:
        assert (record["claim_id"], record["type"]) == (f"D-{record['event_id']}", "claim")
        assert record["score"] is None
        assert record["cannot_check"][0]["missing"].startswith(letter["reason"])
        assert said.public(record["event_id"])["decision"] == "CANNOT_SCREEN"
        assert "event_id" in letter


@pytest.mark.parametrize("size", [1, 7, 128])
def test_all_kinds_together_and_each_twice(stage: Stage, untouched: list[Event], size: int) -> None:
    """A bad message resubmitted is answered again with the same verdict, whatever the batches."""
    before, after = background(Desk())
    lines: list[Event | bytes] = [*before]
    for bad in CASES:
        lines += [bad.value, bad.value]
    said = stage.screen([*lines, *after], size=size)
    assert len(said.letters) == 2 * len(CASES)
    assert _plain(said) == untouched
    mine = [record for record in said.records if record["event_id"].startswith("BAD")]
    assert len(mine) == 2 * sum(bad.verdict for bad in CASES)
    assert len({str(stable(record)) for record in mine}) * 2 == len(mine)


def test_a_reused_id_inherits_nothing(stage: Stage, untouched: list[Event]) -> None:
    """Other content, another beneficiary, or garbage under a known id: dead letters, and never a verdict."""
    before, after = background(Desk())
    claim = next(event for event in before if event["event_id"] == "C-1")
    other = {**claim, "lines": [visit(line=1, amount=9_999_999)]}
    stolen = {**claim, "beneficiary": "B-9", "claim_id": "D-9"}
    garbage = orjson.dumps({**claim, "kind": "SURPRISE"})
    moved = Desk().payment(claim, "C-1", 1)
    said = stage.screen([*before, other, stolen, garbage, moved, *after])
    assert [letter["reason"] for letter in said.letters] == [
        "reused-event-id", "reused-event-id", "unknown-value", "reused-event-id",
    ]  # fmt: skip
    assert {letter["field"] for letter in said.letters} == {"event_id", "kind"}
    assert _plain(said) == untouched


def test_a_strange_type_under_an_id_does_not_take_it(stage: Stage, untouched: list[Event]) -> None:
    """What nobody waits for an answer to leaves the id to the event that bears it."""
    before, after = background(Desk())
    claim = next(event for event in after if event["event_id"] == "C-3")
    strange = [{**claim, "type": "rescreen", "finding": 7}, {**claim, "type": "dream"}]
    said = stage.screen([*before, *strange, *after])
    assert len(said.letters) == 2
    assert _plain(said) == untouched


def test_identifiers_in_clear_stay_out_of_everything_but_the_received_bytes(
    server: EmbeddedRedis, tmp_path: Path, stage: Stage
) -> None:
    key = tmp_path / "key"
    key.write_text(base64.b64encode(b"k" * 32).decode() + "\n")
    before, after = background(Desk())
    said = Said()
    job = LogScreening(Settings(pseudonym_key_file=str(key), tags=1), stage.url, "clear", 128)
    lines = [*before, *(bad.value for bad in CASES), *after]
    raw = (line if isinstance(line, bytes) else orjson.dumps(line) for line in lines)
    screen_log(job, raw, said.take)
    for bad, letter in zip(CASES, said.letters, strict=True):
        check(bad, letter)
    told = orjson.dumps([said.records, said.verdicts, said.suspensions, said.alerts]).decode()
    assert PERSON not in told
    assert '"B-1"' not in told
    assert "A-B-1" not in told
    mine = [record for record in said.records if record["decision"] == "CANNOT_SCREEN"]
    assert any("beneficiary" in record for record in mine)


@pytest.mark.parametrize(
    ("type_", "fields", "field"),
    [
        (
            "review",
            {"verdict_id": "V-C-1-1", "claim_id": "D-C-1", "beneficiary": "B-1", "outcome": "?"},
            "outcome",
        ),
        (
            "signal",
            {"entity": "provider:1", "source": "CAISSE", "strength": 7, "expires": "2026-12-31"},
            "strength",
        ),
        ("provider", {"inpe": "104512345", "kind": "WIZARD"}, "kind"),
        (
            "payment",
            {"claim_id": "D-C-1", "beneficiary": "B-1", "payee": "INSURED", "status": "ORDERED"},
            "payment_id",
        ),
    ],
)
def test_bad_control_events_are_dead_letters_too(
    stage: Stage, type_: str, fields: Event, field: str, untouched: list[Event]
) -> None:
    before, after = background(Desk())
    odd = {**Desk().event(type_, **fields), "event_id": "BAD-C"}
    said = stage.screen([*before, odd, *after])
    assert [(letter["field"], letter["topic"]) for letter in said.letters] == [(field, f"{type_}s")]
    assert _plain(said) == untouched
    assert [one["type"] for one in said.of("BAD-C")] == (["payment"] if type_ == "payment" else [])


def test_a_rejected_load_leaves_the_edition_in_force(stage: Stage, untouched: list[Event]) -> None:
    before, after = background(Desk())
    broken = Desk().table("acts", {"nomenclature": "NGAP", "code": "C"}, checksum="sha256:" + "0" * 64)
    said = stage.screen([*before, {**broken, "event_id": "BAD-T"}, *after])
    assert [(letter["reason"], letter["topic"]) for letter in said.letters] in (
        [("rejected-load", "referentials")], [("checksum", "referentials")],
    )  # fmt: skip
    assert [record["event_id"] for record in _plain(said)] == [record["event_id"] for record in untouched]

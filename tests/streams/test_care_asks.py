"""What care puts into its own windows: prior approvals with their uses, control thresholds, leaves, dialysis days."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from schemas.approval import PriorApproval
from schemas.claim import Claim
from schemas.enums import APPROVAL_DECISIONS
from schemas.events import Event
from schemas.observation import Accord, Followed, LogLine, Observation, day_number, entity_ref, event_ref
from state import codecs
from state.embedded import EmbeddedRedis
from streams.told import KIND_INDEX
from tests.detectors.scene import DOCTOR, OTHER, Scene, box, consultation, day
from tests.streams.asked import claim, event, watch

TABLES = Scene().table("thresholds", {"name": "t", "value": 500_000}).provider(DOCTOR, "ASSOC_DIALYSE")


def told(seen: Observation | Followed | None) -> Observation:
    assert isinstance(seen, Observation)
    return seen


def approval(number: int, hours: int, decision: str = "GRANTED", **fields: Any) -> PriorApproval:
    more = {"pec_id": "PEC-1", "beneficiary": "B-1", "valid_from": "2026-03-01", "valid_to": "2026-06-30"}
    made = event(PriorApproval, number, hours, **{**more, "decision": decision, **fields})
    assert isinstance(made, PriorApproval)
    return made


def session(quantity: int, **fields: Any) -> dict[str, Any]:
    return consultation(code="AMM", unit="SESSION", prior_approval="PEC-1", quantity=quantity, **fields)


def screen(server: EmbeddedRedis, *events: Event, size: int = 2) -> list[Observation | Followed | None]:
    return watch(server, [(one, None) for one in events], size)


@pytest.mark.parametrize("size", [1, 3, 9])
def test_an_approval_is_kept_beside_its_uses(server: EmbeddedRedis, size: int) -> None:
    granted = approval(
        1, 0, sessions_granted=10, amount_granted=90_000, acts=[{"code": "AMM", "quantity": 10}]
    )
    events: list[Event] = [
        granted,
        claim(2, session(4)),
        claim(3, session(5), who="B-2"),
        claim(4, session(6)),
    ]
    _, first, foreign, last = screen(server, *events, size=size)
    decided = [one for one in told(first).accords["PEC-1"] if one.decision >= 0]
    assert [(one.quantity, one.amount, one.first, one.last) for one in decided] == [
        (1000, 90_000, day_number(dt.date(2026, 3, 1)), day_number(dt.date(2026, 6, 30))),
        (1000, -1, day_number(dt.date(2026, 3, 1)), day_number(dt.date(2026, 6, 30))),
    ]
    assert told(foreign).accords["PEC-1"] == []  # another person's approval of that name
    used = [one for one in told(last).accords["PEC-1"] if one.decision < 0]
    assert [(one.quantity, one.amount, one.claim) for one in used] == [(400, 25_000, entity_ref("D2"))]


def test_corrected_uses_leave_and_complementary_ones_are_not_counted(server: EmbeddedRedis) -> None:
    events: list[Event] = [
        approval(1, 0),
        claim(2, session(4)),
        claim(3, session(2), action="CORRECT", replaces="E2", claim_id="D2"),
        claim(4, session(9), coverage="COMPLEMENTARY"),
        claim(5, session(1)),
    ]
    last = told(screen(server, *events)[-1])
    assert [one.quantity for one in last.accords["PEC-1"] if one.decision < 0] == [200]


def test_decisions_come_by_the_time_of_their_taking(server: EmbeddedRedis) -> None:
    """Of one day the later one stands, whichever arrives first; and a use before any decision stays."""
    late = approval(2, 3, "REFUSED")
    early = approval(3, 1, "PENDING")
    _, _, _, last = screen(server, claim(1, session(1)), late, early, claim(4, session(1)))
    decisions = [APPROVAL_DECISIONS[one.decision] for one in told(last).accords["PEC-1"] if one.decision >= 0]
    assert decisions == ["PENDING", "REFUSED"]
    assert [one.quantity for one in told(last).accords["PEC-1"] if one.decision < 0] == [100]


def test_accords_read_back() -> None:
    who = entity_ref("B-1")
    use = Accord(event_ref("E"), 9, entity_ref("D"), 9, 9, who, 10**12, 100, 7, -2)
    decision = Accord(event_ref("F"), 8, b"", -4, 40_000, who, -1, -1, 0, 2)
    assert codecs.unpack_accords(codecs.pack_accords([use, decision], 86_399)) == [decision, use]
    assert len(codecs.pack_accords([use])) == codecs.DOCUMENT_BYTES
    read = codecs.unpack_documents(codecs.pack_accords([use, decision]))
    assert [(one.beneficiary, one.executor < 2**30, one.product < 2**30) for one in read] == [
        (who, True, True)
    ] * 2


def test_only_claims_near_a_threshold_are_counted(
    server: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.streams.asked.TABLES", TABLES.book.snapshot())
    amounts = [449_999, 450_000, 499_999, 500_000, 549_999, 550_000, 460_000]
    seen = screen(server, *(claim(n, consultation(amount=amount)) for n, amount in enumerate(amounts)))
    assert [told(one).near.get(DOCTOR) for one in seen] == [
        None,
        (1, 0),
        (2, 0),
        (2, 1),
        (2, 2),
        None,
        (3, 2),
    ]


def test_leaves_of_an_employer_by_prescriber(server: EmbeddedRedis) -> None:
    def leave(number: int, who: str, prescriber: str, start: str, **more: Any) -> Claim:
        line = consultation(care_group="SICK_LEAVE", nomenclature="IJ", code="IJ", prescriber=prescriber)
        told = {"employer": "EMP", "start": start, "end": "2026-03-20", **more}
        return claim(number, line, who=who, kind="IJ", sick_leave=told)

    seen = screen(
        server,
        leave(1, "B-1", OTHER, "2026-03-02"),
        leave(2, "B-2", OTHER, "2026-03-08"),
        leave(3, "B-2", OTHER, "2026-03-04"),
        leave(4, "B-3", DOCTOR, "2026-03-04"),
        leave(5, "B-4", OTHER, "2026-03-09"),
        leave(6, "B-5", OTHER, "2026-03-03", extends="A-1"),
    )
    counts = [
        {
            name: (employer.own, employer.total, own.members)
            for name, (employer, own) in told(one).leaves.items()
        }
        for one in seen
    ]
    assert counts == [
        {OTHER: (1, 1, 1)},
        {OTHER: (2, 2, 2)},
        {OTHER: (3, 3, 2)},
        {DOCTOR: (1, 4, 1)},
        {OTHER: (1, 1, 1)},
        {},
    ]


def test_a_centres_day_of_dialysis_where_its_machines_are_known(
    server: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = consultation(care_group="DIALYSIS", code="HD", sessions=[day(0), day(2)], quantity=2)
    events = [claim(n, line, who=f"B-{n}") for n in range(3)]
    scene = Scene().provider(DOCTOR, "ASSOC_DIALYSE")
    monkeypatch.setattr("tests.streams.asked.TABLES", scene.book.snapshot())
    assert [told(one).days for one in screen(server, *events)] == [{}, {}, {}]
    scene.provider(DOCTOR, "ASSOC_DIALYSE", capacity={"machines": 4})
    monkeypatch.setattr("tests.streams.asked.TABLES", scene.book.snapshot())
    last = told(screen(server, *events)[-1])
    assert {of: sheet.beneficiaries for of, sheet in last.days.items()} == {
        (DOCTOR, day_number(dt.date.fromisoformat(at))): 3 for at in (day(0), day(2))
    }


def test_a_request_for_medicines_sees_what_was_dispensed(server: EmbeddedRedis) -> None:
    ask = claim(2, box(service_date=day(3)), kind="PEC_DEMANDE")
    other = claim(3, consultation(), kind="PEC_DEMANDE")
    _, seen, without, after = screen(server, claim(1, box()), ask, other, claim(4, box()))
    assert [(line.claim, line.quantity) for line in told(seen).log] == [(entity_ref("D1"), 100)]
    assert (told(seen).own, told(without).log) == ([], [])
    assert len(told(after).log) == 1  # a request is no consumption


@pytest.mark.parametrize("channel", [None, "PAPER", "FSE"])
def test_the_log_keeps_kind_minute_and_typed_dates(server: EmbeddedRedis, channel: str | None) -> None:
    first = claim(
        1,
        consultation(service_time="23:59"),
        consultation(service_date="2026-03-10", executor=OTHER),
        kind="FACTURE_TP" if channel is None else "AMBULATOIRE",
        channel=channel,
    )
    log = told(screen(server, first, claim(2, consultation()))[-1]).log
    instant = int(first.event_time.timestamp())
    kind = KIND_INDEX[first.kind]
    assert [(line.arrived, line.kind, line.minute, line.typed) for line in log] == [
        (instant, kind, 1439, False),
        (instant, kind, None, channel == "PAPER"),
    ]


@pytest.mark.parametrize("instant", [-3_000_000_000, -1, 0, 4_100_000_000])
def test_an_older_record_has_only_its_instant(instant: int) -> None:
    line = LogLine(b"", b"", 0, instant, 0, 0, 0, 0, 0, 0, 1, 0, 0)
    assert (line.arrived, line.kind, line.minute, line.typed) == (instant, None, None, False)

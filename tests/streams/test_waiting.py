"""A registry, an order or a table is put right: what is held on it is answered again, and nothing else is."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
import pytest
import redis

from detectors.book import ReferentialBook
from schemas.decode import Decoder
from state import BadFormat, EmbeddedRedis, Store
from streams.waiting import Waiting, read
from tests.streams.stage import DOCTOR, PHARMACY, STRUCK_OFF, Desk, Event, Said, Stage, held, visit
from tests.streams.test_inspect import crible

CHANGED = "REFERENTIAL_CHANGED"
TAGS = pytest.mark.parametrize("tags", [1, 3])
BOX, OTHER_BOX = "6118000010012", "6118000010029"
UNKNOWN = "104577777"
STRICT = {"code": "E03", "parameter": "coverage_to_hold", "value": 0}
PAID = {"code": "Y01", "parameter": "needs_liquidation", "value": 0}


@pytest.fixture
def desk() -> Desk:
    return Desk()


def told(said: Said, event_id: str) -> list[tuple[str, str | None]]:
    return [(one["decision"], one.get("cause")) for one in said.of(event_id)]


def order(desk: Desk, entity: str, **fields: Any) -> Event:
    more = {"order_id": "O-1", "scope": "PAYEE", "from": "2026-01-01", "motive": "m", **fields}
    return desk.event("order", entity=entity, ordered_by=["L. Un", "L. Deux"], **more)


def box(code: str, **fields: Any) -> Event:
    more = {"care_group": "PHARMACY", "nomenclature": "MED", "unit": "BOX", "prescriber": DOCTOR}
    return visit(PHARMACY, **{"code": code, "amount": 5_000, "unit_price": 5_000, **more, **fields})


def drugs(desk: Desk, edition: str, *rows: Event) -> Event:
    return desk.table("drugs", *rows, edition=edition)


@TAGS
@pytest.mark.parametrize("size", [1, 128])
def test_an_exclusion_that_is_taken_back(stage: Stage, desk: Desk, size: int, tags: int) -> None:
    """The claim and the order that waits for it; the verdict names the cause, and what it was before stands."""
    claim, other = desk.claim("C-1", held()), desk.claim("C-2", held(service_date="2024-12-01"), who="B-2")
    paid = desk.payment(claim, "P-1", 1)
    log = [*desk.world(), claim, other, paid]
    said = stage.screen([*log, desk.provider(STRUCK_OFF, excluded=[])], size=size, tags=tags)
    assert told(said, "C-1") == [("HOLD", None), ("RELEASE", CHANGED)]
    assert said.live("C-1")["supersedes"] == "V-C-1-1"
    assert said.live("C-1")["reasons"] == []
    assert said.live("P-1")["decision"] == "RELEASE"
    assert said.states("C-1") == ["HELD", "RELEASED"]
    assert told(said, "C-2") == [("RELEASE", None)]


@pytest.mark.parametrize(
    "change",
    [
        {"excluded": [{"from": "2025-01-01", "to": "2026-03-01", "reason": "struck off"}]},
        {"excluded": [{"from": "2026-03-03", "to": None, "reason": "struck off"}]},
    ],
    ids=["ended before the care", "began after it"],
)
def test_the_day_of_care_decides(stage: Stage, desk: Desk, change: Event) -> None:
    log = [*desk.world(), desk.claim("C-1", held()), desk.provider(STRUCK_OFF, **change)]
    assert told(stage.screen(log), "C-1") == [("HOLD", None), ("RELEASE", CHANGED)]


@TAGS
@pytest.mark.parametrize("change", ["another provider", "the same entry", "another exclusion", "gone"])
def test_what_changes_nothing_is_no_revision(stage: Stage, desk: Desk, change: str, tags: int) -> None:
    """An entry without exclusions known says nothing: the hold stays until somebody says otherwise."""
    excluded = [{"from": "2025-01-01", "to": None, "reason": "struck off"}]
    after = {
        "another provider": desk.provider(DOCTOR, excluded=excluded),
        "the same entry": desk.provider(STRUCK_OFF, excluded=excluded),
        "another exclusion": desk.provider(STRUCK_OFF, excluded=[{"from": "2026-01-01", "to": None}]),
        "gone": desk.provider(STRUCK_OFF, excluded=None),
    }
    said = stage.screen([*desk.world(), desk.claim("C-1", held()), after[change]], tags=tags)
    assert told(said, "C-1") == [("HOLD", None)]
    asked = said.topics["rescreens"]
    assert asked == (0 if change in ("another provider", "the same entry") else 1)


@TAGS
def test_an_order_that_is_lifted_lets_the_person_and_the_payment_go(
    stage: Stage, desk: Desk, tags: int
) -> None:
    claim = desk.claim("C-1")
    payment = desk.payment(claim, "P-1", 1)
    ordered, lifted = order(desk, "beneficiary:B-1"), order(desk, "beneficiary:B-1", lifted_by="L. Un")
    held_back = desk.claim("C-2", visit(service_date="2026-02-20"))
    said = stage.screen([*desk.world(), claim, ordered, payment, held_back, lifted], tags=tags)
    assert told(said, "C-1") == [("RELEASE", None)], "what was released is checked when it is paid"
    assert told(said, "C-2") == [("HOLD", None), ("RELEASE", CHANGED)]
    assert told(said, "P-1") == [("HOLD", None), ("RELEASE", CHANGED)]


@TAGS
def test_a_drug_that_the_list_had_forgotten(stage: Stage, desk: Desk, tags: int) -> None:
    """Of two claims one is released by the next edition; the other is dearer than the list says now."""
    row = {"ean13": OTHER_BOX, "ppv": 5_000, "dci": "X", "atc": "N02BE01"}
    first, second = drugs(desk, "1", row), drugs(desk, "2", row, {**row, "ean13": BOX})
    claims = [desk.claim("C-1", box(BOX)), desk.claim("C-2", box(BOX, amount=9_000, unit_price=9_000))]
    said = stage.screen([*desk.world(), first, *claims, second], tags=tags)
    assert told(said, "C-1") == [("HOLD", None), ("RELEASE", CHANGED)]
    assert said.live("C-1")["referentials"]["drugs"] == "2,1"
    assert said.of("C-1")[0]["referentials"]["drugs"] == "1"
    assert said.live("C-2")["decision"] == "HOLD"
    assert said.topics["rescreens"] == 2


@TAGS
def test_a_provider_who_is_registered_late(stage: Stage, desk: Desk, tags: int) -> None:
    strict = desk.table("detectors", STRICT, PAID)
    claim = desk.claim("C-1", visit(UNKNOWN))
    log = [*desk.world(strict=True), strict, claim, desk.provider(UNKNOWN)]
    assert told(stage.screen(log, tags=tags), "C-1") == [("HOLD", None), ("RELEASE", CHANGED)]


def test_what_people_decided_and_what_is_paid_stays(stage: Stage, desk: Desk) -> None:
    confirmed, paid = desk.claim("C-1", held()), desk.claim("C-2", held(), who="B-2")
    log = [*desk.world(), confirmed, paid, desk.review(confirmed, "CONFIRMED_FRAUD")]
    log += [desk.payment(paid, "P-2", 1, status="PAID"), desk.provider(STRUCK_OFF, excluded=[])]
    said = stage.screen(log)
    assert said.live("C-1")["decision"] == "HOLD"
    assert told(said, "C-2") == [("HOLD", None)]


def test_another_reason_holds_on(stage: Stage, desk: Desk) -> None:
    """The order goes, the death stays."""
    world, dead = desk.world(), desk.person(death_date="2026-02-01")
    ordered, lifted = order(desk, "beneficiary:B-1"), order(desk, "beneficiary:B-1", lifted_by="L. Un")
    said = stage.screen([*world, dead, ordered, desk.claim("C-1"), lifted])
    live = said.live("C-1")
    assert (live["decision"], [one["code"] for one in live["reasons"]]) == ("HOLD", ["E02"])


@TAGS
def test_it_is_found_whoever_looks_and_whenever(
    stage: Stage, server: EmbeddedRedis, desk: Desk, tags: int
) -> None:
    """A worker that starts after the change, or after one that crashed, asks; one that has asked does not again."""
    world = desk.world()
    stage.screen([*world, desk.claim("C-1", held()), desk.claim("C-2", who="B-2")], tags=tags)
    book, decoder = ReferentialBook(), Decoder(None)
    for event in world:
        if event["type"] in ("provider", "referential"):
            book.apply(decoder.decode(orjson.dumps(event), accepts=("provider", "referential")))
    store = Store(server.url, tags=tags)
    first = Waiting(store, book.snapshot)
    assert first.due((0,), "2026-03-12T00:00:00Z") == []
    after = desk.provider(STRUCK_OFF, excluded=[])
    book.apply(decoder.decode(orjson.dumps(after), accepts=("provider",)))
    assert first.due((1,), "2026-03-12T00:00:00Z") == [], "another partition's"
    (asked,) = first.due((0, 1), "2026-03-12T00:00:00Z")
    assert (asked.topic, asked.key) == ("rescreens", b"B-1")
    assert first.due((0, 1), "2026-03-12T00:00:00Z") == first.due((0,), "2026-03-12T00:00:00Z") == []
    first.forget()
    assert first.due((0,), "2026-03-12T00:00:00Z") == [asked]
    assert Waiting(store, book.snapshot).due((0,), "2026-03-12T00:00:00Z") == [asked]
    store.close()


def test_a_damaged_entry_stops_nobody_and_a_newer_one_does(
    stage: Stage, server: EmbeddedRedis, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    stage.screen([*desk.world(), desk.claim("C-1", held())])
    store = Store(server.url)
    entry = read(store.waiting(0)["C-1"])
    with redis.Redis.from_url(server.url) as client:
        client.hset("{s0}:u:0", "C-0", b"\xff")
        (asked,) = Waiting(store, ReferentialBook().snapshot).due((0,), "2026-03-12T00:00:00Z")
        assert asked.key == b"B-1"
        assert "what C-0 waits for was damaged" in caplog.text
        assert crible(server, "state", "check").exit_code == 1
        newer = msgspec.structs.replace(entry, version=entry.version + 1)
        client.hset("{s0}:u:0", "C-0", msgspec.msgpack.encode(newer))
        with pytest.raises(BadFormat, match="waiting"):
            Waiting(store, ReferentialBook().snapshot).due((0,), "2026-03-12T00:00:00Z")
    store.close()


@TAGS
def test_nothing_waits_once_it_is_over_or_forgotten(
    stage: Stage, server: EmbeddedRedis, desk: Desk, tags: int
) -> None:
    reviewed, forgotten = desk.claim("C-1", held()), desk.claim("C-2", held(), who="B-2")
    stage.screen([*desk.world(), reviewed, forgotten, desk.review(reviewed, "LEGITIMATE")], tags=tags)
    store = Store(server.url, tags=tags)
    assert store.waiting(0).keys() == {"C-2"}
    assert crible(server, "state", "check", CRIBLE_TAGS=str(tags)).exit_code == 0
    assert (
        crible(server, "state", "forget", "beneficiary", "B-2", "--yes", CRIBLE_TAGS=str(tags)).exit_code == 0
    )
    assert store.waiting(0) == {}
    store.close()

"""Files of cases and outcomes of reviews: when a case is told again, what a redelivery changes, what cannot be read."""

from __future__ import annotations

import msgspec
import pytest

from detectors.base import Finding
from detectors.casework import ROUTES, habits, innocent, routes, subject
from detectors.catalogue import BY_CODE, FOLLOWERS
from state.errors import BadFormat
from streams import entity_files, outcomes
from streams.entity_files import File
from streams.outcomes import Outcomes

DAY = 86_400.0


def grown(claims: int, habit: int = 1) -> list[int]:
    """After how many claims a case is told, where the first alert needs `habit` of them."""
    file, told = File(entity_files.VERSION, 0.0, 0.0), []
    for number in range(1, claims + 1):
        file = file.joined(f"D-{number}", bytes((number % 256,)) * 12, float(number), 0)
        if file.grown and file.count >= habit:
            file = file.telling({})
            told.append(number)
    assert file.revision == len(told)
    assert len(file.links) == min(claims, entity_files.LINKS)
    return told


def test_a_case_is_told_ever_more_rarely() -> None:
    assert grown(200) == [1, 10, 40, 160]
    assert grown(60, habit=3) == [3, 12, 48]


def test_a_claim_counts_once_and_a_scheme_by_its_members() -> None:
    file = File(entity_files.VERSION, 0.0, 0.0).joined("D-1", b"e1", 5.0, 0)
    again = file.joined("D-1", b"e2", 4.0, 0)
    assert (again.count, again.links, again.last) == (1, file.links, 5.0)
    assert file.joined("D-2", b"e3", 6.0, 25).count == 25


def test_news_of_a_scheme_is_what_was_not_known_so_far() -> None:
    levels = entity_files.levels([("P04:a", False), ("P04:b", True), ("P04:a", True)])
    assert levels == {"P04:a": entity_files.HELD, "P04:b": entity_files.HELD}
    file = File(
        entity_files.VERSION, 0.0, 0.0, schemes={"P04:a": entity_files.SEEN, "P04:b": entity_files.HELD}
    )
    assert file.raised(levels) == {"P04:a": entity_files.HELD}
    assert file.telling(levels).raised(levels) == {}
    assert file.raised({"P04:b": entity_files.SEEN}) == {}


@pytest.mark.parametrize(("days", "number"), [(90, 0), (91, 1)])
def test_a_file_that_nothing_was_added_to_is_closed(days: int, number: int) -> None:
    blob = entity_files.packed(File(entity_files.VERSION, 0.0, 0.0, 7, 7, 2))
    file = entity_files.opened(blob, days * DAY, 90 * DAY)
    assert (file.round, file.revision) == (number, 0 if number else 2)


def test_a_review_counts_once_and_appeals_beside_it() -> None:
    known = Outcomes().counted("ABUSE", "RV-1").counted("ABUSE", "RV-1").counted("APPEAL_UPHELD", "RV-2")
    assert known.counts == {"ABUSE": 1, "APPEAL_UPHELD": 1}
    assert outcomes.read(outcomes.packed(known)) == known


def test_what_a_review_says_of_codes_comes_before_its_outcome() -> None:
    lesson = outcomes.lesson(
        "CONFIRMED_FRAUD", ["provider:1"], ["U06", "E04", "U06"], {"E04": "NOT_EXAMINED"}
    )
    assert lesson == {"on": ["provider:1"], "codes": {"U06": "CONFIRMED"}}
    assert outcomes.lesson("EXPERTISE", [], ["U06"], {})["codes"] == {}
    folded = outcomes.fold({}, [{"outcome": "ABUSE", **lesson}] * 3 + [{"codes": {"U06": "REJECTED"}}])
    assert outcomes.read(folded["outcomes:code:U06"]).precision == 0.75
    assert outcomes.read(folded["outcomes:provider:1"]).counts == {"ABUSE": 3}
    assert outcomes.read(None).precision is None


@pytest.mark.parametrize("read", [entity_files.read, outcomes.read])
def test_what_a_newer_release_wrote_is_refused_and_damage_is_told(read: object) -> None:
    assert callable(read)
    newer = msgspec.msgpack.encode([2, 0.0, 0.0] if read is entity_files.read else [2])
    with pytest.raises(BadFormat, match="version 2"):
        read(newer)
    with pytest.raises(msgspec.MsgspecError):
        read(b"\xc1")


FOUND = {"inpe": "104512345"}


@pytest.mark.parametrize(
    ("found", "whose"),
    [
        (Finding("P04", "H", facts=FOUND), ("provider", "104512345")),
        (Finding("E04", "H", facts={"network": "N-1"}), ("network", "N-1")),
        (Finding("U04", "H", lines=(2,)), ("provider", "P-2")),
        (Finding("U04", "H"), ("provider", "P-1")),
        (Finding("B01", "S", facts=FOUND), ("beneficiary", "B-1")),
        (Finding("L05", "S"), ("liquidator", "L-1")),
        (Finding("D03", "H"), None),
    ],
)
def test_whose_case_it_is(found: Finding, whose: tuple[str, str] | None) -> None:
    assert subject(found, {"P-1": [1], "P-2": [2]}, "B-1", "L-1") == whose


def test_roads_lead_from_the_mildest_and_only_care_givers_lose_their_convention() -> None:
    assert routes("PRE", "beneficiary") == ROUTES["PRE"]
    assert routes("PRE", "provider") == (
        "INDU",
        "PENALITE_FINANCIERE",
        "ORDINAL",
        "DECONVENTIONNEMENT",
        "PENAL",
    )
    assert routes("INT", "liquidator") == ("DISCIPLINAIRE", "PENAL")


def test_innocent_explanations_are_those_of_all_rows_each_once() -> None:
    told = innocent(["P04", "P01", "P04"])
    assert told == (*BY_CODE["P04"].caveats_fr, *BY_CODE["P01"].caveats_fr)
    assert innocent(["P04"], french=False) == BY_CODE["P04"].caveats_en
    assert innocent(["X99"]) == ()


def test_behaviour_is_no_single_file_and_nothing_of_internal_audit() -> None:
    assert habits([Finding("D01", "H"), Finding("B03", "S"), Finding("D03", "H", scheme="D03:x")]) == [
        Finding("B03", "S"),
        Finding("D03", "H", scheme="D03:x"),
    ]
    assert not habits([Finding(one.declaration.code, "S") for one in FOLLOWERS])

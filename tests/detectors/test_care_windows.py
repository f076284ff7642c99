"""The beneficiary's windows against plain enumerations of the log, by every dimension."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from detectors import lifetime
from detectors.stock import Stock, stocks
from detectors.windows import EMPTY, EVERYTHING, SPANS, Care, Dimension, Tally
from schemas.enums import CARE_GROUPS, TOOTH_CLASSES
from schemas.observation import DocumentUse, Fact, LogLine
from tests.detectors.scene import BOX, DOCTOR, OTHER, PHARMACY, Scene

ANCHOR = 20_000
ACTS = ("NGAP|CS", "NGAP|D1", "NGAP|LENS", f"MED|{BOX}", "NABM|unlisted")
EXECUTORS = (int(DOCTOR), int(PHARMACY), int(OTHER), 0)
COMMUNES = {int(DOCTOR): "C1", int(PHARMACY): "C2"}
CLASSES = {"NGAP|CS": "letter:CS", "NGAP|D1": "tooth:CROWN", "NGAP|LENS": "device:lens"}


def scene() -> Scene:
    made = Scene()
    made.act("CS", letter="CS").act("D1", tooth_class="CROWN", letter="D").act("LENS", device_class="lens")
    made.provider(DOCTOR, commune="C1").provider(PHARMACY, "PHARMACIE", commune="C2").provider(OTHER)
    for act in ACTS:
        made.numbers[act]
    return made


SCENE = scene()
LINES = st.builds(
    LogLine,
    st.binary(min_size=12, max_size=12),
    st.sampled_from([b"a" * 8, b"b" * 8, b"c" * 8]),
    st.one_of(st.integers(ANCHOR - 9, ANCHOR + 3), st.integers(ANCHOR - 740, ANCHOR)),
    st.just(0),
    st.sampled_from(EXECUTORS),
    st.sampled_from(EXECUTORS),
    st.sampled_from([SCENE.numbers[act] for act in ACTS]),
    st.just(0),
    st.integers(1, 500),
    st.integers(0, 10**7),
    st.integers(1, 4),
    st.integers(0, len(CARE_GROUPS) - 1),
    st.integers(0, 2),
)
DIMENSIONS: tuple[Dimension, ...] = (
    "all", "group", "act", "class", "product", "executor", "prescriber", "commune",
)  # fmt: skip


def care(lines: list[LogLine], made: Scene = SCENE) -> Care:
    return Care(lines, ANCHOR, made.book.snapshot(), made.names)


def plain_key(line: LogLine, dimension: Dimension) -> Any:
    act = SCENE.names[line.act]
    keys = {
        "all": EVERYTHING,
        "group": line.group,
        "act": line.act,
        "class": CLASSES.get(act, f"group:{CARE_GROUPS[line.group]}"),
        "product": line.act if act.startswith("MED|") else None,
        "executor": line.executor or None,
        "prescriber": line.prescriber or None,
        "commune": COMMUNES.get(line.executor),
    }
    return keys[dimension]


def plain_tally(lines: list[LogLine]) -> Tally:
    def billed(*coverages: int) -> int:
        return sum(line.amount for line in lines if line.coverage in coverages)

    return Tally(
        lines=len(lines),
        quantity=sum(line.quantity for line in lines),
        base=billed(0),
        complementary=billed(1),
        both=billed(2),
        claims=len({line.claim for line in lines}),
        days=len({line.day for line in lines}),
        acts=len({line.act for line in lines}),
        executors=len({line.executor for line in lines} - {0}),
        prescribers=len({line.prescriber for line in lines} - {0}),
        communes=len({COMMUNES.get(line.executor) for line in lines} - {None}),
    )


@given(lines=st.lists(LINES, max_size=25))
def test_every_window_of_every_dimension_is_what_an_enumeration_says(lines: list[LogLine]) -> None:
    seen = care(lines)
    for dimension in DIMENSIONS:
        found = seen.by(dimension)
        year = [line for line in lines if ANCHOR - 731 < line.day <= ANCHOR]
        assert set(found) == {plain_key(line, dimension) for line in year} - {None}
        for key, tallies in found.items():
            mine = [line for line in year if plain_key(line, dimension) == key]
            assert tallies == tuple(
                plain_tally([line for line in mine if line.day > ANCHOR - span]) for span in SPANS
            )
            assert seen.last(dimension, key) == max(line.day for line in mine)
            assert tallies[-1].amount == sum(line.amount for line in mine)
        assert seen.of(dimension, "never", 30) == EMPTY
        assert seen.last(dimension, "never") is None


@given(lines=st.lists(LINES, max_size=12), own=LINES)
def test_what_the_claims_own_lines_used(lines: list[LogLine], own: LogLine) -> None:
    before = [
        line
        for line in lines
        if (line.claim, line.act) == (own.claim, own.act) and (line.line, line.day) < (own.line, own.day)
    ]
    assert care([*lines, own]).used(own) == plain_tally(before)


# -- pharmacy stock

DRUG = {"ean13": BOX, "dci": "metformin", "dose": "850", "units_per_box": 30, "ddd": 2}
GIFTS = st.lists(st.tuples(st.integers(0, 400), st.integers(1, 5)), min_size=1, max_size=10)


def boxes(*given_: tuple[int, int], **row: Any) -> dict[Any, Stock]:
    """The stock 400 days on, after (day, boxes) dispensations of one drug."""
    made = Scene().table("drugs", {**DRUG, **row})
    act = made.numbers[f"MED|{BOX}"]
    lines = [
        LogLine(b"e" * 12, b"c" * 8, ANCHOR - 400 + day, 0, 1, 1, act, 0, 100 * n, 1, 1, 2, 0)
        for day, n in given_
    ]
    return stocks(lines, ANCHOR, made.book.snapshot(), made.names)


@given(gifts=GIFTS)
def test_the_stock_is_what_taking_a_dose_each_day_leaves(gifts: list[tuple[int, int]]) -> None:
    left = 0.0
    for day in range(401):
        if day:
            left = max(0.0, left - 1)
        left += sum(15 * n for when, n in gifts if when == day)
    found = boxes(*gifts)["metformin", "850"]
    total = sum(n for _, n in gifts)
    assert (found.boxes, found.units, found.supplied, found.left) == (total, 30 * total, 15 * total, left)
    assert found.last == ANCHOR - 400 + max(when for when, _ in gifts)


def test_a_refill_with_most_of_the_last_one_left_is_early() -> None:
    assert boxes((0, 2), (10, 2), (60, 2))["metformin", "850"].early == 1


def test_a_figure_that_the_table_lacks_is_not_guessed() -> None:
    found = boxes((0, 2), (390, 1), ddd=None)["metformin", "850"]
    assert (found.boxes, found.units, found.supplied, found.left, found.unknown) == (3, 90, None, None, 2)
    assert boxes((0, 2), units_per_box=None)["metformin", "850"].units is None
    assert boxes((0, 2), dci=None) == {}


def test_the_claims_own_posology_wins_over_the_tables() -> None:
    made = Scene().table("drugs", DRUG)
    act = made.numbers[f"MED|{BOX}"]
    line = LogLine(b"e" * 12, b"c" * 8, ANCHOR, 0, 1, 1, act, 0, 200, 1, 1, 2, 0)
    tables = made.book.snapshot()
    said = stocks([line], ANCHOR, tables, made.names, {(line.event, 1): (3, None)})
    assert said["metformin", "850"].left == 20


# -- for life


def test_a_tooth_keeps_what_was_done_to_it() -> None:
    crown, out = TOOTH_CLASSES.index("CROWN") + 1, TOOTH_CLASSES.index("EXTRACTION") + 1
    facts = [
        Fact(b"2", 50, 50, 0, 11, 7, out),
        Fact(b"1", 10, 10, 0, 11, 7, crown),
        Fact(b"3", 5, 5, 0, 12, 7),
    ]
    found = lifetime.teeth(facts)
    assert [(done.day, done.tooth_class) for done in found[11]] == [(10, "CROWN"), (50, "EXTRACTION")]
    assert found[12][0].tooth_class is None
    assert lifetime.extracted(facts) == {11: 50}


DAYS = st.integers(0, 30)


@given(known=st.lists(st.tuples(DAYS, DAYS), max_size=6), asked=st.tuples(DAYS, DAYS))
def test_stays_share_more_than_an_end_or_they_do_not(
    known: list[tuple[int, int]], asked: tuple[int, int]
) -> None:
    facts = [Fact(bytes([n]), min(pair), max(pair), 3, 9, n) for n, pair in enumerate(known)]
    first, last = min(asked), max(asked)
    stays = lifetime.stays(facts)

    def common(pair: tuple[int, int]) -> bool:
        """Half days: a stay fills them from the noon of admission to the noon of discharge."""
        mine = set(range(2 * min(pair), 2 * max(pair) + 1))
        shared_half_days = mine & set(range(2 * first, 2 * last + 1))
        return (
            len(shared_half_days) > 1
            or bool(shared_half_days - {2 * first, 2 * last})
            or bool(shared_half_days - {2 * min(pair), 2 * max(pair)})
        )

    shared = {stay.provider for stay in lifetime.overlapping(stays, first, last)}
    assert shared == {n for n, pair in enumerate(known) if common(pair)}
    within = {stay.provider for stay in lifetime.inside(stays, first)}
    assert within == {n for n, pair in enumerate(known) if first in set(range(min(pair) + 1, max(pair)))}


def test_once_in_life_devices_and_documents() -> None:
    left, right = 1, 2
    facts = [
        Fact(b"1", 10, 10, 1, 77, 7, left),
        Fact(b"2", 90, 90, 1, 77, 8, right),
        Fact(b"3", 5, 5, 2, 99, 7),
    ]
    assert {key: len(times) for key, times in lifetime.once(facts).items()} == {(77, "L"): 1, (77, "R"): 1}
    assert lifetime.devices(facts) == {99: 5}
    use = DocumentUse(b"1", 3, b"claim", b"b", b"i", 1, 0, 0)
    assert lifetime.documents([(0, "paper", [use, use._replace(claim=b"other"), use])]) == {"paper": 2}

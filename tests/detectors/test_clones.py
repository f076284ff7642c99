"""P04: families of like claims."""

from __future__ import annotations

from typing import Any

import pytest

from detectors import plan
from schemas.observation import (
    Clones,
    CloneUse,
    Frequency,
    clone_signature,
    day_number,
    entity_ref,
    event_ref,
)
from tests.detectors.scene import DAY, DOCTOR, PHARMACY, Scene, box, consultation, day

PACKAGE = consultation(code="K50", letter="K", coefficient=50, amount=110_000)


def uses(*offsets: int) -> list[CloneUse]:
    return [
        CloneUse(event_ref(f"C{n}"), day_number(DAY) + offset, entity_ref(f"B-x{n}"), 110_000)
        for n, offset in enumerate(offsets)
    ]


def family(
    *offsets: int, signature: Frequency | None = None, group: Frequency | None = None, **person: Any
) -> Scene:
    """Earlier uses of the signature, among 20 peers of whom none bills it unless told."""
    scene = Scene().person(**person).provider(DOCTOR, "CLINIQUE", sector="PRIVATE")
    n = len(offsets) + 1
    scene.seen.clones = {
        DOCTOR: Clones(
            "sig",
            uses(*offsets),
            signature or Frequency(1, n, n, 0, 0, 0),
            group or Frequency(20, 1_000 + n, n, 0, 0, 0),
        )
    }
    return scene


@pytest.mark.parametrize(
    ("offsets", "cls", "value"),
    [
        ([0] * 6, None, 0),
        ([0] * 7, "S", 8),
        ([-6] * 7, "S", 8),
        ([-7] * 7, None, 0),
        ([6] * 7, "S", 8),
        ([-3] * 4 + [3] * 3, "S", 8),
        ([-4] * 4 + [3] * 3, None, 0),
        ([0] * 7 + [-20] * 16, "S", 8),
        ([0] * 7 + [-20] * 17, "H", 25),
        ([-20] * 24, None, 0),
    ],
)
def test_beneficiaries_of_one_signature(offsets: list[int], cls: str | None, value: float) -> None:
    findings, cannot = family(*offsets).play("P04", PACKAGE)
    assert cannot == []
    assert [(f.cls, f.value, f.group_hold) for f in findings] == ([(cls, value, cls == "H")] if cls else [])
    if cls == "S":
        assert findings[0].weight == 0.8
        assert findings[0].scheme == f"P04:{DOCTOR}:sig"


def test_one_beneficiary_many_times_is_no_family() -> None:
    scene = family(*[0] * 7)
    scene.seen.clones[DOCTOR].uses = [use._replace(beneficiary=entity_ref("B-1")) for use in uses(*[0] * 30)]
    assert scene.play("P04", PACKAGE) == ([], [])


@pytest.mark.parametrize(("theirs", "fires"), [(200, True), (201, False)])
def test_lift_over_the_peers(theirs: int, fires: bool) -> None:
    # own share 1; peers' share (theirs + 0.05) / 1001, so that the lift is 5 at about 200 of 1,000
    scene = family(*[0] * 7, signature=Frequency(3, theirs + 8, 8, 0, 0, 0))
    assert bool(scene.play("P04", PACKAGE)[0]) is fires


def test_few_claims_of_peers_still_compare() -> None:
    assert family(*[0] * 7, group=Frequency(2, 3 + 8, 8, 0, 0, 0)).play("P04", PACKAGE)[0]


def test_without_peers_nothing_can_be_compared() -> None:
    scene = family(*[0] * 7, group=Frequency(1, 8, 8, 0, 0, 0))
    assert [item.missing for item in scene.play("P04", PACKAGE)[1]] == ["peers"]


@pytest.mark.parametrize(
    ("campaign", "commune", "fires"),
    [
        ({"provider": DOCTOR}, None, False),
        ({"provider": DOCTOR, "acts": ["K50"], "communes": ["C1"]}, "C1", False),
        ({"provider": None, "acts": ["K50"]}, "C1", False),
        ({"provider": PHARMACY}, None, True),
        ({"provider": DOCTOR, "acts": ["K10"]}, None, True),
        ({"provider": DOCTOR, "communes": ["C2"]}, "C1", True),
        ({"provider": DOCTOR, "to": day(-1)}, None, True),
    ],
)
def test_an_authorised_campaign(campaign: dict[str, Any], commune: str | None, fires: bool) -> None:
    scene = family(*[0] * 7, commune=commune).table("campaigns", {"campaign": "X", **campaign})
    assert bool(scene.play("P04", PACKAGE)[0]) is fires


COMMON = Frequency(5, 8, 8, 0, 0, 0)  # four of the nineteen others


@pytest.mark.parametrize(
    ("members", "amount", "fires"),
    [(5, 110_000, False), (4, 110_000, True), (5, 110_002, True), (5, 110_001, False)],
)
def test_a_package_wholly_at_tariff_that_peers_bill_too(members: int, amount: int, fires: bool) -> None:
    scene = family(*[0] * 7, signature=COMMON._replace(members=members))
    scene.table("letter_values", {"letter": "K", "value": 2_200})
    assert bool(scene.play("P04", {**PACKAGE, "amount": amount})[0]) is fires


def test_an_unknown_tariff_of_a_common_package_cannot_be_checked() -> None:
    findings, cannot = family(*[0] * 7, signature=COMMON).play("P04", PACKAGE)
    assert findings == []
    assert [item.missing for item in cannot] == ["letter_values"]


def test_boxes_at_the_public_price_are_at_tariff() -> None:
    scene = family(*[0] * 7, signature=COMMON).table("drugs", {"ean13": "6118001230068", "ppv": 9_500})
    assert scene.play("P04", box(executor=DOCTOR)) == ([], [])
    assert len(scene.play("P04", box(executor=DOCTOR, amount=9_900))[0]) == 1


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([consultation(amount=99_999)], None),
        ([consultation(amount=100_000)], [("NGAP|CS", 100, 1_000)]),
        (
            [consultation(amount=150), box(executor=DOCTOR, amount=149)],
            [("MED|6118001230068", 100, 1), ("NGAP|CS", 100, 2)],
        ),
        ([consultation(executor=None, amount=100_000)], None),
    ],
)
def test_signatures(lines: list[dict[str, Any]], expected: list[tuple[str, int, int]] | None) -> None:
    scene = Scene()
    found = plan.signatures(scene.claim(*lines), scene.book.snapshot())
    assert found == ({DOCTOR: clone_signature(expected)} if expected else {})
    assert plan.signatures(scene.claim(*lines, kind="PEC_DEMANDE"), scene.book.snapshot()) == {}


def test_the_order_of_lines_does_not_matter() -> None:
    scene, lines = Scene(), [consultation(), consultation(code="K")]
    referentials = scene.book.snapshot()
    assert plan.signatures(scene.claim(*lines), referentials) == plan.signatures(
        scene.claim(*lines[::-1]), referentials
    )

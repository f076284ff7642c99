"""What a claim adds to the windows, apart from minutes and signatures."""

from __future__ import annotations

from typing import Any

import pytest

from detectors import plan
from detectors.plan import DEVICE, ONCE, STAY, TOOTH, PlannedFact
from schemas.enums import TOOTH_CLASSES
from schemas.observation import day_number
from tests.detectors.scene import DAY, DOCTOR, OTHER, Scene, consultation, day

TODAY = day_number(DAY)
OUT = TOOTH_CLASSES.index("EXTRACTION") + 1


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (consultation(), []),
        (consultation(code="D10", teeth=[36, 37]), [(TOOTH, 36, 0, 0, OUT), (TOOTH, 37, 0, 0, OUT)]),
        (consultation(code="APP"), [(ONCE, "NGAP|APP", 0, 0, 0)]),
        (consultation(code="APP", side="R"), [(ONCE, "NGAP|APP", 0, 0, 2)]),
        (consultation(code="LUN"), [(DEVICE, "device|glasses", 0, 0, 0)]),
        (consultation(code="D10", teeth=[36], sessions=[day(), day(4)]), [(TOOTH, 36, 4, 4, OUT)]),
        (
            consultation(care_group="HOSPITALISATION", nomenclature="SEJOUR", code="J", service_end=day(3)),
            [(STAY, "SEJOUR|J", 0, 3, 0)],
        ),
    ],
)
def test_permanent_facts(line: dict[str, Any], expected: list[tuple[int, int | str, int, int, int]]) -> None:
    scene = (
        Scene()
        .act("D10", tooth_class="EXTRACTION")
        .act("APP", once_in_life=True)
        .act("LUN", device_class="glasses")
    )
    found = plan.facts(scene.claim(line), scene.book.snapshot())
    assert found == [PlannedFact(k, key, TODAY + a, TODAY + b, DOCTOR, d) for k, key, a, b, d in expected]
    assert plan.facts(scene.claim(line, kind="PEC_DEMANDE"), scene.book.snapshot()) == []


def test_peer_groups() -> None:
    scene = Scene().provider(DOCTOR, specialty="CARDIO", sector="PRIVATE", commune="C1").provider(OTHER)
    held = scene.table("communes", {"commune": "C1", "region": "RSK"}).book.snapshot()
    first, second = held.providers[DOCTOR], held.providers[OTHER]
    assert (plan.peer_group(first), plan.peer_group(second)) == ("MEDECIN:CARDIO:PRIVATE", "MEDECIN:-:-")
    assert plan.regional_peer_group(first, held) == "MEDECIN:CARDIO:PRIVATE:RSK"
    assert plan.regional_peer_group(second, held) is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ({}, False),
        ({"care_group": "DIALYSIS"}, True),
        ({"care_group": "ONCOLOGY"}, True),
        ({"ald": "E"}, True),
        ({"ald": "N"}, False),
        ({"ald": "unlisted"}, True),
    ],
)
def test_care_that_must_not_wait(line: dict[str, Any], expected: bool) -> None:
    scene = Scene().table("ald", {"code": "E", "essential": True}, {"code": "N", "essential": False})
    claim = scene.claim(consultation(**line))
    assert plan.essential(claim, scene.book.snapshot(), None) is expected
    scene.person(ald=[{"code": "other"}])
    assert plan.essential(claim, scene.book.snapshot(), scene.seen.beneficiary) is (
        expected and "ald" not in line
    )


def test_the_only_provider_of_its_kind() -> None:
    scene = Scene().provider(DOCTOR, commune="C1").provider(OTHER, commune="C2")
    claim = scene.claim(consultation())
    assert plan.sole_provider(claim, scene.book.snapshot())
    scene.provider("104000002", commune="C1")
    assert not plan.sole_provider(claim, scene.book.snapshot())
    assert not plan.sole_provider(scene.claim(consultation(executor=None)), scene.book.snapshot())

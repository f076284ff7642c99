"""The catalogue: what is declared, and how detectors are run."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from detectors.base import CARE_KINDS, CannotCheck, Context, Declaration, Detector, Finding, present
from detectors.catalogue import BY_CODE, DECLARATIONS, DETECTORS, run
from detectors.decision import CONTROLS
from detectors.findings import from_record, to_record
from detectors.models.evidence import Evidence
from detectors.policy import ENFORCED
from schemas.enums import FACT_KINDS
from tests.detectors.scene import DOCTOR, Scene, box, consultation, day, declaration

BUILT = [
    "E01",
    "E02",
    "E03",
    "E04",
    "E05",
    "ORD",
    "D01",
    "D02",
    "D03",
    "D04",
    "T02",
    "T03",
    "T04",
    "U01",
    "U02",
    "U03",
    "U04",
    "U05",
    "U06",
    "U07",
    "B01",
    "B02",
    "B03",
    "B04",
    "B05",
    "P01",
    "P02",
    "P03",
    "P04",
    "P05",
    "P06",
    "R01",
    "M01",
    "M02",
    "M03",
    "T01",
    "D05",
    "R02",
    "L01",
    "L02",
    "L03",
    "L04",
    "L05",
    "Y01",
]
CATALOGUE = {
    f"{family}{number:02d}"
    for family, rows in zip("EDTUBPRLY", (5, 5, 4, 7, 5, 6, 2, 5, 1), strict=True)
    for number in range(1, rows + 1)
}
"""The ids of the domain's catalogue."""
BESIDE = {"ORD", "M01", "M02", "M03"}
"""Orders and the models' evidence: no rows of it."""
READERS = {"ADM": "LIQUIDATOR", "TAR": "LIQUIDATOR", "INT": "AUDIT_ONLY"}


def test_the_catalogue_is_whole() -> None:
    assert [d.code for d in DECLARATIONS] == BUILT
    assert len(CATALOGUE) == 40
    assert {d.code for d in DECLARATIONS} == CATALOGUE | BESIDE
    assert set(CONTROLS) == set(BY_CODE)
    assert len(FACT_KINDS) == 4


@pytest.mark.parametrize("code", BUILT)
def test_a_declaration_tells_what_a_reader_needs(code: str) -> None:
    told = declaration(code)
    assert told.label_fr
    assert told.label_en
    assert any("\u0600" <= letter <= "\u06ff" for letter in told.label_ar)
    assert 0 < told.weight < 1
    assert told.reads
    assert len(told.caveats_fr) == len(told.caveats_en)
    assert told.visibility == READERS.get(told.nature, "FRAUD_TEAM")
    assert bool(told.follows) is not bool(told.kinds)
    assert bool(set(told.kinds) - set(CARE_KINDS)) is (code.startswith("E") or code == "B02")


class Broken:
    """Raises after its first finding."""

    declaration: Declaration = dataclasses.replace(BY_CODE["D01"], needs=None)

    def check(self, context: Context) -> Iterator[Finding | CannotCheck]:
        yield Finding("D01", "H")
        raise ZeroDivisionError


def test_a_detector_that_raises_is_said_and_the_others_go_on() -> None:
    scene = Scene().person(death_date=day(-30))
    answers = run(scene.context(scene.claim(consultation())), [Broken(), *DETECTORS])
    assert CannotCheck("D01", "error:ZeroDivisionError") in answers.cannot_check
    assert [finding.code for finding in answers.findings] == ["E02"]


@pytest.mark.parametrize(
    "detector", [d for d in DETECTORS if d.declaration.needs], ids=lambda d: d.declaration.code
)
def test_a_detector_that_is_not_asked_had_nothing_to_say(detector: Detector) -> None:
    """Asked nevertheless, of claims that lack what it needs: what `run` leaves out would have said nothing."""
    need = detector.declaration.needs
    lacking = 0
    for lines in ((consultation(),), (box(),), (consultation(), box(line=2))):
        scene = Scene().person(death_date=day(-30))
        for earlier in (False, True):
            context = scene.context(scene.claim(*lines))
            if need not in present(context):
                lacking += 1
                assert list(detector.check(context)) == []
            if not earlier:
                scene.earlier(*lines).order(f"provider:{DOCTOR}")
    assert lacking


def test_requests_meet_the_e_family_and_what_is_at_home() -> None:
    scene = Scene().person(rights=[]).earlier(box())
    answers = run(scene.context(scene.claim(box(), kind="PEC_DEMANDE")))
    assert {f.code for f in answers.findings} | {c.code for c in answers.cannot_check} == {
        "E01",
        "E03",
        "E04",
        "B02",
    }


@pytest.mark.parametrize(("mode", "found"), [("off", (0, 0)), ("shadow", (0, 1)), ("enforce", (1, 0))])
def test_modes(mode: str, found: tuple[int, int]) -> None:
    scene = (
        Scene()
        .person(death_date=day(-30))
        .table("detectors", {"code": "E02", "mode": mode, "sector": "PUBLIC"})
    )
    scene.provider(DOCTOR, sector="PUBLIC")
    answers = run(scene.context(scene.claim(consultation())))
    assert (len(answers.findings), len(answers.shadow)) == found


def test_what_a_detector_in_shadow_lacks_or_breaks_on_stands_beside_the_verdicts_own() -> None:
    scene = Scene().table("detectors", {"code": "D01", "mode": "shadow"}, {"code": "E04", "mode": "shadow"})
    answers = run(scene.context(scene.claim(consultation())), [Broken(), *DETECTORS])
    assert CannotCheck("D01", "error:ZeroDivisionError") in answers.shadow_cannot
    assert {check.code for check in answers.shadow_cannot} & ENFORCED == {"D01", "E04"}
    assert not {check.code for check in answers.cannot_check} & {"D01", "E04"}


def test_the_models_answer_under_their_own_codes() -> None:
    scene = Scene()
    scene.evidence = Evidence(
        findings=[Finding("M02", "S", model=True)], cannot=[CannotCheck("M01", "peers")]
    )
    answers = run(scene.context(scene.claim(consultation())))
    assert [f.code for f in answers.findings] == ["M02"]
    assert CannotCheck("M01", "peers") in answers.cannot_check


def test_a_finding_survives_its_record() -> None:
    finding = Finding(
        "D01",
        "H",
        lines=(1, 2),
        facts={"day": "2026-03-02"},
        evidence=(("B-1", b"\x00\xff" * 6),),
        n=3,
        amount=5,
    )
    record = to_record(finding)
    assert "review" not in record
    assert from_record(record) == finding
    assert from_record(to_record(Finding("D01", "S"))) == Finding("D01", "S")

"""D03: papers that serve twice."""

from __future__ import annotations

from typing import Any

import pytest

from detectors.documents import document_key
from detectors.reading import coverage_index
from schemas.observation import DocumentUse, day_number, entity_ref, event_ref
from tests.detectors.scene import DAY, OTHER, PHARMACY, Scene, box, consultation

FORM = {"type": "FACTURE", "number": "F-12", "issuer": PHARMACY, "date": "2026-03-02"}
PRESCRIPTION = {
    "type": "ORDONNANCE",
    "number": "O-1",
    "issuer": "104512345",
    "date": "2026-03-01",
    "lines": [1],
}


@pytest.mark.parametrize(
    ("document", "key"),
    [
        (FORM, f"FACTURE|{PHARMACY}|F-12|2026"),
        ({**FORM, "date": None}, f"FACTURE|{PHARMACY}|F-12|2026"),
        ({**FORM, "date": "2025-12-31"}, f"FACTURE|{PHARMACY}|F-12|2025"),
        ({**FORM, "hash": "h"}, f"FACTURE|{PHARMACY}|F-12|2026"),
        ({**FORM, "issuer": None}, None),
        ({**FORM, "issuer": None, "hash": "h"}, "hash|h"),
        ({"type": "IMAGE", "hash": "h"}, "hash|h"),
        ({"type": "CERTIFICAT"}, None),
        ({**FORM, "type": "ACCORD"}, None),
    ],
)
def test_what_makes_two_papers_one(document: dict[str, Any], key: str | None) -> None:
    claim = Scene().claim(box(), documents=[document])
    assert claim.documents is not None
    assert document_key(claim.documents[0], claim) == key


def played(
    document: dict[str, Any],
    *,
    insured: str = "A-1",
    executor: str | None = PHARMACY,
    product: str | None = None,
    coverage: str = "BASE",
    claims: int = 1,
    line: dict[str, Any] | None = None,
) -> tuple[list[Any], list[Any]]:
    """D03 on a claim whose first document was used by earlier claims."""
    scene = Scene()
    claim = scene.claim(coverage=coverage)
    uses = [
        DocumentUse(
            event_ref(f"C-{n}"),
            day_number(DAY),
            entity_ref(f"D-before-{n}"),
            entity_ref("B-2"),
            entity_ref(insured),
            scene.numbers[executor] if executor else 0,
            scene.numbers[product] if product else 0,
            coverage_index(claim),
        )
        for n in range(claims)
    ]
    scene.seen.documents = [(0, "key", uses)]
    return scene.play("D03", line or box(), documents=[document])


@pytest.mark.parametrize(
    ("case", "variant", "cls", "weight"),
    [
        ({"insured": "A-2"}, "other_insured", "H", 0.95),
        ({"insured": "A-2", "executor": OTHER}, "other_insured", "H", 0.95),
        ({"executor": OTHER}, "other_executor", "H", 0.95),
        ({}, "same_insured", "S", 0.6),
        ({"executor": None}, "same_insured", "S", 0.6),
    ],
)
@pytest.mark.parametrize("kind", ["FACTURE", "FEUILLE_SOINS", "CERTIFICAT", "IMAGE"])
def test_a_proof_serves_once(case: dict[str, Any], variant: str, cls: str, weight: float, kind: str) -> None:
    findings, cannot = played({**FORM, "type": kind}, **case)
    assert cannot == []
    assert [(f.variant, f.cls, f.weight, f.nature) for f in findings] == [(variant, cls, weight, "PRE")]
    assert findings[0].evidence == (("key", event_ref("C-0")),)
    assert (findings[0].scheme is not None) is (cls == "H")


def test_another_coverage_is_another_file() -> None:
    assert played(FORM, insured="A-2", coverage="COMPLEMENTARY") == ([], [])


PRODUCT = "MED|6118001230068"


@pytest.mark.parametrize(
    ("document", "case", "variant"),
    [
        ({"renewals": 0}, {"product": PRODUCT}, "renewals"),
        ({"renewals": 1}, {"product": PRODUCT}, None),
        ({"renewals": 1}, {"product": PRODUCT, "claims": 2}, "renewals"),
        ({"renewals": 0}, {"product": "NABM|glycemia"}, None),
        ({"renewals": 0}, {"product": None}, None),
        ({}, {"product": "NABM|glycemia"}, None),
        ({"renewals": 5}, {"product": "NABM|glycemia", "insured": "A-2"}, "other_insured"),
    ],
)
def test_a_prescription_serves_a_product_and_its_renewals(
    document: dict[str, Any], case: dict[str, Any], variant: str | None
) -> None:
    findings, cannot = played({**PRESCRIPTION, **document}, **case)
    assert cannot == []
    assert [(f.variant, f.cls) for f in findings] == (
        [(variant, "H" if variant == "other_insured" else "S")] if variant else []
    )


@pytest.mark.parametrize(
    ("document", "missing"),
    [
        (PRESCRIPTION, "documents.renewals"),
        ({**PRESCRIPTION, "lines": None, "renewals": 0}, "documents.lines"),
    ],
)
def test_what_the_prescription_does_not_say(document: dict[str, Any], missing: str) -> None:
    findings, cannot = played(document, product=PRODUCT)
    assert findings == []
    assert [item.missing for item in cannot] == [missing]


def test_a_number_without_issuer_is_anybodys() -> None:
    findings, cannot = Scene().play("D03", consultation(), documents=[{**FORM, "issuer": None}])
    assert findings == []
    assert [item.missing for item in cannot] == ["documents.issuer"]


def test_the_lines_of_the_document_are_named() -> None:
    findings, _ = played({**FORM, "lines": [1]}, insured="A-2")
    assert findings[0].lines == (1,)
    assert played(FORM, insured="A-2")[0][0].lines == ()

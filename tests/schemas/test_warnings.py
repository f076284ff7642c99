"""Warnings are said with their path and never stop a claim."""

from __future__ import annotations

from typing import Any

import pytest

from schemas import warnings
from schemas.claim import Claim
from schemas.decode import Decoder
from tests.schemas.samples import claim, wire


def warned(tree: dict[str, Any]) -> tuple[str, ...]:
    event = Decoder().decode(wire(tree))
    assert isinstance(event, Claim)
    return warnings.of(event)


def test_an_ordinary_claim_has_none() -> None:
    assert (
        warned(claim({}, {"unit_price": 12500, "quantity": 2, "teeth": [11, 85]}, declared_total=50000)) == ()
    )


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ({"executor": "12345"}, "inpe-format:lines[0].executor"),
        ({"executor": ""}, "inpe-format:lines[0].executor"),
        ({"prescriber": "١٢٣٤٥٦٧٨٩"}, "inpe-format:lines[0].prescriber"),
        ({"service_date": "2026-03-03"}, "care-after-deposit:lines[0].service_date"),
        ({"prescribed_on": "2026-02-28"}, "prescribed-after-care:lines[0].prescribed_on"),
        ({"unit_price": 1, "quantity": 2}, "amount-product:lines[0].amount"),
        ({"teeth": [19]}, "tooth-fdi:lines[0].teeth"),
    ],
)
def test_what_looks_wrong_in_a_line(line: dict[str, Any], code: str) -> None:
    assert warned(claim(line)) == (code,)


def test_care_abroad_has_no_inpe() -> None:
    assert warned(claim({"executor": "Dr X", "country": "FR"})) == ()


def test_what_looks_wrong_in_the_claim() -> None:
    tree = claim(declared_total=1, documents=[{"type": "FACTURE", "lines": [9]}])
    assert warned(tree) == ("declared-total:declared_total", "document-line:documents[0].lines")


def test_a_rounded_unit_price_is_lawful() -> None:
    assert warned(claim({"unit_price": 333, "quantity": 3, "amount": 1000})) == ()

"""What people read: every sentence pinned in a golden file, and what a liquidator must not see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from detectors.base import Finding
from detectors.catalogue import BY_CODE
from detectors.reasons import CONTROL, public_reasons, reason
from detectors.sentences import TEMPLATES, write
from schemas.outputs import Reason, encode

GOLDEN = Path(__file__).with_name("sentences.golden.txt")
"""Rewrite it with `python -m tests.detectors.test_reasons` and read the difference."""
FACTS: dict[str, Any] = {
    "day": "2026-03-02",
    "last": "2026-02-28",
    "death": "2026-02-01",
    "from": "2026-01-15",
    "days": 30,
    "inpe": "104512345",
    "provider": "104512345",
    "network": "N-7",
    "order": "ORD-7",
    "line_amount": 123_450,
    "lines": 2,
    "type": "FACTURE",
    "claims": 2,
    "renewals": 1,
    "code": "6118001230068",
    "price": 19_000,
    "listed": 9_500,
    "label_fr": "Consultation",
    "label_en": "Consultation",
    "quantity": 4.0,
    "cap": 2.5,
    "act_1": "K50",
    "act_2": "K20",
    "hours": 16.5,
    "beneficiaries": 48,
    "communes": 3,
    "n": 8,
    "uses": 9,
    "group": "psychotropic",
    "value": 1_234.5,
    "median": 300.0,
    "times": 4.1,
    "peers": 42,
    "lift": 12.3,
    "usual": 21,
    "ratio": 5.9,
    "count": 31,
    "percent": 64,
    "other_day": "2026-02-20",
    "first": "2026-02-25",
    "other_amount": 125_000,
    "other": "104599999",
    "house": "300100200",
    "age": 12,
    "bound": 16,
    "used": 12,
    "granted": 10,
    "under": 24,
    "over": 3,
    "limit": 500_000,
    "total": 612_350,
    "sessions": 5.0,
    "machines": 10,
    "tooth": 36,
    "drug": "amlodipine 5 mg",
    "stock": 132,
    "boxes": 7.0,
    "kilometres": 231,
    "minutes": 45,
    "contributed": 30,
    "least": 54,
    "paid": 30_000,
    "claimed": 25_000,
    "basis": 22_000,
    "tariff": 20_000,
    "base": 20_000,
    "rate": 80.0,
    "sum": 40_000,
    "due": 20_000,
    "asked": 21_000,
    "since": "2026-03-01",
    "until": "2026-06-08",
    "time": "23:10",
    "seconds": 1.2,
    "role": "VALIDATION",
    "letter": "K",
    "digit": 5,
    "commune": "Azilal",
}


def sentences() -> str:
    """All templates filled with the same facts."""
    told = []
    for code, variant in sorted(TEMPLATES):
        french, english = write(code, variant, FACTS, 123_450)
        told.append(f"{code} {variant}\n  {french}\n  {english}\n")
    return "\n".join(told)


def test_sentences_are_those_of_the_golden_file() -> None:
    assert sentences() == GOLDEN.read_text(encoding="utf-8")


def test_no_sentence_is_longer_than_a_reader_bears() -> None:
    assert all(len(line) <= 240 for line in sentences().splitlines())


@pytest.mark.parametrize(
    ("centimes", "french", "english"),
    [
        (5, "0,05 MAD", "MAD 0.05"),
        (123_450, "1 234,50 MAD", "MAD 1,234.50"),
        (123_456_789, "1 234 567,89 MAD", "MAD 1,234,567.89"),
    ],
)
def test_amounts(centimes: int, french: str, english: str) -> None:
    told = write("T02", "price", {**FACTS, "price": centimes}, 0)
    assert told[0] is not None
    assert told[1] is not None
    assert told[0].startswith(f"Prix unitaire {french} ")
    assert told[1].startswith(f"Unit price {english} ")


def test_a_fact_that_is_not_there_leaves_no_sentence() -> None:
    assert write("E02", "", {}, 0) == (None, None)
    assert write("X99", "", {}, 0) == (None, None)
    told = write("D01", "one", {**FACTS, "inpe": None}, 0)[0]
    assert told is not None
    assert "1 234,50 MAD, prestataire non indiqué)" in told


def finding(code: str, **fields: Any) -> Finding:
    return Finding(
        code, "H", nature=BY_CODE[code].nature, facts=FACTS, strength=0.5, threshold=1.0, n=3, **fields
    )


def test_a_reason_carries_what_was_found() -> None:
    evidence = (("B-1", b"known"), ("B-1", b"gone"), ("B-1", b"known"))
    told = reason(finding("D01", variant="one", lines=(2,), amount=900, evidence=evidence), {b"known": "C-9"})
    assert (told.code, told.nature, told.cls, told.lines, told.amount) == ("D01", "TAR", "H", (2,), 900)
    assert told.evidence == ("C-9",)
    assert told.visibility == "LIQUIDATOR"
    assert told.facts_fr is not None
    assert "…345" in told.facts_fr
    assert "104512345" not in told.facts_fr


def test_what_is_not_the_liquidators_reads_the_same() -> None:
    fraud = public_reasons([reason(finding("E02")), reason(finding("P04"))])
    internal = public_reasons([reason(Finding("E04", "H", nature="INT"))])
    assert fraud == internal == (CONTROL,)
    assert reason(Finding("D01", "H", nature="INT")).visibility == "AUDIT_ONLY"


def test_a_reason_reads_back_as_it_was_written() -> None:
    """An alert is written from the reason as found, or after a crash from the record: byte for byte the same."""
    found = Finding("U06", "H", strength=1, value=17, threshold=16, n=9)
    written = encode(reason(found))
    assert encode(msgspec.json.decode(written, type=Reason)) == written


def test_the_liquidators_own_reasons_keep_their_facts_only() -> None:
    told = [reason(finding("P04")), reason(finding("E01", variant="after", hold_ttl_days=5))]
    shown, masked = public_reasons(told)
    assert (shown.code, shown.facts_fr) == ("E01", told[1].facts_fr)
    assert (shown.strength, shown.threshold, shown.n) == (None, None, None)
    assert masked == CONTROL
    assert public_reasons([told[1]]) == (shown,)
    assert public_reasons([]) == ()


if __name__ == "__main__":
    GOLDEN.write_text(sentences(), encoding="utf-8")

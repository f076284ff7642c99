from __future__ import annotations

import hashlib
import json

from schemas.referential import KEYS
from simulation.acts import ACTS, HOSPITALS, PAIRS
from simulation.drugs import check_digit
from tests.simulation.conftest import Run


def test_every_checksum_is_that_of_the_rows(run: Run) -> None:
    for event in run.of("referential") + run.of("policy"):
        text = json.dumps(event["rows"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert event["checksum"] == "sha256:" + hashlib.sha256(text.encode()).hexdigest()
        assert event["edition"].startswith("synthetic")


def test_keys_are_unique_at_any_date(run: Run) -> None:
    for event in run.of("referential"):
        spans = [
            (tuple(row.get(key) for key in KEYS[event["name"]]), row.get("from")) for row in event["rows"]
        ]
        assert len(set(spans)) == len(spans), event["name"]


def test_codes_are_ean13_but_for_the_exempted(run: Run) -> None:
    rows = next(event["rows"] for event in run.of("referential") if event["name"] == "drugs")
    wrong = {row["ean13"] for row in rows if check_digit(row["ean13"][:12]) != int(row["ean13"][12])}
    assert wrong == {row["ean13"] for row in rows if row["checksum_exempt"]}
    assert len(wrong) == 1


def test_prices_change_in_time_without_a_gap(run: Run) -> None:
    rows = next(event["rows"] for event in run.of("referential") if event["name"] == "drugs")
    changed = [row for row in rows if row["to"] is not None]
    assert len(changed) >= 10
    for old in changed:
        new = next(row for row in rows if row["ean13"] == old["ean13"] and row["to"] is None)
        assert new["from"] > old["to"]
        assert new["ppv"] < old["ppv"]


def test_the_nomenclature_is_consistent() -> None:
    codes = {act.code for act in ACTS}
    assert len(codes) == len(ACTS)
    assert {code for pair in PAIRS for code in pair[:2]} <= codes
    assert all(act.minutes for act in ACTS if "MEDECIN" in act.kinds and act.kinds != HOSPITALS)

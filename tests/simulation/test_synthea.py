from __future__ import annotations

from collections import Counter
from pathlib import Path

import orjson
import pytest

from schemas.decode import Decoder
from simulation.synthea import MAPPING, ImportFailure, import_synthea, number_of
from simulation.synthea_page import PAGE, page
from tests.simulation.synthea_export import PEOPLE, write_export, write_table
from tests.support.reference_data import folder


@pytest.mark.parametrize("packed", [False, True])
def test_one_claim_per_row_in_order_of_arrival(tmp_path: Path, packed: bool) -> None:
    write_export(tmp_path, packed)
    events = list(import_synthea(tmp_path))
    counts = Counter(event["type"] for event in events)
    assert counts == {"claim": PEOPLE * 16, "beneficiary": PEOPLE + 3, "provider": 4, "referential": 3}
    times = [event["ingest_time"] for event in events]
    assert times == sorted(times)
    decoder = Decoder(None)
    for event in events:
        decoder.decode(orjson.dumps(event))
    assert events == list(import_synthea(tmp_path))


def test_encounters_and_drugs_become_the_lines_they_are(tmp_path: Path) -> None:
    write_export(tmp_path)
    claims = {event["claim_id"]: event for event in import_synthea(tmp_path) if event["type"] == "claim"}
    visit, drug = claims["claim-05-00-0"]["lines"][0], claims["claim-05-00-1"]["lines"][0]
    assert (visit["code"], visit["nomenclature"], visit["amount"]) == ("SNOMED-185347001", "FORFAIT", 10550)
    assert (drug["code"], drug["nomenclature"], drug["amount"], drug["quantity"]) == ("212033", "MED", 250, 2)
    assert drug["prescriber"] == visit["executor"]
    assert "prescriber" not in visit
    assert claims["claim-05-11-0"]["lines"][0]["care_group"] == "HOSPITALISATION"


def test_acts_take_their_minutes_from_the_export_and_drugs_admit_what_is_unknown(tmp_path: Path) -> None:
    write_export(tmp_path)
    tables = {e["name"]: e["rows"] for e in import_synthea(tmp_path) if e["type"] == "referential"}
    assert tables["acts"][0]["minutes"] == 15
    assert tables["drugs"] == [{"ean13": "212033", "name": "aspirin 325 MG", "checksum_exempt": True}]


def test_a_death_is_known_the_day_after(tmp_path: Path) -> None:
    write_export(tmp_path)
    people = [
        e for e in import_synthea(tmp_path) if e["type"] == "beneficiary" and e["beneficiary"] == "patient-01"
    ]
    assert [(e["ingest_time"][:10], e.get("death_date")) for e in people] == [
        ("1970-01-01", None),
        ("2020-06-02", "2020-06-01"),
    ]
    assert all(e["rights"] is None for e in people)


def test_numbers_are_nine_digits_and_unique() -> None:
    numbers = number_of([f"id-{i}" for i in range(20_000)])
    assert len(set(numbers.values())) == 20_000
    assert all(len(number) == 9 and number.startswith("9") for number in numbers.values())


def test_a_directory_that_is_no_export_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportFailure, match=r"claims\.csv"):
        list(import_synthea(tmp_path))
    write_export(tmp_path)
    write_table(tmp_path, "encounters", [{"Id": "other", "START": "x", "STOP": "x"}])
    with pytest.raises(ImportFailure, match="expected its encounter"):
        list(import_synthea(tmp_path))


def test_the_mapping_names_each_field_once() -> None:
    names = [name for name, _, _ in MAPPING]
    assert len(set(names)) == len(names)
    assert all(how for _, _, how in MAPPING)


def test_the_real_export_is_read_whole() -> None:
    counts = Counter(event["type"] for event in import_synthea(folder("synthea")))
    assert counts["claim"] == 9120


def test_the_page_says_what_the_import_does() -> None:
    assert (Path(__file__).resolve().parents[2] / PAGE).read_text(encoding="utf-8") == page()

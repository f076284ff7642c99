"""Tables from files: what CSV and JSON Lines say alike, the line of each fault, and the official list of drugs."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import orjson
import pytest

from detectors.drugs import is_ean13
from detectors.loads.changes import compare
from schemas.referential import TABLES, ActRow, checksum
from streams.referentials import cnops, files
from tests.support.reference_data import folder

CSV = """nomenclature,code,letter,coefficient,allowed_kinds,needs_prescription,cap_day,from,to,label_fr
NGAP,CS,CS,1,MEDECIN|CLINIQUE,false,2,2026-01-01,,"Consultation,
spécialisée"
NGAP,ECG,K,16.5,,true,,,2026-12-31,
"""
ROWS: list[dict[str, Any]] = [
    {
        "nomenclature": "NGAP",
        "code": "CS",
        "letter": "CS",
        "coefficient": 1.0,
        "allowed_kinds": ["MEDECIN", "CLINIQUE"],
        "needs_prescription": False,
        "cap_day": 2.0,
        "from": "2026-01-01",
        "label_fr": "Consultation,\nspécialisée",
    },
    {"nomenclature": "NGAP", "code": "ECG", "letter": "K", "coefficient": 16.5, "needs_prescription": True}
    | {"to": "2026-12-31"},
]


def write(folder: Path, name: str, text: str | bytes) -> Path:
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def problems(source: files.Source) -> list[str]:
    return [problem.told(source.lines) for problem in source.problems]


@pytest.mark.parametrize("way", ["csv", "csv;", "csv with a mark", "csv.gz", "jsonl", "ndjson.gz"])
def test_the_same_table_from_every_kind_of_file(tmp_path: Path, way: str) -> None:
    text = "\n".join(orjson.dumps(row).decode() for row in ROWS) + "\n" if "json" in way else CSV
    if way == "csv;":
        text = text.replace(",", ";").replace("Consultation;", "Consultation,")
    data = text.encode("utf-8-sig" if "mark" in way else "utf-8")
    file = write(tmp_path, f"acts.{way.split()[0].strip(';')}", gzip.compress(data) if "gz" in way else data)
    source = files.read("acts", file)
    assert problems(source) == []
    assert source.rows == ROWS
    assert checksum(source.rows) == checksum(ROWS)
    assert source.lines == ([1, 2] if "json" in way else [2, 4])
    assert all(isinstance(row, ActRow) for row in source.typed)


def test_faults_are_told_with_the_line_of_the_file(tmp_path: Path) -> None:
    file = write(
        tmp_path, "acts.csv", CSV + '\nNGAP,V,V,"one\ntwo",,,,,,\nNGAP,W\nNGAP,ECG,K,-1,,maybe,,,,\n'
    )
    assert problems(files.read("acts", file)) == [
        "line 6: coefficient: 'one\\ntwo', expected a number",
        "line 8: row: '2 cells', expected 10, as many as there are columns",
        "line 9: coefficient: '-1', expected a number >= 0",
    ]
    lines = ['{"code": "D1"}', "", "{", '["D2"]', '{"code": "D1", "rate": 101}', '{"code": "D1"}']
    file = write(tmp_path, "ald.jsonl", "\n".join(lines))
    assert problems(files.read("ald", file)) == [
        "line 3: row: '{', expected one JSON object",
        "line 4: row: '[\"D2\"]', expected one JSON object",
        "line 5: rate: '101', expected a number <= 100",
        "line 6: code: 'D1', expected a key that is there once on any date (line 1 has it too)",
    ]


def test_a_column_that_no_table_has_is_no_column(tmp_path: Path) -> None:
    source = files.read("ald", write(tmp_path, "ald.csv", "code,taux\nD1,70\n"))
    (told,) = problems(source)
    assert told.startswith("line 2: taux: nothing, expected one of from, to, code, ")


def test_settings_of_detectors_are_numbers_switches_and_words(tmp_path: Path) -> None:
    text = "code,parameter,value,mode\nE01,ttl,7,enforce\nE02,,,shadow\nD01,weight,true,\n"
    source = files.read("detectors", write(tmp_path, "policy.csv", text))
    assert problems(source) == []
    assert [row.get("value") for row in source.rows] == [7.0, None, True]
    bad = files.read("detectors", write(tmp_path, "bad.csv", "code,parameter,value\nE01,ttl,long\n"))
    assert problems(bad) == ["line 2: value: 'long', expected a number for ttl"]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.csv", b"", "the first line has to name the columns"),
        ("a.csv", b"code,code\nx,y\n", "line 1: columns there twice: code"),
        ("a.csv", b"code\nD1\nD\xff\n", "line 3 is not UTF-8"),
        ("a.csv.gz", gzip.compress(b"code\nD1\n" * 9)[:-9], "damaged or cut short"),
        ("a.txt", b"code\nD1\n", "give --format csv or jsonl"),
    ],
)
def test_what_is_no_table_at_all(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    with pytest.raises(files.Unreadable, match=message):
        files.read("ald", write(tmp_path, name, data))


def test_an_unknown_table_is_named_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(files.Unreadable, match="table 'actes': expected one of acts, "):
        files.read("actes", tmp_path / "acts.csv")


def test_every_table_can_be_read_from_csv(tmp_path: Path) -> None:
    for name, kind in TABLES.items():
        source = files.read(
            name, write(tmp_path, f"{name}.csv", ",".join(kind.__struct_encode_fields__) + "\n")
        )
        assert (source.rows, source.problems) == ([], [])


def test_differences_are_those_of_every_key_compared(tmp_path: Path) -> None:
    before = (
        "letter,sector,value,from\nK,PUBLIC,1000,\nK,PRIVATE,1300,\nB,,110,\nZ,,900,\nZ,,1000,2027-01-01\n"
    )
    after = "letter,sector,value,from\nB,,120,\nK,PRIVATE,1300,\nD,,1500,\nZ,,950,\n"
    old, new = (files.read("letter_values", write(tmp_path, "x.csv", text)) for text in (before, after))
    found = compare(
        "letter_values", [row for row in old.typed if row], [row for row in new.typed if row is not None]
    )
    told = [(one.kind, one.key[0], one.key[2], one.row, one.columns, one.periods) for one in found.changes]
    assert told == [
        ("changed", "B", None, 0, {"value": (110, 120)}, (1, 1)),
        ("added", "D", None, 2, {}, (0, 1)),
        ("removed", "K", "PUBLIC", None, {}, (1, 0)),
        ("changed", "Z", None, 3, {}, (2, 1)),
    ]
    assert (found.same, found.columns) == (1, {"value": 1})


# -- the list of 2014

HEAD = "," + ",".join(cnops.COLUMNS) + "\n"


@pytest.mark.parametrize(
    ("presentation", "units"),
    [
        ("1 BOITE 30 COMPRIME PELLICULE", 30),
        ("2 BOITE 14 GELULE", 28),
        ("10 AMPOULE 5 ML", 10),
        ("1 FLACON 60 DOSE", 60),
        ("1 BOITE 1 FLACON 40 ML", 1),
        ("1 FLACON 60 ML", None),
        ("1 TUBE 30 G", None),
        ("", None),
    ],
)
def test_units_are_read_from_the_presentation(presentation: str, units: int | None) -> None:
    assert cnops.units(presentation) == units


@pytest.mark.parametrize(
    ("text", "value"), [("95.00", 9500), ("7", 700), ("0.5", 50), ("1,25", 125), ("x", "x")]
)
def test_dirhams_become_centimes(text: str, value: int | str) -> None:
    assert cnops.centimes(text) == value


def test_a_line_of_the_list(tmp_path: Path) -> None:
    lines = [
        "0,6118001230068,URO,EAU,3000,ML,SOLUTION,1 POCHE 3 L,95.00,-,90.00,P,0%",
        "1,6118001230069,OLD,EAU,nan,nan,COMPRIME,1 BOITE 20 COMPRIME,-,-,-,G,70%",
        "2,6118001230068,URO,EAU,1,ML,SOLUTION,1 POCHE 3 L,dear,-,90.00,P,170%",
    ]
    source = files.read("drugs", write(tmp_path, "list.csv", HEAD + "\n".join(lines)), "cnops-2014")
    assert source.rows[0]["base_price"] == 9000
    assert {**source.rows[1], "name": None} == {
        "ean13": "6118001230069",
        "name": None,
        "dci": "EAU",
        "form": "COMPRIME",
        "units_per_box": 20,
        "rate": 70,
        "generic": True,
        "checksum_exempt": True,
    }
    assert problems(source) == ["line 4: ppv: 'dear', expected a whole number"]
    with pytest.raises(files.Unreadable, match="a list of drugs, not of acts"):
        files.read("acts", tmp_path / "list.csv", "cnops-2014")
    with pytest.raises(files.Unreadable, match="columns missing: CODE, NOM"):
        files.read("drugs", write(tmp_path, "other.csv", "ean13\n"), "cnops-2014")


def test_the_official_list_loads_whole_with_its_counts() -> None:
    """The facts that the list's own description gives, computed anew on what the format reads."""
    source = files.read(
        "drugs", folder("cnops-drugs") / "ref-des-medicaments-cnops-2014.csv.gz", "cnops-2014"
    )
    rows = source.rows
    assert source.problems == []
    assert len(rows) == len({row["ean13"] for row in rows}) == 5_917
    exempt = [row for row in rows if "checksum_exempt" in row]
    assert len(exempt) == sum(not is_ean13(row["ean13"]) for row in rows) == 19
    assert round(1 - 19 / len(rows), 3) == 0.997
    priced = [row for row in rows if "ppv" in row and "base_price" in row]
    assert sum(row["ppv"] > row["base_price"] for row in priced) == 450
    assert {row["rate"] for row in rows} == {0, 70}
    pieces = [row for row in rows if row["form"].startswith(cnops.UNIT_FORMS)]
    assert sum("units_per_box" in row for row in pieces) / len(pieces) >= 0.96
    first = next(row for row in rows if row["ean13"] == "6118001182459")
    assert (first["units_per_box"], first["ppv"], first["base_price"], first["ph"]) == (20, 6070, 6070, 4010)

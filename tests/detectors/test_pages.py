"""docs/detectors/ and `crible detectors` say what the detectors declare."""

from __future__ import annotations

from pathlib import Path

import orjson
from typer.testing import CliRunner, Result

from detectors import pages
from detectors.catalogue import DECLARATIONS
from detectors.policy import ENFORCED
from streams import cli

HOUSE = Path(__file__).parents[2]
CODES = [declaration.code for declaration in DECLARATIONS]


def crible(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["detectors", *arguments], env={"COLUMNS": "200"})


def test_the_pages_are_up_to_date() -> None:
    """Written by `python -m detectors.pages`."""
    committed = {file.name: file.read_text(encoding="utf-8") for file in (HOUSE / pages.FOLDER).glob("*")}
    assert committed == pages.pages()
    assert committed.keys() == {pages.INDEX, *(f"{code}.md" for code in CODES)}


def test_a_page_that_nobody_declares_is_removed(tmp_path: Path) -> None:
    (tmp_path / "Z99.md").write_text("gone")
    pages.write(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == set(pages.pages())


def test_the_command_lists_the_catalogue() -> None:
    listed = orjson.loads(crible("--json").stdout)
    assert [one["code"] for one in listed] == CODES
    assert {one["code"] for one in listed if one["mode"] == "enforce"} == ENFORCED
    assert {one["mode"] for one in listed} <= {"enforce", "shadow"}
    assert all(one["label_fr"] and one["label_en"] and one["label_ar"] for one in listed)
    table = crible().stdout
    assert all(code in table for code in CODES)
    assert "Journée d'activité impossible" in crible("--french").stdout


def test_the_command_tells_of_one() -> None:
    assert orjson.loads(crible("u06", "--json").stdout)["thresholds"]["hard"]["unit"] == "hours"
    told = crible("U06").stdout
    assert "Impossible day" in told
    assert "Thresholds" in told


def test_an_unknown_code_is_told_with_the_known_ones() -> None:
    done = crible("X99")
    assert isinstance(done.exception, ValueError)
    assert "'X99': expected one of" in str(done.exception)
    assert "U06" in str(done.exception)

"""docs/detectors/ and `crible detectors` say what the detectors declare."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner, Result

from detectors import pages
from detectors.catalogue import BY_CODE, DECLARATIONS
from detectors.examples import EXAMPLES
from detectors.policy import ENFORCED
from streams import cli
from tests.detectors import examples
from tests.detectors.scene import Scene, consultation, day
from tests.detectors.test_catalogue import BESIDE, CATALOGUE

HOUSE = Path(__file__).parents[2]
SHADOW = {"P02", "P03", "P05", "P06", "R01"}
"""New ones, that a policy has to enforce."""
CODES = [declaration.code for declaration in DECLARATIONS]


def crible(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["detectors", *arguments], env={"COLUMNS": "200"})


def test_the_pages_are_up_to_date() -> None:
    """Written by `python -m detectors.pages`."""
    committed = {file.name: file.read_text(encoding="utf-8") for file in (HOUSE / pages.FOLDER).glob("*")}
    assert committed == pages.pages()
    assert committed.keys() == {pages.INDEX, *(f"{code}.md" for code in CODES)}


def test_every_detector_has_an_example_of_its_own_tests() -> None:
    """`python -m tests.detectors.examples` writes them; those tests compare them whenever they run."""
    assert EXAMPLES.keys() == set(CODES)
    for code, known in EXAMPLES.items():
        file, _, name = known["test"].partition("::")
        assert f"def {name.partition('[')[0].rpartition('::')[2]}(" in (HOUSE / file).read_text(
            encoding="utf-8"
        )
        assert known["reason"]["en"] in pages.page(BY_CODE[code])
        assert known["reason"]["fr"] in pages.page(BY_CODE[code])


def test_an_example_that_its_test_no_longer_meets_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene().act("CS", minutes=15)
    known = {"test": "tests/z.py::test", "event": {}, "reason": {}}
    monkeypatch.setitem(EXAMPLES, "E02", known)
    monkeypatch.setattr(examples, "MET", {})
    monkeypatch.setenv("PYTEST_CURRENT_TEST", "tests/z.py::test (call)")
    with pytest.raises(AssertionError, match="the example has changed"):
        scene.person(death_date=day(-30)).play("E02", consultation())


def test_a_page_that_nobody_declares_is_removed(tmp_path: Path) -> None:
    (tmp_path / "Z99.md").write_text("gone")
    pages.write(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == set(pages.pages())


def test_the_command_lists_the_catalogue() -> None:
    listed = orjson.loads(crible("--json").stdout)
    assert [one["code"] for one in listed] == CODES
    assert {one["code"] for one in listed} == CATALOGUE | BESIDE
    assert {one["code"] for one in listed if one["mode"] == "enforce"} == ENFORCED
    assert {one["code"] for one in listed if one["mode"] == "shadow"} == SHADOW
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

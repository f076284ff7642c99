"""The worked example of CONTRIBUTING.md, taken from the page and run: a detector is one file and one row."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

HOUSE = Path(__file__).parents[2]
ROOMS = ("schemas", "state", "detectors", "streams", "monitoring", "simulation")
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
SCREEN = """
import orjson
import sys
from tests.streams.stage import Desk, Stage, visit

desk = Desk()
tables = [desk.table("deadlines", {"days_to_file": 60})]
if sys.argv[1] == "enforce":
    rows = {"code": "Z01", "mode": "enforce"}, {"code": "Z01", "parameter": "grace", "value": 10}
    tables.append(desk.table("detectors", *rows))
claims = [desk.claim(f"C-{n}", visit(service_date=day)) for n, day in enumerate(("2026-01-02", "2025-12-25"))]
said = Stage(None).screen([*tables, *claims])
told = [[said.live(f"C-{n}")[part] for part in ("reasons", "shadow")] for n in (0, 1)]
print(orjson.dumps([[[one["code"] for one in part] for part in parts] for parts in told]).decode())
"""


def blocks() -> list[tuple[str, str]]:
    """(language, text) of the code blocks of the worked example."""
    page = (HOUSE / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = page.partition("## A detector from nothing\n")[2].partition("\n## ")[0]
    return BLOCK.findall(section)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code with the example's file, row and test in it."""
    copy = tmp_path_factory.mktemp("house")
    for room in (*ROOMS, "tests"):
        shutil.copytree(HOUSE / room, copy / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(HOUSE / "pyproject.toml", copy)
    (_, module), (_, row), (_, test), (_, policy) = blocks()
    (copy / "detectors/late_filing.py").write_text(module, encoding="utf-8")
    (copy / "tests/detectors/test_late_filing.py").write_text(test, encoding="utf-8")
    (copy / "policy.csv").write_text(policy, encoding="utf-8")
    catalogue = copy / "detectors/catalogue.py"
    text = catalogue.read_text(encoding="utf-8")
    imported, entry = row.split("\n\n")
    after = next(line for line in text.splitlines() if line.startswith("from detectors.") and line > imported)
    assert text.count(after) == text.count("    *MODELS,\n") == 1
    text = text.replace(after, f"{imported}\n{after}").replace("    *MODELS,\n", entry + "    *MODELS,\n")
    catalogue.write_text(text, encoding="utf-8")
    return copy


def run(house: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-B", *words], cwd=house, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_example_has_its_four_blocks() -> None:
    assert [language for language, _ in blocks()] == ["python", "python", "python", "csv"]


def test_its_own_test_passes(house: Path) -> None:
    said = run(house, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/detectors/test_late_filing.py")
    assert "3 passed" in said


def test_it_keeps_the_rules_of_the_house(house: Path) -> None:
    files = ("detectors/late_filing.py", "detectors/catalogue.py", "tests/detectors/test_late_filing.py")
    run(house, "-m", "ruff", "check", *files)
    run(house, "-m", "ruff", "format", "--check", *files)


def test_the_command_lists_it_in_shadow_and_its_page_is_written(house: Path) -> None:
    told = orjson.loads(run(house, "-m", "streams.cli", "detectors", "Z01", "--json"))
    assert (told["mode"], told["label_fr"]) == ("shadow", "Dépôt tardif")
    run(house, "-m", "detectors.pages", "pages")
    page = (house / "pages/Z01.md").read_text(encoding="utf-8")
    for text in ("Starts in: shadow", "| `grace` | 5 | days |", "filed ‹days› days later", "- PIECES"):
        assert text in page


def test_its_policy_is_checked(house: Path) -> None:
    told = orjson.loads(
        run(house, "-m", "streams.cli", "referentials", "check", "detectors", "policy.csv", "--json")
    )
    assert (told["rows"], told["wrong"]) == (2, 0)


@pytest.mark.parametrize(
    ("mode", "found"),
    [("shadow", [[[], ["Z01"]], [[], ["Z01"]]]), ("enforce", [[[], []], [["Z01"], []]])],
)
def test_a_policy_takes_it_from_shadow_to_enforce(
    house: Path, mode: str, found: list[list[list[str]]]
) -> None:
    """Care of 67 and 75 days before: 65 are let pass in shadow, 70 by the policy that enforces it."""
    (house / "screen.py").write_text(SCREEN)
    assert orjson.loads(run(house, "-c", "import runpy; runpy.run_path('screen.py')", mode)) == found

"""Tables from files: CSV, JSON Lines or an official list, each row with the line on which it begins."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import orjson
from msgspec import inspect

from detectors.catalogue import DECLARATIONS
from detectors.loads.checking import rows_alone
from detectors.loads.problem import Problem
from schemas.referential import TABLES, Row
from streams.referentials import cnops

Format = Literal["csv", "jsonl", "cnops-2014"]
LIST: Final = "|"
"""What separates the items of a list in a cell of CSV."""
MOST_CELL: Final = 64
_GZIP: Final = b"\x1f\x8b"


class Unreadable(ValueError):
    """The file as a whole is no table; the message says what is expected."""


@dataclass(slots=True)
class Source:
    """A table as a file has it: rows as they go on the wire, the line of each, and what is wrong with them."""

    name: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    typed: list[Row | None] = field(default_factory=list)


def read(name: str, file: Path, format: Format | None = None) -> Source:
    """A table from a file, which may be compressed (gzip), and the checks of its rows alone.

    Without `format` the name of the file tells it. Raises OSError, Unreadable.
    """
    if name not in TABLES:
        raise Unreadable(f"table {name!r}: expected one of {', '.join(TABLES)}")
    data = file.read_bytes()
    if data.startswith(_GZIP):
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError) as error:
            raise Unreadable(f"{file}: the compressed file is damaged or cut short ({error})") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Unreadable(f"{file}: line {line} is not UTF-8") from error
    return _FORMATS[format or _format(file)](Source(name), text)


def _format(file: Path) -> Format:
    suffixes = [suffix.lower() for suffix in file.suffixes if suffix.lower() != ".gz"]
    if suffixes[-1:] == [".csv"]:
        return "csv"
    if suffixes[-1:] in ([".jsonl"], [".ndjson"]):
        return "jsonl"
    raise Unreadable(f"{file}: give --format csv or jsonl: its name ends neither in .csv nor in .jsonl")


def _jsonl(source: Source, text: str) -> Source:
    broken: dict[int, Problem] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        row: Any = None
        with suppress(orjson.JSONDecodeError):
            row = orjson.loads(line)
        if not isinstance(row, dict):
            index = len(source.rows)
            broken[index] = Problem("row", line.strip()[:MOST_CELL], "one JSON object", index)
        source.rows.append(row if isinstance(row, dict) else {})
        source.lines.append(number)
    _check(source, source.rows, broken)
    return source


def _csv(source: Source, text: str) -> Source:
    lists = _lists(TABLES[source.name])
    broken: dict[int, Problem] = {}
    cells: list[dict[str, Any]] = []
    for line, row, problem in _cells(text):
        index = len(cells)
        if problem is not None:
            broken[index] = Problem(problem.field, problem.value, problem.expected, index)
        given: dict[str, Any] = {column: value for column, value in row.items() if value != ""}
        for column in lists & given.keys():
            given[column] = [part.strip() for part in given[column].split(LIST) if part.strip()]
        if source.name == "detectors" and "value" in given:
            given["value"] = _setting(given["value"])
        cells.append(given)
        source.lines.append(line)
    _check(source, cells, broken, text=True)
    source.rows = [{} if row is None else orjson.loads(msgspec.json.encode(row)) for row in source.typed]
    return source


def _cnops(source: Source, text: str) -> Source:
    if source.name != cnops.TABLE:
        raise Unreadable(f"format {cnops.FORMAT}: a list of {cnops.TABLE}, not of {source.name}")
    missing = [column for column in cnops.COLUMNS if column not in next(csv.reader(io.StringIO(text)), [])]
    if missing:
        raise Unreadable(f"format {cnops.FORMAT}: columns missing: {', '.join(missing)}")
    broken: dict[int, Problem] = {}
    for line, row, problem in _cells(text):
        index = len(source.rows)
        if problem is not None:
            broken[index] = Problem(problem.field, problem.value, problem.expected, index)
        source.rows.append(cnops.row_of(row))
        source.lines.append(line)
    _check(source, source.rows, broken)
    return source


_FORMATS: Final[Mapping[str, Callable[[Source, str], Source]]] = {
    "csv": _csv,
    "jsonl": _jsonl,
    cnops.FORMAT: _cnops,
}


def _check(
    source: Source, rows: list[dict[str, Any]], broken: Mapping[int, Problem], *, text: bool = False
) -> None:
    """Check the rows; of one that is no row only that is told."""
    source.typed, problems = rows_alone(source.name, rows, DECLARATIONS, text=text)
    problems = [one for one in problems if one.row not in broken] + list(broken.values())
    source.problems = sorted(problems, key=lambda one: -1 if one.row is None else one.row)


def _cells(text: str) -> Iterator[tuple[int, dict[str, str], Problem | None]]:
    """Rows of CSV under the names of the first line, with the line on which each begins."""
    head = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=";" if head.count(";") > head.count(",") else ",")
    names = [name.strip() for name in next(reader, [])]
    if not any(names):
        raise Unreadable("the first line has to name the columns")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Unreadable(f"line 1: columns there twice: {', '.join(twice)}")
    before = reader.line_num
    for row in reader:
        begins, before = before + 1, reader.line_num
        if not row:
            continue
        problem = None
        if len(row) != len(names):
            problem = Problem("row", f"{len(row)} cells", f"{len(names)}, as many as there are columns", 0)
        yield begins, dict(zip(names, (cell.strip() for cell in row), strict=False)), problem


def _lists(kind: type[Row]) -> frozenset[str]:
    """The columns that hold lists."""
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    return frozenset(
        one.encode_name
        for one in info.fields
        if isinstance(one.type, inspect.UnionType)
        and any(isinstance(option, inspect.VarTupleType) for option in one.type.types)
    )


def _setting(text: str) -> float | bool | str:
    """The value of a detector's parameter: a number, a switch, else the text."""
    try:
        return float(text)
    except ValueError:
        return {"true": True, "false": False}.get(text.lower(), text)

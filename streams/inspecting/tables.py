"""Cells and tables of `crible inspect`: amounts in MAD, nothing cut off."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

COLOURS = {"HOLD": "bold red", "RELEASE_FLAGGED": "yellow", "RELEASE": "green", "CANNOT_SCREEN": "magenta"}


def mad(centimes: float | None) -> str:
    """An amount in MAD."""
    return "-" if centimes is None else f"{centimes / 100:,.2f}"


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> Table:
    """A table with its title; narrow terminals fold cells, and none is cut."""
    made = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else Text(text(cell)) for cell in row))
    return made


def text(value: Any) -> str:
    """A value in a cell."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(text, value)) or "-"
    if isinstance(value, dict):
        return ", ".join(f"{name} {text(one)}" for name, one in value.items())
    return str(value)


def coloured(decision: str) -> Text:
    """A decision, in its colour on a terminal."""
    return Text(decision, style=COLOURS.get(decision, ""))

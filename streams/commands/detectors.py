"""`crible detectors`: every detector, and what one of them rests on."""

from __future__ import annotations

from typing import Any

import orjson
import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table

from detectors import pages
from detectors.base import Declaration
from detectors.catalogue import BY_CODE, DECLARATIONS
from detectors.policy import Thresholds


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def detectors(
        code: str | None = typer.Argument(None, help="One detector's code: its page instead of the list."),
        as_json: bool = typer.Option(False, "--json", help="Print JSON."),
        french: bool = typer.Option(False, "--french", help="Labels in French."),
    ) -> None:
        """List the detectors: class, nature, mode, windows and what they read.

        H may hold by itself, S is evidence for the score. The modes are those of this release; a payer's
        `detectors` policy changes them while workers run.

        Examples: crible detectors | crible detectors U06 | crible detectors --json
        """
        chosen = [_known(code)] if code is not None else list(DECLARATIONS)
        modes = Thresholds(DECLARATIONS)
        if as_json:
            told = [_as_json(declaration, modes) for declaration in chosen]
            print(orjson.dumps(told[0] if code else told, option=orjson.OPT_INDENT_2).decode())
        elif code is not None:
            Console().print(Markdown(pages.page(chosen[0]).replace("<br>", "\n  ")))
        else:
            Console().print(_table(chosen, modes, french=french))


def _known(code: str) -> Declaration:
    try:
        return BY_CODE[code.upper()]
    except KeyError:
        raise ValueError(f"detector {code!r}: expected one of {', '.join(sorted(BY_CODE))}") from None


def _table(chosen: list[Declaration], modes: Thresholds, *, french: bool) -> Table:
    table = Table("code", "detector", "class", "nature", "mode", "windows", "reads")
    for declaration in chosen:
        table.add_row(
            declaration.code,
            declaration.label_fr if french else declaration.label_en,
            pages.kind(declaration),
            declaration.nature,
            modes.mode(declaration.code),
            ", ".join(declaration.windows),
            ", ".join(declaration.reads),
        )
    return table


def _as_json(declaration: Declaration, modes: Thresholds) -> dict[str, Any]:
    return {
        "code": declaration.code,
        "label_fr": declaration.label_fr,
        "label_en": declaration.label_en,
        "label_ar": declaration.label_ar,
        "class": pages.kind(declaration),
        "nature": declaration.nature,
        "mode": modes.mode(declaration.code),
        "weight": declaration.weight,
        "axis": declaration.axis,
        "windows": declaration.windows,
        "reads": declaration.reads,
        "kinds": declaration.kinds,
        "follows": declaration.follows,
        "flows": declaration.flows,
        "thresholds": {
            name: {"value": threshold.value, "unit": threshold.unit, "reason": threshold.reason}
            for name, threshold in declaration.thresholds.items()
        },
        "caveats_fr": declaration.caveats_fr,
        "caveats_en": declaration.caveats_en,
    }

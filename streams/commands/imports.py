"""`crible import`: other people's files as an event log."""

from __future__ import annotations

import sys
from pathlib import Path

import orjson
import typer

from simulation.synthea import import_synthea


def register(app: typer.Typer) -> None:
    """Add the commands."""
    imports = typer.Typer(help="Turn other formats into an event log.", no_args_is_help=True)
    app.add_typer(imports, name="import")

    @imports.callback()
    def group() -> None:
        """Turn other formats into an event log."""

    @imports.command()
    def synthea(
        directory: Path = typer.Argument(
            ..., exists=True, file_okay=False, help="Folder with Synthea's CSV files, plain or gzipped."
        ),
    ) -> None:
        """Write Synthea's claims as an event log on stdout; docs/synthea.md maps every field.

        Example: crible import synthea output/csv > synthea.jsonl
        """
        out = sys.stdout.buffer
        for event in import_synthea(directory):
            out.write(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE))
        out.flush()

"""`crible contract`: the JSON Schemas and the AsyncAPI document, generated from the structs."""

from __future__ import annotations

from pathlib import Path

import typer

from schemas import documents

COMMITTED = Path(documents.__file__).parent / "generated"


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def contract(
        out: Path = typer.Option(COMMITTED, "--out", help="Folder to write to."),
        check: bool = typer.Option(
            False, "--check", help="Only compare; exit code 1 where the folder is out of date."
        ),
    ) -> None:
        """Write JSON Schemas of every message and an AsyncAPI document of every topic.

        Example: crible contract --out /tmp/contract
        """
        if not check:
            documents.write(out)
            print(f"written to {out}")
            return
        drifted = documents.drift(out)
        for name in drifted:
            print(f"out of date: {name}")
        if drifted:
            raise typer.Exit(1)

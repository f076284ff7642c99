"""`crible evaluate rules`: how good the detectors are on a simulated year of known truth."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import orjson
import typer
from rich.console import Console
from rich.table import Table

from streams.commands.progress import counting
from streams.config import load
from streams.evaluation import pages
from streams.evaluation.figures import Report


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help="Measure what the screener finds.", no_args_is_help=True)
    app.add_typer(group, name="evaluate")

    @group.callback()
    def evaluate() -> None:
        """Measure what the screener finds."""

    @group.command()
    def rules(
        claims: int = typer.Option(
            100_000, "--claims", min=5_000, help="Files of care in the year; schemes come on top."
        ),
        seed: int = typer.Option(1, "--seed", help="The same seed simulates the same claims."),
        waves: int = typer.Option(
            20, "--waves", min=1, max=40, help="How often each scheme and look-alike is played."
        ),
        quick: bool = typer.Option(False, "--quick", help="A small run, to try it."),
        as_json: bool = typer.Option(False, "--json", help="Print one JSON object instead of the tables."),
        markdown: Path | None = typer.Option(None, "--markdown", help="Write the page of figures there."),
    ) -> None:
        """Simulate a year with every typology and its honest look-alike, screen it, and hold the answers against
        the truth: precision, recall and money by detector, schemes found, honest claims held.

        Exits with 1 when a target is not met. Some 50 seconds of CPU with --quick, 9 minutes for the whole year.

        Examples: crible evaluate rules --quick | crible evaluate rules --seed 7 --json > figures.json
        """
        load()  # a wrong setting is said before anything starts
        from streams.evaluation import year as job

        plan = job.Year(seed=seed, claims=claims, waves=waves)
        if quick:
            plan = job.Year(seed, job.QUICK.claims, job.QUICK.days, job.QUICK.waves, job.QUICK.providers)
        with counting("claims screened", plan.expected) as advance:
            told = job.evaluate(plan, lambda done, total: advance(done))
        command = "crible evaluate rules" + (
            f" --quick --seed {seed}" if quick else f" --claims {claims} --waves {waves} --seed {seed}"
        )
        if markdown is not None:
            markdown.write_text(pages.page(told, command), encoding="utf-8")
        if as_json:
            sys.stdout.buffer.write(
                orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
            )
        else:
            show(told, Console())
        if not all(one["met"] for one in told["targets"]):
            raise typer.Exit(1)


def show(told: Report, console: Console) -> None:
    """The tables for a person."""
    console.print(
        f"[bold]{told['claims']:,} claims[/bold] of seed {told['seed']}, {told['events']:,} events answered, "
        f"{told['unanswered']} not, dead letters {told['dead_letters'] or 0}"
    )
    console.print(_table(pages.DETECTOR_HEAD, pages.detector_rows(told)))
    console.print(_table(pages.SCHEME_HEAD, pages.scheme_rows(told)))
    console.print(_table(pages.HONEST_HEAD, pages.honest_rows(told)))
    for name, held in told["honest"]["held_by"].items():
        said = ", ".join(f"{codes} {count}" for codes, count in held.items())
        console.print(f"{name.lower()} claims held by: {said or '-'}")
    of = ", ".join(f"{name} {count}" for name, count in told["honest"]["held_of"].items())
    console.print(f"held for control though neither fraud nor error: {of or '-'}")
    console.print(_table(("figure", "target", "measured", ""), pages.target_rows(told)))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(*head)
    for row in rows:
        table.add_row(*row)
    return table

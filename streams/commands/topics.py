"""`crible topics`: creates the topics, or checks those that are there."""

from __future__ import annotations

import typer
from rich.console import Console
from rich.table import Table

from streams.config import load
from streams.topics import Topics


def register(app: typer.Typer) -> None:
    """Add the commands."""
    topics = typer.Typer(help="Create or check the topics.", no_args_is_help=True)
    app.add_typer(topics, name="topics")

    @topics.command()
    def create(
        partitions: int = typer.Option(
            6,
            "--partitions",
            "-p",
            min=1,
            max=1024,
            help="Partitions of the topics keyed by beneficiary; fixed for good once they hold claims.",
        ),
    ) -> None:
        """Create the topics that are missing.

        Example: crible topics create --partitions 6
        """
        created = Topics(load().client()).create(partitions)
        print(f"created {len(created)}: {', '.join(created)}" if created else "all topics were there already")

    @topics.command()
    def check() -> None:
        """Check partitions, replication, retention and compaction; exit code 1 where something is wrong.

        Example: crible topics check
        """
        findings = Topics(load().client()).check()
        if not findings:
            print("topics are as they must be")
            return
        table = Table("topic", "problem", "fix")
        for finding in findings:
            table.add_row(finding.topic, finding.problem, finding.fix)
        Console(soft_wrap=True).print(table)
        raise typer.Exit(1)

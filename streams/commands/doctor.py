"""`crible doctor`: a look at broker, Redis and files before traffic does."""

from __future__ import annotations

import typer
from rich.console import Console

from streams.config import load
from streams.doctor import examine, healthy, show


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def doctor() -> None:
        """Check broker, topics, transactions, Redis and key file; exit code 1 where something is wrong.

        Example: CRIBLE_BROKERS=localhost:9092 crible doctor
        """
        examined = examine(load())
        show(examined, Console())
        if not healthy(examined):
            raise typer.Exit(1)

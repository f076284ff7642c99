"""`crible worker`: screens the topics until told to stop."""

from __future__ import annotations

import sys

import typer

from streams.config import load


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def worker(
        observe_only: bool = typer.Option(
            False,
            "--observe-only",
            help="Load history: feed windows and models, answer nothing. What it reads is never answered later.",
        ),
    ) -> None:
        """Screen claims, liquidations and payments from Kafka until SIGTERM.

        Prints `ready` on stderr when it takes traffic; drains and exits 0 on SIGTERM. Configured by CRIBLE_* variables
        and a TOML file (CRIBLE_CONFIG).

        Example: CRIBLE_BROKERS=localhost:9092 CRIBLE_REDIS=redis://localhost:6379 crible worker
        """
        from streams import worker as host  # Faust takes half a second to import: only its users wait

        if observe_only:
            print(
                "crible: observing only: nothing is answered, and reviews wait", file=sys.stderr, flush=True
            )
        raise typer.Exit(host.run(load(), observe_only=observe_only))

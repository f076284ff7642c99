"""`crible worker`: screens the topics until told to stop."""

from __future__ import annotations

import typer

from streams.config import load


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def worker() -> None:
        """Screen claims, liquidations and payments from Kafka until SIGTERM.

        Prints `ready` on stderr when it takes traffic; drains and exits 0 on SIGTERM. Configured by CRIBLE_* variables
        and a TOML file (CRIBLE_CONFIG).

        Example: CRIBLE_BROKERS=localhost:9092 CRIBLE_REDIS=redis://localhost:6379 crible worker
        """
        from streams import worker as host  # Faust takes half a second to import: only its users wait

        raise typer.Exit(host.run(load()))

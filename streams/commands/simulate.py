"""`crible simulate`: a synthetic AMO as an event log, its truth in a file apart."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import typer

from simulation import Plan, World, generate
from simulation.world import DEFAULT_START, Scale
from simulation.write import write_log
from streams.commands.progress import counting


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def simulate(
        out: Path = typer.Option(..., "--out", "-o", help="Event log to write (JSON Lines)."),
        truth: Path | None = typer.Option(
            None, "--truth", help="Where to write what is true of each claim; the screener never reads it."
        ),
        claims: int = typer.Option(5_000, "--claims", min=1, help="About how many claims."),
        days: int = typer.Option(60, "--days", min=2, help="Days of care."),
        live_days: int = typer.Option(
            20, "--live-days", min=1, help="The last days, in which schemes happen and money is paid."
        ),
        seed: int = typer.Option(1, "--seed", help="The same seed gives the same bytes."),
        start: str = typer.Option(
            DEFAULT_START.isoformat(), "--start", help="First day of care (YYYY-MM-DD)."
        ),
        schemes: bool = typer.Option(
            True, help="With the six first fraud schemes and their honest look-alikes in the live part."
        ),
        waves: int = typer.Option(
            0, "--waves", min=0, help="How often every scheme and look-alike is played, from day 60 on."
        ),
        requests: float = typer.Option(
            0.0, "--requests", min=0, max=1, help="Requests (agreements, ALD, invalidity) for each claim."
        ),
    ) -> None:
        """Simulate households, providers, claims, liquidations and payments.

        Examples: crible simulate --claims 3000 --out log.jsonl --truth truth.jsonl |
        crible simulate --claims 9000 --days 150 --waves 3 --requests .02 --out log.jsonl --truth truth.jsonl
        """
        scale = Scale(agencies=1, liquidators=10, routed=2) if waves else None
        world = World(seed, start=dt.date.fromisoformat(start), scale=scale)
        plan = Plan(
            claims=claims, days=days, live_days=live_days, schemes=schemes, waves=waves, requests=requests
        )
        with counting("simulating", None) as advance:
            written = write_log(generate(world, plan), out, truth, progress=advance)
        print(
            f"{written.events} events in {out}: "
            + ", ".join(f"{count} {name}" for name, count in written.types.items())
        )

"""`crible demo`: everything embedded, from simulated claims to verdicts, with what it amounted to."""

from __future__ import annotations

import sys

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from simulation import Plan
from streams.config import load


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def demo(
        claims: int = typer.Option(
            45_000, "--claims", min=2_000, help="About how many claims, history included."
        ),
        days: int = typer.Option(210, "--days", min=40, help="Days of care; the last 20 are live."),
        seed: int = typer.Option(1, "--seed", help="The same seed simulates the same claims."),
        rate: float = typer.Option(
            500.0, "--rate", min=0, help="Live events a second; 0 = as fast as the broker takes them."
        ),
        as_json: bool = typer.Option(False, "--json", help="Print one JSON object instead of the summary."),
    ) -> None:
        """Run the whole main job on embedded servers: a history is observed, then live claims travel over the broker.

        Example: crible demo --json
        """
        load()  # a wrong setting is said before anything starts
        from streams import demo as job

        console = Console(stderr=True)
        columns = (
            TextColumn("{task.description:>24}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
            tasks: dict[str, object] = {}

            def tick(phase: str, done: int, total: int) -> None:
                if phase not in tasks:
                    tasks[phase] = progress.add_task(phase, total=total)
                progress.update(tasks[phase], completed=done, total=total)  # type: ignore[arg-type]

            report = job.run(job.DemoPlan(seed, Plan(claims=claims, days=days), rate), tick)
        if as_json:
            sys.stdout.buffer.write(
                orjson.dumps(report, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
            )
        else:
            show(report, Console())
        if report["lost"] or report["duplicated"]:
            raise typer.Exit(1)


def show(report: dict[str, object], console: Console) -> None:
    """The summary for a person."""
    facts: dict = report  # type: ignore[type-arg]
    console.print(
        f"\n[bold]{facts['claims']:,} live claims[/bold] with their liquidations and payments: {facts['events']:,} events, {facts['verdicts']:,} verdicts, lost {facts['lost']}, duplicated {facts['duplicated']}, dead letters {facts['dead_letters']}"
    )
    latency = facts["latency_ms"]
    console.print(
        f"answered in {latency['p50']} ms (median), {latency['p99']} ms (99 %), at {facts['events_per_second']} events a second\n"
    )
    money = Table("what happened to the money", "MAD")
    for name, amount in facts["money_by_decision"].items():
        money.add_row(name, f"{amount / 100:,.2f}")
    console.print(money)
    schemes = Table("simulated scheme", "claims", "held", "MAD", "MAD held", "share", "hours to first hold")
    for name, one in facts["schemes"].items():
        share = one["money_held"] / one["money"] if one["money"] else 0
        hours = "-" if one["hours_to_first_hold"] is None else f"{one['hours_to_first_hold']:g}"
        schemes.add_row(
            name,
            str(one["claims"]),
            str(one["held"]),
            f"{one['money'] / 100:,.0f}",
            f"{one['money_held'] / 100:,.0f}",
            f"{share:.0%}",
            hours,
        )
    console.print(schemes)
    looks = Table("honest look-alike", "claims", "held")
    for name, one in facts["lookalikes"].items():
        looks.add_row(name, str(one["claims"]), str(one["held"]))
    console.print(looks)
    console.print(
        f"of {facts['controls']} claims held for control, {facts['precision_of_holds']:.0%} were fraud; {facts['false_holds']} honest claims were held "
        f"({facts['false_hold_rate']:.2%}); {facts['money_recall']:.0%} of the frauds' money was held; {facts['alerts']} alerts"
    )
    if facts["cannot_check"]:
        console.print(
            "could not check, of live claims: "
            + ", ".join(f"{code} {share:.1%}" for code, share in facts["cannot_check"].items())
        )
    for example in facts["examples"]:
        console.print(
            f"\n[bold]{example['code']}[/bold] {example['claim_id']}\n  fr  {example['fr']}\n  en  {example['en']}"
        )
    console.print(
        "\nWhere to look next: [bold]crible screen --help[/bold] (your own event log), [bold]docs/consuming.md[/bold] (reading the verdicts), [bold]CONTRIBUTING.md[/bold] (adding a detector)"
    )

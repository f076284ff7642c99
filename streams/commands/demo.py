"""`crible demo`: everything embedded, from simulated claims to verdicts, with what it amounted to."""

from __future__ import annotations

import sys
from typing import Any

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
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
            tasks: dict[str, TaskID] = {}

            def tick(phase: str, done: int, total: int) -> None:
                if phase not in tasks:
                    tasks[phase] = progress.add_task(phase, total=total)
                progress.update(tasks[phase], completed=done, total=total)

            report = job.run(job.DemoPlan(seed, Plan(claims=claims, days=days), rate), tick)
        if as_json:
            sys.stdout.buffer.write(
                orjson.dumps(report, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
            )
        else:
            show(report, Console())
        if report["lost"] or report["duplicated"]:
            raise typer.Exit(1)


def show(facts: dict[str, Any], console: Console) -> None:
    """The summary for a person."""
    latency = facts["latency_ms"]
    console.print(
        f"\n[bold]{facts['claims']:,} live claims[/bold] with their liquidations and payments: "
        f"{facts['events']:,} events, {facts['verdicts']:,} verdicts, lost {facts['lost']}, "
        f"duplicated {facts['duplicated']}, dead letters {facts['dead_letters']}"
    )
    console.print(
        f"{facts['events_per_second']} events a second; sent one by one, an answer took {latency['p50']} ms "
        f"(median), {latency['p99']} ms (99 %)\n"
    )
    console.print(_money(facts["money_by_decision"]))
    console.print(_schemes(facts["schemes"]))
    looks = Table("honest look-alike", "claims", "held")
    for name, one in facts["lookalikes"].items():
        looks.add_row(name, str(one["claims"]), str(one["held"]))
    console.print(looks)
    console.print(
        f"of {facts['controls']} claims held for control, {facts['precision_of_holds']:.0%} were fraud; "
        f"{facts['false_holds']} honest claims were held ({facts['false_hold_rate']:.2%}); "
        f"{facts['money_recall']:.0%} of the frauds' money was held; {facts['alerts']} alerts"
    )
    if facts["cannot_check"]:
        shares = ", ".join(f"{code} {share:.1%}" for code, share in facts["cannot_check"].items())
        console.print(f"could not check, of live claims: {shares}")
    for example in facts["examples"]:
        console.print(f"\n[bold]{example['code']}[/bold] {example['claim_id']}")
        console.print(f"  fr  {example['fr']}\n  en  {example['en']}")
    console.print(
        "\nWhere to look next: [bold]crible screen --help[/bold] (your own event log), "
        "[bold]docs/consuming.md[/bold] (reading the verdicts), [bold]CONTRIBUTING.md[/bold] (adding a detector)"
    )


def _money(amounts: dict[str, int]) -> Table:
    table = Table("what happened to the money", "MAD")
    for name, amount in amounts.items():
        table.add_row(name, f"{amount / 100:,.2f}")
    return table


def _schemes(schemes: dict[str, dict[str, Any]]) -> Table:
    table = Table("simulated scheme", "claims", "held", "MAD", "MAD held", "share", "hours to first hold")
    for name, one in schemes.items():
        share = one["money_held"] / one["money"] if one["money"] else 0
        hours = "-" if one["hours_to_first_hold"] is None else f"{one['hours_to_first_hold']:g}"
        money = (f"{one['money'] / 100:,.0f}", f"{one['money_held'] / 100:,.0f}")
        table.add_row(name, str(one["claims"]), str(one["held"]), *money, f"{share:.0%}", hours)
    return table

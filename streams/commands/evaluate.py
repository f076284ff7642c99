"""`crible evaluate`: how good the detectors, the models and the score are where the truth is known."""

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
from streams.evaluation import pages, world_pages
from streams.evaluation.figures import Report
from streams.evaluation.summary import summary


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help="Measure what the screener finds.", no_args_is_help=True)
    app.add_typer(group, name="evaluate")

    @group.callback()
    def evaluate() -> None:
        """Measure what the screener finds."""

    _worlds(group)

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


def _worlds(group: typer.Typer) -> None:
    """Add the command that ranks builds on several worlds."""

    @group.command()
    def worlds(
        seeds: str = typer.Option(
            "1001-1005",
            "--seeds",
            help="First and last seed. From 1001 on they are worlds for reporting: drawn from more, "
            "with typologies that nothing is tuned on.",
        ),
        claims: int = typer.Option(50_000, "--claims", min=2_000, help="Dossiers in each world, about."),
        frauds: float = typer.Option(
            0.015, "--frauds", min=0.001, max=0.1, help="Share of them that is fraudulent, about."
        ),
        reviewed: float = typer.Option(
            0.01, "--reviewed", min=0.0, max=0.2, help="Share that controllers look at."
        ),
        delay: int = typer.Option(5, "--delay", min=0, max=90, help="Days until their outcome comes back."),
        wrong: float = typer.Option(
            0.0, "--wrong", min=0.0, max=0.5, help="Share of their outcomes that is wrong."
        ),
        as_shipped: bool = typer.Option(
            False, "--as-shipped", help="Under the policy of a new deployment: some detectors are in shadow."
        ),
        quick: bool = typer.Option(False, "--quick", help="One small world, to try it."),
        jobs: int = typer.Option(1, "--jobs", min=1, help="Worlds at a time, each in a process of its own."),
        as_json: bool = typer.Option(False, "--json", help="Print one JSON object instead of the tables."),
        html: Path | None = typer.Option(None, "--html", help="Write the report there, its plots inside."),
        markdown: Path | None = typer.Option(
            None, "--markdown", help="Write a page there, its plots as files beside it."
        ),
    ) -> None:
        """Simulate worlds, screen them with controllers whose outcomes come back, and rank their dossiers by several
        builds: rules, models, both, with and without learning, and the first idea that anyone would try.

        Exits with 1 when a target is not met. About 20 seconds of CPU with --quick, 4 minutes for a world of 50,000.

        Examples: crible evaluate worlds --quick | crible evaluate worlds --jobs 2 --html worlds.html |
        crible evaluate worlds --seeds 1-3 --wrong 0.1 --json > wrong.json
        """
        load()
        from streams.evaluation import worlds as job
        from streams.evaluation.reviewers import Capacity

        numbers = [job.FIRST_REPORT] if quick else _numbers(seeds)
        size = job.QUICK if quick else job.Size(claims=claims, frauds=frauds)
        capacity = Capacity(share=reviewed, days=delay, wrong=wrong)
        with counting("claims screened", size.claims * len(numbers)) as advance:
            told = summary(job.run(numbers, job.Job(size, capacity, as_shipped), jobs, advance))
        given = "--quick" if quick else f"--seeds {seeds} --claims {claims} --frauds {frauds:g}"
        more = f" --reviewed {reviewed:g} --delay {delay}" + (f" --wrong {wrong:g}" if wrong else "")
        more += " --as-shipped" if as_shipped else ""
        command = f"crible evaluate worlds {given}{more}"
        if html is not None:
            html.write_text(world_pages.html(told, command), encoding="utf-8")
        if markdown is not None:
            _write(markdown, told, command)
        if as_json:
            sys.stdout.buffer.write(
                orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
            )
        else:
            console = Console()
            console.print(world_pages.head(told))
            for title, head, rows in world_pages.tables(told):
                console.print(f"[bold]{title}[/bold]")
                console.print(_table(head, rows))
        if not all(one["met"] for one in told["targets"]):
            raise typer.Exit(1)


def _numbers(seeds: str) -> list[int]:
    first, dash, last = seeds.partition("-")
    try:
        found = list(range(int(first), int(last if dash else first) + 1))
    except ValueError:
        found = []
    if not found:
        raise typer.BadParameter(f"{seeds!r}: expected FIRST-LAST, as 1001-1005", param_hint="--seeds")
    return found


def _write(page: Path, told: Report, command: str) -> None:
    """The page, and its plots in the folder `plots` beside it."""
    plots = page.parent / "plots"
    plots.mkdir(parents=True, exist_ok=True)
    for name, drawn in world_pages.plots(told).items():
        (plots / f"{name}.svg").write_text(drawn, encoding="utf-8")
    page.write_text(world_pages.markdown(told, command), encoding="utf-8")


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

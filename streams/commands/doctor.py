"""`crible doctor`: a look at broker, Redis and files before traffic does."""

from __future__ import annotations

import os
import sys

import typer
from rich.console import Console

from streams.commands.progress import counting
from streams.config import load
from streams.conformance import report
from streams.conformance.suite import CHECKS, Result, run
from streams.doctor import examine, healthy, show, to_json


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def doctor(
        broker: str | None = typer.Option(
            None,
            "--broker",
            metavar="HOST:PORT[,...]",
            help="Put this Kafka cluster, and nothing else, to every check of what Crible needs; a minute or two.",
        ),
        as_json: bool = typer.Option(False, "--json", help="Print one JSON object on stdout."),
    ) -> None:
        """Check broker, topics, transactions, Redis and key file; exit code 1 where something is wrong.

        With --broker: works in topics, groups and transactions named `crible-doctor-...` and deletes them;
        security settings come from the file of CRIBLE_CONFIG. Exit code 2 where the cluster does not answer.

        Examples: CRIBLE_BROKERS=localhost:9092 crible doctor

        crible doctor --broker kafka-1:9092,kafka-2:9092 --json
        """
        good = _whole(as_json) if broker is None else _conformance(broker, as_json)
        if not good:
            raise typer.Exit(1)


def _whole(as_json: bool) -> bool:
    examined = examine(load())
    if as_json:
        _write(to_json(examined))
    else:
        show(examined, Console())
    return healthy(examined)


def _conformance(brokers: str, as_json: bool) -> bool:
    settings = load({**os.environ, "CRIBLE_BROKERS": brokers})
    results: list[Result] = []
    with counting(f"checking {brokers}", len(CHECKS)) as advance:

        def done(result: Result) -> None:
            results.append(result)
            advance(len(results))

        outcome = run(settings.client(), done=done)
    if as_json:
        _write(report.to_json(outcome, settings.brokers))
    else:
        report.show(outcome, settings.brokers, Console())
    return not outcome.failed


def _write(told: bytes) -> None:
    sys.stdout.buffer.write(told + b"\n")
    sys.stdout.buffer.flush()

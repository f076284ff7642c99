"""`crible screen`: an event log in, records out, no broker."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

import orjson
import typer
from rich.console import Console

from streams.commands.progress import counting
from streams.config import load
from streams.event_log import LogScreening, screen_log
from streams.tally import Tally


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def screen(
        file: Path = typer.Argument(..., help="Event log (JSON Lines), or - for stdin.", allow_dash=True),
        out: Path | None = typer.Option(
            None,
            "--out",
            "-o",
            help="Where the full record of each claim, liquidation and payment goes; default stdout.",
        ),
        dead_letters: Path | None = typer.Option(
            None, "--dead-letters", help="Where lines that could not be read go, with the reason."
        ),
        redis: str | None = typer.Option(
            None, "--redis", help="URL of a Redis to use and fill; default a private, empty one."
        ),
        batch_size: int = typer.Option(
            128, "--batch-size", min=1, max=256, help="Events in one step; the records do not depend on it."
        ),
        observe_only: bool = typer.Option(
            False, "--observe-only", help="Feed windows and models with history; decide and write nothing."
        ),
        as_json: bool = typer.Option(
            False, "--json", help="Print the summary as one JSON object on stdout (needs --out)."
        ),
    ) -> None:
        """Screen an event log: the same loop as the worker's, from a file.

        Example: crible screen log.jsonl --out verdicts.jsonl --dead-letters bad.jsonl
        """
        if as_json and out is None and not observe_only:
            raise typer.BadParameter(
                "--json needs --out: stdout cannot carry both the records and the summary"
            )
        settings = load()
        tally = Tally()
        with ExitStack() as stack:
            lines = stack.enter_context(_lines(file))
            records = stack.enter_context(_sink(out)) if not observe_only else None
            letters = stack.enter_context(dead_letters.open("wb")) if dead_letters else None
            advance = stack.enter_context(counting(f"screening {file}", None))
            job = LogScreening(settings, redis, str(file), batch_size, observe_only)
            screen_log(job, lines, tally.taking(records, letters), advance)
        if as_json:
            sys.stdout.buffer.write(
                orjson.dumps(tally.summary(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
            )
        else:
            tally.show(Console(stderr=True))


@contextmanager
def _lines(file: Path) -> Iterator[Iterator[bytes]]:
    if str(file) == "-":
        yield iter(sys.stdin.buffer)
        return
    with file.open("rb") as opened:
        yield iter(opened)


@contextmanager
def _sink(out: Path | None) -> Iterator[BinaryIO]:
    if out is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with out.open("wb") as opened:
        yield opened

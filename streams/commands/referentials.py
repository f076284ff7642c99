"""`crible referentials`: the payer's tables, checked and compared from files, loaded and shown from the broker."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import Any

import orjson
import typer

from detectors.loads.changes import compare
from schemas.referential import KEYS
from streams.commands.progress import counting
from streams.config import Settings, load
from streams.inspecting.pages import console
from streams.referentials import alerts, cnops, effected, events, files, pages, topic

TABLE = typer.Argument(..., metavar="TABLE", help="Name of the table, such as acts, drugs, rates, detectors.")
FILE = typer.Argument(..., help="CSV or JSON Lines; gzip or not.", exists=True, dir_okay=False)
FORMAT = typer.Option(
    None, "--format", "-f", metavar="FORMAT", help="csv, jsonl or cnops-2014; default by the file's name."
)
FIRST = typer.Option(20, "--first", min=1, help="How many of them are printed.")
JSON = typer.Option(False, "--json", help="Print one JSON object, with all of them.")
DAY = ["%Y-%m-%d"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    referentials = typer.Typer(help="Check, compare, load and show the payer's tables.", no_args_is_help=True)
    app.add_typer(referentials, name="referentials")

    @referentials.command()
    def check(
        table: str = TABLE,
        file: Path = FILE,
        format: str | None = FORMAT,
        broker: bool = typer.Option(
            False, "--broker", help="Check it also beside the tables in force: references and lost rows."
        ),
        first: int = FIRST,
        as_json: bool = JSON,
    ) -> None:
        """Check a table in a file: every bad row with its line. Exit code 1 where something is wrong.

        Example: crible referentials check drugs drugs.csv
        """
        source = _read(table, file, format)
        problems = list(source.problems)
        if broker and not problems:
            there = _standing(load())
            newest = there.book.in_force(table)
            terms = events.next_after(newest[0] if newest else None)
            problems = events.wrong_beside(events.event_of(source, terms, dt.datetime.now(dt.UTC)), there)
        told = pages.check_values(source, problems)
        if as_json:
            _print(told)
        else:
            pages.show_check(told, first, console())
        if problems:
            raise typer.Exit(1)

    @referentials.command()
    def diff(
        table: str = TABLE,
        file: Path = FILE,
        against: Path | None = typer.Option(
            None, "--against", help="File of the edition before; default the newest one on the broker."
        ),
        format: str | None = FORMAT,
        first: int = FIRST,
        as_json: bool = JSON,
    ) -> None:
        """Say what a table in a file changes: rows that come, go, or say something else. Loads nothing.

        Example: crible referentials diff rates rates-2027.csv --against rates-2026.csv
        """
        source = _good(table, file, format)
        if against is not None:
            name, before = str(against), [row for row in _good(table, against, None).typed if row is not None]
        else:
            newest = _standing(load()).book.in_force(table)
            name = f"edition {newest[0].edition}" if newest else "nothing: no edition is loaded"
            before = list(newest[0].rows) if newest else []
        changes = compare(table, before, [row for row in source.typed if row is not None])
        told = pages.diff_values(table, name, changes, source)
        if as_json:
            _print(told)
        else:
            pages.show_diff(told, first, console())

    @referentials.command(name="load")
    def load_table(
        table: str = TABLE,
        file: Path = FILE,
        edition: str | None = typer.Option(
            None, "--edition", "-e", help="Name of the edition, used once; cnops-2014 has one of its own."
        ),
        valid_from: dt.datetime | None = typer.Option(
            None, "--from", formats=DAY, help="First day of care on which it is in force."
        ),
        valid_to: dt.datetime | None = typer.Option(
            None, "--to", formats=DAY, help="Last day; default until another edition."
        ),
        format: str | None = FORMAT,
        organism: str = typer.Option("*", "--organism", help="Who publishes the table."),
        accept_loss: bool = typer.Option(
            False, "--accept-loss", help="It is meant that more than 5 % of the keys are gone."
        ),
        dry_run: bool = typer.Option(
            False, "--dry-run", help="Check it beside what is in force; send nothing."
        ),
        first: int = FIRST,
        as_json: bool = JSON,
    ) -> None:
        """Load a table: checked beside what is in force, then sent; workers take it up with their next batch.

        A table that is refused is not sent: what is in force stays, an alert goes out, exit code 1.

        One that is in force already is told again as it stands, which keeps it from growing stale.

        Examples: crible referentials load rates rates.csv --edition 2027-1 --from 2027-01-01

        crible referentials load drugs ref-des-medicaments-cnops-2014.csv.gz --format cnops-2014
        """
        settings = load()
        source = _read(table, file, format)
        terms = _terms(format, edition, valid_from, valid_to, organism, accept_loss)
        now = dt.datetime.now(dt.UTC)
        there = _standing(settings)
        event = events.event_of(source, terms, now)
        already = events.there_already(event, there)
        problems = source.problems or events.wrong_beside(event, there)
        told = pages.check_values(source, problems) | {"edition": terms.edition, "sent": None, "again": False}
        if problems:
            if not dry_run:
                alert = alerts.rejected(table, terms.edition, now, problems, source.lines)
                topic.send(settings, alert.topic, alert.key or b"", alert.value)
        elif not dry_run:  # one that is in force already is told again as it stands: its age begins anew
            place = topic.send(settings, *topic.message(already or event))
            told |= {"sent": f"{place[0]}/{place[1]}@{place[2]}", "again": already is not None}
        if as_json:
            _print(told)
        else:
            pages.show_check(told, first, console())
            print(pages.end(told, dry_run=dry_run))
        if problems:
            raise typer.Exit(1)

    @referentials.command(name="list")
    def list_loads(
        table: str | None = typer.Argument(None, metavar="[TABLE]", help="Only this table."),
        with_effects: bool = typer.Option(
            False, "--effects", help="Also from which offset of each partition they decided (asks Redis)."
        ),
        as_json: bool = JSON,
    ) -> None:
        """List the editions on the broker, in force or refused. Exit code 1 where a table's last load was refused.

        Example: crible referentials list --effects
        """
        settings = load()
        there = _standing(settings)
        told = [one for one in pages.list_values(there) if table in (None, one["table"])]
        found = effected.effects_of(settings) if with_effects else None
        if as_json:
            _print({"loads": told} | ({} if found is None else {"effects": found}))
        elif told:
            pages.show_list(told, console())
        else:
            print("no table is loaded")
        if found is not None and not as_json:
            effected.show_effects(found, console())
        if {one["table"] for one in told} & there.book.snapshot().stale:
            raise typer.Exit(1)

    @referentials.command()
    def show(
        table: str = TABLE,
        key: list[str] = typer.Argument(None, help="Values of the key columns, as far as wanted."),
        on: dt.datetime | None = typer.Option(
            None, "--on", formats=DAY, help="Day of care; default today where the payer lives."
        ),
        first: int = FIRST,
        as_json: bool = JSON,
    ) -> None:
        """Show the rows of a table in force on a day. Exit code 1 where there is none.

        Example: crible referentials show acts NGAP CS --on 2026-03-02
        """
        if table not in KEYS:
            raise files.Unreadable(f"table {table!r}: expected one of {', '.join(KEYS)}")
        held = _standing(load()).book.snapshot()
        day = on.date() if on else held.local_date(dt.datetime.now(dt.UTC))
        wanted = list(zip(KEYS[table], key or [], strict=False))
        rows = pages.row_values(
            row
            for row in held.all_rows(table, day)
            if all(str(getattr(row, name)) == text for name, text in wanted)
        )
        if as_json:
            _print({"table": table, "on": day.isoformat(), "rows": rows})
        elif rows:
            pages.show_rows(rows, first, console())
        if not rows:
            known = "no row of that key" if held.known(table, day) else "no edition"
            print(f"crible: {known} of {table} is in force on {day}", file=sys.stderr)
            raise typer.Exit(1)


def _read(table: str, file: Path, format: str | None) -> files.Source:
    if format not in (None, "csv", "jsonl", cnops.FORMAT):
        raise typer.BadParameter(f"--format {format}: expected csv, jsonl or {cnops.FORMAT}")
    return files.read(table, file, format)  # type: ignore[arg-type]


def _good(table: str, file: Path, format: str | None) -> files.Source:
    """A table whose rows can all be read. Raises Unreadable with the first that cannot."""
    source = _read(table, file, format)
    if source.problems:
        first = source.problems[0].told(source.lines)
        raise files.Unreadable(f"{file}: {first}; `crible referentials check {table} {file}` lists all")
    return source


def _standing(settings: Settings) -> topic.Standing:
    with counting(f"reading the tables of {settings.brokers}", None) as advance:
        return topic.standing(settings, advance)


def _terms(
    format: str | None,
    edition: str | None,
    valid_from: dt.datetime | None,
    valid_to: dt.datetime | None,
    organism: str,
    accept_loss: bool,
) -> events.Terms:
    official = format == cnops.FORMAT
    if not official and (edition is None or valid_from is None):
        raise typer.BadParameter("--edition and --from are needed: a verdict names the edition it rests on")
    first = valid_from.date() if valid_from else dt.date.fromisoformat(cnops.VALID_FROM)
    last = valid_to.date() if valid_to else None
    return events.Terms(edition or cnops.EDITION, first, last, organism, accept_loss)


def _print(values: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(values, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))

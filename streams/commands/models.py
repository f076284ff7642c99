"""`crible models`: what was learned, taken out as a file, put back, and taken back."""

from __future__ import annotations

import datetime as dt
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import orjson
import typer

from detectors.models.keys import SINGLE
from detectors.models.snapshot import ALONE, MOST_BYTES, SHARED, Snapshot, SnapshotError, pack, unpack
from state import Layout, Servers, Store
from state.survey import Pace, Walk
from streams import snapshots
from streams.commands.inspect import JSON, PER_SECOND, SMALL
from streams.commands.progress import counting
from streams.config import load
from streams.inspecting import models, sources
from streams.inspecting.pages import console

YES = typer.Option(False, "--yes", help="Do not ask.")
FILE = typer.Argument(..., metavar="FILE", help="A snapshot.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="List, show, export, import and roll back what was learned.", no_args_is_help=True
    )
    app.add_typer(group, name="models")

    @group.callback()
    def about() -> None:
        """List, show, export, import and roll back what was learned."""

    @group.command("list")
    def list_(
        walk: bool | None = typer.Option(
            None, "--walk/--no-walk", help="Count every record; by default in a state of up to 200,000 keys."
        ),
        per_second: float = PER_SECOND,
        as_json: bool = JSON,
    ) -> None:
        """The kinds of models: how many records, what the score has learned, when, and the last import.

        Example: crible models list
        """
        with _Opened() as state:
            keys = Walk(state.servers, Pace(per_second))
            total, names = keys.total(), None
            if walk or (walk is None and total <= SMALL):
                with counting("counting records", total) as advance:
                    names = models.found(keys, SHARED, advance)
            told = models.listed(state.store, state.servers, names)
        _tell(told) if as_json else models.show_list(told, console())

    @group.command()
    def show(
        kind: str = typer.Argument("fusion", help=f"One of {', '.join(SHARED)}."),
        entity: str = typer.Argument(SINGLE, help="Whose; of fusion, quantile and coverage there is one."),
        file: Path | None = typer.Option(None, "--file", help="Read this snapshot instead of Redis."),
        as_json: bool = JSON,
    ) -> None:
        """One record in words; without arguments the score's terms, their start weights and what reviews made of them.

        Examples: crible models show | crible models show --file before.snapshot | crible models show coverage
        """
        _known([kind])
        if file is not None:
            record = _read(file).records.get((kind, entity))
        else:
            with _Opened() as state:
                record = snapshots.read(state.store, [(kind, entity)]).get((kind, entity))
        if record is None:
            print(
                f"crible: there is no record of kind {kind} under this name: nothing was learned",
                file=sys.stderr,
            )
            raise typer.Exit(1)
        told = models.shown(record)
        if as_json:
            _tell({"kind": kind, "entity": entity, **told})
        else:
            models.show_record(kind, entity, told, console())

    @group.command()
    def export(
        file: Path = typer.Argument(..., metavar="FILE", help="Where to write the snapshot."),
        kind: list[str] = typer.Option([], "--kind", help="Only this kind (repeat it for several)."),
        force: bool = typer.Option(False, "--force", help="Replace the file where there is one."),
        per_second: float = PER_SECOND,
        as_json: bool = JSON,
    ) -> None:
        """Write a snapshot: one text file with a checksum. Nothing of a beneficiary is in it; INPE of providers are.

        Examples: crible models export all.snapshot | crible models export score.snapshot --kind fusion
        """
        wanted = _known(kind) or SHARED
        if file.exists() and not force:
            raise ValueError(f"{file} is there already: choose another name, or say --force")
        with _Opened() as state, ExitStack() as stack:
            names = [(one, SINGLE) for one in wanted if one in ALONE]
            if grouped := set(wanted) - ALONE:
                keys = Walk(state.servers, Pace(per_second))
                advance = stack.enter_context(counting("looking for records", keys.total()))
                names += models.found(keys, grouped, advance)
            records = snapshots.read(state.store, names)
        taken = Snapshot(dt.datetime.now(dt.UTC).replace(microsecond=0), records)
        written = pack(taken)
        part = file.with_name(file.name + ".part")
        part.write_bytes(written)
        part.replace(file)
        told = {"file": str(file), "bytes": len(written), "records": taken.counts()}
        if as_json:
            _tell(told)
        else:
            print(f"{file}: {models.counted(taken.counts())}; {len(written):,} bytes")

    @group.command("import")
    def import_(
        file: Path = FILE,
        dry_run: bool = typer.Option(
            False, "--dry-run", help="Verify, say what would change; change nothing."
        ),
        yes: bool = YES,
        as_json: bool = typer.Option(
            False, "--json", help="Print one JSON object (needs --yes or --dry-run)."
        ),
    ) -> None:
        """Verify a snapshot and put it in force; what it replaces is kept for `rollback`. Workers may go on.

        Records that it does not name stay as they are. A bad file is refused with what is wrong in it (exit code 2),
        and nothing changes.

        Examples: crible models import score.snapshot --dry-run | crible models import score.snapshot --yes
        """
        _may_ask(as_json, yes or dry_run)
        snapshot = _read(file)
        with _Opened() as state:
            told = models.changes(snapshot, snapshots.read(state.store, snapshot.records, mending=True))
            told["number"] = None
            if not as_json:
                models.show_changes(told, console())
            if not dry_run:
                if not yes:
                    typer.confirm("Put it in force?", abort=True)
                state.ready()
                told["number"] = snapshots.put(state.store, snapshot)
        if as_json:
            _tell(told)
        elif not dry_run:
            print(f"in force as import {told['number']}; `crible models rollback` goes back")

    @group.command()
    def rollback(
        yes: bool = YES,
        as_json: bool = typer.Option(False, "--json", help="Print one JSON object (needs --yes)."),
    ) -> None:
        """Put in force what stood before the last import. Again: bring the import back. Workers may go on.

        What was learned since is lost for these records: reviews are not learned twice.

        Example: crible models rollback
        """
        _may_ask(as_json, yes)
        with _Opened() as state:
            done = models.imported(snapshots.last(state.store))
            if done is not None and not yes:
                what = f"{done['number']} of {done['at']} ({models.counted(done['records'])})"
                typer.confirm(f"Go back to before import {what}?", abort=True)
            state.ready()
            number, pairs = snapshots.roll_back(state.store)
        counts = dict(Counter(kind for kind, _ in pairs))
        told = {"number": number, "goes_back_before": done["number"] if done else None, "records": counts}
        if as_json:
            _tell(told)
        else:
            print(f"as before import {told['goes_back_before']}: {models.counted(counts)} (import {number})")


class _Opened:
    """The configured Redis, closed at the end."""

    servers: Servers
    store: Store

    def __enter__(self) -> _Opened:
        settings = load()
        self.servers = sources.servers(settings)
        self.store = Store(settings.redis, tags=settings.tags)
        return self

    def ready(self) -> None:
        """Make the server ready for writing, also one that no worker has seen. Raises ConfigurationError."""
        known = sources.pseudonyms(load())
        self.store.check(Layout(pseudonyms=known.fingerprint() if known else None))

    def __exit__(self, *ended: object) -> None:
        self.store.close()
        self.servers.close()


def _known(kinds: list[str]) -> list[str]:
    for kind in kinds:
        if kind not in SHARED:
            raise typer.BadParameter(f"kind {kind!r}: expected one of {', '.join(SHARED)}")
    return kinds


def _read(file: Path) -> Snapshot:
    """A snapshot from its file. Raises OSError, SnapshotError."""
    with file.open("rb") as data:
        read = data.read(MOST_BYTES + 1)
    try:
        return unpack(read)
    except SnapshotError as error:
        raise SnapshotError(f"{file}: {error}") from error


def _may_ask(as_json: bool, answered: bool) -> None:
    if as_json and not answered:
        raise typer.BadParameter("--json needs --yes: nobody could be asked")


def _tell(values: dict[str, Any]) -> None:
    sys.stdout.buffer.write(
        orjson.dumps(values, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS)
    )

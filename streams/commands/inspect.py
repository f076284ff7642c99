"""`crible inspect`: what the state holds of one entity, for a person to read."""

from __future__ import annotations

import datetime as dt
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import orjson
import typer

from detectors.referentials import Referentials
from schemas.observation import day_number
from state.inspection import Inspection
from state.survey import Pace, Walk
from streams.commands.progress import counting
from streams.config import load
from streams.inspecting import operations, pages, people, practice, providers, sources, verdicts

SMALL = 200_000  # keys up to which a walk is not worth asking for

JSON = typer.Option(False, "--json", help="Print one JSON object.")
AS_OF = typer.Option(
    None, "--as-of", formats=["%Y-%m-%d"], help="Last day of the windows; default the newest day there is."
)
LATEST = typer.Option(20, "--latest", min=0, help="How many of the last verdicts are shown.")
LOG = typer.Option(
    None,
    "--log",
    help="Event log to read registries and policies from; default the broker, where one answers.",
)
WALK = typer.Option(
    None,
    "--walk/--no-walk",
    help="Count from every care log, and find the last verdicts; by default in a state of up to 200,000 keys.",
)
PER_SECOND = typer.Option(
    20_000, "--per-second", min=0, help="Most keys a second while walking; 0 = no limit."
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    inspect = typer.Typer(help="Show what the state holds of one entity.", no_args_is_help=True)
    app.add_typer(inspect, name="inspect")

    @inspect.command()
    def beneficiary(
        who: str = typer.Argument(
            ..., metavar="ID", help="Identifier as it comes in messages, or its pseudonym."
        ),
        as_of: dt.datetime | None = AS_OF,
        latest: int = LATEST,
        as_json: bool = JSON,
    ) -> None:
        """Registry entry, log, windows, counters of care, facts, open holds, model and last verdicts of a person.

        Example: crible inspect beneficiary B-1001 --as-of 2026-03-31
        """
        settings = load()
        known = sources.pseudonyms(settings)
        with _open() as state:
            told = people.beneficiary(state, known(who) if known else who, _day(as_of), latest)
        _tell("beneficiary", who, told, "nothing is kept of this beneficiary", as_json)

    @inspect.command()
    def verdict(
        name: str = typer.Argument(..., metavar="ID", help="Verdict id (V-...-1) or event id."),
        log: Path | None = LOG,
        as_json: bool = JSON,
    ) -> None:
        """All revisions of an event's verdict: reasons, terms of the score, models, and whether it is decided alike.

        Example: crible inspect verdict V-E-1001-1
        """
        with _open() as state:
            told = verdicts.verdict(state, name, None)
            if told is not None and any(
                one["decides_alike"].startswith("cannot") for one in told["revisions"]
            ):
                told = verdicts.verdict(state, name, _referentials(log))
        _tell("verdict", name, told, "no verdict is kept of this event", as_json)
        if told is not None and any(one["decides_alike"] == "no" for one in told["revisions"]):
            raise typer.Exit(1)

    for what in providers.ROLES_OF:
        inspect.command(what, help=_HELP[what])(_actor(what))


def _actor(what: str) -> Any:
    def command(
        name: str = typer.Argument(..., metavar="ID", help="INPE, or the id of a network or liquidator."),
        as_of: dt.datetime | None = AS_OF,
        latest: int = LATEST,
        log: Path | None = LOG,
        walk: bool | None = WALK,
        per_second: float = PER_SECOND,
        as_json: bool = JSON,
    ) -> None:
        with ExitStack() as stack:
            state = stack.enter_context(_open())
            referentials = _referentials(log)
            told = providers.actor(state, what, name, _day(as_of), referentials)
            if told is not None:
                told["practice"] = told["operations"] = None
                keys = Walk(state.servers, Pace(per_second))
                total = keys.total()
                if walk or (walk is None and total <= SMALL):
                    advance = stack.enter_context(counting("walking the logs", total))
                    if what == "liquidator":
                        told["operations"] = operations.told(
                            operations.gather(state, keys, name, latest, advance)
                        )
                    else:
                        found = practice.gather(state, keys, name, latest, advance)
                        told["practice"] = practice.told(found, state, _day(as_of), referentials)
        _tell(what, name, told, f"no window is kept for this {what}", as_json)

    return command


_HELP = {
    "provider": "What somebody bills and prescribes: windows, day sheets, patients, peers, model, counters.\n\n"
    "Example: crible inspect provider 104512345",
    "establishment": "An establishment's windows, day sheets, patients, peers, model, counters of care.\n\n"
    "Example: crible inspect establishment 301234567 --json",
    "prescriber": "What somebody prescribes: windows, and counters by care group, executor, type and sector of "
    "establishment.\n\nExample: crible inspect prescriber 104512345 --log log.jsonl",
    "liquidator": "A liquidator's windows, and what was done: steps, files, controls and overrides.\n\n"
    "Example: crible inspect liquidator L-7 --latest 50",
    "network": "A network's windows.\n\nExample: crible inspect network N-3",
}


def _open() -> _Opened:
    return _Opened()


class _Opened:
    """An inspection of the configured Redis, closed at the end."""

    def __enter__(self) -> Inspection:
        self._servers = sources.servers(load())
        return Inspection(self._servers)

    def __exit__(self, *ended: object) -> None:
        self._servers.close()


def _referentials(log: Path | None) -> Referentials | None:
    settings = load()
    return sources.from_log(log, settings) if log is not None else sources.from_broker(settings)


def _day(as_of: dt.datetime | None) -> int | None:
    return None if as_of is None else day_number(as_of.date())


def _tell(kind: str, name: str, told: dict[str, Any] | None, nothing: str, as_json: bool) -> None:
    if told is None:
        print(f"crible: {nothing}", file=sys.stderr)
        raise typer.Exit(1)
    said = {"kind": kind, "id": name, **told}
    if as_json:
        options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS
        sys.stdout.buffer.write(orjson.dumps(said, option=options))
    else:
        pages.show(said, pages.console())

"""`crible state`: checks and repairs of what Redis holds, by hand and on purpose."""

from __future__ import annotations

import datetime as dt
import sys
from typing import Any

import orjson
import typer
from rich.console import Console

from schemas.observation import day_number
from schemas.topics import SCREENING_INPUTS
from state import Store
from state.checkup import Checkup
from state.erasure import Answered, Erasure
from state.survey import Pace
from streams import erasing
from streams.commands.progress import counting
from streams.config import load
from streams.inspecting import checking
from streams.inspecting.sources import pseudonyms
from streams.inspecting.sources import servers as opened
from streams.positions import Settler
from streams.stored_readers import readers
from streams.topics import Topics


def register(app: typer.Typer) -> None:
    """Add the commands."""
    state = typer.Typer(help="Check and repair what Redis holds.", no_args_is_help=True)
    app.add_typer(state, name="state")

    @state.callback()
    def group() -> None:
        """Check and repair what Redis holds."""

    @state.command("adopt-log")
    def adopt_log(
        where: str = typer.Argument(..., metavar="TOPIC:PARTITION"),
        after: int = typer.Option(
            ..., "--after", help="Offset after which screening goes on; what lies before counts as applied."
        ),
    ) -> None:
        """Accept that a partition's log is not the one Redis knew (a topic made anew, a broker that lost its tail).

        Windows keep what they counted; events that were lost with the log stay counted.

        Example: crible state adopt-log claims:3 --after 120455
        """
        topic, _, number = where.rpartition(":")
        if not topic or not number.isdigit():
            raise typer.BadParameter(f"{where!r}: expected TOPIC:PARTITION, such as claims:3")
        if topic not in SCREENING_INPUTS:
            raise typer.BadParameter(f"{topic} is not screened: one of {', '.join(SCREENING_INPUTS)}")
        settings = load()
        opened(settings).close()
        topics = Topics(settings.client())
        if int(number) >= (count := topics.partitions()):
            raise typer.BadParameter(
                f"{where}: the topics that are screened have {count} partitions, from 0 on"
            )
        store = Store(settings.redis, tags=settings.tags)
        name = Settler(store, settings.client(), topics.ids([topic])).input_name(topic, int(number))
        store.adopt(name, after)
        print(f"{name}: screening goes on after offset {after}")

    @state.command()
    def check(
        per_second: float = typer.Option(
            20_000, "--per-second", min=0, help="Most keys read a second; 0 = no limit."
        ),
        with_keys: bool = typer.Option(
            False, "--keys", help="Show whole keys: those of people bear their pseudonyms."
        ),
        as_json: bool = typer.Option(False, "--json", help="Print one JSON object."),
    ) -> None:
        """Walk over everything in Redis and report what is damaged, unknown, misplaced or orphaned. Changes nothing.

        Exit code 1 where something is wrong. Safe beside running workers: what looks wrong is looked at twice.

        Example: crible state check --per-second 5000
        """
        settings = load()
        servers = opened(settings)
        checkup = Checkup(servers, readers(), day_number(dt.date.today()), Pace(per_second))
        with counting("checking the state", checkup.total()) as advance:
            report = checkup.run(advance)
        servers.close()
        if as_json:
            _print(checking.values(report, with_keys=with_keys))
        else:
            checking.show(report, Console(), with_keys=with_keys)
        if report.problems:
            raise typer.Exit(1)

    forget = typer.Typer(help="Remove what Redis holds of somebody.", no_args_is_help=True)
    state.add_typer(forget, name="forget")

    @forget.callback()
    def forgetting() -> None:
        """Remove what Redis holds of somebody."""

    @forget.command("beneficiary")
    def forget_beneficiary(
        who: str = typer.Argument(
            ..., metavar="ID", help="Identifier as it comes in messages, or its pseudonym."
        ),
        dry_run: bool = typer.Option(False, "--dry-run", help="Say what would be removed; change nothing."),
        yes: bool = typer.Option(False, "--yes", help="Do not ask."),
        seconds: float = typer.Option(
            15.0, "--wait", min=0, help="Seconds to wait for answers that are not out yet."
        ),
        workers_stopped: bool = typer.Option(
            False,
            "--workers-stopped",
            help="All workers were drained and stopped: the broker is not asked which answers are out.",
        ),
        per_second: float = typer.Option(
            20_000, "--per-second", min=0, help="Most keys read a second; 0 = no limit."
        ),
        as_json: bool = typer.Option(
            False, "--json", help="Print one JSON object (needs --yes or --dry-run)."
        ),
    ) -> None:
        """Erase one person's state. Everybody else's counters stay as they are; workers may go on.

        An event is erased once its answer is out; one under way is waited for. Exit code 1 where some are left.

        Example: crible state forget beneficiary B-1001 --dry-run
        """
        if as_json and not (yes or dry_run):
            raise typer.BadParameter("--json needs --yes or --dry-run: nobody could be asked")
        settings = load()
        known = pseudonyms(settings)
        person = known(who) if known else who
        servers = opened(settings)
        erasure = Erasure(servers, Pace(per_second))

        def out() -> Answered:
            return erasing.answered(erasure, settings, workers_stopped=workers_stopped)

        with counting("looking for the person", erasure.total()) as advance:
            plan = erasure.plan(person, out(), advance)
        left, done = plan, False
        if not as_json:
            checking.show_plan(plan, Console())
        if not dry_run and (not plan.empty or plan.waiting):
            if not yes:
                typer.confirm("Remove this for good?", abort=True)
            with counting("erasing", erasure.total()) as advance:
                left = erasing.erase(erasure, person, out, seconds, advance)
            done = True
        servers.close()
        remains = erasing.remains(plan, settings.verdict_days)
        if as_json:
            _print(checking.plan_values(plan) | {"erased": done, "waiting": left.waiting, "remains": remains})
        else:
            checking.show_end(left, remains, Console(), done=done)
        if done and (left.waiting or not left.empty):
            raise typer.Exit(1)


def _print(values: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(values, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))

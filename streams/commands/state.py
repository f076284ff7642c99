"""`crible state`: repairs of what Redis holds, by hand and on purpose."""

from __future__ import annotations

import typer

from state import Store
from streams.config import load
from streams.positions import Settler
from streams.topics import Topics


def register(app: typer.Typer) -> None:
    """Add the commands."""
    state = typer.Typer(help="Repair what Redis holds.", no_args_is_help=True)
    app.add_typer(state, name="state")

    @state.callback()
    def group() -> None:
        """Repair what Redis holds."""

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
        settings = load()
        store = Store(settings.redis, tags=settings.tags)
        name = Settler(store, settings.client(), Topics(settings.client()).ids([topic])).input_name(
            topic, int(number)
        )
        store.adopt(name, after)
        print(f"{name}: screening goes on after offset {after}")

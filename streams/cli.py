"""The command `crible`: one command a job, errors in one line, exit codes a script can rely on.

0 = done; 1 = the job ran and found something wrong; 2 = it could not run (wrong option, setting, server or
file).
"""

from __future__ import annotations

import logging
import sys
from importlib.metadata import version as distribution_version

import typer
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import RedisError

from monitoring.metrics import PortError
from schemas.pseudonym import PseudonymKeyError
from state import StateError
from streams.broker import BrokerError
from streams.commands import (
    contract,
    demo,
    detectors,
    doctor,
    evaluate,
    imports,
    inspect,
    models,
    referentials,
    screen,
    simulate,
    topics,
    worker,
)
from streams.commands import state as state_commands
from streams.config import SettingsError
from streams.topics import BrokerAway

EXIT_CANNOT = 2
EXIT_INTERRUPTED = 130  # as a shell says it of SIGINT
EXPECTED = (
    SettingsError,
    StateError,
    PortError,
    PseudonymKeyError,
    BrokerAway,
    BrokerError,
    RedisError,
    OSError,
    ValueError,
    RuntimeError,
)

app = typer.Typer(
    name="crible",
    help="Screens health-insurance claims as they arrive: hold or release, and why, before the money leaves.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def common(
    context: typer.Context,
    verbose: bool = typer.Option(False, "--verbose", "-v", help="Say more on stderr."),
    version: bool = typer.Option(False, "--version", help="Print the version and leave."),
) -> None:
    """Options common to all commands."""
    if version:
        print(f"crible {distribution_version('crible')}")
        raise typer.Exit
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    if not verbose:
        for noisy in ("faust", "mode"):
            logging.getLogger(noisy).setLevel(logging.ERROR)
        # It repeats every failed connection many times a second; the loops say once that the broker is away.
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


demo.register(app)
worker.register(app)
screen.register(app)
simulate.register(app)
imports.register(app)
topics.register(app)
doctor.register(app)
referentials.register(app)
state_commands.register(app)
inspect.register(app)
models.register(app)
detectors.register(app)
evaluate.register(app)
contract.register(app)


def main() -> None:
    """Entry point: runs a command; what can be expected to go wrong becomes one line and exit code 2."""
    try:
        app()
    except SystemExit as leaving:
        if leaving.code == EXIT_INTERRUPTED:
            print("crible: interrupted", file=sys.stderr)
        raise
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output left: nothing to say, and nobody to say it to
        sys.exit(0)
    except RedisAway as error:
        print(f"crible: no Redis answers ({error}): start it, or set CRIBLE_REDIS", file=sys.stderr)
        sys.exit(EXIT_CANNOT)
    except EXPECTED as error:
        if logging.getLogger().isEnabledFor(logging.INFO):
            raise
        print(f"crible: {error}", file=sys.stderr)
        sys.exit(EXIT_CANNOT)


if __name__ == "__main__":
    main()

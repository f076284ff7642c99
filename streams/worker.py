"""One worker: the Faust worker as host of the screening loop, the folding loops and the control agents.

Faust keeps the lifecycle, the signals and the control plane; the hot path runs in threads of its own, because
a Faust agent with a send does 2.4k events/s and its `exactly_once` is not transactional at all.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

import faust
from mode import Service

from state.scratch import Scratch
from streams.assembly import Assembly, assemble
from streams.config import Settings
from streams.control_agents import add_agents
from streams.control_transport import rest_between_fetches

log = logging.getLogger("crible.worker")

EXIT_OK, EXIT_FAILED = 0, 1


class Loops(Service):
    """The threads of the hot path, as one service of the Faust worker: started with it, drained when it
    stops.
    """

    def __init__(
        self, assembly: Assembly, told: threading.Event, on_failure: Callable[[], None], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._assembly, self._told, self._on_failure = assembly, told, on_failure
        self._threads: list[threading.Thread] = []
        self._stop = threading.Event()

    async def on_start(self) -> None:
        """Start every loop in its thread."""
        if self._told.is_set():  # a signal that came before Faust listened to them
            os.kill(os.getpid(), signal.SIGTERM)
            return
        for name, run in self._assembly.loops().items():
            thread = threading.Thread(target=self._guard, args=(name, run), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    async def on_stop(self) -> None:
        """Let the batches under way finish: what was read is answered or left uncommitted, never half."""
        self._stop.set()
        deadline = self._assembly.settings.drain_seconds
        for thread in self._threads:
            await asyncio.to_thread(thread.join, deadline)
            if thread.is_alive():
                log.error(
                    "%s did not drain within %d s: leaving, its batch will be read again",
                    thread.name,
                    deadline,
                )
                os._exit(EXIT_FAILED)

    def _guard(self, name: str, run: Callable[[threading.Event], None]) -> None:
        try:
            run(self._stop)
        except BaseException as error:
            log.critical("%s stopped: %s", name, error, exc_info=not isinstance(error, SystemExit))
            self._on_failure()


def run(settings: Settings, *, observe_only: bool = False) -> int:
    """Run a worker until SIGTERM or SIGINT; returns the exit code.

    `observe_only`: it loads history and answers nothing, says `caught up` once nothing more comes, and leaves
    reviews to a worker that answers.

    Raises what makes starting pointless: wrong settings, a Redis or topics that do not fit (each names the
    fix).
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):  # until Faust puts its own handlers in their place
        signal.signal(number, lambda *_: stop.set())
    assembly = assemble(settings, stop, on_ready=_ready, on_caught_up=_caught_up if observe_only else None)
    if assembly is None:
        return EXIT_OK  # told to stop while still waiting for Redis or the broker
    failed = threading.Event()

    def fail() -> None:
        failed.set()
        os.kill(os.getpid(), signal.SIGTERM)

    # A group of its own: a static member that comes back with fewer topics is handed those it no longer reads.
    control = "observing" if observe_only else "control"
    with Scratch("faust") as scratch:
        app = faust.App(
            f"{settings.group}-{control}",
            broker=[f"kafka://{broker}" for broker in settings.brokers.split(",")],
            datadir=str(scratch),
            autodiscover=False,
            web_enabled=False,
            topic_disable_leader=True,
            topic_allow_declare=False,
            stream_wait_empty=False,
            consumer_auto_offset_reset="earliest",
            consumer_group_instance_id=f"{settings.worker_id}-{control}",
        )
        rest_between_fetches(app)
        add_agents(app, assembly, answers=not observe_only)
        app.task(_starter(app, Loops(assembly, stop, fail)))
        worker = faust.Worker(app, override_logging=False, redirect_stdouts=False, quiet=True)
        worker.spinner = None  # its control codes would stand before the one line that scripts wait for
        try:
            worker.execute_from_commandline()
        except SystemExit as leaving:
            if leaving.code not in (None, 0):
                failed.set()
        finally:
            assembly.close()
    return EXIT_FAILED if failed.is_set() else EXIT_OK


def _starter(app: faust.App, loops: Loops) -> Callable[[], Any]:
    async def start_loops() -> None:
        await app.add_runtime_dependency(loops)

    return start_loops


def _ready() -> None:
    print("ready", file=sys.stderr, flush=True)


def _caught_up() -> None:
    print("caught up", file=sys.stderr, flush=True)

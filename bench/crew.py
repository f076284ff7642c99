"""The workers of a deployment and their supervisor: who exits is started again, and counted."""

from __future__ import annotations

import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.support.ordered_worker import ORDERS
from tests.support.worker import Worker

AGAIN_S = 0.3  # between an exit and the next start
READY_S = 300.0


class Stuck(AssertionError):
    """Something that must happen did not, in a time that is generous on a slow machine."""


class Crew:
    """Workers by name. To be used from one thread only: a worker is killed when the thread that started it ends."""

    def __init__(
        self,
        settings: Mapping[str, str],
        folder: Path,
        names: Sequence[str],
        module: str = "tests.support.ordered_worker",
    ) -> None:
        self._settings, self._folder, self._module = settings, folder, module
        self._orders = folder / "orders"
        self._orders.mkdir(exist_ok=True)
        self._names = list(names)
        self._workers: dict[str, Worker] = {}
        self._resting: set[str] = set()
        self._again: dict[str, float] = {}
        self.exits: Counter[int] = Counter()
        """Exits that nobody asked for, by code; minus the number of a signal."""

    @property
    def names(self) -> list[str]:
        """Who is at work, the owner of a single partition first (the broker assigns by name)."""
        return sorted(name for name, worker in self._workers.items() if worker.process.poll() is None)

    def start(self) -> None:
        """Start everybody and wait until one is ready: with one partition, the others have nothing to be ready for."""
        for name in self._names:
            self.hire(name)
        self.wait(lambda: any(worker.is_ready() for worker in self._workers.values()), "a worker is ready")

    def hire(self, name: str) -> None:
        """Start a worker, for good or until `dismiss`."""
        self._resting.discard(name)
        settings = {**self._settings, "CRIBLE_WORKER_ID": name, "ORDERS": str(self._orders)}
        self._workers[name] = Worker(settings, self._folder, module=self._module, name=name)

    def tend(self) -> None:
        """Start again who has exited."""
        now = time.monotonic()
        for name, worker in list(self._workers.items()):
            code = worker.process.poll()
            if code is None or name in self._resting:
                continue
            if name not in self._again:
                self.exits[code] += 1
                self._again[name] = now + AGAIN_S
            elif now > self._again[name]:
                del self._again[name]
                self.hire(name)

    def wait(self, done: Callable[[], bool], what: str, seconds: float = READY_S) -> None:
        """Tend the workers until something is so. Raises Stuck where it takes too long."""
        deadline = time.monotonic() + seconds
        while not done():
            if time.monotonic() > deadline:
                raise Stuck(f"not within {seconds:.0f} s: {what}\n{self.said()}")
            self.tend()
            time.sleep(0.03)

    def work(self, seconds: float) -> None:
        """Tend the workers for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.tend()
            time.sleep(0.03)

    def is_ready(self, name: str) -> bool:
        """Whether this one has partitions and knows where they start."""
        return self._workers[name].is_ready()

    def kill(self, name: str) -> None:
        """SIGKILL; the supervisor starts it again."""
        self._workers[name].kill()
        self._again[name] = time.monotonic()  # ours: not counted

    def dismiss(self, name: str) -> int:
        """SIGTERM, and stay away; the exit code."""
        self._resting.add(name)
        return self._ended(name)

    def restart(self, name: str) -> int:
        """SIGTERM, then a new one; the exit code."""
        code = self._ended(name)
        self.hire(name)
        return code

    def pause(self, name: str) -> None:
        """SIGSTOP."""
        self._workers[name].pause()

    def wake(self, name: str) -> None:
        """SIGCONT."""
        self._workers[name].wake()

    def order(self, name: str, order: str) -> Path:
        """Give an order; the path of its file, which is gone once it is taken."""
        assert order in ORDERS, order
        path = self._orders / f"{name}.{order}"
        path.touch()
        return path

    def withdraw(self) -> None:
        """Take back what was ordered and not done."""
        for path in self._orders.iterdir():
            path.unlink(missing_ok=True)

    def said(self, lines: int = 12) -> str:
        """The last lines of each."""
        tails = {name: worker.said().splitlines()[-lines:] for name, worker in self._workers.items()}
        return "\n".join(f"--- {name}\n" + "\n".join(tail) for name, tail in tails.items())

    def heard(self, text: str) -> bool:
        """Whether one of them, in its present life, has said this."""
        return any(text in worker.said() for worker in self._workers.values())

    def stop(self) -> None:
        """SIGTERM for all, SIGKILL for who does not go."""
        for worker in self._workers.values():
            if worker.process.poll() is None:
                worker.wake()
                worker.process.terminate()
        for worker in self._workers.values():
            try:
                worker.process.wait(40)
            except subprocess.TimeoutExpired:
                worker.kill()

    def kill_all(self) -> None:
        """SIGKILL for all."""
        for worker in self._workers.values():
            worker.kill()

    def _ended(self, name: str) -> int:
        try:
            return self._workers[name].terminate(60.0)
        except subprocess.TimeoutExpired:
            self._workers[name].kill()
            return -signal.SIGKILL

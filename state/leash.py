"""A server process that never outlives us: it ends with its owner, whatever ends the owner.

Between the owner and the server stands a small keeper, this very file run as a script. It holds the reading
end of a pipe: when the owner closes it, exits or is killed, the keeper stops the server and removes its
directory. On Linux the kernel kills the server as well if the keeper itself is killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

GRACE_S = 10.0  # between SIGTERM and SIGKILL
PR_SET_PDEATHSIG = 1  # prctl(2)
LOG = "server.log"
AGAIN = b"a"  # from the owner: start the server once more


class Leash:
    """A running server: `directory` is its working directory and holds `server.log`, its output.

    `keep` leaves the directory in place at the end; `environment` None = the owner's. Raises OSError where the
    keeper cannot be started and ChildProcessError, with the reason, where the server cannot.
    """

    def __init__(
        self,
        command: Sequence[str],
        directory: Path,
        *,
        keep: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.directory = directory
        self._command = command
        directory.mkdir(parents=True, exist_ok=True)
        self._keeper = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, str(os.getpid()), "keep" if keep else "remove", *command],
            cwd=directory,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # `alive` looks at the pipe itself: nothing may wait in a buffer
            start_new_session=True,  # Ctrl-C reaches the owner alone, who ends the server in good order
        )
        self.pid = self._answered()

    def alive(self) -> bool:
        """Whether the server itself still runs."""
        assert self._keeper.stdout is not None
        return self._keeper.poll() is None and not select.select([self._keeper.stdout], [], [], 0)[0]

    def output(self, lines: int = 10) -> str:
        """The last lines that the server printed, for an error message."""
        with contextlib.suppress(OSError):
            return "\n".join((self.directory / LOG).read_text(errors="replace").splitlines()[-lines:])
        return ""

    def kill(self) -> None:
        """End the server as a power cut would (SIGKILL); the directory stays until `stop`."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        assert self._keeper.stdout is not None
        select.select([self._keeper.stdout], [], [], GRACE_S)

    def again(self) -> None:
        """Start the same command once more in the same directory, after `kill` or an end of its own.

        Raises ChildProcessError where it cannot be started.
        """
        assert self._keeper.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._keeper.stdin.write(AGAIN)
        self.pid = self._answered()

    def stop(self) -> None:
        """End the server in good order and wait until it and its directory are gone. Idempotent."""
        assert self._keeper.stdin is not None
        assert self._keeper.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._keeper.stdin.close()
        self._keeper.wait()
        self._keeper.stdout.close()

    def _answered(self) -> int:
        """The pid that the keeper names next."""
        assert self._keeper.stdout is not None
        answer = "ended"
        while answer.startswith("ended"):  # what was said of the server before
            answer = self._keeper.stdout.readline().decode().strip()
        if not answer.isdigit():
            self.stop()
            raise ChildProcessError(f"{self._command[0]} did not start: {answer or 'no answer'}")
        return int(answer)


def _die_with_keeper() -> None:
    """In the new process, before the server's program: ask the kernel for SIGKILL when the keeper dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _launch(command: Sequence[str]) -> subprocess.Popen[bytes] | None:
    try:
        with open(LOG, "ab") as log:
            server = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_die_with_keeper
            )
    except OSError as error:
        print(error, flush=True)
        return None
    print(server.pid, flush=True)
    return server


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def keep(owner: int, remove: bool, command: Sequence[str]) -> None:
    """Run the server until the pipe on stdin closes or `owner` is no longer the parent; then clean up."""
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    server = _launch(command)
    told = False
    # A child that the owner forked may hold the pipe open after its death: the parent's id tells then.
    while server is not None and os.getppid() == owner:
        ready, _, _ = select.select([0, wake_read], [], [], 1.0)
        if wake_read in ready and signal.SIGTERM in os.read(wake_read, 64):
            break
        if 0 in ready:
            if not os.read(0, len(AGAIN)):
                break
            _end(server)
            server, told = _launch(command), False
        elif not told and server.poll() is not None:
            print("ended", server.returncode, flush=True)
            told = True
    if server is not None:
        _end(server)
    if remove:
        shutil.rmtree(os.getcwd(), ignore_errors=True)


if __name__ == "__main__":
    keep(int(sys.argv[1]), sys.argv[2] == "remove", sys.argv[3:])

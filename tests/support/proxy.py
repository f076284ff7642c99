"""A TCP proxy on loopback: it can cut a connection in the middle of a reply, stall, and change what is behind it."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self

from state.loopback import HOST

CHUNK = 65_536


class Proxy:
    """Context manager: passes connections to `port` on to the server at `upstream`."""

    def __init__(self, upstream: int) -> None:
        self.upstream = upstream
        self.cuts = 0
        """Connections cut so far."""
        self._flowing = threading.Event()
        self._flowing.set()
        self._left: int | None = None  # bytes of replies until the cut; None: none is wanted
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._flowing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop()

    def cut_after(self, count: int) -> None:
        """Cut whichever connection carries the byte of a reply that comes after `count` more."""
        with self._lock:
            self._left = count

    def stall(self) -> None:
        """Hold everything back until `flow`."""
        self._flowing.clear()

    def flow(self) -> None:
        """Let everything pass again."""
        self._flowing.set()

    def drop(self) -> None:
        """Close all connections; new ones go to `upstream` as it is then."""
        with self._lock:
            doomed, self._open = self._open, set()
        for one in doomed:
            _close(one)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection((HOST, self.upstream), timeout=5)
            except OSError:
                _close(client)
                continue
            server.settimeout(None)
            with self._lock:
                self._open |= {client, server}
            for source, target, reply in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._pass, args=(source, target, reply), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, reply: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                self._flowing.wait()
                if reply and (kept := self._until_cut(len(data))) is not None:
                    target.sendall(data[:kept])
                    break
                target.sendall(data)
        with self._lock:
            self._open -= {source, target}
        _close(source)
        _close(target)

    def _until_cut(self, size: int) -> int | None:
        """How much of a reply is let through before the cut; None where it is not cut."""
        with self._lock:
            if self._left is None:
                return None
            if self._left >= size:
                self._left -= size
                return None
            kept, self._left = self._left, None
            self.cuts += 1
            return kept


def _close(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()

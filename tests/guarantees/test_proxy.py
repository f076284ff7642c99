"""The proxy that faults of the network are made with cuts where it is told to."""

from __future__ import annotations

import socket
import time

import pytest

from state import EmbeddedRedis
from state.loopback import HOST
from tests.support.proxy import Proxy

PING, PONG = b"PING\r\n", b"+PONG\r\n"


def _read(connection: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count and (more := connection.recv(count - len(found))):
        found += more
    return found


def test_a_reply_is_cut_after_so_many_bytes_and_the_next_connection_is_whole() -> None:
    with EmbeddedRedis() as server, Proxy(server.port) as proxy:
        with socket.create_connection((HOST, proxy.port), timeout=20) as first:
            first.sendall(PING)
            assert _read(first, len(PONG)) == PONG
            proxy.cut_after(len(PONG) + 3)
            first.sendall(PING)
            assert _read(first, len(PONG)) == PONG
            first.sendall(PING)
            assert _read(first, len(PONG)) == PONG[:3]  # and then its end
        assert proxy.cuts == 1
        with socket.create_connection((HOST, proxy.port), timeout=20) as second:
            second.sendall(PING)
            assert _read(second, len(PONG)) == PONG


def test_a_stalled_link_holds_back_and_a_dropped_one_finds_the_new_server() -> None:
    with EmbeddedRedis() as server, EmbeddedRedis() as other, Proxy(server.port) as proxy:
        with socket.create_connection((HOST, proxy.port), timeout=20) as one:
            proxy.stall()
            one.sendall(PING)
            one.settimeout(0.3)
            with pytest.raises(TimeoutError):
                one.recv(1)
            one.settimeout(20)
            proxy.flow()
            assert _read(one, len(PONG)) == PONG
            proxy.upstream = other.port
            proxy.drop()
            assert one.recv(1) == b""
        with socket.create_connection((HOST, proxy.port), timeout=20) as again:
            again.sendall(b"INFO server\r\n")
            time.sleep(0.3)
            assert f"tcp_port:{other.port}".encode() in again.recv(65_536)

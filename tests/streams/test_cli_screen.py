"""`crible screen` as a script uses it: exit codes, streams, errors in one line, nothing left behind."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from streams import cli
from tests.streams.bad_input import background
from tests.streams.stage import Desk, Event

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "streams.cli"]


def _environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CRIBLE_")}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


def _crible(*arguments: str, given: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *arguments],
        input=given,
        capture_output=True,
        timeout=60,
        env=_environment(**environment),
        check=False,
    )


@dataclass(frozen=True)
class Done:
    """How a command that ran in this process ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def crible(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Runs the command in this process: for what ends before anything is started."""

    def run(*arguments: str, **environment: str) -> Done:
        for name in [name for name in os.environ if name.startswith("CRIBLE_")]:
            monkeypatch.delenv(name)
        for name, value in {"COLUMNS": "120", "NO_COLOR": "1", "TERM": "dumb", **environment}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["crible", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        code = ended.value.code
        out, err = capfd.readouterr()
        return Done(code if isinstance(code, int) else 0, out, err)

    return run


def _lines(events: list[Event]) -> bytes:
    return b"".join(orjson.dumps(event) + b"\n" for event in events)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    before, after = background(Desk())
    file = tmp_path / "log.jsonl"
    file.write_bytes(_lines(before) + b"not json\n" + _lines(after))
    return file


def test_records_dead_letters_and_a_summary(log: Path, tmp_path: Path) -> None:
    out, bad = tmp_path / "v.jsonl", tmp_path / "bad.jsonl"
    done = _crible("screen", str(log), "--out", str(out), "--dead-letters", str(bad), "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    summary = orjson.loads(done.stdout)
    records = [orjson.loads(line) for line in out.read_bytes().splitlines()]
    assert summary["answers"] == {"claim": 6, "liquidation": 1, "payment": 1}
    assert sum(summary["decisions"].values()) == len(records) == 8
    assert summary["dead_letters"] == {"not-json": 1}
    (letter,) = [orjson.loads(line) for line in bad.read_bytes().splitlines()]
    assert (letter["reason"], letter["received"], letter["topic"]) == ("not-json", "not json", "claims")


def test_from_stdin_to_stdout(log: Path, tmp_path: Path) -> None:
    out = tmp_path / "v.jsonl"
    assert _crible("screen", str(log), "-o", str(out)).returncode == 0
    done = _crible("screen", "-", given=log.read_bytes())
    assert done.returncode == 0
    piped, written = done.stdout.splitlines(), out.read_bytes().splitlines()
    assert [orjson.loads(line)["verdict_id"] for line in piped] == [
        orjson.loads(line)["verdict_id"] for line in written
    ]
    assert b"decision" in done.stderr


def test_an_empty_log_is_no_error(tmp_path: Path) -> None:
    done = _crible("screen", "-", "--out", str(tmp_path / "v"), "--json")
    assert done.returncode == 0
    assert orjson.loads(done.stdout)["answers"] == {}


@pytest.mark.parametrize(
    ("arguments", "environment", "says"),
    [
        (["screen", "/nowhere/log.jsonl"], {}, "/nowhere/log.jsonl"),
        (["screen", "/"], {}, "directory"),
        (["screen", "-", "--colour"], {}, "--colour"),
        (["screen", "-", "--batch-size", "0"], {}, "--batch-size"),
        (["screen", "-", "--batch-size", "many"], {}, "--batch-size"),
        (["screen", "-", "--json"], {}, "--out"),
        (["screen"], {}, "file"),
        (["scren", "-"], {}, "scren"),
        (["screen", "-", "--redis", "redis://127.0.0.1:1/0"], {}, "127.0.0.1:1"),
        (["screen", "-", "--redis", "http://example"], {}, "redis://"),
        (["screen", "-", "--out", "/nowhere/v.jsonl"], {}, "/nowhere/v.jsonl"),
        (["screen", "-"], {"CRIBLE_BATCHSIZE": "7"}, "CRIBLE_BATCH_SIZE"),
        (["screen", "-"], {"CRIBLE_PSEUDONYM_KEY_FILE": "/nowhere/key"}, "/nowhere/key"),
        (["screen", "-"], {"CRIBLE_CONFIG": "/nowhere/crible.toml"}, "/nowhere/crible.toml"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_done_says_why_in_one_line(
    crible: Callable[..., Done], arguments: list[str], environment: dict[str, str], says: str
) -> None:
    done = crible(*arguments, **environment)
    assert (done.code, done.out) == (2, "")
    assert says in done.err
    assert "Traceback" not in done.err


def test_a_wrong_key_of_the_file_is_named(crible: Callable[..., Done], tmp_path: Path) -> None:
    file = tmp_path / "crible.toml"
    file.write_text("batchsize = 7\n")
    done = crible("screen", "-", CRIBLE_CONFIG=str(file))
    assert done.code == 2
    assert done.err.strip().splitlines() == [
        f"crible: {file}: unknown key 'batchsize'; did you mean 'batch_size'?"
    ]


@pytest.mark.parametrize(
    "command", [[], ["screen"], ["simulate"], ["demo"], ["topics", "create"], ["doctor"]]
)
def test_help_shows_what_a_command_does(crible: Callable[..., Done], command: list[str]) -> None:
    done = crible(*command, "--help")
    assert done.code == 0
    assert "Usage" in done.out
    if command == ["screen"]:
        assert "Example" in done.out
        assert "crible screen log.jsonl" in done.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_nothing_behind(tmp_path: Path, number: int) -> None:
    """Neither the private Redis nor its directory survives Ctrl-C or a kill in the middle."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    running = subprocess.Popen(
        [*COMMAND, "screen", "-", "--out", str(tmp_path / "v")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=_environment(TMPDIR=str(folder)),
    )
    assert running.stdin is not None
    before, _ = background(Desk())
    running.stdin.write(_lines(before * 40))
    running.stdin.flush()
    deadline = time.monotonic() + 20
    while not list(folder.glob("*/redis.log")) and time.monotonic() < deadline:
        time.sleep(0.02)
    directory = next(folder.iterdir())
    time.sleep(0.5)
    running.send_signal(number)
    _, said = running.communicate(timeout=20)
    assert running.returncode in ((130,) if number == signal.SIGINT else (143, -15, 130))
    assert b"Traceback" not in said
    if number == signal.SIGINT:
        assert said.strip().splitlines()[-1] == b"crible: interrupted"
    gone = time.monotonic() + 10
    while _servers(directory) and time.monotonic() < gone:
        time.sleep(0.05)
    assert not _servers(directory)
    if number == signal.SIGINT:
        assert list(folder.iterdir()) == []


def _servers(directory: Path) -> list[str]:
    """Processes that still work in that directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(directory) in os.readlink(process / "cwd"):
                found.append(process.name)
        except OSError:
            continue
    return found

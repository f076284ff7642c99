"""Builds without a broker, each in a process of its own: `python -m bench.engines BUILD FOLDER RUNS SIZE [FLAME]`.

FOLDER holds `world.jsonl`, `history.jsonl` and `live.jsonl`; the figures go to standard output as one line of JSON. The
child has its own Redis, so that all processor time in it is the build's.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
import redis

from bench.figures import Run, latencies, redis_seconds
from bench.log_runs import BATCH, LogBench
from bench.naive.engine import NaiveEngine
from bench.reduced import Reduced
from bench.subset import care_of
from detectors.book import ReferentialBook
from monitoring.metrics import Metrics
from schemas.decode import Decoder
from state import EmbeddedRedis, Layout, Store
from streams.control import ControlDesk
from streams.event_log import EventLogRun
from streams.heap import settle
from streams.messages import Output

Feed = Callable[[Sequence[bytes]], list[bytes]]
"""Takes lines of an event log and answers them, a row or more a claim."""


def crible(server: EmbeddedRedis) -> Feed:
    """Everything on: all outputs of the loop."""
    bench = LogBench(server)

    def feed(lines: Sequence[bytes]) -> list[bytes]:
        bench.feed(lines)
        return []

    return feed


def reduced(server: EmbeddedRedis) -> Feed:
    """Crible reduced to the subset."""
    store, decoder = Store(server.url, require_aof=False), Decoder(None)
    store.check(Layout(pseudonyms=""))
    screener, desk, book = Reduced(store, decoder, Metrics()), ControlDesk(store), ReferentialBook()
    logs = 0

    def feed(lines: Sequence[bytes]) -> list[bytes]:
        nonlocal logs
        logs += 1
        rows: list[Output] = []
        run = EventLogRun(screener, decoder, desk, book, f"bench-{logs}", rows.extend, BATCH)
        store.own([run.input("log"), run.input("rescreens")])
        run.run(lines)
        return [row.value for row in rows]

    return feed


def naive(server: EmbeddedRedis) -> Feed:
    """The naive build's engine, without Faust."""
    engine = NaiveEngine(redis.Redis(port=server.port))
    return lambda lines: [orjson.dumps(engine.screen(care_of(orjson.loads(line)))) for line in lines]


BUILDS: dict[str, Callable[[EmbeddedRedis], Feed]] = {"crible": crible, "reduced": reduced, "naive": naive}


def measured(build: str, folder: Path, runs: int, size: int, flame: Path | None = None) -> dict[str, Any]:
    """Feed the history, then time `runs` parts of `size` claims; with `flame`, profile one part more."""
    world, history, live = (
        (folder / f"{name}.jsonl").read_bytes().splitlines() for name in ("world", "history", "live")
    )
    with EmbeddedRedis() as server:
        client: Any = redis.Redis(port=server.port)
        feed = BUILDS[build](server)
        if build == "crible":
            feed(world)
        empty = client.info("memory")["used_memory_dataset"]
        feed(history)
        settle()
        client.config_resetstat()
        found = []
        for number in range(runs):
            part = live[number * size : (number + 1) * size]
            before, worker, wall = redis_seconds(client), time.process_time(), time.perf_counter()
            feed(part)
            worker, wall = time.process_time() - worker, time.perf_counter() - wall
            found.append(Run(len(part), wall, worker, redis_seconds(client) - before))
        claims = runs * size
        result = {
            "runs": [asdict(run) for run in found],
            "bytes_per_event": (client.info("memory")["used_memory_dataset"] - empty)
            / (len(history) + claims),
            "latency_us": latencies(client),
        }
        if flame is not None:
            from bench.flame import profiled

            profiled(lambda: feed(live[claims:]), flame)
        client.close()
    return result


def child(build: str, folder: Path, runs: int, size: int, flame: Path | None = None) -> dict[str, Any]:
    """`measured` in a process of its own. Raises RuntimeError with what it said where it fails."""
    command = [sys.executable, "-m", "bench.engines", build, str(folder), str(runs), str(size)]
    if flame is not None:
        command.append(str(flame.resolve()))
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{build}: {done.stderr.decode(errors='replace')[-2000:]}")
    result: dict[str, Any] = orjson.loads(done.stdout)
    return result


def main(build: str, folder: str, runs: str, size: str, flame: str | None = None) -> None:
    """Print the figures of one build."""
    found = measured(build, Path(folder), int(runs), int(size), Path(flame) if flame else None)
    sys.stdout.buffer.write(orjson.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])

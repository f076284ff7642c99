"""`PYTHON bench/quix/app.py BROKER FOLDER LIBRARIES`: the quixstreams application, in the environment of its own.

LIBRARIES is Crible's site-packages, which come last: what this environment has goes before.
"""

from __future__ import annotations

import pickle
import sys
from bisect import bisect_right, insort
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[2]))
if __name__ == "__main__":
    sys.path.append(sys.argv[3])

import orjson
from quixstreams import Application
from quixstreams.state.rocksdb import RocksDBOptions

from bench.level import Level
from bench.subset import DAY, KEPT_DAYS, MIN_CLAIMS, MIN_PEERS, Care, care_of, care_windows, row

KEPT_CARE_DAYS = KEPT_DAYS + 92
LATE = 2 * DAY
"""Arrivals kept one by one: a day, and a day for those that come out of order."""


def screen(value: bytes, state: Any) -> bytes:
    """The row of one claim, with the state under the one message key."""
    care = care_of(orjson.loads(value))
    windows = (*_care(care, state), *_executor(care, state))
    return orjson.dumps(row(care, windows, *_models(care, state)))


def _care(care: Care, state: Any) -> tuple[int, ...]:
    name = f"care:{care.beneficiary}"
    held = state.get(name, [])
    windows = care_windows(held, care.day)
    days = [day for day, _, act, _ in held if act == care.act and day >= care.day - KEPT_DAYS]
    oldest = care.at // DAY - KEPT_CARE_DAYS
    if held and min(held)[0] < oldest:
        held = [entry for entry in held if entry[0] >= oldest]
    state.set(name, [*held, *(tuple(entry) for entry in care.entries)])
    return (*windows, max(days, default=0))


def _executor(care: Care, state: Any) -> tuple[int, int, int]:
    name, today = f"claims:{care.executor}", care.at // DAY
    arrivals, counts = state.get(name, ([], {}))
    insort(arrivals, care.at)
    del arrivals[: bisect_right(arrivals, arrivals[-1] - LATE)]
    counts[today] = counts.get(today, 0) + 1
    if len(counts) > 2 * 92:
        counts = {day: count for day, count in counts.items() if day > today - 92}
    state.set(name, (arrivals, counts))
    here = bisect_right(arrivals, care.at)
    hour, day = (here - bisect_right(arrivals, care.at - span) for span in (3_600, DAY))
    return hour, day, sum(counts.get(when, 0) for when in range(today - 29, today + 1))


def _models(care: Care, state: Any) -> tuple[float, float]:
    names = dict.fromkeys(act for act, _ in care.prices)
    peers = {act: state.get(f"peers:{act}") or Level() for act in names}
    level = state.get(f"level:{care.executor}") or Level()
    z_amount = max((peers[act].score(x, MIN_PEERS) for act, x in care.prices), default=0.0)
    z_level = level.score(care.price, MIN_CLAIMS)
    for act, x in care.prices:
        peers[act].learn(x)
    level.learn(care.price)
    for act, model in peers.items():
        state.set(f"peers:{act}", model)
    state.set(f"level:{care.executor}", level)
    return z_amount, z_level


def main(broker: str, folder: str) -> None:
    """Run until SIGTERM."""
    app = Application(
        broker,
        consumer_group="bench-quix",
        auto_offset_reset="earliest",
        auto_create_topics=False,
        use_changelog_topics=False,
        state_dir=folder,
        loglevel="WARNING",
        rocksdb_options=RocksDBOptions(dumps=pickle.dumps, loads=pickle.loads),
        consumer_extra_config={"fetch.wait.max.ms": 50},
    )
    claims = app.topic("claims", key_deserializer="bytes", value_deserializer="bytes")
    rows = app.topic("bench-rows", key_serializer="bytes", value_serializer="bytes")
    stream = app.dataframe(claims).apply(screen, stateful=True)
    stream.to_topic(rows)
    print("ready", flush=True)
    app.run()


if __name__ == "__main__":
    main(*sys.argv[1:3])

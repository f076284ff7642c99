"""What Redis keeps: bytes a line of care, a beneficiary, each kind of record, and a whole insurance for a year."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import redis
from rich.console import Console
from rich.progress import Progress

from bench.fill import PEOPLE_PER_PRESCRIBER, PEOPLE_PER_PROVIDER, Filler, Life
from state import EmbeddedRedis, Store, codecs

SAMPLE = 2_000
INSURANCE = 3_000_000
YEAR = Life(claims=2, lines=2, days=365, end=20_454, tiles=True)
HALF = Life(claims=2, lines=3, days=365, end=20_454, tiles=True)
"""Six million claims a year of three million people (CNOPS 2023), of 2.5 lines: half of them 2, half 3."""
KINDS = {
    "b": "log", "k": "facts", "r": "registry entry", "o": "open events", "c": "claim", "v": "verdict",
    "x": "event id", "y": "event id, other tag", "d": "document", "p": "executor's tiles",
    "q": "prescriber's tiles", "n:p": "executor's patients", "n:q": "prescriber's patients", "w": "day sheet",
    "t": "other tiles", "n:t": "other patients", "s": "sums", "z": "pairs", "h": "payments", "i": "payments, other tag",
    "g": "clone uses", "f": "counted members", "memo": "memo block", "fence": "fences",
    "intern": "numbers of names", "names": "names", "layout": "layout",
}  # fmt: skip


def measure(server: EmbeddedRedis, claims: int) -> dict[str, Any]:
    """Sizes in bytes, as Redis accounts them (MEMORY USAGE: key, value and overhead).

    `claims`: how many were applied, for the share of everything else.
    """
    client: Any = redis.Redis(port=server.port)
    try:
        sample = [
            key for _, key in zip(range(SAMPLE), client.scan_iter(match="*:b:*", count=1_000), strict=False)
        ]
        with client.pipeline(transaction=False) as pipe:
            for key in sample:
                pipe.strlen(key)
            stored = pipe.execute()
        used = _sizes(client, sample)
        lines = sum(size // codecs.LOG_BYTES for size in stored)
        whole = float(client.info("memory")["used_memory_dataset"])
        kinds = by_kind(client)
        people = kinds["log"]["keys"]
        return {
            "beneficiaries": people,
            "lines_per_beneficiary": round(lines / len(sample), 2),
            "log_bytes_per_line": round(sum(used) / lines, 1),
            "log_bytes_per_beneficiary": round(sum(used) / len(sample), 1),
            "record_bytes": codecs.LOG_BYTES,
            "dataset_bytes_per_claim": round(whole / claims, 1),
            "dataset_bytes_per_beneficiary": round(whole / people, 1),
            "kinds": kinds,
        }
    finally:
        client.close()


def by_kind(client: Any) -> dict[str, dict[str, float]]:
    """Keys and bytes each of every kind of record, the heaviest kind first; bytes from a sample of 2,000."""
    counts: defaultdict[str, int] = defaultdict(int)
    samples: defaultdict[str, list[bytes]] = defaultdict(list)
    for key in client.scan_iter(count=1_000):
        kind = kind_of(key)
        counts[kind] += 1
        if len(samples[kind]) < SAMPLE:
            samples[kind].append(key)
    found = {}
    for kind, sample in samples.items():
        used = _sizes(client, sample)
        each = sum(used) / len(used)
        found[kind] = {
            "keys": counts[kind],
            "bytes_each": round(each, 1),
            "bytes": round(each * counts[kind]),
        }
    return dict(sorted(found.items(), key=lambda item: -item[1]["bytes"]))


def kind_of(key: bytes) -> str:
    """The kind of record a key holds, by `state.keys`."""
    parts = key.decode().partition("}:")[2].split(":")
    if parts[0] == "m":
        return f"model {parts[1]}"
    return KINDS.get(":".join(parts[:2]), KINDS.get(parts[0], parts[0]))


def year(people: Sequence[int], console: Console) -> dict[str, Any]:
    """One year of log and tiles for growing numbers of people, really filled, and the line through them."""
    points = []
    with EmbeddedRedis() as server, Progress(console=console, transient=True) as bar:
        client: Any = redis.Redis(port=server.port)
        store = Store(server.url, require_aof=False)
        store.check()
        filler, done = Filler(store), 0
        empty = _used(client)
        kinds: dict[str, dict[str, float]] = {}
        events = 0.0
        for count in people:
            task = bar.add_task(f"one year of {count:,} people", total=2 * (count - done))
            middle = (done + count) // 2
            for first, last, life in ((done, middle, YEAR), (middle, count, HALF)):
                filler.fill(first, last, life, lambda more, task=task: bar.advance(task, more))  # type: ignore[misc]
            done = count
            kinds = by_kind(client)
            events += kinds["event id"]["bytes"]
            _drop(client, ("event id", "memo block"))
            points.append({"people": count, "bytes": _used(client) - empty})
        store.close()
        client.close()
    slope, start = _line([(point["people"], point["bytes"]) for point in points])
    return {
        "points": [{**point, "bytes_each": round(point["bytes"] / point["people"], 1)} for point in points],
        "bytes_a_person": round(slope, 1),
        "largest_deviation": round(
            max(abs(point["bytes"] / (start + slope * point["people"]) - 1.0) for point in points), 4
        ),
        "people": INSURANCE,
        "gigabytes": round((start + slope * INSURANCE) / 1e9, 2),
        "event_id_bytes": round(events / (2 * done), 1),
        "kinds": {kind: value for kind, value in kinds.items() if kind not in ("event id", "memo block")},
        "proportions": {
            "claims_a_year": 2,
            "lines_a_claim": 2.5,
            "people_per_executor": PEOPLE_PER_PROVIDER,
            "people_per_prescriber": PEOPLE_PER_PRESCRIBER,
        },
    }


def _line(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Slope and start of the least-squares line; through zero for one point."""
    if len(points) == 1:
        return points[0][1] / points[0][0], 0.0
    x = sum(point[0] for point in points) / len(points)
    y = sum(point[1] for point in points) / len(points)
    slope = sum((a - x) * (b - y) for a, b in points) / sum((a - x) ** 2 for a, _ in points)
    return slope, y - slope * x


def _drop(client: Any, kinds: Sequence[str]) -> None:
    """Remove every record of these kinds."""
    for batch in _batches(client):
        gone = [key for key in batch if kind_of(key) in kinds]
        if gone:
            client.delete(*gone)


def _batches(client: Any) -> Iterator[list[bytes]]:
    cursor = None
    while cursor != 0:
        cursor, found = client.scan(cursor or 0, count=1_000)
        yield found


def _used(client: Any) -> int:
    return int(client.info("memory")["used_memory"])


def _sizes(client: Any, keys: Sequence[bytes]) -> list[int]:
    with client.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.memory_usage(key)
        return [int(size) for size in pipe.execute()]

"""Where loads took effect, as the state has it: for each partition the offsets from which tables decided."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from state import Servers
from state.inspection import Inspection
from streams import effects
from streams.config import Settings
from streams.kafka_source import ORDER
from streams.topics import Topics

Told = dict[str, Any]


def effects_of(settings: Settings) -> list[Told]:
    """Every recorded effect of the broker's partitions, in their order. Raises BrokerAway, redis errors."""
    topics = Topics(settings.client())
    count, ids = topics.partitions(), topics.ids(ORDER)
    servers = Servers(settings.redis, settings.tags)
    told: list[Told] = []
    try:
        state = Inspection(servers)
        for topic in ORDER:
            for partition in range(count):
                blob = state.model(effects.name(f"{topic}|{ids[topic]}|{partition}"))
                told += _partition(topic, partition, effects.read(blob))
    finally:
        servers.close()
    return told


def _partition(topic: str, partition: int, record: effects.Record) -> list[Told]:
    told, before = [], frozenset[tuple[str, str, str]]()
    for effect in record.effects:
        now = frozenset(effect.loads)
        told.append(
            {
                "topic": topic,
                "partition": partition,
                "offset": effect.offset,
                "at": dt.datetime.fromtimestamp(effect.at, dt.UTC).isoformat(timespec="seconds"),
                "came": [f"{name} {edition}" for name, edition, _ in sorted(now - before)],
                "went": [f"{name} {edition}" for name, edition, _ in sorted(before - now)],
            }
        )
        before = now
    return told


def show_effects(told: Sequence[Told], console: Console) -> None:
    """Print the effects, one a line."""
    if not told:
        console.print("no partition was screened yet")
    for one in told:
        changes = [f"+ {load}" for load in one["came"]] + [f"- {load}" for load in one["went"]]
        place = f"{one['topic']}/{one['partition']}@{one['offset']}"
        console.print(Text(f"from {place} ({one['at']}): {', '.join(changes) or 'no table'}"))

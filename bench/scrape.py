"""What a worker says of itself at `/metrics`: batches, and the time of each stage."""

from __future__ import annotations

import urllib.request

from prometheus_client.parser import text_string_to_metric_families

BATCH, STAGE = "crible_batch_events", "crible_stage_seconds"


def scrape(port: int) -> dict[str, float]:
    """Batches, their events, and the seconds of each stage, since the worker started."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == f"{STAGE}_sum":
                found[sample.labels["stage"]] = sample.value
            elif sample.name in (f"{BATCH}_sum", f"{BATCH}_count"):
                found["events" if sample.name.endswith("sum") else "batches"] = sample.value
    return found


def per_batch(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """Events and milliseconds of each stage in a mean batch between two looks."""
    spent = {name: value - before.get(name, 0.0) for name, value in after.items()}
    batches = spent.pop("batches") or 1
    events = spent.pop("events") / batches
    return {"events": round(events, 2)} | {
        name: round(value / batches * 1e3, 2) for name, value in spent.items()
    }

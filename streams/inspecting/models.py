"""Models as plain values and as pages: which there are, what the score has learned, and what an import changes."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from detectors.catalogue import BY_CODE
from detectors.models.fusion import BINS, CALIBRATED_FRAUDS, CALIBRATED_REVIEWS
from detectors.models.keys import SINGLE, Pair
from detectors.models.records import KINDS, FusionRecord, Record
from detectors.models.score import BIAS, FLOOR, sigmoid
from detectors.models.snapshot import ALONE, SHARED, Snapshot
from state import Servers, Store, keys
from state.batch import MODEL_SECONDS
from state.survey import Walk
from streams.inspecting.people import model_values
from streams.model_folds import name, pair
from streams.snapshots import Import, last, read

Told = dict[str, Any]

UNMOVED = 0.0006
"""Share by which a start weight differs from the four digits of it in its term's name, at most."""


def found(walk: Walk, kinds: Iterable[str], advance: Callable[[int], None]) -> list[Pair]:
    """The names of all records of some kinds, by a walk over everything."""
    wanted, met, names = frozenset(kinds), 0, set()
    for _, items, count in walk.pages(lambda letter: letter == "m"):
        for item in items:
            each = pair(item.tail)
            if item.tag is not None and each[0] in wanted:
                names.add(each)
        met += count
        advance(met)
    return sorted(names)


def listed(store: Store, servers: Servers, names: Iterable[Pair] | None) -> Told:
    """Every kind that a snapshot may hold, and the last import. `names`: the records there are, None: not counted."""
    alone = read(store, [(kind, SINGLE) for kind in sorted(ALONE)])
    counts = Counter(kind for kind, _ in names) if names is not None else None
    kinds = {}
    for kind in SHARED:
        record = alone.get((kind, SINGLE))
        count = int(record is not None) if kind in ALONE else None if counts is None else counts[kind]
        kinds[kind] = {
            "layout": KINDS[kind]().version,
            "records": count,
            "learned": _learned(record),
            "written": _written(servers, kind) if record is not None else None,
        }
    return {"kinds": kinds, "last_import": imported(last(store))}


def imported(done: Import | None) -> Told | None:
    """What was put in force last."""
    if done is None:
        return None
    counts = Counter(pair(each)[0] for each in done.names)
    at = dt.datetime.fromtimestamp(done.at, dt.UTC).isoformat()
    return {"number": done.number, "at": at, "source": done.source, "records": dict(sorted(counts.items()))}


def _learned(record: Record | None) -> str | None:
    """How much a record has seen, in words."""
    if isinstance(record, FusionRecord):
        return f"edition {record.edition}: {record.reviews} reviews, {record.frauds} of them fraud or abuse"
    edition = getattr(record, "edition", None)
    if edition is not None:
        return f"{edition} scores"
    newest = getattr(record, "newest", None)
    return None if newest is None else f"up to {dt.date(1970, 1, 1) + dt.timedelta(days=newest)}"


def _written(servers: Servers, kind: str) -> str | None:
    """When a record was last written: each writing starts its time to live anew."""
    tag = servers.tag(SINGLE)
    (left,) = servers.run([(tag, ("TTL", servers.prefixes[tag] + keys.model(name((kind, SINGLE)))))])
    if int(left) < 0:
        return None
    age = dt.timedelta(seconds=MODEL_SECONDS - int(left))
    return (dt.datetime.now(dt.UTC) - age).replace(microsecond=0).isoformat()


def shown(record: Record) -> Told:
    """One record's values; the score's with its weights in words."""
    if not isinstance(record, FusionRecord):
        return model_values(record)
    edges = (0.0, *BINS, 1.0)
    return {
        "edition": record.edition,
        "reviews": record.reviews,
        "frauds": record.frauds,
        "calibrated": record.calibrated,
        "terms": [
            _term(key, weight) for key, weight in sorted(record.weights.items(), key=lambda one: -one[1])
        ],
        "bins": [
            {
                "from": low,
                "to": high,
                "reviews": one.n,
                "mean_score": one.expected,
                "mean_outcome": one.observed,
            }
            for low, high, one in zip(edges, edges[1:], record.bins, strict=False)
        ],
    }


def _term(key: str, weight: float) -> Told:
    code, _, said = key.partition("@")
    try:
        start = float(said)
    except ValueError:
        start = 0.0
    in_force = max(weight, FLOOR * start)
    return {
        "term": key,
        "detector": BY_CODE[code].label_en if code in BY_CODE else None,
        "start": start,
        "weight": in_force,
        "alone": round(sigmoid(BIAS + in_force), 4),
        "in_words": _in_words(start, weight),
    }


def _in_words(start: float, weight: float) -> str:
    if start <= 0.0:
        return "of no term of this release"
    if weight <= FLOOR * start:
        return f"at its floor, {FLOOR:.0%} of its start: reviews rejected it"
    change = weight / start - 1.0
    if abs(change) < 0.005:
        return "as it started" if abs(change) < UNMOVED else "reviews moved it by less than 1%"
    return f"reviews {'raised' if change > 0 else 'lowered'} it by {abs(change):.0%}"


def counted(counts: Mapping[str, int]) -> str:
    """Records by kind, in words."""
    return ", ".join(f"{count:,} {kind}" for kind, count in counts.items()) or "no record"


def changes(snapshot: Snapshot, standing: Mapping[Pair, Record]) -> Told:
    """What putting a snapshot in force does, by kind; an edition of the score alone is no change."""
    told: dict[str, Counter[str]] = {kind: Counter() for kind in snapshot.counts()}
    for each, record in snapshot.records.items():
        before = standing.get(each)
        if isinstance(before, FusionRecord):
            before = msgspec.structs.replace(before, edition=getattr(record, "edition", 0))
        told[each[0]]["new" if before is None else "same" if before == record else "replaced"] += 1
    return {
        "taken": snapshot.taken.isoformat(),
        "sha256": snapshot.digest,
        "kinds": {
            kind: {what: counts[what] for what in ("new", "replaced", "same")}
            for kind, counts in told.items()
        },
    }


def show_list(told: Told, console: Console) -> None:
    """The kinds as a table, and the last import in a line."""
    table = Table("kind", "records", "layout", "learned", "last written")
    for kind, one in told["kinds"].items():
        table.add_row(kind, *(_cell(one[field]) for field in ("records", "layout", "learned", "written")))
    console.print(table)
    done = told["last_import"]
    if done is None:
        console.print(Text("nothing was imported here"))
        return
    said = f"import {done['number']} at {done['at']}: {counted(done['records'])} (from {done['source']})"
    console.print(Text(said), soft_wrap=True)


def show_record(kind: str, entity: str, told: Told, console: Console) -> None:
    """One record, the score's as a table of its terms."""
    console.print(Text(f"{kind} {entity}", style="bold"))
    if "terms" not in told:
        table = Table("field", "value")
        for field, value in told.items():
            table.add_row(Text(field), Text(_cell(value)))
        console.print(table)
        return
    need = (
        f"calibrated takes {CALIBRATED_REVIEWS} reviews with {CALIBRATED_FRAUDS} frauds, and means that fit"
    )
    state = "calibrated" if told["calibrated"] else f"not calibrated ({need})"
    console.print(
        Text(f"edition {told['edition']}: {told['reviews']} reviews, {told['frauds']} frauds; {state}"),
        soft_wrap=True,
    )
    table = Table("term", "detector", "start", "weight", "score alone", "in words")
    for one in told["terms"]:
        table.add_row(
            *(
                Text(_cell(one[field]))
                for field in ("term", "detector", "start", "weight", "alone", "in_words")
            )
        )
    console.print(table)
    if not told["terms"]:
        console.print(Text("no review was learned: every term has its start weight"))
    for one in told["bins"]:
        if one["reviews"]:
            console.print(
                Text(
                    f"scores of {one['from']:g} to {one['to']:g}: {one['reviews']} reviews, mean score "
                    f"{one['mean_score']:.3f}, mean outcome {one['mean_outcome']:.3f}"
                )
            )


def show_changes(told: Told, console: Console) -> None:
    """What an import would put in force."""
    console.print(Text(f"snapshot of {told['taken']}, verified"))
    table = Table("kind", "new", "replaced", "the same")
    for kind, counts in told["kinds"].items():
        table.add_row(kind, *(f"{count:,}" for count in counts.values()))
    console.print(table)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return (
        f"{value:.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
    )

"""Referentials and policy of the synthetic payer, as events with checksums; all labelled synthetic."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import orjson

from simulation import acts, clock, drugs, places
from simulation.population import ILLNESSES

EDITION = "synthetic-1"
Rows = list[dict[str, Any]]
Event = dict[str, Any]


def checksum(rows: Rows) -> str:
    """`sha256:` of the rows as JSON with sorted keys and no spaces."""
    return "sha256:" + hashlib.sha256(orjson.dumps(rows, option=orjson.OPT_SORT_KEYS)).hexdigest()


def rate_rows() -> Rows:
    """The `rates` referential, percent: 80 for consultations at CNOPS, more at hospital, else 70."""
    full = {"HOSPITALISATION": 90, "DIALYSIS": 100, "ONCOLOGY": 100, "DEVICE": 100}
    groups = (
        "CONSULTATION",
        "HOSPITALISATION",
        "PHARMACY",
        "RADIOLOGY",
        "EXPLORATION",
        "BIOLOGY",
        "DENTAL",
        "ONCOLOGY",
        "DIALYSIS",
        "CARDIOLOGY",
        "DEVICE",
        "OPTICAL",
        "PARAMEDICAL",
    )
    return [
        {
            "organism": organism,
            "care_group": group,
            "sector": None,
            "kind": None,
            "rate": full.get(group, 80 if organism == "CNOPS" and group == "CONSULTATION" else 70),
        }
        for organism in ("CNOPS", "CNSS")
        for group in groups
    ]


def rate_of(organism: str, group: str) -> int:
    """The rate in percent that `rate_rows` gives."""
    return _RATES.get((organism, group), 70)


_RATES = {(row["organism"], row["care_group"]): int(row["rate"]) for row in rate_rows()}


def _ald_rows() -> Rows:
    return [
        {"code": code, "label_fr": fr, "label_en": en, "rate": rate, "essential": True}
        for code, (fr, en, rate, *_) in ILLNESSES.items()
    ]


def _capacity_rows() -> Rows:
    """Reviews a day: wide enough that the ceiling shows only under a flood."""
    return [
        {"level": level, "speciality": speciality, "reviews_per_day": reviews, "minutes_per_review": 20}
        for level, reviews in (("LOCAL", 60), ("REGIONAL", 40), ("CENTRAL", 20))
        for speciality in ("MEDECINE", "DENTAIRE", "PHARMACIE")
    ]


def _detector_rows() -> Rows:
    """The policy: every detector in force at its default values."""
    codes = (
        *("E01", "E02", "E03", "E04", "E05", "D01", "D02", "D03", "D04", "T02", "T03", "T04"),
        *("U01", "U02", "U03", "U04", "U05", "U06", "U07", "B01", "B02", "B03", "B04", "B05", "P01", "P04"),
    )
    return [
        {
            "code": code,
            "parameter": None,
            "value": None,
            "unit": None,
            "reason": "valeurs par défaut",
            "mode": "enforce",
            "flow": None,
            "sector": None,
            "organism": None,
        }
        for code in codes
    ]


def referentials(
    envelope: Callable[[str], Event],
    first: int,
    last: int,
    products: list[drugs.Drug],
    campaigns: Rows,
    routing: Rows | None = None,
) -> list[Event]:
    """Every referential and the `detectors` policy; `first` and `last` bound the calendar (days)."""
    tables: dict[str, Rows] = {
        "acts": acts.rows(),
        "act_pairs": acts.pair_rows(),
        "letter_values": acts.letter_rows(),
        "rates": rate_rows(),
        "drugs": drugs.rows(products),
        "ald": _ald_rows(),
        "calendar": clock.rows(first - 366, last + 366),
        "communes": places.rows(),
        "campaigns": campaigns,
        "capacity": _capacity_rows(),
        "thresholds": [{"name": "accord préalable", "value": 500_000, "flow": "AMO", "organism": None}],
        "deadlines": [
            {"organism": organism, "flow": "AMO", "days_to_file": 60, "days_to_pay": 60}
            for organism in ("CNOPS", "CNSS")
        ],
    }
    if routing:
        tables["routing"] = routing
    events = [_load(envelope("referential"), name, rows) for name, rows in tables.items()]
    events.append(_load(envelope("policy"), "detectors", _detector_rows()))
    return events


def campaign_update(envelope: Event, rows: Rows, number: int = 1) -> Event:
    """The `campaigns` referential again, under a later edition."""
    return _load(envelope, "campaigns", rows, f"synthetic-{number + 1}")


def _load(event: Event, name: str, rows: Rows, edition: str = EDITION) -> Event:
    event.update(
        {
            "name": name,
            "edition": edition,
            "valid_from": "2015-01-01",
            "valid_to": None,
            "checksum": checksum(rows),
            "rows": rows,
        }
    )
    return event

"""What the state holds of one provider, prescriber, establishment, network or liquidator, as plain values."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

from detectors.models.keys import peer_groups
from detectors.models.records import decode
from detectors.referentials import Referentials
from schemas.observation import date_of
from schemas.registries import Provider
from state import stored
from state.inspection import Inspection
from state.keys import Role
from state.kinds import ROLE_NAMES
from streams.inspecting.people import model_values, signal

SPANS = {"1d": 1, "7d": 7, "30d": 30, "90d": 90}
SHEET_DAYS = 130  # day sheets are kept so long after the last claim
ROLES_OF: dict[str, tuple[Role, ...]] = {
    "provider": ("p", "q", "f"),
    "establishment": ("p", "q"),
    "prescriber": ("q",),
    "liquidator": ("l",),
    "network": ("n",),
}
"""What people ask for -> the roles whose windows tell of it, by the letters of their keys."""
WITHHELD = ("type", "version", "event_id", "person", "owners", "bank_account", "trace_id")


def actor(
    state: Inspection, what: str, name: str, as_of: int | None, referentials: Referentials | None
) -> dict[str, Any] | None:
    """Windows by role, day sheets, model, peers and registry entry; None where no window is kept."""
    found = {role: state.tiles(role, name) for role in ROLES_OF[what]}
    kept = {role: tiles for role, tiles in found.items() if tiles is not None}
    if not kept:
        return None
    entry = referentials.provider(name) if referentials is not None else None
    newest = max(tiles.head_day for tiles in kept.values())
    model = state.model(f"provider:{name}") if "p" in ROLES_OF[what] else None
    return {
        "registry": _registry(entry),
        "roles": {
            ROLE_NAMES.get(role, role): _role(state, role, name, tiles, as_of) for role, tiles in kept.items()
        },
        "sheets": _sheets(state, name, newest if as_of is None else as_of) if "p" in kept else [],
        "model": None if model is None else model_values(decode("provider", model)),
        "signal": signal(state, f"provider:{name}"),
        "peers": _peers(state, entry, referentials, newest),
    }


def _role(state: Inspection, role: Role, name: str, tiles: stored.Tiles, as_of: int | None) -> dict[str, Any]:
    last = tiles.head_day if as_of is None else min(as_of, tiles.head_day)
    visits = [[day for day, _ in seen] for seen in state.patients(role, name)]
    spans = {}
    for span, days in SPANS.items():
        total = tiles.of_days(last, days)
        spans[span] = {
            "claims": total.claims,
            "lines": total.lines,
            "amount": total.amount,
            "patient_days": total.patients,
            "patients": sum(any(last - days < day <= last for day in seen) for seen in visits),
            "active_days": sum(1 for day in range(last - days + 1, last + 1) if day in tiles.days),
        }
    return {
        "newest_arrival": dt.datetime.fromtimestamp(tiles.head, dt.UTC).isoformat(),
        "as_of": date_of(last).isoformat(),
        "last_hour": sum(n for tile, n in tiles.minutes.items() if tile > tiles.head // 300 - 12),
        "last_24_hours": sum(n for tile, (n, _) in tiles.hours.items() if tile > tiles.head // 3600 - 24),
        "windows": spans,
        "days": [
            {"date": date_of(day).isoformat(), **one._asdict()}
            for day, one in sorted(tiles.days.items())
            if day <= last and one.claims
        ],
    }


def _sheets(state: Inspection, name: str, last: int) -> list[dict[str, Any]]:
    found = state.sheets(name, range(last - SHEET_DAYS, last + 1))
    return [
        {
            "date": date_of(day).isoformat(),
            "minutes": sheet.minutes,
            "beneficiaries": len(sheet.people),
            "communes": len(sheet.communes),
        }
        for day, sheet in sorted(found.items())
    ]


def _registry(entry: Provider | None) -> dict[str, Any] | None:
    if entry is None:
        return None
    said: dict[str, Any] = msgspec.to_builtins(entry)
    return {name: value for name, value in said.items() if name not in WITHHELD and value is not None}


def _peers(
    state: Inspection, entry: Provider | None, referentials: Referentials | None, day: int
) -> list[dict[str, Any]]:
    """The activity of the groups it is compared with, the narrowest first; empty where its entry is not known."""
    if entry is None or referentials is None:
        return []
    town = referentials.commune(entry.commune, date_of(day)) if entry.commune else None
    peers = []
    for group in peer_groups(
        entry.kind, entry.specialty, entry.sector, None if town is None else town.region
    ):
        blob = state.model(f"activity:{group}")
        if blob is not None:
            peers.append({"group": group, **model_values(decode("activity", blob))})
    return peers

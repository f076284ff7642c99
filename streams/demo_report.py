"""What a demo amounted to: its answers held against the truth that the screener never saw."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from streams.readback import Heard

CONTROLS = ("FRAUD_REVIEW", "MEDICAL_REVIEW", "INTERNAL_AUDIT")
Report = dict[str, Any]


@dataclass(slots=True)
class _Scheme:
    """One scheme's claims, and what was held of them. Money in centimes."""

    claims: int = 0
    held: int = 0
    money: int = 0
    money_held: int = 0
    began: dt.datetime | None = None
    first_held: dt.datetime | None = None

    def add(self, at: dt.datetime, amount: int, held: int | None) -> None:
        """One claim; `held` None = not held."""
        self.claims += 1
        self.money += amount
        self.began = at if self.began is None else min(self.began, at)
        if held is not None:
            self.held += 1
            self.money_held += min(held, amount)
            self.first_held = at if self.first_held is None else min(self.first_held, at)

    def summary(self) -> dict[str, Any]:
        """Hours count from the scheme's first claim to its first held one, in event time."""
        hours = None
        if self.began is not None and self.first_held is not None:
            hours = round((self.first_held - self.began).total_seconds() / 3600, 1)
        return {
            "claims": self.claims,
            "held": self.held,
            "money": self.money,
            "money_held": self.money_held,
            "hours_to_first_hold": hours,
        }


@dataclass(slots=True)
class _Sums:
    """Claims and money over all live claims."""

    schemes: dict[str, _Scheme] = field(default_factory=dict)
    lookalikes: dict[str, _Scheme] = field(default_factory=dict)
    controls: int = 0
    right: int = 0
    honest: int = 0
    honest_held: int = 0
    false_holds: list[dict[str, Any]] = field(default_factory=list)


def report(
    live: Sequence[Mapping[str, Any]],
    truth: Mapping[str, Mapping[str, Any]],
    heard: Heard,
    sent: Mapping[str, float],
    paced: Set[str],
) -> Report:
    """One JSON-able object; every figure from the records read back.

    Latency is that of the `paced` events, sent when no queue stood before them; the rate is that of all others.
    """
    answered = [event for event in live if event["type"] in ("claim", "liquidation", "payment")]
    wanted = {event["event_id"] for event in answered}
    verdicts = list(heard.live.values())
    claims = [record for record in verdicts if record["type"] == "claim"]
    sums = _against_truth(live, truth, heard)
    reached = wanted & heard.first.keys() & sent.keys()
    waits = sorted((heard.first[event] - sent[event]) * 1000 for event in reached & paced)
    streamed = reached - paced
    span = max((heard.first[event] for event in streamed), default=0.0) - min(
        (sent[event] for event in streamed), default=0.0
    )
    frauds = sum(scheme.money for scheme in sums.schemes.values())
    stopped = sum(scheme.money_held for scheme in sums.schemes.values())
    looks = sum(scheme.claims for scheme in sums.lookalikes.values())
    looks_held = sum(scheme.held for scheme in sums.lookalikes.values())
    cannot: dict[str, int] = {}
    for record in claims:
        for code in {item["code"] for item in record["cannot_check"]}:
            cannot[code] = cannot.get(code, 0) + 1
    return {
        "events": len(answered),
        "verdicts": heard.records["verdicts"],
        "lost": len(wanted - heard.first.keys()),
        "duplicated": heard.duplicated(),
        "dead_letters": heard.records["dead-letters"],
        "dead_letters_by_reason": dict(heard.reasons),
        "claims": len(claims),
        "holds": sum(record["decision"] == "HOLD" for record in claims),
        "flagged": sum(record["decision"] == "RELEASE_FLAGGED" for record in claims),
        "released": sum(record["decision"] == "RELEASE" for record in claims),
        "alerts": len(heard.alerts),
        "hold_rate": _share(sum(record["decision"] == "HOLD" for record in claims), len(claims)),
        "controls": sums.controls,
        "precision_of_holds": _share(sums.right, sums.controls),
        "money_recall": _share(stopped, frauds),
        "schemes": {name: scheme.summary() for name, scheme in sorted(sums.schemes.items())},
        "lookalikes": {name: scheme.summary() for name, scheme in sorted(sums.lookalikes.items())},
        "lookalikes_held": _share(looks_held, looks),
        "false_holds": sums.honest_held,
        "false_hold_rate": _share(sums.honest_held, sums.honest),
        "money_by_decision": _money(claims),
        "cannot_check": {code: _share(count, len(claims)) for code, count in sorted(cannot.items())},
        "latency_ms": {
            name: _quantile(waits, share) for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
        },
        "events_per_second": round(len(streamed) / span, 1) if span > 0 else 0.0,
        "examples": _examples(claims),
    }


def _against_truth(
    live: Sequence[Mapping[str, Any]], truth: Mapping[str, Mapping[str, Any]], heard: Heard
) -> _Sums:
    sums = _Sums()
    for event in live:
        fact = truth.get(event["event_id"])
        record = heard.live.get(event["event_id"])
        if fact is None or record is None or event["type"] != "claim":
            continue
        at = dt.datetime.fromisoformat(event["event_time"])
        control = record["decision"] == "HOLD" and record.get("purpose") in CONTROLS
        held = record.get("amount_at_risk", 0) if record["decision"] == "HOLD" else None
        if fact["class"] == "FRAUD":
            sums.schemes.setdefault(fact["scheme"], _Scheme()).add(at, fact["amount"], held)
        elif fact["class"] == "LOOKALIKE":
            sums.lookalikes.setdefault(fact["scheme"], _Scheme()).add(at, fact["amount"], held)
        if fact["class"] != "FRAUD":
            sums.honest += 1
            sums.honest_held += control
        sums.controls += control
        sums.right += control and fact["class"] == "FRAUD"
    return sums


def _money(claims: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Centimes at stake by decision, holds by purpose."""
    money: dict[str, int] = {}
    for record in claims:
        name = record["decision"]
        if name == "HOLD":
            name = f"HOLD {record.get('purpose')}"
        amount = record.get("amount_at_risk")
        if amount is None or record["decision"] == "RELEASE":
            amount = (
                sum(record["features"]["case"]["amounts"].values()) if "case" in record["features"] else 0
            )
        money[name] = money.get(name, 0) + amount
    return dict(sorted(money.items()))


def _examples(claims: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Three holds of different codes, in words."""
    chosen: dict[str, dict[str, Any]] = {}
    for record in sorted(claims, key=lambda one: -(one.get("amount_at_risk") or 0)):
        if record["decision"] != "HOLD" or record.get("purpose") not in CONTROLS or not record["reasons"]:
            continue
        lead = next(
            (reason for reason in record["reasons"] if reason.get("class") == "H"), record["reasons"][0]
        )
        chosen.setdefault(
            lead["code"],
            {
                "claim_id": record["claim_id"],
                "code": lead["code"],
                "fr": f"{lead['label_fr']}. {lead.get('facts_fr', '')}",
                "en": f"{lead['label_en']}. {lead.get('facts_en', '')}",
            },
        )
    return list(chosen.values())[:3]


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def _quantile(values: Sequence[float], share: float) -> float | None:
    return round(values[min(len(values) - 1, int(share * len(values)))], 1) if values else None

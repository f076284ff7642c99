"""Counts what a run answered, from its outputs alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, BinaryIO

import orjson
from rich.console import Console
from rich.table import Table

from streams.messages import Output


class Tally:
    """Sums over the `screened` records and dead letters of a run. Money in centimes."""

    def __init__(self) -> None:
        self.answers: Counter[str] = Counter()
        self.decisions: Counter[str] = Counter()
        self.purposes: Counter[str] = Counter()
        self.money: Counter[str] = Counter()
        self.fired: Counter[str] = Counter()
        self.shadowed: Counter[str] = Counter()
        self.cannot: Counter[str] = Counter()
        self.dead: Counter[str] = Counter()
        self.alerts = 0

    def taking(self, records: BinaryIO | None, letters: BinaryIO | None) -> Callable[[list[Output]], None]:
        """A sink that counts the outputs and writes records and dead letters as JSON Lines."""

        def take(outputs: list[Output]) -> None:
            for output in outputs:
                if output.topic == "screened":
                    self._count(orjson.loads(output.value))
                    if records is not None:
                        records.write(output.value + b"\n")
                elif output.topic == "dead-letters":
                    self._dead(output, letters)
                elif output.topic in ("fraud-alerts", "internal-alerts"):
                    self.alerts += 1

        return take

    def summary(self) -> dict[str, Any]:
        """One JSON-able object."""
        claims = self.answers["claim"]
        return {
            "answers": dict(self.answers),
            "decisions": dict(self.decisions),
            "holds_by_purpose": dict(self.purposes),
            "money_centimes": dict(self.money),
            "detectors_fired": dict(sorted(self.fired.items())),
            "in_shadow_fired": dict(sorted(self.shadowed.items())),
            "cannot_check": {
                code: {"claims": n, "share": round(n / claims, 4) if claims else 0.0}
                for code, n in sorted(self.cannot.items())
            },
            "dead_letters": dict(self.dead),
            "alerts": self.alerts,
        }

    def show(self, console: Console) -> None:
        """The same for a person."""
        table = Table("decision", "answers", "MAD")
        for decision, count in sorted(self.decisions.items()):
            table.add_row(decision, f"{count:,}", f"{self.money[decision] / 100:,.2f}")
        console.print(table)
        for name, counts in (
            ("held for", self.purposes),
            ("detectors", self.fired),
            ("in shadow", self.shadowed),
            ("could not check", self.cannot),
            ("dead letters", self.dead),
        ):
            if counts:
                console.print(
                    f"{name}: " + ", ".join(f"{key} {count:,}" for key, count in sorted(counts.items()))
                )

    def _count(self, record: dict[str, Any]) -> None:
        self.answers[record["type"]] += 1
        self.decisions[record["decision"]] += 1
        self.money[record["decision"]] += record.get("amount_at_risk") or 0
        if record["decision"] == "HOLD":  # one that is flagged and paid has a purpose too
            self.purposes[record["purpose"]] += 1
        if record["type"] == "claim":
            self.fired.update({reason["code"] for reason in record["reasons"]})
            self.shadowed.update({reason["code"] for reason in record.get("shadow", ())})
            self.cannot.update({item["code"] for item in record["cannot_check"]})

    def _dead(self, output: Output, letters: BinaryIO | None) -> None:
        headers = {name: value.decode() for name, value in output.headers}
        self.dead[headers.get("reason", "")] += 1
        if letters is not None:
            letters.write(
                orjson.dumps(
                    {**headers, "received": output.value.decode(errors="replace")},
                    option=orjson.OPT_APPEND_NEWLINE,
                )
            )

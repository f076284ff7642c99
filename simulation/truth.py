"""What is true of an event: one line of the truth file, which the screener never reads.

`class` is HONEST, ERROR, FRAUD or LOOKALIKE; `scheme` names the fraud, the error or the look-alike, `case` the
performance of it. Each line of a claim has its own class, what is wrong with it (`typology`) and the money at stake in
centimes as billed; a claim is as bad as its worst line. Liquidations and payments are without lines.
"""

from __future__ import annotations

from typing import Any

from simulation.claims import Dossier
from simulation.tables import Event

WRONG = ("FRAUD", "ERROR")


def of_claim(event: Event, dossier: Dossier) -> Event:
    """The truth of a claim filed from a dossier."""
    return of_lines(event, dossier.truth, dossier.scheme, dossier.faults, dossier.case)


def of_lines(
    event: Event,
    class_: str,
    scheme: str | None,
    faults: dict[int, str] | None = None,
    case: str | None = None,
) -> Event:
    """The truth of a claim; `faults` line -> typology, None = the class holds for every line."""
    lines: list[dict[str, Any]] = []
    for line in event.get("lines", ()):
        at_fault = faults is None or line["line"] in faults
        lines.append(
            {
                "line": line["line"],
                "class": class_ if at_fault else "HONEST",
                "typology": (scheme if faults is None else faults[line["line"]]) if at_fault else None,
                "amount": line["amount"],
            }
        )
    amount = sum(line["amount"] for line in lines)
    return _line(event, class_, scheme, case, amount, lines)


def of_step(event: Event, class_: str, scheme: str | None, case: str | None = None) -> Event:
    """The truth of a liquidation or payment; the money is what it would pay."""
    amount = (event.get("base_amount") or 0) + (event.get("complementary_amount") or 0)
    return _line(event, class_, scheme, case, amount, [])


def _line(
    event: Event, class_: str, scheme: str | None, case: str | None, amount: int, lines: list[dict[str, Any]]
) -> Event:
    return {
        "event_id": event["event_id"],
        "claim_id": event["claim_id"],
        "class": class_,
        "scheme": scheme,
        "case": case,
        "amount": amount,
        "lines": lines,
    }

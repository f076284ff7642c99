"""Warnings carried with a claim: what looks wrong in its form without making it unreadable.

Each is `code:path` (`inpe-format:lines[0].executor`): counted by code, shown by path, no value repeated. Care
abroad has no INPE; a date or an amount that contradicts another is said here and judged by detectors.
"""

from __future__ import annotations

from functools import lru_cache
from operator import attrgetter

from schemas.claim import Claim, Line

HOME_COUNTRY = "MA"
INPE_DIGITS = 9  # ANAM's guide; no checksum is published, and the meaning of the first digits is unverified

_ACTORS = ("executor", "performer", "place", "prescriber")
_actors = attrgetter(*_ACTORS)
_TEETH = frozenset(
    quadrant * 10 + tooth for quadrant in range(1, 9) for tooth in range(1, 9 if quadrant < 5 else 6)
)
"""FDI notation: quadrants 1-4 of eight permanent teeth, 5-8 of five deciduous ones."""


@lru_cache(maxsize=1 << 16)
def is_inpe(number: str) -> bool:
    """Whether the text has the form of an INPE: nine ASCII digits."""
    return len(number) == INPE_DIGITS and number.isascii() and number.isdigit()


@lru_cache(maxsize=1 << 14)
def _malformed(actors: tuple[str | None, ...]) -> tuple[str, ...]:
    """Which of a line's actors have no INPE's form; the same people come together again and again."""
    named = zip(_ACTORS, actors, strict=True)
    return tuple(field for field, number in named if number is not None and not is_inpe(number))


def of(claim: Claim, home: str = HOME_COUNTRY) -> tuple[str, ...]:
    """The claim's warnings, in the order of its fields; usually empty."""
    found: list[str] = []
    lines = claim.lines
    if (
        claim.declared_total is not None
        and lines
        and claim.declared_total != sum([line.amount for line in lines])
    ):
        found.append("declared-total:declared_total")
    if claim.documents:
        numbers = {line.line for line in lines}
        for index, document in enumerate(claim.documents):
            if document.lines and not numbers.issuperset(document.lines):
                found.append(f"document-line:documents[{index}].lines")
    for index, line in enumerate(lines):
        for code, field in _line(claim, line, home):
            found.append(f"{code}:lines[{index}].{field}")
    return tuple(found)


def _line(claim: Claim, line: Line, home: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if line.country is None or line.country == home:
        found += [("inpe-format", field) for field in _malformed(_actors(line))]
    if line.service_date > claim.deposit_date:
        found.append(("care-after-deposit", "service_date"))
    if line.prescribed_on is not None and line.prescribed_on > line.service_date:
        found.append(("prescribed-after-care", "prescribed_on"))
    # half a unit of the price per unit: rounded unit prices are lawful
    if (
        line.unit_price is not None
        and abs(line.unit_price * line.quantity - line.amount) > 0.5 * line.quantity + 0.5
    ):
        found.append(("amount-product", "amount"))
    if line.teeth and not _TEETH.issuperset(line.teeth):
        found.append(("tooth-fdi", "teeth"))
    return found

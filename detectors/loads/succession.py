"""A new edition against those in force: their order, and how much of them it lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from detectors.loads.problem import Problem
from detectors.loads.sheet import Sheet, alike, natural

MOST_LOST: Final = 0.05
"""Share of its predecessor's keys by which an edition may be shorter (a file cut short is shorter by far)."""


def misplaced(sheet: Sheet, others: Sequence[Sheet]) -> Iterator[Problem]:
    """Names that differ in their numbers have to rise with their first days, else an old table comes back."""
    for other in others:
        if not alike(sheet.edition, other.edition) or other.valid_from == sheet.valid_from:
            continue
        if natural(sheet.edition) > natural(other.edition) and sheet.valid_from < other.valid_from:
            wanted = f"not before {other.valid_from}, from which edition {other.edition!r} is in force"
        elif natural(sheet.edition) < natural(other.edition) and sheet.valid_from > other.valid_from:
            wanted = f"before {other.valid_from}, from which edition {other.edition!r} is in force"
        else:
            continue
        yield Problem("valid_from", sheet.valid_from.isoformat(), f"{wanted}, for edition {sheet.edition!r}")
        return


def hidden(sheet: Sheet, others: Sequence[Sheet]) -> Iterator[Problem]:
    """An edition all of whose days another one covers that counts before it would never be read."""
    for other in others:
        same = other.edition != sheet.edition and other.valid_from == sheet.valid_from
        longer = other.valid_to is None or (sheet.valid_to is not None and sheet.valid_to <= other.valid_to)
        if same and longer and natural(other.edition) > natural(sheet.edition):
            wanted = f"a name after {other.edition!r}, which is in force from the same day and hides it"
            yield Problem("edition", sheet.edition, wanted)
            return


def shrunk(sheet: Sheet, others: Sequence[Sheet]) -> Iterator[Problem]:
    """Fewer keys than the edition before it by more than `MOST_LOST`, where nobody said that this is meant."""
    if sheet.accept_loss:
        return
    before = predecessor(sheet, others)
    if before is None or not before.keys:
        return
    had, has = before.keys, sheet.keys
    if (had - has) / had > MOST_LOST:
        share = f"{(had - has) / had:.1%}"
        wanted = (
            f"at least {1 - MOST_LOST:.0%} of the {had} keys of edition {before.edition!r} ({share} are gone)"
        )
        yield Problem("rows", str(has), wanted + ", or accept_loss")


def predecessor(sheet: Sheet, others: Sequence[Sheet]) -> Sheet | None:
    """What the edition is compared with: the same one as it stood, else the last one before it."""
    for other in others:
        if other.edition == sheet.edition:
            return other
    return max(
        (other for other in others if other.place < sheet.place), key=lambda one: one.place, default=None
    )

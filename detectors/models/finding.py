"""From the components of a model to its one finding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from detectors.base import Finding
from detectors.models.score import MODEL_WEIGHT
from detectors.models.series import HINGE_CAP, KNOT, hinge


class Component(NamedTuple):
    """One thing that a model looks at. `facts` are plain values for the sentence of `variant`."""

    variant: str
    z: float
    n: int
    facts: dict[str, Any]
    window: str | None = None


def build(code: str, components: Sequence[Component], lines: tuple[int, ...], amount: int) -> Finding | None:
    """The finding whose term is the sum of the components' hinges, told by the largest; None when all are
    usual.

    `value` is the largest component in standard deviations, `threshold` where its hinge starts, and
    `strength` the hinges' sum as a share of what earns the whole term (`series.HINGE_CAP`).
    """
    total = min(sum(hinge(component.z) for component in components), HINGE_CAP)
    if not total:
        return None
    top = max(components, key=lambda component: component.z)
    return Finding(
        code=code,
        cls="S",
        strength=total / HINGE_CAP,
        weight=MODEL_WEIGHT,
        nature="PRE",
        lines=lines,
        amount=amount,
        value=round(top.z, 2),
        threshold=KNOT,
        window=top.window,
        n=top.n,
        variant=top.variant,
        facts=top.facts,
        model=True,
    )

"""Several worlds as one: medians with their spread, each target beside what was measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, Final

from streams.evaluation.scorers import AMOUNT, LIVE, NAMES, SOFT, SOFT_LEARNED, START

Told = dict[str, Any]
Value = Callable[[Told], float | None]


def _auc(name: str) -> Value:
    return lambda world: world["builds"][name]["auc_pr"]


def _money(share: float) -> Value:
    return lambda world: next(
        point["money"] for point in world["builds"][LIVE]["curve"] if point["share"] == share
    )


def _policy(name: str) -> Value:
    return lambda world: world["policy"][name]


TARGETS: Final[tuple[tuple[str, Value, float, bool], ...]] = (
    ("AUC-PR of the amount z-score: the worlds are hard enough", _auc(AMOUNT), 0.06, False),
    ("AUC-PR, models and soft detectors alone, no labels", _auc(SOFT), 0.40, True),
    ("AUC-PR, models and soft detectors alone, reviews fed back", _auc(SOFT_LEARNED), 0.50, True),
    ("AUC-PR, rules and models, no labels", _auc(START), 0.65, True),
    ("AUC-PR, rules and models, reviews fed back", _auc(LIVE), 0.65, True),
    ("fraud money in the first 1 % ranked", _money(0.01), 0.50, True),
    ("fraud money in the first 2 % ranked", _money(0.02), 0.75, True),
    ("frauds among what policy holds for FRAUD or MEDICAL", _policy("precision"), 0.75, True),
    ("honest dossiers held", _policy("honest_held"), 0.003, False),
)
"""(what, of one world, target, whether at least)"""


def spread(values: Sequence[float | None]) -> dict[str, float | None]:
    """Least, median and most of what is known."""
    known = [value for value in values if value is not None]
    if not known:
        return {"least": None, "median": None, "most": None}
    return {"least": min(known), "median": median(known), "most": max(known)}


def summary(worlds: Sequence[Told]) -> Told:
    """One JSON-able object of the figures of several worlds (`worlds.figures`)."""
    targets = []
    for what, value, target, least in TARGETS:
        measured = spread([value(world) for world in worlds])
        middle = measured["median"]
        met = middle is not None and (middle >= target if least else middle < target)
        targets.append({"what": what, "target": target, "at_least": least, **measured, "met": met})
    builds = {}
    for name in NAMES:
        of = [world["builds"][name] for world in worlds]
        builds[name] = {
            key: spread([one[key] for one in of])
            for key in ("auc_pr", "auc_pr_without_errors", "auc_pr_unseen")
        } | {
            "curve": [
                {"share": point["share"]}
                | {key: spread([one["curve"][place][key] for one in of]) for key in ("precision", "money")}
                for place, point in enumerate(of[0]["curve"])
            ]
        }
    return {
        "worlds": list(worlds),
        "targets": targets,
        "builds": builds,
        "policy": {key: spread([world["policy"][key] for world in worlds]) for key in worlds[0]["policy"]},
        "typologies": _typologies(worlds),
    }


def _typologies(worlds: Sequence[Told]) -> dict[str, Told]:
    """The sums over the worlds; `first`: median over them."""
    found: dict[str, Told] = {}
    firsts: dict[str, list[float]] = {}
    for world in worlds:
        for name, told in world["typologies"].items():
            one = found.setdefault(name, dict.fromkeys(("schemes", "found", "dossiers", "caught"), 0))
            for key in ("schemes", "found", "dossiers", "caught"):
                one[key] += told[key]
            one["unseen"] = told["unseen"]
            if told["first"] is not None:
                firsts.setdefault(name, []).append(told["first"])
    for name, one in found.items():
        one["first"] = median(firsts[name]) if name in firsts else None
    return dict(sorted(found.items()))

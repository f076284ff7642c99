"""Simulated worlds through the real loop, with controllers whose outcomes come back, and what each build is worth.

Worlds for tuning and worlds for reporting differ in their seeds and in what they are drawn from; some typologies are
played in worlds for reporting alone.
"""

from __future__ import annotations

import datetime as dt
import random
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context
from statistics import median
from typing import Any, Final

import orjson

from detectors.models.score import sigmoid
from simulation import Plan, World, generate
from simulation.schemes import FRAUDS
from simulation.world import Scale
from streams.config import Settings
from streams.evaluation.dossiers import Dossier, Dossiers
from streams.evaluation.ranking import average_precision, curve
from streams.evaluation.reviewers import Capacity, Reviewers
from streams.evaluation.scorers import LIVE, NAMES
from streams.evaluation.year import enforced
from streams.event_log import LogScreening, screen_log

Progress = Callable[[int], None]
Told = dict[str, Any]
UNSEEN: Final = frozenset(("identity_lending", "split_claims", "weekend_billing", "crown_after_extraction"))
"""Typologies that nothing is ever tuned on."""
INSIDE: Final = frozenset(
    (
        "unlinked_account",
        "override_habit",
        "liquidator_concentration",
        "scripted_nights",
        "hold_override",
        "payment_changed",
        "double_payment",
        "over_liquidated",
    )
)
"""What liquidators do: reported apart, and not played here."""
FIRST_REPORT: Final = 1_001
"""Seeds from here on are worlds for reporting."""
EDGES: Final = (0.01, 0.03, 0.1, 0.3, 0.5, 0.7, 0.9)
"""Scores that part the bins of the reliability plot."""
FRAUDS_A_WAVE: Final = 555
"""Dossiers when every typology is played once, about."""
LATE_AND_COPIED: Final = 1.08


@dataclass(frozen=True, slots=True)
class Size:
    """How large a world is: dossiers, days of care, the share of them that is fraudulent, about."""

    claims: int = 50_000
    days: int = 210
    frauds: float = 0.015

    @property
    def waves(self) -> int:
        """How often the typologies are played; at least once."""
        return max(1, round(self.claims * self.frauds / FRAUDS_A_WAVE * 1.5))


QUICK: Final = Size(claims=4_000, days=100, frauds=0.05)


@dataclass(frozen=True, slots=True)
class Job:
    """How worlds are screened. `as_shipped`: under the policy of a new deployment, in which some detectors are in
    shadow; else all are in force.
    """

    size: Size = field(default_factory=Size)
    capacity: Capacity = field(default_factory=Capacity)
    as_shipped: bool = False


def plan(seed: int, size: Size) -> tuple[World, Plan]:
    """A world and what happens in it, all of it drawn from its seed."""
    draw = random.Random(f"world {seed}")
    report = seed >= FIRST_REPORT
    names = sorted(FRAUDS.keys() - INSIDE - UNSEEN)
    wanted = round(size.claims * size.frauds / (size.waves * FRAUDS_A_WAVE) * len(FRAUDS))
    played = set(draw.sample(names, min(wanted, len(names))))
    if report:
        played |= UNSEEN
    people = round(size.claims * (draw.uniform(0.24, 0.36) if report else draw.uniform(0.30, 0.32)))
    providers = draw.choice((1, 2, 3)) if report and size.claims >= 20_000 else 1
    world = World(seed, max(people, 2_500), scale=Scale(providers, agencies=1, liquidators=10, routed=2))
    happens = Plan(
        claims=round((size.claims - size.waves * 900) / LATE_AND_COPIED),
        days=size.days,
        live_days=0,
        settle="all",
        waves=size.waves,
        requests=draw.uniform(0.01, 0.03) if report else 0.02,
        played=frozenset(played),
    )
    return world, happens


def screen(seed: int, job: Job, progress: Progress) -> Dossiers:
    """One world, screened; `progress` is told how many claims are done."""
    dossiers = Dossiers(Reviewers(job.capacity, seed))
    people, happens = plan(seed, job.size)
    claims = 0

    def lines() -> Iterator[bytes]:
        nonlocal claims
        today: dt.date | None = None
        for event, truth in generate(people, happens):
            now = dt.datetime.fromisoformat(event["ingest_time"])
            if now.date() != today:
                today = now.date()
                for review in dossiers.outcomes(now):
                    yield orjson.dumps(review)
            dossiers.expect(event, truth)
            if event["type"] == "claim":
                claims += 1
                if claims % 500 == 0:
                    progress(claims)
            yield orjson.dumps(event if job.as_shipped else enforced(event))

    screen_log(LogScreening(Settings(), None, f"world-{seed}", 128), lines(), dossiers.take)
    progress(claims)
    return dossiers


def run(seeds: Sequence[int], job: Job, jobs: int, progress: Progress) -> list[Told]:
    """The figures of several worlds, in the order of their seeds; `progress` is told how many claims are done.

    With several `jobs`, each world has a process of its own, and progress comes world by world.
    """
    if jobs == 1 or len(seeds) == 1:
        told = []
        for number, seed in enumerate(seeds):
            told.append(world(seed, job, lambda count, at=number * job.size.claims: progress(at + count)))  # type: ignore[misc]
        return told
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(world, seed, job) for seed in seeds]
        for number, _ in enumerate(as_completed(waiting), 1):
            progress(number * job.size.claims)
        return [one.result() for one in waiting]


def world(seed: int, job: Job, progress: Progress = lambda count: None) -> Told:
    """The figures of one world."""
    return figures(seed, screen(seed, job, progress))


def figures(seed: int, dossiers: Dossiers) -> Told:
    """What one world says. Shares are 0 to 1, money in centimes."""
    told = [one for one in dossiers.all.values() if not one.inside]
    frauds = [one for one in told if one.class_ == "FRAUD"]
    held = [one for one in told if one.held]
    honest = [one for one in told if one.class_ == "HONEST"]
    looks = [one for one in told if one.class_ == "LOOKALIKE"]
    return {
        "seed": seed,
        "dossiers": len(told),
        "frauds": len(frauds),
        "money": sum(one.money for one in frauds),
        "reviews": dossiers.reviewers.made,
        "builds": {name: _build(dossiers, name) for name in NAMES},
        "reliability": _reliability(told),
        "policy": {
            "held": _share(len(held), len(told)),
            "precision": _share(sum(one.class_ == "FRAUD" for one in held), len(held)),
            "precision_with_errors": _share(sum(one.class_ in ("FRAUD", "ERROR") for one in held), len(held)),
            "money": _share(sum(one.money for one in frauds if one.held), sum(one.money for one in frauds)),
            "honest_held": _share(sum(one.held for one in honest), len(honest)),
            "lookalikes_held": _share(sum(one.held for one in looks), len(looks)),
        },
        "typologies": _typologies(dossiers),
    }


def _build(dossiers: Dossiers, name: str) -> Told:
    """A build's ranking: strictly, without the honest errors, and of the typologies that nothing was tuned on."""
    strict = dossiers.ranked(name)
    rest = FRAUDS.keys() - UNSEEN
    return {
        "auc_pr": average_precision(strict),
        "auc_pr_without_errors": average_precision(dossiers.ranked(name, errors=False)),
        "auc_pr_unseen": average_precision(dossiers.ranked(name, without=rest, errors=False)),
        "curve": [point._asdict() for point in curve(strict)],
        "curve_without_errors": [point._asdict() for point in curve(dossiers.ranked(name, errors=False))],
    }


def _reliability(told: Sequence[Dossier]) -> list[Told]:
    """By bins of the loop's own score: dossiers, the mean score, the share that is fraud or error."""
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(len(EDGES) + 1)]
    for one in told:
        if LIVE in one.scores:
            value = sigmoid(one.scores[LIVE])
            bins[bisect_right(EDGES, value)].append((value, one.class_ in ("FRAUD", "ERROR")))
    return [
        {
            "dossiers": len(one),
            "score": sum(value for value, _ in one) / len(one),
            "wrong": sum(wrong for _, wrong in one) / len(one),
        }
        for one in bins
        if one
    ]


def _typologies(dossiers: Dossiers) -> dict[str, Told]:
    """By typology: schemes, dossiers, those held or alerted, and how many dossiers a scheme had by its first alert."""
    sums: dict[str, Told] = {}
    firsts: dict[str, list[int]] = {}
    for (scheme, _), files in sorted(dossiers.cases().items()):
        one = sums.setdefault(scheme, {"schemes": 0, "found": 0, "dossiers": 0, "caught": 0})
        caught = [number for number, file in enumerate(files, 1) if file.held or file.alerted]
        one["schemes"] += 1
        one["found"] += bool(caught)
        one["dossiers"] += len(files)
        one["caught"] += len(caught)
        if caught:
            firsts.setdefault(scheme, []).append(caught[0])
    for scheme, one in sums.items():
        one["first"] = median(firsts[scheme]) if scheme in firsts else None
        one["unseen"] = scheme in UNSEEN
    return sums


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None

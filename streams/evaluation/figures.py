"""The figures of an evaluation, each target beside what was measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from detectors.base import Declaration
from streams.evaluation.scores import CONTROLS, WRONG, Detector, Scores
from streams.evaluation.typologies import WITHIN

Report = dict[str, Any]

HARD_PRECISION, HARD_RECALL = 0.95, 0.90
SCHEMES_FOUND = 0.60
LOOKALIKES_HELD, HONEST_HELD, FLAGGED, ALERTS = 0.01, 0.003, 0.02, 0.005
MOST = 6  # entries of a breakdown


def report(seed: int, waves: int, scores: Scores, declarations: Sequence[Declaration]) -> Report:
    """One JSON-able object. Shares are 0 to 1 (None: nothing to measure), money in centimes."""
    claims = [name for name in scores.order if scores.kinds[name] == "claim"]
    classes = Counter(scores.truths[name]["class"] for name in claims)
    sums = scores.detectors([one.code for one in declarations])
    rows = [_row(one, sums[one.code], scores) for one in declarations]
    declared = {one.code for one in declarations}
    schemes = [
        {
            "code": code,
            "typology": typology,
            "schemes": reached,
            "found": found,
            "share": _share(found, reached),
        }
        for (code, typology), (reached, found) in sorted(scores.schemes().items())
        if code in declared
    ]
    told = {
        "seed": seed,
        "waves": waves,
        "claims": len(claims),
        "events": sum(scores.answered.values()),
        "unanswered": sum(name not in scores.answers for name in scores.order),
        "dead_letters": dict(scores.dead),
        "classes": dict(sorted(classes.items())),
        "schemes_played": _played(scores, "FRAUD"),
        "lookalikes_played": _played(scores, "LOOKALIKE"),
        "detectors": rows,
        "schemes": schemes,
        "honest": _honest(scores, claims),
        "money": _money(scores),
        "alerts": len(scores.cases),
        "vain_alerts": scores.vain_cases(),
        "cases_played": sum(one["cases"] for one in _played(scores, "FRAUD").values()),
    }
    told["targets"] = _targets(told, sums, declarations)
    return told


def _row(declaration: Declaration, one: Detector, scores: Scores) -> dict[str, Any]:
    kinds = declaration.follows or ("claim",)
    looked = sum(scores.answered[kind] for kind in kinds)
    return {
        "code": declaration.code,
        "label_en": declaration.label_en,
        "class": "H" if declaration.hard else "S",
        "fired": one.fired,
        "precision": _share(one.right, one.fired),
        "held_lines": one.held_lines,
        "held_precision": _share(one.held_right, one.held_lines),
        "own_lines": one.own_lines,
        "own_found": _share(one.own_found, one.own_lines),
        "own_money": one.own_money,
        "own_money_found": one.own_money_found,
        "cannot_check": _share(one.cannot, looked),
        "held_for_nothing": dict(one.false.most_common(MOST)),
        "fired_for_nothing": dict(one.wrong.most_common(MOST)),
        "missed": dict(one.missed.most_common(MOST)),
    }


def _played(scores: Scores, class_: str) -> dict[str, dict[str, int]]:
    """Scheme or look-alike -> performances, and claims (or steps of the back office) in them."""
    cases: dict[str, set[str]] = {}
    events: Counter[str] = Counter()
    for truth in scores.truths.values():
        if truth["class"] == class_:
            cases.setdefault(truth["scheme"], set()).add(truth.get("case") or "")
            events[truth["scheme"]] += 1
    return {name: {"cases": len(cases[name]), "events": events[name]} for name in sorted(cases)}


def _honest(scores: Scores, claims: Sequence[str]) -> dict[str, Any]:
    """What was held, flagged and asked for among claims that are neither fraud nor error."""
    sums: dict[str, Counter[str]] = {}
    by: dict[str, Counter[str]] = {"HONEST": Counter(), "LOOKALIKE": Counter()}
    looks: Counter[str] = Counter()
    flagged = 0
    for name in claims:
        answer = scores.answers.get(name)
        truth = scores.truths[name]
        one = sums.setdefault(truth["class"], Counter())
        one["claims"] += 1
        if answer is None:
            continue
        flagged += answer.flagged
        one["flagged"] += answer.flagged
        one["completed"] += "COMPLETE_FILE" in answer.purposes
        if answer.purposes & CONTROLS:
            one["held"] += 1
            if truth["class"] in by:
                by[truth["class"]]["+".join(sorted(answer.holding))] += 1
                looks[truth["scheme"] or "honest"] += 1
    return {
        "by_class": {name: dict(one) for name, one in sorted(sums.items())},
        "held_by": {name: dict(one.most_common(3 * MOST)) for name, one in by.items()},
        "held_of": dict(looks.most_common(3 * MOST)),
        "flagged": flagged,
    }


def _money(scores: Scores) -> dict[str, int]:
    """Centimes of frauds on claims: at stake, and in claims that were held."""
    total = held = right = controls = 0
    for name, answer in scores.answers.items():
        truth = scores.truths.get(name)
        if truth is None or answer.kind != "claim":
            continue
        control = bool(answer.purposes & CONTROLS)
        controls += control
        right += control and truth["class"] in WRONG
        if truth["class"] == "FRAUD":
            total += truth["amount"]
            held += truth["amount"] * bool(answer.purposes)
    return {"frauds": total, "frauds_held": held, "controls": controls, "controls_right": right}


def _targets(
    told: Report, sums: dict[str, Detector], declarations: Sequence[Declaration]
) -> list[dict[str, Any]]:
    hard = [sums[one.code] for one in declarations if one.hard]
    classes = told["honest"]["by_class"]
    looks, honest = classes.get("LOOKALIKE", {}), classes.get("HONEST", {})
    reached = sum(row["schemes"] for row in told["schemes"])
    found = sum(row["found"] for row in told["schemes"])
    return [
        _target(
            "hard rules: lines held that are fraud or error",
            _share(sum(o.held_right for o in hard), sum(o.held_lines for o in hard)),
            HARD_PRECISION,
            least=True,
        ),
        _target(
            "hard rules: their lines found",
            _share(sum(o.rule_found for o in hard), sum(o.rule_lines for o in hard)),
            HARD_RECALL,
            least=True,
        ),
        _target(
            f"soft typologies: schemes found within {WITHIN} claims of the threshold",
            _share(found, reached),
            SCHEMES_FOUND,
            least=True,
        ),
        _target(
            "look-alikes held for control",
            _share(looks.get("held", 0), looks.get("claims", 0)),
            LOOKALIKES_HELD,
        ),
        _target(
            "honest claims held for FRAUD, MEDICAL or INTERNAL",
            _share(honest.get("held", 0), honest.get("claims", 0)),
            HONEST_HELD,
        ),
        _target("honest claims flagged", _share(honest.get("flagged", 0), honest.get("claims", 0)), FLAGGED),
        _target("claims flagged, of all", _share(told["honest"]["flagged"], told["claims"]), FLAGGED),
        _target("alerts after roll-up, a claim", _share(told["alerts"], told["claims"]), ALERTS),
        _target("alerts about neither fraud nor error", _share(told["vain_alerts"], told["claims"]), ALERTS),
    ]


def _target(what: str, measured: float | None, limit: float, *, least: bool = False) -> dict[str, Any]:
    met = measured is not None and (measured >= limit if least else measured < limit)
    return {"what": what, "target": limit, "least": least, "measured": measured, "met": met}


def _share(part: float, whole: float) -> float | None:
    return round(part / whole, 4) if whole else None

"""The figures of an evaluation as a page of Markdown: docs/evaluation.md is made of it."""

from __future__ import annotations

from collections.abc import Sequence

from streams.evaluation.figures import HARD_PRECISION, HARD_RECALL, SCHEMES_FOUND, Report


def percent(share: float | None, digits: int = 1) -> str:
    """A share for a person."""
    return "-" if share is None else f"{100 * share:.{digits}f} %"


def target_rows(told: Report) -> list[list[str]]:
    """What, target, measured, met."""
    return [
        [
            one["what"],
            ("≥ " if one["least"] else "< ") + f"{100 * one['target']:g} %",
            percent(one["measured"], 2),
            "met" if one["met"] else "NOT MET",
        ]
        for one in told["targets"]
    ]


DETECTOR_HEAD = (
    "code", "class", "fired", "of it fraud or error", "lines held", "of them fraud or error",
    "own lines", "found", "own MAD", "MAD found", "cannot check", "as a rule",
)  # fmt: skip


def detector_rows(told: Report) -> list[list[str]]:
    """One row a detector, under `DETECTOR_HEAD`."""
    by_scheme = {row["code"] for row in told["schemes"]}
    return [
        [
            one["code"],
            one["class"],
            f"{one['fired']:,}",
            percent(one["precision"]),
            f"{one['held_lines']:,}",
            percent(one["held_precision"]),
            f"{one['own_lines']:,}",
            percent(one["own_found"]),
            f"{one['own_money'] / 100:,.0f}",
            f"{one['own_money_found'] / 100:,.0f}",
            percent(one["cannot_check"], 2),
            _as_a_rule(one, by_scheme),
        ]
        for one in told["detectors"]
    ]


def _as_a_rule(one: Report, by_scheme: set[str]) -> str:
    """Whether a hard rule meets its two targets; what is measured by scheme is judged there."""
    if one["class"] != "H" or (not one["held_lines"] and not one["own_lines"]):
        return ""
    right = one["held_precision"] is None or one["held_precision"] >= HARD_PRECISION
    found = one["code"] in by_scheme or one["own_found"] is None or one["own_found"] >= HARD_RECALL
    return "met" if right and found else "NOT MET"


SCHEME_HEAD = ("code", "typology", "schemes that reached the threshold", "found in time", "share", "")


def scheme_rows(told: Report) -> list[list[str]]:
    """One row a typology that is measured by scheme, under `SCHEME_HEAD`."""
    return [
        [
            one["code"],
            one["typology"],
            f"{one['schemes']}",
            f"{one['found']}",
            percent(one["share"], 0),
            "" if one["share"] is None else "met" if one["share"] >= SCHEMES_FOUND else "NOT MET",
        ]
        for one in told["schemes"]
    ]


HONEST_HEAD = ("class", "claims", "held for control", "held to complete the file", "flagged")


def honest_rows(told: Report) -> list[list[str]]:
    """One row a class of truth, under `HONEST_HEAD`."""
    return [
        [
            name.lower(),
            f"{one['claims']:,}",
            *(
                f"{one.get(key, 0):,} ({percent(one.get(key, 0) / one['claims'], 2)})"
                for key in ("held", "completed", "flagged")
            ),
        ]
        for name, one in told["honest"]["by_class"].items()
    ]


def page(told: Report, command: str) -> str:
    """The whole page."""
    played = [
        [name, kind, f"{one['cases']}" if kind == "fraud" else "", f"{one['events']:,}"]
        for kind, group in (("fraud", "schemes_played"), ("look-alike", "lookalikes_played"))
        for name, one in told[group].items()
    ]
    return "\n".join(
        [
            "# Evaluation of the detectors",
            "",
            f"Made by `{command}`: {told['claims']:,} simulated claims of one year, {told['events']:,} events",
            "answered. All detectors are enforced and nobody reviews anything: the score stays uncalibrated.",
            "The claims, their frauds and their look-alikes are the simulator's (seed "
            f"{told['seed']}), not real ones.",
            "",
            *table(("figure", "target", "measured", ""), target_rows(told)),
            "",
            f"{told['alerts']:,} alerts stand against {told['cases_played']:,} schemes and files of fraud that were",
            f"played, and {told['vain_alerts']:,} of them name nothing wrong. At twenty schemes of each typology the",
            "year is far denser in fraud than a payer's: what frauds and errors are flagged and alerted counts in the",
            "figures of all claims, and the rows beside them leave it out.",
            "",
            "## By truth",
            "",
            "A claim counts as held when any revision of its verdict held it.",
            "",
            *table(HONEST_HEAD, honest_rows(told)),
            "",
            "## By detector",
            "",
            "*Fired* counts events, whatever became of them; *lines held* those that a rule held by itself. *Own*",
            "lines are those of the typology that the detector is there for (streams/evaluation/typologies.py); of",
            "typologies measured by scheme, those before the scheme has become visible count too. *As a rule*:",
            f"{HARD_PRECISION:.0%} of the lines held are fraud or error, and {HARD_RECALL:.0%} of the own lines are",
            "found, unless that is measured by scheme.",
            "",
            *table(DETECTOR_HEAD, detector_rows(told)),
            "",
            "## Schemes",
            "",
            *table(SCHEME_HEAD, scheme_rows(told)),
            "",
            "## What was simulated",
            "",
            *table(("scheme or look-alike", "", "schemes", "claims or steps"), played),
            "",
        ]
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table in Markdown."""
    return [
        f"| {' | '.join(head)} |",
        "|" + "---|" * len(head),
        *(f"| {' | '.join(row)} |" for row in rows),
    ]

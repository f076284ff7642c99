"""The figures of worlds as a page: Markdown for the documents, HTML with its plots inside for a browser."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, Final

from streams.evaluation.pages import percent, table
from streams.evaluation.plots import Line, chart
from streams.evaluation.scorers import NAMES

Told = dict[str, Any]
Table = tuple[str, Sequence[str], Sequence[Sequence[str]]]
"""Title, head, rows"""


def target_rows(told: Told) -> list[list[str]]:
    """What, target, median with its spread, met."""
    return [
        [
            one["what"],
            f"{'≥' if one['at_least'] else '<'} {one['target']:g}",
            _spread(one),
            "met" if one["met"] else "NOT MET",
        ]
        for one in told["targets"]
    ]


def _spread(one: Told) -> str:
    if one["median"] is None:
        return "-"
    return f"{one['median']:.3f} ({one['least']:.3f} to {one['most']:.3f})"


def tables(told: Told) -> list[Table]:
    """Every table of the report."""
    builds = [
        [name, *(_spread(one[key]) for key in ("auc_pr", "auc_pr_without_errors", "auc_pr_unseen"))]
        for name, one in told["builds"].items()
    ]
    shares = [f"{100 * point['share']:g} %" for point in told["builds"][NAMES[0]]["curve"]]

    def first(key: str) -> list[list[str]]:
        return [
            [name, *(percent(point[key]["median"], 0) for point in one["curve"])]
            for name, one in told["builds"].items()
        ]

    policy = [
        [name.replace("_", " "), percent(one["median"], 2), percent(one["least"], 2), percent(one["most"], 2)]
        for name, one in told["policy"].items()
    ]
    typologies = [
        [
            name + (" (never tuned on)" if one["unseen"] else ""),
            str(one["schemes"]),
            percent(one["found"] / one["schemes"], 0),
            str(one["dossiers"]),
            percent(one["caught"] / one["dossiers"], 0),
            "-" if one["first"] is None else f"{one['first']:g}",
        ]
        for name, one in told["typologies"].items()
    ]
    return [
        ("Targets", ("figure", "target", "median (least to most)", ""), target_rows(told)),
        (
            "Builds: AUC-PR",
            ("build", "all dossiers", "honest errors left out", "typologies never tuned on"),
            builds,
        ),
        ("Of the first share ranked, how much is fraud", ("build", *shares), first("precision")),
        ("Of the fraud money, how much lies in the first share ranked", ("build", *shares), first("money")),
        ("What policy holds for FRAUD or MEDICAL", ("figure", "median", "least", "most"), policy),
        (
            "By typology, all worlds together",
            ("typology", "schemes", "found", "dossiers", "held or alerted", "first one"),
            typologies,
        ),
    ]


def plots(told: Told) -> dict[str, str]:
    """File name without ending -> SVG."""
    money = [
        Line(name, [(0.0, 0.0), *((point["share"], point["money"]["median"]) for point in one["curve"])])
        for name, one in told["builds"].items()
    ]
    reliability = [
        Line(f"world {world['seed']}", [(one["score"], one["wrong"]) for one in world["reliability"]])
        for world in told["worlds"]
    ]
    return {
        "worlds-money": chart(
            "Fraud money found", "% of the dossiers, by score", "% of the money", money, x_end=0.02
        ),
        "worlds-reliability": chart(
            "What a score is worth",
            "score, %",
            "fraud or error, %",
            [Line("as it should be", [(0.0, 0.0), (1.0, 1.0)]), *reliability],
        ),
    }


def head(told: Told) -> str:
    """One sentence about what was measured."""
    worlds = told["worlds"]
    seeds = ", ".join(str(world["seed"]) for world in worlds)
    dossiers, frauds = (sum(world[key] for world in worlds) for key in ("dossiers", "frauds"))
    of = f"World of seed {seeds}" if len(worlds) == 1 else f"{len(worlds)} worlds (seeds {seeds})"
    return f"{of}, {dossiers:,} dossiers, {frauds:,} of them fraudulent."


METHOD: Final = """\
Each world is simulated from its seed and goes through the loop event by event: claims, liquidations, payments.
Every day controllers look at a share of its dossiers, those of the highest score and some at random; what they
found comes back days later, and the score learns from it. A dossier counts with its highest score before it is
paid. What liquidators do is not played here. Honest errors (files sent twice, wrong prices) are no fraud: they
count against a ranking in the first column, and are left out in the second. The typologies of the third are
played in worlds for reporting alone.

*Rules and models* is the score with the weights it starts with; *learning* is what the loop answered. The other
builds are parts of the same verdicts: their terms by hard rules, by models and soft detectors, by M01 to M03.
The amount z-score is the first idea that anyone has.
"""


def markdown(told: Told, command: str, folder: str = "plots") -> str:
    """A page of Markdown that names the plots as files of `folder`."""
    parts = ["# Worlds\n", f"`{command}`\n", head(told) + "\n", METHOD]
    for title, columns, rows in tables(told):
        parts.append(f"## {title}\n")
        parts += [*table(columns, rows), ""]
    parts += [f"![{name}]({folder}/{name}.svg)\n" for name in plots(told)]
    return "\n".join(parts)


def html(told: Told, command: str) -> str:
    """One file for a browser, with nothing to fetch."""
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Worlds</title><style>',
        "body{font:14px/1.45 sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#222}",
        "table{border-collapse:collapse;margin:.5rem 0 1.5rem}td,th{border:1px solid #ddd;padding:.25rem .6rem}",
        "td:not(:first-child){text-align:right}th{background:#f4f4f4;text-align:left}.no{color:#a02020}",
        "div.wide{overflow-x:auto}</style></head><body>",
        f"<h1>Worlds</h1><p><code>{escape(command)}</code></p><p>{escape(head(told))}</p>",
        *plots(told).values(),
    ]
    for title, columns, rows in tables(told):
        parts.append(f"<h2>{escape(title)}</h2><div class=wide><table><tr>")
        parts += [f"<th>{escape(column)}</th>" for column in columns]
        parts.append("</tr>")
        for row in rows:
            cells = "".join(
                f"<td{' class=no' if cell == 'NOT MET' else ''}>{escape(cell)}</td>" for cell in row
            )
            parts.append(f"<tr>{cells}</tr>")
        parts.append("</table></div>")
    return "".join([*parts, "</body></html>\n"])

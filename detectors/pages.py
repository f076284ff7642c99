"""docs/detectors/: a page for each detector, written from what it declares: `python -m detectors.pages [FOLDER]`."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

from detectors.base import Declaration
from detectors.catalogue import DECLARATIONS
from detectors.decision import CONTROLS, DOCUMENTS, PURPOSES
from detectors.examples import EXAMPLES, listing
from detectors.policy import ENFORCED
from detectors.sentences import TEMPLATES

FOLDER: Final = "docs/detectors"
INDEX: Final = "README.md"
AXES: Final = {"care": "date of care", "arrival": "arrival"}
PLACEHOLDER: Final = re.compile(r"\{(\w+)[^}]*\}")

HEAD: Final = """# Detectors

What each of them looks for, what it reads, where its thresholds stand and why, and the innocent explanations to check
first. `crible detectors` prints the same list. A payer's `detectors` policy changes a threshold, a weight or a mode
(`off`, `shadow`, `enforce`) while workers run; the verdict's `ruleset` tells under which values it was given.

In shadow a detector is computed, counted (`crible_detector_shadow_fired_total`) and kept in the `shadow` part of the
`screened` record, without any effect on verdict, score, suspension or alert. A detector that this release does not
enforce starts there; a row `code,mode` with `enforce` in the policy ends it.

*Class*: H = may hold by itself; S = evidence for the score, which needs a second finding or a weight of 0.7.

| code | detector | class | nature | time axis | starts in |
|---|---|---|---|---|---|
"""


def pages() -> dict[str, str]:
    """File name -> content: the index, and a page a detector."""
    found = {INDEX: HEAD + "".join(map(_row, DECLARATIONS))}
    for declaration in DECLARATIONS:
        found[f"{declaration.code}.md"] = page(declaration)
    return found


def kind(declaration: Declaration) -> str:
    """H or S."""
    return "H" if declaration.hard else "S"


def page(declaration: Declaration) -> str:
    """One detector, as Markdown."""
    code = declaration.code
    parts = [
        f"# {code}: {declaration.label_en}\n",
        f"**{declaration.label_fr}** · {declaration.label_ar}\n",
        f"Class {kind(declaration)}, nature {declaration.nature} (a hold is for {PURPOSES[declaration.nature]}), "
        f"weight {declaration.weight:g}, by {AXES[declaration.axis]}. "
        f"Kinds: {', '.join(declaration.kinds or declaration.follows)}. Flows: {', '.join(declaration.flows)}. "
        f"Starts in: {_starts(code)}.\n",
        _listed("Reads", declaration.reads),
        _listed("Windows", declaration.windows),
        _thresholds(declaration),
        _reasons(code),
        _example(code),
        _listed("Check first", declaration.caveats_en),
        _listed("À vérifier d'abord", declaration.caveats_fr),
        _listed("Proposed control", CONTROLS.get(code, ())),
        _listed("Documents to ask for", DOCUMENTS.get(code, ())),
    ]
    return "\n".join(part for part in parts if part)


def _starts(code: str) -> str:
    return "enforce" if code in ENFORCED else "shadow"


def _row(declaration: Declaration) -> str:
    code = declaration.code
    return (
        f"| [{code}]({code}.md) | {declaration.label_en} | {kind(declaration)} | {declaration.nature} | "
        f"{AXES[declaration.axis]} | {_starts(code)} |\n"
    )


def _listed(title: str, items: tuple[str, ...]) -> str:
    return f"## {title}\n\n" + "".join(f"- {item}\n" for item in items) if items else ""


def _thresholds(declaration: Declaration) -> str:
    if not declaration.thresholds:
        return ""
    rows = "".join(
        f"| `{name}` | {threshold.value:g} | {threshold.unit} | {threshold.reason} |\n"
        for name, threshold in declaration.thresholds.items()
    )
    return f"## Thresholds\n\n| parameter | default | unit | why |\n|---|---:|---|---|\n{rows}"


def _reasons(code: str) -> str:
    """Its sentences; what a claim fills in stands in angle brackets."""
    told = ""
    for (owner, _), (french, english) in sorted(TEMPLATES.items()):
        if owner == code:
            told += f"- {_template(english)}<br>*{_template(french)}*\n"
    return f"## What it says\n\n{told}" if told else ""


def _example(code: str) -> str:
    """An event that its tests know, and what is said of it; empty where it is new and has none yet."""
    known = EXAMPLES.get(code)
    if known is None:
        return ""
    said = known["reason"]
    lines = f", lines {', '.join(map(str, said['lines']))}" if said["lines"] else ""
    where = known["test"].partition("[")[0]
    return (
        f"## Example\n\n```json\n{listing(known['event'])}\n```\n\n"
        f"With what else is known in `{where}`, the reason (class {said['class']}{lines}) reads:\n\n"
        f"> {said['en']}<br>*{said['fr']}*\n"
    )


def _template(sentence: str) -> str:
    return PLACEHOLDER.sub(r"‹\1›", sentence)


def write(folder: Path) -> None:
    """Write all pages, and remove those of detectors that are gone."""
    folder.mkdir(parents=True, exist_ok=True)
    found = pages()
    for stale in folder.glob("*.md"):
        if stale.name not in found:
            stale.unlink()
    for name, text in found.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else FOLDER))

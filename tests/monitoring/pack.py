"""What the tests read of the rule files, with no parser of YAML: they are written one way, and that is tested too."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

HOUSE = Path(__file__).parents[2]
PROMETHEUS = HOUSE / "monitoring" / "prometheus"
ALERTMANAGER = HOUSE / "monitoring" / "alertmanager" / "alertmanager.yml"
RUNBOOKS = HOUSE / "docs" / "runbooks"


class Rule(NamedTuple):
    """An alert or a recording rule: its name and what stands under it."""

    name: str
    text: str

    def field(self, name: str) -> str:
        """What stands beside a word; empty where the word is missing."""
        found = re.search(rf"^ +{name}:(.*(?:\n(?! *\w+:).*)*)", self.text, re.MULTILINE)
        return found[1].strip() if found else ""

    def expression(self) -> str:
        """The PromQL of the rule."""
        found = re.search(r"^ {8}expr:(?: \|-)?((?:.*\n)(?: {10}.*\n)*)", self.text, re.MULTILINE)
        assert found, self.name
        return found[1]


@cache
def rules(kind: str) -> dict[str, Rule]:
    """Every rule of a kind, `alert` or `record`, by its name."""
    found = {}
    for file in sorted((PROMETHEUS / "rules").glob("*.yml")):
        text = re.sub(r"^ *#.*\n", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
        for block in re.split(r"^(?= {6}- |  - )", text, flags=re.MULTILINE)[1:]:
            if head := re.match(rf" {{6}}- {kind}: (\S+)\n", block):
                assert head[1] not in found, f"{head[1]} is there twice"
                found[head[1]] = Rule(head[1], block)
    return found

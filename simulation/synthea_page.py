"""docs/synthea.md, written from the import's own mapping: `python -m simulation.synthea_page [FILE]`."""

from __future__ import annotations

import sys
from pathlib import Path

from simulation.synthea import MAPPING

PAGE = "docs/synthea.md"

HEAD = """# Importing Synthea

```sh
crible import synthea output/csv > synthea.jsonl
crible screen synthea.jsonl --out verdicts.jsonl --json
```

reads Synthea's CSV export (`claims`, `encounters`, `medications`, `patients`, `providers`, `organizations`, plain or
gzipped) and writes an event log. These claims have no fraud in them: what is held of them is a false hold. Amounts
are US cents in the field for centimes, so thresholds in MAD read dollars.

Nothing is invented silently: every field that is written stands here with where it comes from, and what is not
here is left out, which means *not known*. This page is written by `python -m simulation.synthea_page`, and a test
compares the two.

| field | source | how |
|---|---|---|
"""


def page() -> str:
    """The whole page, as Markdown."""
    return HEAD + "".join(f"| {field} | {source} | {how} |\n" for field, source, how in MAPPING)


if __name__ == "__main__":
    Path(sys.argv[1] if len(sys.argv) > 1 else PAGE).write_text(page(), encoding="utf-8")

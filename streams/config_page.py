"""docs/configuration.md, written from the settings themselves: `python -m streams.config_page [FILE]`."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from streams.config import FIELDS, FILE_KEY, IN_FILE_ONLY, PREFIX, Settings, expected

PAGE = "docs/configuration.md"

HEAD = f"""# Configuration

Every key below can stand in one TOML file, named by `{FILE_KEY}`, or in the environment under the name of the
second column; the environment wins. An unknown key or a wrong value stops the start with an error
that names it.

```toml
# crible.toml
brokers = "kafka-1:9092,kafka-2:9092"
redis = "redis://redis:6379/0"
group = "crible"

[kafka]
"security.protocol" = "SSL"
```

This page is written by `python -m streams.config_page`, and a test compares the two.

| key | environment | values | default | meaning |
|---|---|---|---|---|
"""


def page() -> str:
    """The whole page, as Markdown."""
    described = msgspec.json.schema(Settings)["$defs"]["Settings"]["properties"]
    return HEAD + "".join(_row(name, described[name]["description"]) for name in FIELDS)


def _row(name: str, meaning: str) -> str:
    environment = "the file only" if name in IN_FILE_ONLY else f"`{PREFIX}{name.upper()}`"
    default = FIELDS[name].default
    shown = "" if default in (None, "", msgspec.NODEFAULT) else f"`{default}`"
    return f"| `{name}` | {environment} | {expected(name)} | {shown} | {meaning} |\n"


if __name__ == "__main__":
    Path(sys.argv[1] if len(sys.argv) > 1 else PAGE).write_text(page(), encoding="utf-8")

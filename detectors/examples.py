"""One event a detector with its reason, as its tests have met it (`python -m tests.detectors.examples`)."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Final

import orjson

EXAMPLES: Final[dict[str, dict[str, Any]]] = orjson.loads(
    files("detectors").joinpath("examples.json").read_bytes()
)
"""Code -> `test` that met it, `event` without whom it is about, `reason`: class, lines, sentence in `fr` and `en`."""


def listing(event: dict[str, Any]) -> str:
    """The event as JSON for a reader: one line of text for each of its lines and papers."""
    parts = []
    for name, value in event.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            inner = ",\n".join(f"  {_plain(one)}" for one in value)
            parts.append(f" {_plain(name)}: [\n{inner}]")
        else:
            parts.append(f" {_plain(name)}: {_plain(value)}")
    return "{\n" + ",\n".join(parts) + "}"


def _plain(value: Any) -> str:
    return orjson.dumps(value).decode().replace('":', '": ').replace(',"', ', "')

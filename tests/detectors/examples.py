"""The examples of docs/detectors: for each detector an event of its own tests, and the reason that it gave.

`python -m tests.detectors.examples` runs those tests, and writes what they met to `detectors/examples.json`. Whenever a
test runs whose event stands there, what it meets is compared with it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import msgspec
import orjson

from detectors.base import Finding
from detectors.catalogue import BY_CODE
from detectors.examples import EXAMPLES
from detectors.reasons import reason
from schemas.claim import Claim
from schemas.envelope import Envelope

HOUSE: Final = Path(__file__).parents[2]
FILE: Final = HOUSE / "detectors" / "examples.json"
ROOMS: Final = ("tests/detectors", "tests/models")
HIDDEN: Final = frozenset(
    ("beneficiary", "insured", "bank_account", "contact", "event_id", "claim_id", "payment_id", "liquidator")
)
"""Whom it is about is no part of an example."""
ENVELOPE: Final = frozenset(Envelope.__struct_fields__) - {"event_time"}
MET: dict[tuple[str, str], dict[str, Any]] = {}
"""(code, test) -> the first event in it about which the detector said something."""


def meet(event: Envelope, findings: list[Finding]) -> None:
    """Note what detectors said of an event; what stands in the file has to be said again."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
    for found in findings:
        told = reason(found)
        if not test or (found.code, test) in MET or told.facts_en is None:
            continue
        met = MET[found.code, test] = _example(event, test, found)
        kept = EXAMPLES.get(found.code)
        if kept is not None and kept["test"] == test and not os.environ.get("WRITING_EXAMPLES"):
            assert met == kept, "the example has changed: python -m tests.detectors.examples"


def _example(event: Envelope, test: str, found: Finding) -> dict[str, Any]:
    told = reason(found)
    said: dict[str, Any] = {
        name: value
        for name, value in msgspec.to_builtins(event).items()
        if name not in HIDDEN and name not in ENVELOPE and name != "type" and value not in (None, [], {})
    }
    if isinstance(event, Claim):
        said.pop("event_time", None)  # detectors of claims by date of care
        said.pop("action", None)
    for name in ("lines", "documents"):
        if name in said:
            said[name] = [{k: v for k, v in one.items() if v is not None} for one in said[name]]
    kept = {"class": found.cls, "lines": list(found.lines), "fr": told.facts_fr, "en": told.facts_en}
    made: dict[str, Any] = orjson.loads(orjson.dumps({"test": test, "event": said, "reason": kept}))
    return made


def best(code: str) -> dict[str, Any] | None:
    """The shortest event that was met; one on which the detector holds, where it can."""
    wanted = "H" if BY_CODE[code].hard else "S"
    met = [one for (name, _), one in MET.items() if name == code]
    return min(
        met,
        key=lambda one: (
            one["reason"]["class"] != wanted,
            bool(BY_CODE[code].kinds) and "lines" not in one["event"],
            len(orjson.dumps(one["event"])),
            one["test"],
        ),
        default=None,
    )


def main() -> None:
    """Run the tests and write the file; raises SystemExit where they fail or meet too little."""
    import pytest

    os.environ["WRITING_EXAMPLES"] = "1"
    code = pytest.main(["-q", "-p", "no:cacheprovider", "--deselect", f"{ROOMS[0]}/test_pages.py", *ROOMS])
    if code:
        raise SystemExit(code)
    chosen = {name: one for name in sorted(BY_CODE) if (one := best(name)) is not None}
    missing = sorted(BY_CODE.keys() - chosen.keys())
    if missing:
        raise SystemExit(f"no test of these detectors has an example: {', '.join(missing)}")
    FILE.write_bytes(orjson.dumps(chosen, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


if __name__ == "__main__":
    from tests.detectors import examples

    examples.main()

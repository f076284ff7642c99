"""A worker whose Redis functions ignore the fences: what the guarantees would be worth without them.

Only the tests can start it: no setting leads here.
"""

from __future__ import annotations

from state import library
from streams.cli import main
from tests.support.crashing_worker import crash_as_told

FENCED = (
    "if entry[2] <= found[entry[1]] then",  # observe, record: an offset seen before is not applied again
    "if entry[2] <= recorded then",  # the verdict of an offset that was recorded before
)


def unfenced(text: str) -> str:
    """The functions without their fences. AssertionError where these have changed."""
    for condition in FENCED:
        if condition not in text:
            raise AssertionError(f"the functions have changed: {condition!r} is not in them")
        text = text.replace(condition, "if false then")
    return text


if __name__ == "__main__":
    SOURCE = library.source()
    library.source = lambda: unfenced(SOURCE)
    crash_as_told()
    main()

"""A worker that is killed between two steps of a batch: CRASH_STEP says after which, CRASH_TURN at which
time.

SIGKILL is as hard as from outside; only the moment is chosen.
"""

from __future__ import annotations

import os
import signal
from typing import Any

from state import Store
from streams.cli import main
from streams.screening import Screener
from streams.transactions import Transactions

STEPS = {
    "intern": (Store, "intern"),
    "observe": (Store, "observe"),
    "record": (Store, "record"),
    "publish": (Transactions, "publish"),
    "screen": (Screener, "screen"),
    "produce": (Transactions, "_produce"),
    "forget": (Store, "forget_memo"),
}


def _crash_after(owner: type, name: str, turn: int) -> None:
    step = getattr(owner, name)
    left = [turn]

    def crashing(*args: Any, **kwargs: Any) -> Any:
        result = step(*args, **kwargs)
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, crashing)


def crash_as_told() -> None:
    """Prepare the end that the environment asks for; none where it does not."""
    if "CRASH_STEP" in os.environ:
        _crash_after(*STEPS[os.environ["CRASH_STEP"]], int(os.environ["CRASH_TURN"]))


if __name__ == "__main__":
    crash_as_told()
    main()

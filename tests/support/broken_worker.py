"""Workers that are broken on purpose, BROKEN says how: what a fault does where a promise has nothing to rest on.

Only tests and the fault campaign can start them: no setting leads here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Any

from redis.exceptions import ConnectionError as RedisAway

from state import Store, library
from state.router import Command, Standalone
from streams.cli import main
from streams.kafka_source import KafkaSource, Token
from streams.messages import Batch, Output
from tests.support.ordered_worker import take_orders
from tests.support.unfenced_worker import unfenced

RETRY_S, PAUSE_S = 60.0, 0.05


def _functions(change: Callable[[str], str]) -> None:
    text = change(library.source())
    library.source = lambda: text


def replaced(text: str, condition: str, by: str) -> str:
    """The functions with one condition taken out. AssertionError where it is not in them."""
    if condition not in text:
        raise AssertionError(f"the functions have changed: {condition!r} is not in them")
    return text.replace(condition, by)


def _no_fence() -> None:
    """Redis applies and records an offset again that it has seen."""
    _functions(unfenced)


def _no_memo() -> None:
    """Redis knows by its id that it has applied an event, and not what it answered then."""

    def forgetful(text: str) -> str:
        text = replaced(text, "if memo then", "if false then")
        return replaced(text, "return here and 1 or status, false", "return status, false")

    _functions(forgetful)


def _retrying() -> None:
    send = Standalone.run

    def run(self: Standalone, commands: Sequence[tuple[int, Command]]) -> list[Any]:
        deadline = time.monotonic() + RETRY_S
        while True:
            try:
                return send(self, commands)
            except RedisAway:
                if time.monotonic() > deadline:
                    raise
                time.sleep(PAUSE_S)

    setattr(Standalone, "run", run)  # noqa: B010


def _retries() -> None:
    """What did not get through is sent again until it does, to whatever server answers then.

    Nobody looks at the fences in between, and a gap does not count.
    """
    gap = "if found[i] < span[2] then"
    _functions(lambda text: replaced(text, gap, "if false then"))
    _retrying()
    setattr(Store, "run_id", lambda self: "")  # noqa: B010


def _late_metadata() -> None:
    """The group's metadata is taken when a batch is committed, not with its first message."""
    commit = KafkaSource.commit

    def late(self: KafkaSource, batch: Batch, outputs: Sequence[Output]) -> None:
        assert isinstance(batch.token, Token)
        batch.token.metadata = self._consumer.consumer_group_metadata()
        commit(self, batch, outputs)

    setattr(KafkaSource, "commit", late)  # noqa: B010


BUILDS: dict[str, Callable[[], None]] = {
    "no-fence": _no_fence,
    "no-memo": _no_memo,
    "retries": _retries,
    "late-metadata": _late_metadata,
    # Not broken by itself: a call sent twice is answered from its memo. Here to show that.
    "plain-retries": _retrying,
}


if __name__ == "__main__":
    BUILDS[os.environ["BROKEN"]]()
    take_orders()
    main()

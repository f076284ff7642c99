"""A pause between looks at a topic that is not urgent.

A broker may answer an empty fetch at once instead of holding it (the embedded one does); librdkafka then asks
again at once, and every idle consumer costs a sixth of a processor, the broker as much again. One that rests
asks for nothing meanwhile.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator

from confluent_kafka import Consumer

LOOKS_SECONDS = (0.1, 0.1, 0.1, 1.2)


def looks() -> Iterator[float]:
    """How long to look at what rests in between, time after time.

    The client's thread may take a second to notice that it may fetch again: short looks alone can see nothing for long.
    """
    return itertools.cycle(LOOKS_SECONDS)


def rest(consumer: Consumer, stop: threading.Event, seconds: float) -> None:
    """Fetch nothing for a while, less when told to stop.

    The group is served meanwhile; what was fetched and not consumed is fetched again.
    """
    assigned = consumer.assignment()
    if assigned:
        consumer.pause(assigned)
    stop.wait(seconds)
    if assigned:
        consumer.resume(assigned)

"""A pause between looks at a topic that is not urgent.

A broker may answer an empty fetch at once instead of holding it (the embedded one does); librdkafka then asks
again at once, and every idle consumer costs a sixth of a processor, the broker as much again. One that rests
asks for nothing meanwhile.
"""

from __future__ import annotations

import threading

from confluent_kafka import Consumer


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

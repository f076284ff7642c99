"""Registries and policies for people who look things up: from an event log, or from the broker where one answers."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import msgspec

from detectors.book import KINDS, ReferentialBook
from detectors.referentials import Referentials
from monitoring.metrics import Metrics
from schemas.decode import Decoder, Invalid
from schemas.pseudonym import Pseudonyms
from state import Layout, Servers
from streams.config import Settings
from streams.registries import RegistryReader
from streams.topics import BrokerAway, Topics

BROKER_SECONDS = 2.0
WHOLE_SECONDS = 60.0


class _Peek(msgspec.Struct):
    type: Any = ""


_peek = msgspec.json.Decoder(_Peek)


def pseudonyms(settings: Settings) -> Pseudonyms | None:
    """The pseudonyms in force, None where identifiers are taken as they are. Raises PseudonymKeyError."""
    return Pseudonyms.from_file(settings.pseudonym_key_file) if settings.pseudonym_key_file else None


def servers(settings: Settings) -> Servers:
    """The configured Redis, for commands that read or mend it.

    Raises ConfigurationError where it was laid out otherwise: nobody would be found, or found in part.
    """
    found, known = Servers(settings.redis, settings.tags), pseudonyms(settings)
    try:  # who has no key gives pseudonyms, and needs none
        found.expect(Layout(pseudonyms=known.fingerprint() if known else None))
    except BaseException:
        found.close()
        raise
    return found


def from_log(file: Path, settings: Settings) -> Referentials:
    """The registries and policies that an event log carries. Raises OSError."""
    book, decoder = ReferentialBook(), Decoder(pseudonyms(settings))
    with file.open("rb") as lines:
        for line in lines:
            try:
                if _peek.decode(line).type in KINDS:
                    book.apply(decoder.decode(line))
            except (msgspec.MsgspecError, UnicodeDecodeError, Invalid):
                continue  # not a registry that screening would have taken
    return book.snapshot()


def from_broker(settings: Settings) -> Referentials | None:
    """The registries as the broker's topics have them; None where no broker answers or topics are missing."""
    client = {"log_level": 0, **settings.client()}
    try:
        Topics(client, timeout=BROKER_SECONDS).partitions()
    except BrokerAway:
        return None
    reader, stop = RegistryReader(client, Decoder(pseudonyms(settings)), Metrics()), threading.Event()

    def read() -> None:
        try:
            reader.run(stop)
        except SystemExit:  # topics are missing: there is nothing to know
            stop.set()

    thread = threading.Thread(target=read, name="registries", daemon=True)
    thread.start()
    timer = threading.Timer(WHOLE_SECONDS, stop.set)
    timer.daemon = True
    timer.start()
    reader.wait_whole(stop)
    whole = not stop.is_set()
    stop.set()
    timer.cancel()
    thread.join(5)
    return reader.current if whole else None

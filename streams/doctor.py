"""`crible doctor`: looks at broker, Redis and files before traffic does, and names what mends them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from confluent_kafka import KafkaException
from redis.exceptions import RedisError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from schemas.pseudonym import PseudonymKeyError, Pseudonyms
from state.checks import check_server
from state.errors import ConfigurationError
from state.router import connect
from streams.config import Settings
from streams.conformance import transactions
from streams.conformance.check import Unlike
from streams.conformance.suite import run
from streams.topics import BrokerAway, Topics

NO_TRANSACTIONS = "use Apache Kafka 4, or a broker whose transactions behave as its do"
MARKS = {"ok": "[green]ok[/]", "wrong": "[bold red]wrong[/]", "skipped": "[yellow]skipped[/]"}


@dataclass(frozen=True, slots=True)
class Examined:
    """One thing looked at. `fix` is a command or a setting; empty where there is nothing to mend."""

    what: str
    state: Literal["ok", "wrong", "skipped"]
    detail: str
    fix: str = ""


def examine(settings: Settings) -> list[Examined]:
    """Every check, in order; a check that needs a failed one is skipped. Leaves nothing behind."""
    return [*_files(settings), *_broker(settings), *_redis(settings)]


def healthy(examined: list[Examined]) -> bool:
    """Whether nothing was wrong."""
    return all(one.state != "wrong" for one in examined)


def show(examined: list[Examined], console: Console) -> None:
    """Print the table, then the commands that mend what is wrong."""
    table = Table("what", "", "found", title="crible doctor")
    for one in examined:
        table.add_row(one.what, MARKS[one.state], Text(one.detail))
    console.print(table)
    fixes = dict.fromkeys(one.fix for one in examined if one.state == "wrong" and one.fix)
    if fixes:
        console.print("To mend it:")
    for fix in fixes:
        console.print(Text(f"  {fix}"), soft_wrap=True)


def _files(settings: Settings) -> Iterator[Examined]:
    path = settings.pseudonym_key_file
    if path is None:
        yield Examined("pseudonym key", "ok", "none set: identifiers are taken as pseudonyms already")
        return
    try:
        Pseudonyms.from_file(path)
    except PseudonymKeyError as error:
        yield Examined("pseudonym key", "wrong", str(error), f"head -c 32 /dev/urandom | base64 > {path}")
    else:
        yield Examined("pseudonym key", "ok", f"read from {path}")


def _broker(settings: Settings) -> Iterator[Examined]:
    client = settings.client()
    topics = Topics(client)
    try:
        findings = topics.check()
    except BrokerAway as error:
        yield Examined("Kafka", "wrong", str(error))
        yield Examined("topics", "skipped", "no broker")
        yield Examined("transactions", "skipped", "no broker")
        return
    yield Examined("Kafka", "ok", f"answers at {settings.brokers}")
    for finding in findings:
        yield Examined(f"topic {finding.topic}", "wrong", finding.problem, finding.fix)
    if not findings:
        yield Examined("topics", "ok", f"all there, {topics.partitions()} partitions for screening")
    yield _transactions(client)


def _redis(settings: Settings) -> Iterator[Examined]:
    try:
        router = connect(settings.redis)
        try:
            for server in router.primaries():
                check_server(server)
        finally:
            router.close()
    except ConfigurationError as error:
        yield Examined("Redis", "wrong", str(error))
    except (RedisError, OSError) as error:
        yield Examined("Redis", "wrong", f"{error}: start it, or set CRIBLE_REDIS")
    else:
        kind = "a cluster" if router.cluster else "a standalone server"
        yield Examined("Redis", "ok", f"{kind} answers; it evicts nothing and keeps an append-only file")


def _transactions(client: Mapping[str, Any]) -> Examined:
    """In topics of its own; `crible doctor --broker` looks at much more."""
    try:
        failed = run(client, transactions.BASIC).failed
    except KafkaException as error:
        return Examined("transactions", "wrong", str(error), NO_TRANSACTIONS)
    for one in failed:
        return Examined("transactions", "wrong", str(Unlike(one.expected, one.seen)), NO_TRANSACTIONS)
    return Examined("transactions", "ok", "committed is read, aborted is not, an old producer is fenced")


def to_json(examined: list[Examined]) -> bytes:
    """The same as a JSON object, for scripts."""
    return orjson.dumps({"healthy": healthy(examined), "examined": examined}, option=orjson.OPT_INDENT_2)

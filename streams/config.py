"""The settings of a deployment: environment variables over one TOML file over the defaults below.

A key `name` of the file is `CRIBLE_NAME` in the environment.
`python -m streams.config_page` writes docs/configuration.md from this module.
"""

from __future__ import annotations

import difflib
import os
import re
import socket
import tomllib
import zoneinfo
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

PREFIX = "CRIBLE_"
FILE_KEY = "CRIBLE_CONFIG"

# What Crible sets itself on every Kafka client: another value would break a promise of the loop.
RESERVED = frozenset(
    {
        "auto.offset.reset",
        "bootstrap.servers",
        "enable.auto.commit",
        "enable.idempotence",
        "group.id",
        "group.instance.id",
        "isolation.level",
        "partition.assignment.strategy",
        "partitioner",
        "retry.backoff.ms",
        "transaction.timeout.ms",
        "transactional.id",
    }
)
SECRET = ("redis", "kafka")  # may hold passwords: never shown

# A `title` says in words what a pattern asks for; it stands in the error and in the documentation.
Name = Annotated[
    str,
    Meta(pattern=r"^[A-Za-z0-9._-]{1,100}$", title="1 to 100 letters, digits, dots, dashes, underscores"),
]
Brokers = Annotated[str, Meta(pattern=r"^[^\s,]+:\d+(,[^\s,]+:\d+)*$", title="host:port[,host:port...]")]
RedisUrl = Annotated[
    str, Meta(pattern=r"^(redis|rediss|unix)://\S+$", title="redis://, rediss:// or unix:// URL")
]


class SettingsError(ValueError):
    """A key or value of the configuration that cannot be used; the message names it and what is expected."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every setting, validated; the descriptions are the documentation of the keys."""

    brokers: Annotated[
        Brokers, Meta(description="Kafka brokers to start from, several separated by commas.")
    ] = "127.0.0.1:9092"
    redis: Annotated[
        RedisUrl, Meta(description="URL of Redis, with user and password where it asks for them.")
    ] = "redis://127.0.0.1:6379/0"
    group: Annotated[
        Name, Meta(description="Consumer group, and the beginning of every group and transaction name.")
    ] = "crible"
    worker_id: Annotated[
        Name,
        Meta(
            description="Name of this worker, unique in its group and the same after a restart: "
            "a killed worker's open transaction is then fenced at once. Default: the host's name."
        ),
    ] = ""
    pseudonym_key_file: Annotated[
        str | None,
        Meta(
            description="File with the key of the pseudonyms: 32 bytes or more, base64, one line. "
            "Without it, people's identifiers are taken as pseudonyms already."
        ),
    ] = None
    metrics_host: Annotated[str, Meta(description="Address on which `/metrics` is served.")] = "127.0.0.1"
    metrics_port: Annotated[int, Meta(ge=0, le=65535, description="Port of `/metrics`; 0 = not served.")] = 0
    profiling: Annotated[
        Literal["separate", "inline"],
        Meta(
            description="`separate`: provider models have a loop of their own over `provider-activity`. "
            "`inline`: they are updated within screening, event by event; right for one partition only."
        ),
    ] = "separate"
    batch_size: Annotated[
        int, Meta(ge=1, le=256, description="Most events in one transaction; one call holds Redis that long.")
    ] = 128
    transaction_timeout_ms: Annotated[
        int,
        Meta(
            ge=1_000,
            le=900_000,
            description="Time after which the broker aborts an unfinished transaction, in milliseconds; "
            "within the broker's `transaction.max.timeout.ms`.",
        ),
    ] = 10_000
    drain_seconds: Annotated[
        int, Meta(ge=1, le=600, description="Time for the batch in hand after SIGTERM, in seconds.")
    ] = 30
    calendar: Annotated[
        str, Meta(description="Time zone of the calendar dates (IANA name, such as `Africa/Casablanca`).")
    ] = "Africa/Casablanca"
    tags: Annotated[
        Annotated[int, Meta(ge=1, le=1024)] | None,
        Meta(
            description="Hash tags in Redis, fixed once data are there. "
            "Default: 1 on a standalone server, 16 in a cluster."
        ),
    ] = None
    verdict_days: Annotated[
        int,
        Meta(
            ge=1,
            le=3660,
            description="Days for which Redis keeps a full verdict; longer while money is held.",
        ),
    ] = 90
    kafka: Annotated[
        dict[str, str | int | float | bool],
        Meta(
            description="librdkafka settings added to every client, such as "
            '`"security.protocol" = "SASL_SSL"`; the file only.'
        ),
    ] = {}

    def __repr__(self) -> str:
        shown = {field: getattr(self, field) for field in self.__struct_fields__ if field not in SECRET}
        return f"Settings({', '.join(f'{key}={value!r}' for key, value in shown.items())})"

    def client(self) -> dict[str, Any]:
        """The librdkafka settings that every Kafka client of ours starts from."""
        return {**self.kafka, "bootstrap.servers": self.brokers}

    def zone(self) -> zoneinfo.ZoneInfo:
        """The time zone of the calendar dates."""
        return zoneinfo.ZoneInfo(self.calendar)


FIELDS = {field.name: field for field in msgspec.structs.fields(Settings)}
IN_FILE_ONLY = frozenset({"kafka"})


def load(environ: Mapping[str, str] | None = None, file: Path | None = None) -> Settings:
    """The settings in force; `file` overrides CRIBLE_CONFIG.

    Raises SettingsError for the first wrong key or value.
    """
    environ = os.environ if environ is None else environ
    source = file or (Path(environ[FILE_KEY]) if environ.get(FILE_KEY) else None)
    values: dict[str, Any] = {"worker_id": _host_name()}
    if source is not None:
        for key, value in _read(source).items():
            if key not in FIELDS:
                raise SettingsError(f"{source}: unknown key {key!r}{_nearest(key, FIELDS)}")
            values[key] = _convert(key, value, f"{source}: {key}", strict=True)
    known = {PREFIX + key.upper(): key for key in FIELDS if key not in IN_FILE_ONLY}
    for name, text in sorted(environ.items()):
        if not name.startswith(PREFIX) or name == FILE_KEY or not text:
            continue
        if name not in known:
            raise SettingsError(f"unknown environment variable {name}{_nearest(name, [*known, FILE_KEY])}")
        values[known[name]] = _convert(known[name], text, name, strict=False)
    return _checked(Settings(**values))


def _read(source: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(source.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{FILE_KEY}: cannot read {source}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{source} is not a TOML file: {error}") from error


def _convert(key: str, value: object, where: str, *, strict: bool) -> object:
    """The value as the key's type; `strict=False` reads numbers from text, as the environment has them."""
    try:
        return msgspec.convert(value, FIELDS[key].type, strict=strict)
    except msgspec.ValidationError:
        got = "the value given" if key in SECRET else repr(value)
        raise SettingsError(f"{where}: {got} does not do; expected {expected(key)}") from None


def expected(key: str) -> str:
    """What a key takes, in words: `1 to 256`."""
    schema = msgspec.json.schema(FIELDS[key].type)
    schema = next((one for one in schema.get("anyOf", ()) if one["type"] != "null"), schema)
    if "enum" in schema:
        return " or ".join(sorted(schema["enum"]))
    if schema["type"] == "integer":
        return f"a whole number from {schema['minimum']} to {schema['maximum']}"
    return str(schema.get("title", {"object": "a table", "string": "text"}[schema["type"]]))


def _checked(settings: Settings) -> Settings:
    for name in settings.kafka:
        if name in RESERVED:
            raise SettingsError(f"kafka: {name!r} is set by Crible and cannot be changed")
    try:
        settings.zone()
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        hint = _nearest(settings.calendar, zoneinfo.available_timezones())
        raise SettingsError(f"calendar: {settings.calendar!r} is not a time zone{hint}") from None
    return settings


def _nearest(name: str, names: Iterable[str]) -> str:
    known = sorted(names)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known: {', '.join(known)}" if len(known) < 50 else ""


def _host_name() -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:100] or "worker"

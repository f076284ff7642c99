"""Configuration checks of a server. Each error names the command that puts it right."""

from __future__ import annotations

from typing import Any

from redis import Redis
from redis.exceptions import ResponseError

from state.errors import ConfigurationError

OLDEST = (7, 0)  # the first Redis with function libraries


def check_server(server: Redis, *, require_aof: bool = True) -> None:
    """Refuse a server that would lose or forget state. `require_aof=False`: a private server for one run."""
    info: Any = server.info("server")
    version = str(info["redis_version"])
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        raise ConfigurationError(
            f"Redis {version} has no function libraries: Crible needs Redis 7.0 or later; "
            "install one (Debian: apt-get install redis-server, or the image redis:8) and point "
            "CRIBLE_REDIS at it"
        )
    _expect(
        server,
        "maxmemory-policy",
        ("noeviction",),
        "an evicted key is a counter that is silently wrong",
    )
    if require_aof:
        _expect(
            server, "appendonly", ("yes",), "without the append-only file a restart forgets what was screened"
        )
        _expect(
            server,
            "appendfsync",
            ("everysec", "always"),
            "more than a second of state could be lost at a crash",
        )


def _expect(server: Redis, name: str, wanted: tuple[str, ...], why: str) -> None:
    try:
        found: Any = server.config_get(name)
    except ResponseError as error:
        raise ConfigurationError(
            f"cannot read {name} ({error}): allow it to this user with: redis-cli ACL SETUSER <user> "
            f"+config|get"
        ) from error
    value = str(found.get(name, ""))
    if value not in wanted:
        raise ConfigurationError(
            f"{name} is '{value}', and {why}: redis-cli CONFIG SET {name} {wanted[0]} && redis-cli "
            f"CONFIG REWRITE"
        )

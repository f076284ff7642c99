"""The function library that runs inside Redis: joined from `state/functions`, loaded once per server."""

from __future__ import annotations

from hashlib import sha256
from importlib.resources import files
from typing import Any

from redis import Redis
from redis.exceptions import ResponseError

from state.errors import ConfigurationError

NAME = "crible"
VERSION = 2  # raise it with every change of meaning: a server with a newer library refuses older workers
PARTS = (
    "bind", "unit", "append", "rings", "tiles", "counts", "events", "fences", "observe", "record", "names",
    "forget",
)  # fmt: skip


def source() -> str:
    """The library's text: header, the parts in order, and a function that tells version and digest."""
    folder = files("state") / "functions"
    body = "\n".join((folder / f"{part}.lua").read_text(encoding="utf-8") for part in PARTS)
    digest = sha256(body.encode()).hexdigest()
    return f"""#!lua name={NAME}
{body}
redis.register_function{{
  function_name = 'crible_version',
  callback = function() return {{{VERSION}, '{digest}'}} end,
  flags = {{'no-writes'}}
}}
"""


def install(server: Redis) -> None:
    """Load the library unless this very one is there.

    Raises ConfigurationError when a newer version is there.
    """
    text = source()
    try:
        found: Any = server.execute_command("FCALL_RO", "crible_version", 0)
    except ResponseError as error:
        if "not found" not in str(error).lower():
            raise
        found = (0, b"")
    version, digest = int(found[0]), found[1].decode()
    if version > VERSION:
        raise ConfigurationError(
            f"Redis carries version {version} of the functions '{NAME}', this worker version {VERSION}: "
            f"upgrade the worker, or, "
            f"when no newer worker runs any more, take them out with: redis-cli FUNCTION DELETE {NAME}"
        )
    if version < VERSION or digest not in text:
        server.execute_command("FUNCTION", "LOAD", "REPLACE", text)

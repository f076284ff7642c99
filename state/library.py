"""The function library that runs inside Redis: joined from `state/functions`, loaded once per server.

The functions bear the library's version in their names and only one version is loaded: a worker of another version
finds none of its functions, instead of calling those of a meaning it does not know (docs/decisions/0012).
"""

from __future__ import annotations

from hashlib import sha256
from importlib.resources import files
from typing import Any, NamedTuple

from redis import Redis
from redis.exceptions import ResponseError

from state.batch import MODEL_SECONDS
from state.errors import ConfigurationError

VERSION = 4
"""Raised with every change of meaning, of arguments or of a packed format."""
PARTS = (
    "bind", "unit", "append", "former", "rings", "tiles", "counts", "events", "fences", "observe", "record", "names",
    "forget",
)  # fmt: skip
ATTEMPTS = 5  # several workers may start at once: one loads, the others look again
UNNAMED = "crible"  # the library's name up to version 2


class Loaded(NamedTuple):
    """The library that a server carries."""

    version: int
    digest: str
    name: str


def function(name: str) -> str:
    """What Redis calls a function of this version ("observe")."""
    return f"crible_{name}_{VERSION}"


def source() -> str:
    """The library's text: header, the parts in order, and a function that tells version, digest and the library's name.

    That one is called `crible_version` in every version: it is how they know of each other.
    """
    folder = files("state") / "functions"
    body = f"local MODEL_TTL = {MODEL_SECONDS}\n"
    body += "\n".join((folder / f"{part}.lua").read_text(encoding="utf-8") for part in PARTS)
    digest = sha256(body.encode()).hexdigest()
    name = f"crible_{VERSION}"
    return f"""#!lua name={name}
local function export(name, callback) redis.register_function('crible_' .. name .. '_{VERSION}', callback) end
{body}
redis.register_function{{
  function_name = 'crible_version',
  callback = function() return {{{VERSION}, '{digest}', '{name}'}} end,
  flags = {{'no-writes'}}
}}
"""


def loaded(server: Redis) -> Loaded | None:
    """What a server carries, None where it carries nothing of Crible's."""
    try:
        found: Any = server.execute_command("FCALL_RO", "crible_version", 0)
    except ResponseError as error:
        if "not found" not in str(error).lower():
            raise
        return None
    return Loaded(int(found[0]), found[1].decode(), found[2].decode() if len(found) > 2 else UNNAMED)


def install(server: Redis) -> None:
    """Load the library unless this very one is there; an older one is replaced.

    Raises ConfigurationError when a newer version is there, which stays untouched.
    """
    text = source()
    for _ in range(ATTEMPTS):
        found = loaded(server)
        if found is not None and found.version > VERSION:
            raise ConfigurationError(
                f"Redis carries version {found.version} of Crible's functions, this worker is of version {VERSION}: "
                f"a newer release works here, start that one; or, when no newer worker runs any more, take them out "
                f"with: redis-cli FUNCTION DELETE {found.name}"
            )
        if found is not None and found.version == VERSION and found.digest in text:
            return
        if replace(server, found, text):
            return
    raise ConfigurationError(
        "workers of several releases load their functions into this Redis at the same time: stop all but the newest "
        "and start again"
    )


def replace(server: Redis, found: Loaded | None, text: str) -> bool:
    """Put a library in the place of the one that was found, in one step; False when another one stands there now.

    Redis refuses a library whose `crible_version` another one has already: nothing is replaced but what was found.
    """
    with server.pipeline(transaction=True) as step:
        if found is not None:
            step.execute_command("FUNCTION", "DELETE", found.name)
        step.execute_command("FUNCTION", "LOAD", text)
        said = step.execute(raise_on_error=False)[-1]
    if isinstance(said, ResponseError):
        if "already exists" in str(said):
            return False
        raise said
    return True

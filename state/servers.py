"""Commands by hash tag, and refusals of the functions as exceptions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from redis.crc import key_slot
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from state import keys, library
from state.errors import BadFormat, Gap, Lost, OtherLog, Stale, StateError
from state.formats import kind_of, newer, unreadable
from state.layout import choose_tags, stored_layout
from state.router import Command, Router, connect


class Servers:
    """The tags of one deployment and the servers behind them, connected at first use."""

    def __init__(self, url: str, tags: int | None) -> None:
        self._url = url
        self._wanted = tags
        self._router: Router | None = None
        self._slots: tuple[int, ...] = ()
        self.prefixes: tuple[str, ...] = ()

    def connect(self) -> Router:
        """The router; the first call asks the server what it is and how it was laid out."""
        if self._router is None:
            router = connect(self._url)
            prefix = keys.prefixes(1)[0]
            slot = key_slot(prefix.encode())
            try:
                stored = stored_layout(
                    lambda command: self._checked(router.run([(slot, command)]), ())[0], prefix
                )
            except BaseException:
                router.close()
                raise
            self.prefixes = keys.prefixes(choose_tags(stored, self._wanted, router.cluster))
            self._slots = tuple(key_slot(prefix.encode()) for prefix in self.prefixes)
            self._router = router
        return self._router

    def close(self) -> None:
        if self._router is not None:
            self._router.close()
            self._router = None

    def tag(self, entity: str) -> int:
        count = len(self.prefixes)
        return keys.tag_of(entity, count) if count > 1 else 0

    def run(self, commands: Sequence[tuple[int, Command]], inputs: Sequence[str] = ()) -> list[Any]:
        """Replies to (tag, command) pairs. `inputs` are the names that the functions' refusals number."""
        router = self.connect()
        return self._checked(router.run([(self._slots[tag], command) for tag, command in commands]), inputs)

    def first(self, command: Command) -> Any:
        """One command to tag 0."""
        self.connect()
        return self.run([(0, command)])[0]

    def everywhere(self, make: Callable[[str], Command], inputs: Sequence[str] = ()) -> list[Any]:
        """One command to each tag, made from its prefix."""
        self.connect()
        return self.run([(tag, make(prefix)) for tag, prefix in enumerate(self.prefixes)], inputs)

    def _checked(self, replies: list[Any], inputs: Sequence[str]) -> list[Any]:
        refusals = [reply for reply in replies if isinstance(reply, ResponseError)]
        if refusals:
            errors = sorted((self._meaning(refusal, inputs) for refusal in refusals), key=_weight)
            raise errors[0]
        return replies

    def _meaning(self, refusal: ResponseError, inputs: Sequence[str]) -> Exception:
        text = str(refusal)
        code, _, detail = text.partition(" ")
        words = detail.split()
        if code in ("GAP", "STALE", "LOG") and len(words) >= 2:
            name = inputs[int(words[0])]
            number = int(words[1].rstrip("."))
            return {"GAP": Gap, "STALE": Stale, "LOG": OtherLog}[code](name, number)
        if code == "LOST":
            return Lost(
                f"a value of kind {kind_of(detail)} is gone though an event that must be taken out stands in it: keys "
                "were deleted or evicted behind Crible's back"
            )
        if code == "FULL":
            return BadFormat(
                f"a value of kind {kind_of(detail)} is full: what came would not fit into its counters"
            )
        if code == "FORMAT":
            return BadFormat(_format(detail))
        if "function not found" in text.lower() and self._router is not None:
            for server in self._router.primaries():
                library.install(server)
            return RedisConnectionError("the server had lost its functions; they are loaded again")
        return refusal


def _format(detail: str) -> str:
    """What a refused value is: "<found> <known> <key>" for another version, else the key."""
    found, _, rest = detail.partition(" ")
    known, _, key = rest.partition(" ")
    if not (found.isdigit() and known.isdigit()):
        return unreadable(kind_of(detail)) if detail.startswith("{") else f"the functions refuse {detail}"
    return (
        newer(kind_of(key), int(found), int(known)) if int(found) > int(known) else unreadable(kind_of(key))
    )


def _weight(error: Exception) -> tuple[int, int]:
    """What to tell first: being outrun, another log, damage, what the server says, then the deepest gap.

    A gap comes last: the calls after one that was refused find one.
    """
    if isinstance(error, Gap):
        return 4, error.fence
    order: tuple[type[Exception], ...] = (Stale, OtherLog, StateError)
    return next((index for index, kind in enumerate(order) if isinstance(error, kind)), 3), 0

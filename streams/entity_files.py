"""What is kept of the case of a provider, network, beneficiary or liquidator: how many claims, what was told of them.

One file an entity, so that what it does is one case with revisions, and not an alert for every claim. Two workers that
meet members of one file at the same moment may each miss what the other adds: a claim may then be missing among those
linked, and a revision be told twice; verdicts and holds do not depend on it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from schemas.observation import entity_ref
from state.formats import refuse_newer

log = logging.getLogger("crible.cases")

VERSION: Final = 1
LINKS: Final = 60
"""Claims of a file that are linked by name, the newest; older ones only count."""
SCHEMES: Final = 64
SEEN, HELD = "1-seen", "2-held"
"""How far a scheme is known; the order of the texts is the order in time."""
GROWTH: Final = 4
"""How many times the claims that it told of a case has before an alert tells of it again."""
LEAST: Final = 10
"""Claims that it has by then, at least."""
Ref = tuple[bytes, bytes]
"""(reference of the claim, reference of the event)"""


class File(msgspec.Struct, array_like=True, frozen=True):
    """The state of one case. `first`, `last`: seconds since the epoch; `told`: claims at the last alert."""

    version: int
    first: float
    last: float
    count: int = 0
    told: int = 0
    revision: int = 0
    links: tuple[Ref, ...] = ()
    schemes: dict[str, str] = {}
    round: int = 0

    def joined(self, claim_id: str, event: bytes, at: float, known: int) -> File:
        """With one claim more, where it is not of the file yet; `known`: claims that its scheme has anyway."""
        of = entity_ref(claim_id)
        new = all(claim != of for claim, _ in self.links)
        links = (*self.links, (of, event))[-LINKS:] if new else self.links
        count = max(self.count + new, known)
        return msgspec.structs.replace(self, last=max(self.last, at), count=count, links=links)

    def raised(self, levels: Mapping[str, str]) -> dict[str, str]:
        """The schemes that are new, or known further than before."""
        return {name: level for name, level in levels.items() if level > self.schemes.get(name, "")}

    @property
    def grown(self) -> bool:
        """Whether it has so many more claims than when it was told that it is worth telling again."""
        return not self.told or self.count >= max(GROWTH * self.told, LEAST)

    def telling(self, levels: Mapping[str, str]) -> File:
        """As it is once an alert has told of it."""
        schemes = dict([*self.schemes.items(), *levels.items()][-SCHEMES:])
        return msgspec.structs.replace(self, told=self.count, revision=self.revision + 1, schemes=schemes)


_decoder = msgspec.msgpack.Decoder(File)
_encoder = msgspec.msgpack.Encoder()


def name(key: str) -> str:
    """The state's name of a file; `key` is the entity, after `audit:` where it is internal audit's."""
    return f"alerts:{key}"


def read(blob: bytes) -> File:
    """The file of its bytes. Raises msgspec.MsgspecError where it is damaged, BadFormat for a newer release's."""
    found = _decoder.decode(blob)
    refuse_newer("alerts", found.version, VERSION)
    return found


def packed(file: File) -> bytes:
    """The bytes of a file."""
    return _encoder.encode(file)


def opened(blob: bytes | None, at: float, quiet: float) -> File:
    """The file as it stands at that instant: a new round of it where nothing came for `quiet` seconds."""
    try:
        file = None if blob is None else read(blob)
    except msgspec.MsgspecError:
        log.error("the file of a case was damaged: it begins anew")
        file = None
    if file is None:
        return File(VERSION, at, at)
    return file if at - file.last <= quiet else File(VERSION, at, at, round=file.round + 1)


def levels(found: Iterable[tuple[str, bool]]) -> dict[str, str]:
    """Scheme -> SEEN or HELD, of (scheme, whether it is held as a group)."""
    known: dict[str, str] = {}
    for scheme, held in found:
        known[scheme] = HELD if held else known.get(scheme, SEEN)
    return known

"""Single entities looked up for people to read. Only reads, and no function of the hot path is called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.observation import Fact, LogLine
from state import keys, stored
from state.answers import read_value
from state.numbers import Numbers
from state.ops import Read
from state.servers import Servers

Revisions = dict[int, bytes]


@dataclass(slots=True)
class Person:
    """What the state keeps under a beneficiary's name. Blobs are for the rooms that wrote them to read."""

    entry: stored.Entry | None = None
    log: list[LogLine] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    open: dict[str, bytes] = field(default_factory=dict)
    events: dict[bytes, stored.StoredEvent] = field(default_factory=dict)
    claims: dict[str, dict[bytes, bytes]] = field(default_factory=dict)
    verdicts: dict[str, Revisions] = field(default_factory=dict)
    """Event id -> revision -> verdict; an empty one was only observed."""

    @property
    def known(self) -> bool:
        """Whether there is anything at all."""
        return bool(self.entry or self.log or self.facts or self.open)


class Inspection:
    """Looks at one deployment's state. Raises redis errors while a server is away, BadFormat for what is damaged."""

    def __init__(self, servers: Servers) -> None:
        self.servers = self._servers = servers
        servers.connect()
        self._prefix = servers.prefixes[0]
        self._numbers = Numbers(servers.first, self._prefix)

    def name(self, number: int) -> str:
        """The name of a number; the number itself where its name is gone."""
        try:
            return self._numbers.name(number)
        except KeyError:
            return f"#{number}"

    def number(self, name: str) -> int | None:
        """The number of a name, None for one that was never seen."""
        if name.isascii() and name.isdigit() and len(name) == 9 and int(name):
            return int(name)
        found = self._servers.first(("HGET", self._prefix + keys.NUMBERS, name))
        return None if found is None else int(found)

    def person(self, who: str) -> Person:
        """Everything under a beneficiary's name, and the verdicts on the claims that his log names."""
        log, facts, entry = self._of(
            who, [("GET", kind(who)) for kind in (keys.log, keys.facts, keys.registry)]
        )
        person = Person(
            stored.entry(entry) if entry else None,
            stored.log(log) if log else [],
            stored.facts(facts) if facts else [],
            {name.decode(): value for name, value in self._hashes(who, [keys.open_events(who)])[0].items()},
        )
        refs = list(
            dict.fromkeys([*(line.event for line in person.log), *(fact.event for fact in person.facts)])
        )
        records = self._of(who, [("GET", keys.event(ref)) for ref in refs])
        person.events = {
            ref: stored.event(data) for ref, data in zip(refs, records, strict=True) if data is not None
        }
        claims = list(dict.fromkeys(event.claim_id for event in person.events.values() if event.claim_id))
        states = self._hashes(who, [keys.claim(claim) for claim in claims])
        person.claims = {claim: fields for claim, fields in zip(claims, states, strict=True) if fields}
        told = [name[2:].decode() for fields in person.claims.values() for name in fields]
        ids = list(dict.fromkeys([*(one.event_id for one in person.events.values()), *told, *person.open]))
        found = self._hashes(who, [keys.verdict(event_id) for event_id in ids])
        person.verdicts = {
            event_id: _revisions(fields) for event_id, fields in zip(ids, found, strict=True) if fields
        }
        return person

    def verdict(self, event_id: str) -> list[Revisions]:
        """The verdicts of an event, one entry for each tag that has some: its beneficiary's is not known here."""
        key = keys.verdict(event_id)
        replies = self._servers.everywhere(lambda prefix: ("HGETALL", prefix + key))
        return [_revisions(_pairs(reply)) for reply in replies if reply]

    def tiles(self, role: keys.Role, name: str) -> stored.Tiles | None:
        """A role's windows; `role` is the letter of its keys."""
        (data,) = self._of(name, [("GET", keys.tiles(role, name))])
        return stored.tiles(data) if data else None

    def patients(self, role: keys.Role, name: str) -> list[list[tuple[int, int]]]:
        """The days on which each patient of a provider was seen, nobody named."""
        (fields,) = self._hashes(name, [keys.patients(role, name)])
        return [stored.visits(value) for value in fields.values()]

    def sheets(self, name: str, days: Iterable[int]) -> dict[int, stored.Sheet]:
        """The day sheets of a provider that there are."""
        wanted = list(days)
        found = self._of(name, [("GET", keys.sheet(name, day)) for day in wanted])
        return {day: stored.sheet(data) for day, data in zip(wanted, found, strict=True) if data}

    def model(self, name: str) -> bytes | None:
        """A model record by "<kind>:<entity>"."""
        (found,) = self._of(keys.model_entity(name), [("GET", keys.model(name))])
        return found if found is None else bytes(found)

    def _of(self, entity: str, commands: Sequence[tuple[str, str]]) -> list[Any]:
        tag = self._servers.tag(entity)
        prefix = self._servers.prefixes[tag]
        asked = [(tag, (command, prefix + key)) for command, key in commands]
        return self._servers.run(asked) if asked else []

    def _hashes(self, entity: str, names: Sequence[str]) -> list[dict[bytes, bytes]]:
        return [_pairs(reply) for reply in self._of(entity, [("HGETALL", name) for name in names])]


def _pairs(reply: list[bytes]) -> dict[bytes, bytes]:
    fields: dict[bytes, bytes] = read_value(Read("", "", 2), reply)
    return fields


def _revisions(fields: dict[bytes, bytes]) -> Revisions:
    return {int(name): blob for name, blob in sorted(fields.items()) if name != b"last"}

"""One person taken out of the state: found by a walk over everything, removed by one function call a tag.

Safe beside a running worker, which is why it needs no fence of its own: an event is taken whole, in one step, and
only once its answer is out (`answered`), so that no replay will ask for what was removed. What arrives meanwhile
stays whole and is found by the next walk.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from redis import Redis

from schemas.observation import entity_ref, event_ref
from state import codecs, keys, library, stored
from state.packing import array, integer, listing, raw
from state.servers import Servers
from state.survey import Item, Pace, Walk

LABELLED = {3: "claims in providers' windows", 4: "claims in day sheets"}
TAKEN_OUT = {"b": "care lines", "k": "permanent facts", "d": "document uses", "g": "clone uses"}
FIELDS = {
    "m": "memo entries",
    "o": "open events",
    "u": "events that wait for tables",
    "c": "answers in claim states",
}
SIZES = {"d": codecs.DOCUMENT_BYTES, "g": codecs.CLONE_BYTES}
Answered = Callable[[str, int], bool]
"""Whether the answer to (input, offset) is out, so that no replay needs it."""


@dataclass(slots=True)
class Share:
    """What is to be done in one tag."""

    events: dict[str, bytes] = field(default_factory=dict)  # key -> reference
    patients: list[str] = field(default_factory=list)
    loose: list[tuple[str, int, bytes]] = field(
        default_factory=list
    )  # key, size of a record, event's reference
    fields: dict[str, set[str]] = field(default_factory=dict)
    remove: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Plan:
    """What the state holds of a person. `found` counts it by kind; `waiting`: events whose answers are not out."""

    person: str
    shares: list[Share]
    found: Counter[str] = field(default_factory=Counter)
    anonymous: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    sheets: int = 0  # day sheets that know the person by reference
    held: int = 0  # answers that hold money
    cited: int = 0  # verdicts on other people that name this one

    @property
    def empty(self) -> bool:
        """Whether nothing is left that could be taken out now."""
        return not self.found and not self.anonymous


class Erasure:
    """Finds and removes. Use `plan`, then `run`, then `plan` again to see that nothing is left."""

    def __init__(self, servers: Servers, pace: Pace) -> None:
        self._servers, self._walk = servers, Walk(servers, pace)

    def total(self) -> int:
        """How many keys there are about now."""
        return self._walk.total()

    def inputs(self) -> dict[str, int]:
        """The inputs that the fences name, with the lowest offset recorded over all tags."""
        found: dict[str, int] = {}
        for row in self._servers.everywhere(lambda prefix: ("HGETALL", prefix + keys.FENCES)):
            for name, value in zip(row[::2], row[1::2], strict=True):
                if name.startswith(b"r|"):
                    where = keys.input_of(name.decode())
                    found[where] = min(found.get(where, int(value)), int(value))
        return found

    def plan(
        self, person: str, answered: Answered, progress: Callable[[int], None] = lambda done: None
    ) -> Plan:
        """Walk everything. Changes nothing."""
        plan = Plan(person, [Share() for _ in self._servers.prefixes])
        inputs = {crc32(name.encode()): name for name in self.inputs()}
        events: list[tuple[Item, stored.StoredEvent]] = []
        loose: list[tuple[Item, bytes]] = []
        waiting: set[bytes] = set()
        met = 0
        for server, items, count in self._walk.pages(
            lambda letter: letter in ("x", "y", "d", "g", "v", "n:", "w")
        ):
            for item, value in self._values(server, items, entity_ref(person)):
                self._look(plan, item, value, events, loose)
            met += count
            progress(met)
        for item, event in events:
            where = inputs.get(event.crc)
            if where is not None and not answered(where, event.offset):
                waiting.add(bytes.fromhex(item.tail))
        plan.waiting = len(waiting)
        known = set()
        for item, event in events:
            ref = bytes.fromhex(item.tail)
            known.add(ref)
            if ref not in waiting:
                self._event(plan, item, ref, event, inputs)
        for item, ref in loose:
            if ref not in known:
                plan.found[TAKEN_OUT[item.letter]] += 1
                plan.shares[item.tag or 0].loose.append((item.name, SIZES[item.letter], ref))
        self._own(plan)
        return plan

    def run(self, plan: Plan) -> int:
        """Remove what a plan names; returns how many event records lost their name. Raises state and redis errors."""
        secret = secrets.token_bytes(16)
        for server in self._servers.connect().primaries():
            library.install(server)
        home = self._servers.tag(plan.person)
        commands = [
            (tag, _command(self._servers.prefixes[tag], share, plan.person, secret, home=tag == home))
            for tag, share in enumerate(plan.shares)
        ]
        changed = sum(int(reply) for reply in self._servers.run(commands))
        names = _reported(plan.person).values()
        self._servers.run(
            [_at(self._servers, keys.model_entity(name), "UNLINK", keys.model(name)) for name in names]
        )
        return changed

    def _values(self, server: Redis, items: list[Item], who: bytes) -> list[tuple[Item, Any]]:
        ask = server.pipeline(transaction=False)
        items = [item for item in items if item.tag is not None]
        for item in items:
            if item.letter == "n:":
                ask.hget(item.key, who)
            elif item.letter == "v":
                ask.hgetall(item.key)
            else:
                ask.get(item.key)
        return list(zip(items, ask.execute(), strict=True))

    def _look(
        self,
        plan: Plan,
        item: Item,
        value: Any,
        events: list[tuple[Item, stored.StoredEvent]],
        loose: list[tuple[Item, bytes]],
    ) -> None:
        if not value:
            return
        who, share = entity_ref(plan.person), plan.shares[item.tag or 0]
        if item.letter in ("x", "y"):
            if plan.person.encode() in value and (event := stored.event(value)).beneficiary == plan.person:
                events.append((item, event))
        elif item.letter == "v":
            self._verdict(plan, item, value)
        elif item.letter == "n:":
            share.patients.append(item.name)
            plan.found["providers' lists of patients"] += 1
        elif item.letter == "w":
            plan.sheets += who in stored.sheet(value).people
        elif who in value:
            records = stored.documents(value) if item.letter == "d" else stored.clones(value)
            loose += [(item, ref) for ref in {one.event for one in records if one.beneficiary == who}]

    def _verdict(self, plan: Plan, item: Item, revisions: Mapping[bytes, bytes]) -> None:
        name = b'"beneficiary":"' + plan.person.encode() + b'"'
        blobs = [blob for number, blob in revisions.items() if number != b"last"]
        if any(name in blob for blob in blobs):
            plan.held += b'"decision":"HOLD"' in revisions.get(revisions.get(b"last", b""), b"")
            event = (item.tag or 0, ("EXISTS", item.prefix + keys.event(event_ref(item.tail))))
            if not self._servers.run([event])[0]:  # else it goes with its event
                plan.shares[item.tag or 0].remove.add(item.name)
        elif any(plan.person.encode() in blob for blob in blobs):
            plan.cited += 1

    def _event(
        self, plan: Plan, item: Item, ref: bytes, event: stored.StoredEvent, inputs: Mapping[int, str]
    ) -> None:
        share = plan.shares[item.tag or 0]
        share.events[item.name] = ref
        plan.found["event records"] += 1
        for effect in event.effects:
            letter = effect.key.partition(":")[0]
            if effect.code in LABELLED:
                plan.anonymous[LABELLED[effect.code]] += 1
            elif effect.code == 1:
                plan.found[f"events with {TAKEN_OUT.get(letter, letter)}"] += 1
        where = inputs.get(event.crc)
        if where is not None:
            for lane in keys.LANES:
                fields = share.fields.setdefault(keys.memo(lane, where, event.offset), set())
                fields |= {str(event.offset), f"r{event.offset}"}
        if item.letter == "x":
            share.remove.add(keys.verdict(event.event_id))
            share.fields.setdefault(keys.open_events(plan.person), set()).add(event.event_id)
            if where is not None:
                partition = int(where.rpartition("|")[2])
                share.fields.setdefault(keys.waiting(partition), set()).add(event.event_id)
            state = share.fields.setdefault(keys.claim(event.claim_id), set())
            state |= {f"a:{event.event_id}", f"p:{event.event_id}"}

    def _own(self, plan: Plan) -> None:
        """What lies under the person's own name, and what of the above is really there, counted."""
        home = self._servers.tag(plan.person)
        model = keys.model(f"beneficiary:{plan.person}")
        reports = _reported(plan.person)
        names = {
            "care log": keys.log(plan.person),
            "permanent facts": keys.facts(plan.person),
            "registry entry": keys.registry(plan.person),
            "model record": model,
        }
        prefix = self._servers.prefixes[home]
        told = self._servers.run([(home, ("EXISTS", prefix + name)) for name in names.values()])
        reported = self._servers.run(
            [
                _at(self._servers, keys.model_entity(name), "EXISTS", keys.model(name))
                for name in reports.values()
            ]
        )
        for what, there in [*zip(names, told, strict=True), *zip(reports, reported, strict=True)]:
            if there and not (plan.waiting and what not in reports):
                plan.found[what] += 1
        for tag, share in enumerate(plan.shares):
            prefix = self._servers.prefixes[tag]
            asked: list[tuple[str, tuple[int, Any]]] = []
            for name, fields in share.fields.items():
                what = FIELDS[name[0]]
                asked += [(what, (tag, ("HEXISTS", prefix + name, one))) for one in fields]
            asked += [("verdicts", (tag, ("EXISTS", prefix + name))) for name in share.remove]
            replies = self._servers.run([command for _, command in asked]) if asked else []
            for (what, _), there in zip(asked, replies, strict=True):
                plan.found[what] += bool(there)
        plan.found = +plan.found


def _reported(person: str) -> dict[str, str]:
    """What people and cases say of somebody, by what it is called: records that lie in tags of their own."""
    return {
        "signal": f"signal:beneficiary:{person}",
        "case": f"alerts:beneficiary:{person}",
        "case of internal audit": f"alerts:audit:beneficiary:{person}",
        "outcomes of reviews": f"outcomes:beneficiary:{person}",
    }


def _at(servers: Servers, entity: str, command: str, key: str) -> tuple[int, tuple[str, str]]:
    tag = servers.tag(entity)
    return tag, (command, servers.prefixes[tag] + key)


def _command(prefix: str, share: Share, person: str, secret: bytes, *, home: bool) -> tuple[Any, ...]:
    """FCALL crible_forget for one tag."""
    numbers: dict[str, int] = {}

    def key(name: str) -> bytes:
        return integer(numbers.setdefault(name, len(numbers) + 1))

    loose = [
        array(5) + key(name) + integer(size) + raw(ref) + key(keys.event(ref)) + key(keys.event_away(ref))
        for name, size, ref in share.loose
    ]
    fields = [
        array(1 + len(names)) + key(name) + b"".join(raw(one.encode()) for one in sorted(names))
        for name, names in share.fields.items()
    ]
    logs = [keys.log(person), keys.facts(person)] if home else []
    own = [keys.registry(person), keys.model(f"beneficiary:{person}")] if home else []
    todo = [
        listing([array(2) + key(name) + raw(ref) for name, ref in share.events.items()]),
        listing([key(name) for name in share.patients]),
        listing(loose),
        listing(fields),
        listing([key(name) for name in sorted(share.remove)]),
        listing([key(name) for name in logs]),
        listing([key(name) for name in own]),
    ]
    header = array(4) + raw(prefix.encode()) + raw(secret) + raw(person.encode()) + raw(entity_ref(person))
    names = [prefix + name for name in numbers]
    return ("FCALL", library.function("forget"), len(names), *names, header, listing(todo))

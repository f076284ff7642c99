"""The state checked against itself: every value read by its kind, every reference followed. Nothing is changed.

The state moves while it is walked, so that what looks wrong is looked at again at the end; only what is still
wrong then is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
from redis import Redis

from schemas.observation import event_ref
from state import keys, ops, stored
from state.errors import BadFormat
from state.kinds import SHEET_SECONDS, TILE_SECONDS, TILES
from state.layout import Layout
from state.servers import Servers
from state.survey import PAGE, Item, Pace, Walk, load

EVENT_SECONDS = 731 * 86400  # event records (bind.lua)
SAMPLE_ALL, SAMPLE_EACH = 64, 32  # keys of a kind that are all measured, and one in how many after them
MOST = 10_000  # problems kept; more are counted
APPLIED = """
for i = 1, 2 do
  if redis.call('GETRANGE', KEYS[i], 1, 1) == 'L' then return 1 end
end
return 0
"""
Reader = Callable[[Any], Any]


class Problem(NamedTuple):
    """Something wrong with one key."""

    problem: str  # damaged, unknown key, wrong tag, wrong type, no expiry, orphan
    kind: str
    key: bytes
    detail: str


class Question(NamedTuple):
    """A reference to follow: the problem stands unless the reply is as it should be."""

    command: tuple[Any, ...]
    right: Callable[[Any], bool]
    problem: Problem


@dataclass(slots=True)
class Tally:
    """How many keys of a kind there are, and the bytes of those that were measured."""

    keys: int = 0
    measured: int = 0
    measured_bytes: int = 0

    @property
    def bytes(self) -> int:
        """The kind's memory, estimated from the keys measured."""
        return round(self.measured_bytes / self.measured * self.keys) if self.measured else 0


@dataclass(slots=True)
class Report:
    """What a check found, by kind of key."""

    kinds: dict[str, Tally] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    more: int = 0


class Checkup:
    """One walk of a deployment's state.

    Args:
        readers: how values are read that other rooms write: "v" and "m:<kind>" (bytes), "c", "o" and "u"
            (whole hash).
        today: day number; lines of care older than event records live are not asked for theirs.
    """

    def __init__(self, servers: Servers, readers: Mapping[str, Reader], today: int, pace: Pace) -> None:
        self._walk = Walk(servers, pace)
        self._readers, self._today = readers, today
        self._inputs: set[str] = set()
        self._servers = servers

    def total(self) -> int:
        """How many keys there are about now."""
        return self._walk.total()

    def run(self, progress: Callable[[int], None] = lambda done: None) -> Report:
        """Walk everything. Raises redis errors while a server is away."""
        report = Report()
        self._read_inputs()
        suspects: dict[bytes, Redis] = {}
        overflow = met = 0
        for server, items, count in self._walk.pages():
            items = load(server, items, sized=lambda item: self._measured(report, item))
            for item in items:
                if item.size is not None:
                    tally = report.kinds[self._name(item)]
                    tally.measured, tally.measured_bytes = (
                        tally.measured + 1,
                        tally.measured_bytes + item.size,
                    )
            for problem in self._examine(server, items):
                if len(suspects) < MOST:
                    suspects[problem.key] = server
                else:
                    overflow += 1
            met += count
            progress(met)
        self._read_inputs()
        report.problems = self._again(suspects)
        report.more = overflow
        return report

    def _read_inputs(self) -> None:
        told = self._servers.everywhere(lambda prefix: ("HKEYS", prefix + keys.FENCES))
        self._inputs |= {keys.input_of(name.decode()) for names in told for name in names}

    def _again(self, suspects: Mapping[bytes, Redis]) -> list[Problem]:
        by_server: dict[int, tuple[Redis, list[bytes]]] = {}
        for key, server in suspects.items():
            by_server.setdefault(id(server), (server, []))[1].append(key)
        found: list[Problem] = []
        for server, names in by_server.values():
            for start in range(0, len(names), PAGE):
                items = [self._walk.item(key) for key in names[start : start + PAGE]]
                found += self._examine(server, load(server, items))
        return sorted(dict.fromkeys(found), key=lambda one: (one.problem, one.kind, one.key))

    def _name(self, item: Item) -> str:
        return item.kind.name if item.kind else "unknown"

    def _measured(self, report: Report, item: Item) -> bool:
        tally = report.kinds.setdefault(self._name(item), Tally())
        tally.keys += 1
        return tally.keys <= SAMPLE_ALL or tally.keys % SAMPLE_EACH == 0

    def _examine(self, server: Redis, items: Iterable[Item]) -> list[Problem]:
        problems: list[Problem] = []
        questions: list[Question] = []
        for item in items:
            self._one(item, problems, questions)
        ask = server.pipeline(transaction=False)
        for question in questions:
            ask.execute_command(*question.command)
        replies: list[Any] = ask.execute() if questions else []
        return problems + [
            question.problem
            for question, reply in zip(questions, replies, strict=True)
            if not question.right(reply)
        ]

    def _one(self, item: Item, problems: list[Problem], questions: list[Question]) -> None:
        def wrong(problem: str, detail: str) -> Problem:
            return Problem(problem, self._name(item), item.key, detail)

        kind = item.kind
        if kind is None or item.tag is None:
            said = "no key of Crible's" if item.tag is not None else "not under a tag of this layout"
            problems.append(wrong("unknown key", said))
            return
        if item.type != kind.type:
            problems.append(wrong("wrong type", f"{item.type} instead of {kind.type}"))
            return
        if not kind.lasts and item.ttl == -1:
            problems.append(wrong("no expiry", "kept for ever, should expire"))
        owner = kind.owner(item.tail)
        try:
            value = kind.read(item.value) if kind.read else item.value
            if item.letter in ("v", "c", "o", "u", "m"):
                value = self._foreign(item)
            if item.letter == "layout":
                msgspec.json.decode(item.value, type=Layout)
        except (BadFormat, ValueError, msgspec.MsgspecError) as error:
            problems.append(wrong("damaged", _short(error)))
            return
        if item.letter == "v" and value:
            owner = value
        if item.letter in ("x",) and value.beneficiary:
            owner = value.beneficiary
        if item.letter in ("layout", "intern", "names") and item.tag != 0:
            problems.append(wrong("wrong tag", "belongs to tag 0"))
        if owner is not None and self._walk.owner_tag(owner) != item.tag:
            problems.append(
                wrong("wrong tag", f"in tag {item.tag}, belongs to {self._walk.owner_tag(owner)}")
            )
        questions += self._references(item, value, wrong)

    def _foreign(self, item: Item) -> Any:
        """Values that other rooms write, by their readers; a verdict's beneficiary."""
        if item.letter == "m":
            reader = self._readers.get(f"m:{item.tail.partition(':')[0]}")
            if reader is None:
                raise BadFormat("model record of an unknown kind")
            return reader(item.value)
        if item.letter != "v":
            return self._readers[item.letter](item.value)
        last = item.value.get(b"last")
        if last is None or last not in item.value:
            raise BadFormat("the last revision is missing")
        told = [self._readers["v"](blob) for name, blob in item.value.items() if name != b"last" and blob]
        return next((who for who in told if who), None)

    def _references(self, item: Item, value: Any, wrong: Callable[[str, str], Problem]) -> list[Question]:
        prefix, letter = item.prefix, item.letter
        if letter in ("x", "y"):
            return self._effects(item, value, wrong)
        if letter in ("b", "k", "d", "g"):
            recent = {record.event for record in value if record.day >= self._today - 730}
            return [
                _applied(item, ref, wrong("orphan", "a line whose event is not applied")) for ref in recent
            ]
        if letter == "v":
            key = prefix + keys.event(event_ref(item.tail))
            return [Question(("EXISTS", key), bool, wrong("orphan", "a verdict without its event"))]
        if letter in TILES:
            patients = f"{prefix}n:{item.name}"
            told = wrong("damaged", f"{value.fields} patients remembered, another number is there")
            return [Question(("HLEN", patients), lambda count: count == value.fields, told)]
        if letter == "memo" and item.tail.partition(":")[2].rpartition(":")[0] not in self._inputs:
            return [
                Question(
                    ("EXISTS", item.key), lambda there: not there, wrong("orphan", "of an unknown input")
                )
            ]
        if letter == "names":
            told = wrong("damaged", "numbers and names differ in number")
            return [Question(("HLEN", prefix + keys.NUMBERS), lambda count: count == value, told)]
        return []

    def _effects(
        self, item: Item, event: stored.StoredEvent, wrong: Callable[[str, str], Problem]
    ) -> list[Question]:
        age = EVENT_SECONDS - item.ttl
        found = []
        for effect in event.effects:
            seconds = {ops.TILE: TILE_SECONDS, ops.DAY: SHEET_SECONDS}.get(effect.code, effect.seconds)
            if seconds == 0 or (seconds is not None and age < seconds - 86400):
                told = wrong("orphan", f"an effect on a missing {effect.key.partition(':')[0]}: key")
                found.append(Question(("EXISTS", item.prefix + effect.full(event.beneficiary)), bool, told))
        return found


def _applied(item: Item, ref: bytes, problem: Problem) -> Question:
    """Whether an event is on record in this tag as applied: its line is an orphan otherwise."""
    home, away = keys.event(ref), keys.event_away(ref)
    both = (home, home if item.letter in ("b", "k") else away)
    return Question(("EVAL_RO", APPLIED, 2, *(item.prefix + name for name in both)), bool, problem)


def _short(error: Exception) -> str:
    """The first line of an error, without values that might name a person."""
    return str(error).splitlines()[0].partition(" - at ")[0][:120]

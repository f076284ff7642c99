"""The door to the state: one `Store` per worker thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from state import keys, library
from state.answers import identity_of
from state.batch import MODEL_SECONDS, Answer, Ask, Entry, Fences, Identity, Span
from state.calls import advance_command, record_commands
from state.checks import check_server
from state.errors import Seen
from state.lanes import Lanes
from state.layout import Layout, settle
from state.library import function
from state.numbers import Numbers
from state.servers import Servers

KEPT_BLOCKS = 8  # memo blocks that stay behind the committed offset: a failover may bring old offsets back
MOST_BLOCKS = 1000  # dropped at once; a memo that nobody forgot for longer was left by a deployment long gone


class Store:
    """Windows, records and fences of Crible in Redis. Not for sharing between threads; writes are never
    retried.

    Every method raises redis ConnectionError while Redis is away: wait, call `own` for the fences, and send
    the batch again from there.
    """

    def __init__(self, url: str, *, tags: int | None = None, require_aof: bool = True) -> None:
        self._servers = Servers(url, tags)
        self._require_aof = require_aof
        self._epochs: dict[str, int] = {}
        self._forgotten: dict[str, int] = {}
        self.numbers = Numbers(self._servers.first, keys.prefixes(1)[0])

    def check(self, layout: Layout | None = None) -> None:
        """Check the servers, load the functions and settle the layout record.

        Raises ConfigurationError with the command that puts it right.
        """
        for server in self._servers.connect().primaries():
            check_server(server, require_aof=self._require_aof)
        tags = len(self._servers.prefixes)
        settle(self._servers.first, self._servers.prefixes[0], layout or Layout(), tags)
        for (
            server
        ) in self._servers.connect().primaries():  # last: who does not fit puts no other worker out of work
            library.install(server)

    def run_id(self) -> str:
        """Changes when a server restarted or was replaced: then the fences must be read again."""
        parts = []
        for server in self._servers.connect().primaries():
            info: Any = {**server.info("server"), **server.info("replication")}
            parts.append(f"{info['run_id']}/{info['master_replid']}")
        return " ".join(sorted(parts))

    def close(self) -> None:
        """Give the connections back; the next call connects anew."""
        self._servers.close()

    def own(self, inputs: Sequence[str]) -> dict[str, Fences]:
        """Take these inputs over by a higher epoch and say where they stand. Raises Stale when outrun."""
        if not inputs:
            return {}
        self.numbers.forget()
        servers = self._servers
        servers.connect()
        fences = [prefix + keys.FENCES for prefix in servers.prefixes]
        first = servers.run([(0, ("FCALL", function("own"), 1, fences[0], 0, *inputs))], inputs)[0]
        epochs = {name: int(row[0]) for name, row in zip(inputs, first, strict=True)}
        rows = [first]
        for tag in range(1, len(fences)):
            calls = [(tag, ("FCALL", function("own"), 1, fences[tag], epochs[name], name)) for name in inputs]
            rows.append([reply[0] for reply in servers.run(calls, inputs)])
        lanes = slice(1, 2) if len(fences) == 1 else slice(1, 3)
        owned = {}
        for index, name in enumerate(inputs):
            of_input = [tag_rows[index] for tag_rows in rows]
            recorded = tuple(int(row[3]) for row in of_input)
            observed = min(int(fence) for row in of_input for fence in row[lanes])
            owned[name] = Fences(epochs[name], observed, min(recorded), recorded)
        self._epochs.update(epochs)
        return owned

    def begin(self, input: str, fence: int) -> None:
        """Let an input that was never seen start after offset `fence`; one that has fences stays as it is."""
        self._servers.everywhere(
            lambda prefix: ("FCALL", function("begin"), 1, prefix + keys.FENCES, fence, input)
        )

    def inputs(self) -> list[str]:
        """Every input that was ever owned or read here, in order."""
        told = self._servers.everywhere(lambda prefix: ("HKEYS", prefix + keys.FENCES))
        return sorted({keys.input_of(name.decode()) for names in told for name in names})

    def intern(self, names: Iterable[str]) -> None:
        """Give all these names a number, in one call for those not known here."""
        self.numbers.intern(names)

    def number(self, name: str) -> int:
        """The number of a name: itself for nine digits, 0 for "", else interned (at once where need be)."""
        return self.numbers[name]

    def name(self, number: int) -> str:
        """The name of a number. Raises KeyError for one that was never given."""
        return self.numbers.name(number)

    def observe(self, inputs: Sequence[Span], events: Sequence[Ask]) -> list[Answer]:
        """Apply a batch of at most 256 events, in order, and answer each; offsets seen before are answered
        from the memo.

        Raises Gap, Stale, OtherLog, Lost or BadFormat, before anything was written in the tag that refuses.
        """
        return Lanes(self._servers, self._epochs, inputs, events).run()

    def record(
        self, inputs: Sequence[Span], entries: Sequence[Entry], models: Mapping[str, bytes]
    ) -> list[bytes | None]:
        """Write verdicts and model records ("<kind>:<entity>" -> blob) and answer the blobs that stand.

        What was recorded before wins, and a batch that was recorded whole writes no models. To be called
        for every batch, also without entries, so that the fence moves. None: recorded so long ago that the
        memo is forgotten. Raises Gap or Stale.
        """
        servers = self._servers
        servers.connect()
        shares: list[list[int]] = [[] for _ in servers.prefixes]
        for index, entry in enumerate(entries):
            shares[servers.tag(entry.beneficiary)].append(index)
        blobs = self._shared(models)
        commands = [
            (tag, command)
            for tag, prefix in enumerate(servers.prefixes)
            for command in record_commands(
                prefix, inputs, self._epochs, [entries[i] for i in shares[tag]], blobs[tag]
            )
        ]
        replies = chain.from_iterable(servers.run(commands, _names(inputs)))
        standing: list[bytes | None] = [None] * len(entries)
        for index, blob in zip(chain.from_iterable(shares), replies, strict=True):
            standing[index] = blob
        return standing

    def advance(self, input: str, prev: int, end: int, models: Mapping[str, bytes]) -> None:
        """Write the models of a fold over (prev, end] and move its fence, once.

        A tag that already stands at `end` or beyond is left as it is. Raises Seen when that is so for every
        tag, Gap when one stands elsewhere than at `prev`, Stale. With several tags a restarted fold goes
        batch by batch through the distinct values of `Fences.recorded_by_tag`.
        """
        servers = self._servers
        servers.connect()
        shares = self._shared(models)
        span, epoch = Span(input, prev, end), self._epochs.get(input, 0)
        commands = [
            (tag, advance_command(prefix, span, epoch, shares[tag]))
            for tag, prefix in enumerate(servers.prefixes)
        ]
        if not any(servers.run(commands, (input,))):
            raise Seen(input, end)

    def models(self, names: Sequence[str]) -> list[bytes | None]:
        """Model records by "<kind>:<entity>"; None where there is none."""
        return self._routed(list(map(keys.model, names)), lambda index: keys.model_entity(names[index]))

    def registries(self, beneficiaries: Sequence[str]) -> list[bytes | None]:
        """Registry entries as they are stored (`codecs.registry_value`); None where there is none."""
        return self._routed(list(map(keys.registry, beneficiaries)), beneficiaries.__getitem__)

    def claims(self, pairs: Sequence[tuple[str, str]]) -> list[dict[bytes, bytes]]:
        """The states of claims by (beneficiary, claim id), one round of calls; empty ones where there is none."""
        servers = self._servers
        servers.connect()
        commands = []
        for who, claim_id in pairs:
            tag = servers.tag(who)
            commands.append((tag, ("HGETALL", servers.prefixes[tag] + keys.claim(claim_id))))
        replies: Any = servers.run(commands) if commands else []
        return [dict(zip(reply[::2], reply[1::2], strict=True)) for reply in replies]

    def waiting(self, partition: int) -> dict[str, bytes]:
        """What was kept of the held events of a partition that wait for tables, by event id."""
        self._servers.connect()
        told = self._servers.everywhere(lambda prefix: ("HGETALL", prefix + keys.waiting(partition)))
        return {
            name.decode(): bytes(value)
            for fields in told
            for name, value in zip(fields[::2], fields[1::2], strict=True)
        }

    def put_models(self, models: Mapping[str, bytes]) -> None:
        """Write records that no fence guards: whoever writes them writes the same again after a crash."""
        servers = self._servers
        servers.connect()
        servers.run(
            [
                (tag, ("SET", servers.prefixes[tag] + keys.model(name), blob, "EX", MODEL_SECONDS))
                for name, blob in models.items()
                for tag in (servers.tag(keys.model_entity(name)),)
            ]
        )

    def verdict(self, beneficiary: str, event_id: str, revision: str | None = None) -> bytes | None:
        """A revision of an event's verdict, the last one where none is named; None where there is none, empty where
        the event was only observed.
        """
        servers = self._servers
        servers.connect()
        tag = servers.tag(beneficiary)
        name = servers.prefixes[tag] + keys.verdict(event_id)
        last: Any = revision
        if last is None:
            (last,) = servers.run([(tag, ("HGET", name, "last"))])
        if last is None:
            return None
        (blob,) = servers.run([(tag, ("HGET", name, last))])
        return None if blob is None else bytes(blob)

    def adopt(self, input: str, after: int) -> None:
        """Take a log as it is, from after an offset on: fences go there and the memo of the former log goes.

        A repair by hand, with no worker running: windows keep what they counted.
        """
        self.own([input])
        servers = self._servers
        fields = [item for name in ("o|h|", "o|a|", "r|") for item in (name + input, after)]
        servers.everywhere(lambda prefix: ("HSET", prefix + keys.FENCES, *fields))
        for tag, prefix in enumerate(servers.prefixes):
            cursor: Any = 0
            while True:
                cursor, found = servers.run(
                    [(tag, ("SCAN", cursor, "MATCH", f"{prefix}memo:*", "COUNT", 1000))]
                )[0]
                old = [name for name in found if f":{input}:".encode() in name]
                if old:
                    servers.run([(tag, ("UNLINK", *old))])
                if int(cursor) == 0:
                    break

    def identify(self, pairs: Sequence[tuple[str, bytes]]) -> list[Identity | None]:
        """Who events were about: (entity whose record names it, event reference) -> identity, None where forgotten."""
        self._servers.connect()
        kinds = (keys.event,) if len(self._servers.prefixes) == 1 else (keys.event, keys.event_away)
        found = self._routed(
            [kind(ref) for kind in kinds for _, ref in pairs], lambda index: pairs[index % len(pairs)][0]
        )
        known = [identity_of(value) for value in found]
        if len(kinds) == 1:
            return known
        return [home or away for home, away in zip(known[: len(pairs)], known[len(pairs) :], strict=True)]

    def _shared(self, models: Mapping[str, bytes]) -> list[Mapping[str, bytes]]:
        """Model records by the tag they lie in."""
        tags = len(self._servers.prefixes)
        if tags == 1:
            return [models]
        shares: list[dict[str, bytes]] = [{} for _ in range(tags)]
        for name, blob in models.items():
            shares[self._servers.tag(keys.model_entity(name))][name] = blob
        return [*shares]

    def _routed(self, wanted: Sequence[str], entity: Callable[[int], str]) -> list[bytes | None]:
        """Values of keys, in one MGET a tag. `entity` says whose the key of an index is, where tags are several."""
        servers = self._servers
        servers.connect()
        if len(servers.prefixes) == 1 and wanted:
            prefix = servers.prefixes[0]
            (found,) = servers.run([(0, ("MGET", *[prefix + key for key in wanted]))])
            return list(found)
        shares: dict[int, list[int]] = {}
        for index in range(len(wanted)):
            shares.setdefault(servers.tag(entity(index)), []).append(index)
        commands = [
            (tag, ("MGET", *(servers.prefixes[tag] + wanted[i] for i in share)))
            for tag, share in shares.items()
        ]
        values: list[bytes | None] = [None] * len(wanted)
        for share, reply in zip(shares.values(), servers.run(commands) if commands else [], strict=True):
            for index, value in zip(share, reply, strict=True):
                values[index] = value
        return values

    def forget_memo(self, input: str, committed: int) -> None:
        """Drop the memo of offsets well behind the committed one, by whole blocks: cheap to call often."""
        block = committed // keys.MEMO_BLOCK - KEPT_BLOCKS
        if block <= self._forgotten.get(input, 0):
            return
        mark = f"m|{input}"
        low = self._servers.everywhere(lambda prefix: ("HGET", prefix + keys.FENCES, mark))
        for tag, (prefix, oldest) in enumerate(zip(self._servers.prefixes, low, strict=True)):
            first = max(int(oldest or 0), block - MOST_BLOCKS)
            names = [
                prefix + keys.memo_block(lane, input, b) for b in range(first, block) for lane in keys.LANES
            ]
            if names:
                marked = ("HSET", prefix + keys.FENCES, mark, block)
                self._servers.run([(tag, ("UNLINK", *names)), (tag, marked)])
        self._forgotten[input] = block


def _names(inputs: Sequence[Span]) -> list[str]:
    return [span.input for span in inputs]

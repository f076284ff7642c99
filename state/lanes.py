"""A batch through the tags: first what concerns its beneficiaries (lane h), then the rest (lane a).

The beneficiary's tag decides whether an event is new; only then may other tags count it. With one tag both
are one call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from state import keys
from state.answers import read_value, results_of
from state.batch import Answer, Ask, Span
from state.calls import Share
from state.chunks import ObserveChunks
from state.keys import Lane
from state.ops import Op, Read
from state.servers import Servers

STATUS = ("NONE", "NEW", "SAME", "OTHER", "FOREIGN")


class Lanes:
    """One batch on its way. Ops and reads are numbered through an event's home and away parts."""

    def __init__(
        self, servers: Servers, epochs: Mapping[str, int], spans: Sequence[Span], events: Sequence[Ask]
    ) -> None:
        servers.connect()
        self._servers = servers
        self._epochs = epochs
        self._spans = spans
        self._events = events
        self._ops: list[list[Op]] = [[*ask.home, *ask.away] for ask in events]
        self._reads: list[list[Read]] = [[*ask.home_reads, *ask.away_reads] for ask in events]
        self._results: list[list[bytes | None]] = [[None] * len(ops) for ops in self._ops]
        self._values: list[list[Any]] = [[None] * len(reads) for reads in self._reads]
        self._answers = [Answer("NONE") for _ in events]

    def run(self) -> list[Answer]:
        """Send the lanes one after the other and put the answers together."""
        self._home()
        if len(self._servers.prefixes) > 1:
            self._away()
        for index, (ask, answer) in enumerate(zip(self._events, self._answers, strict=True)):
            if answer.status in ("NEW", "NONE"):
                results, cut = self._results[index], len(ask.home)
                answer.home, answer.away = results[:cut], results[cut:]
            values, cut = self._values[index], len(ask.home_reads)
            answer.home_reads, answer.away_reads = values[:cut], values[cut:]
        return self._answers

    def _home(self) -> None:
        calls = self._calls("h")
        alone = len(calls) == 1
        for index, ask in enumerate(self._events):
            ops = range(len(ask.home) + (len(ask.away) if alone else 0))
            reads = range(len(ask.home_reads) + (len(ask.away_reads) if alone else 0))
            event = keys.event(ask.ref) if ask.ref else None
            undo = _undone(ask, keys.event, keys.payment)
            self._add(calls[self._servers.tag(ask.beneficiary)], index, ops, reads, event, undo)
        for index, row in self._send(calls):
            answer = self._answers[index]
            answer.status, answer.recorded = STATUS[row[0]], row[3]

    def _away(self) -> None:
        calls = self._calls("a")
        for index, ask in enumerate(self._events):
            new = self._answers[index].status == "NEW"
            undo = _undone(ask, keys.event_away, keys.payment_away)
            ops: dict[int, list[int]] = {}
            reads: dict[int, list[int]] = {}
            if new:
                for at in range(len(ask.home), len(self._ops[index])):
                    ops.setdefault(self._servers.tag(self._ops[index][at].place.entity), []).append(at)
            for at in range(len(ask.home_reads), len(self._reads[index])):
                reads.setdefault(self._servers.tag(self._reads[index][at].entity), []).append(at)
            for tag, call in enumerate(calls):
                mine, look = ops.get(tag, []), reads.get(tag, [])
                if mine or look or (new and undo):
                    event = keys.event_away(ask.ref) if mine and ask.ref else None
                    self._add(call, index, mine, look, event, undo if new else [])
        self._send(calls)

    def _calls(self, lane: Lane) -> list[ObserveChunks]:
        return [ObserveChunks(prefix, lane, self._spans, self._epochs) for prefix in self._servers.prefixes]

    def _add(
        self,
        call: ObserveChunks,
        index: int,
        ops: Sequence[int],
        reads: Sequence[int],
        event: str | None,
        undo: Sequence[str],
    ) -> None:
        all_ops, all_reads = self._ops[index], self._reads[index]
        mine = all_ops if len(ops) == len(all_ops) else [all_ops[i] for i in ops]
        look = all_reads if len(reads) == len(all_reads) else [all_reads[i] for i in reads]
        call.add(Share(index, self._events[index], mine, look, event, undo, (ops, reads)))

    def _send(self, calls: Sequence[ObserveChunks]) -> list[tuple[int, list[Any]]]:
        """Send the calls of every tag at once; results and values find their places, the rows are returned."""
        replies = self._servers.run(
            [(tag, command) for tag, chunks in enumerate(calls) for command in chunks.commands()],
            [span.input for span in self._spans],
        )
        rows = []
        sent = [call for chunks in calls for call in chunks.calls]
        for call, reply in zip(sent, replies, strict=True):
            for index, (ops, reads), asked, row in zip(
                call.asked, call.places, call.labels, reply, strict=True
            ):
                rows.append((index, row))
                for at, value in zip(reads, row[2], strict=True):
                    self._values[index][at] = read_value(self._reads[index][at], value)
                if row[1] is None and row[0] == 1:
                    self._answers[index].gone = True
                elif row[0] < 2 and ops:
                    found = results_of(row[1], asked)
                    if len(ops) == len(self._ops[index]):
                        self._results[index] = found
                    else:
                        for at, result in zip(ops, found, strict=True):
                            self._results[index][at] = result
        return rows


def _undone(ask: Ask, event: Callable[[bytes], str], payment: Callable[[bytes], str]) -> list[str]:
    """The key under which to look for what this event takes out."""
    if not ask.undo or ask.undo == ask.ref:
        return []
    return [payment(ask.undo) if ask.undo_payment else event(ask.undo)]

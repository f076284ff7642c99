"""A batch cut into calls that hold Redis for a few milliseconds each, sent in one exchange.

A chunk's spans begin where those of the chunk before it end. A crash in between leaves the fences in the middle
of the batch, like one between two batches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from state.batch import Span
from state.calls import ObserveCall, Share
from state.chain import Chain
from state.keys import Lane
from state.router import Command

OPS_A_CALL = 96  # ops and reads: about five claims (docs/decisions/0010-batches-in-chunks.md)


class ObserveChunks:
    """The calls crible_observe of one batch for one tag and lane."""

    def __init__(self, prefix: str, lane: Lane, spans: Sequence[Span], epochs: Mapping[str, int]) -> None:
        self._prefix, self._lane, self._spans, self._epochs = prefix, lane, spans, epochs
        self._chain = Chain()
        self._ends = [span.prev for span in spans]
        self._weight = 0
        self.calls: list[ObserveCall] = [ObserveCall(prefix, lane, spans)]
        self._begins: list[list[int]] = [list(self._ends)]

    def add(self, share: Share) -> None:
        """One event, in the order of the batch. Raises ValueError for a content hash of another size."""
        ask = share.ask
        weight = 1 + len(share.ops) + len(share.reads)
        if self._weight and self._weight + weight > OPS_A_CALL:
            self.calls.append(ObserveCall(self._prefix, self._lane, self._spans))
            self._begins.append(list(self._ends))
            self._weight = 0
        self._weight += weight
        self._ends[ask.input] = max(self._ends[ask.input], ask.offset)
        self.calls[-1].add(share)

    def commands(self) -> Iterator[Command]:
        """The calls in the order in which they are to be sent."""
        ends = [*self._begins[1:], [span.end for span in self._spans]]
        for call, prevs, upto in zip(self.calls, self._begins, ends, strict=True):
            spans = [
                Span(span.input, prev, end) for span, prev, end in zip(self._spans, prevs, upto, strict=True)
            ]
            yield call.command(spans, self._epochs, self._chain.link(last=call is self.calls[-1]))

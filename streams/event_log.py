"""The loop without a broker: an event log in, records out. The same screening, on lines of a file instead of
messages.

Registries, reviews and signals take effect between batches, in the order of the log; answers to be given
again are taken up after every 128 lines. Both happen at the same lines whatever the batch size, so the
output does not depend on it.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec

from detectors.book import ReferentialBook
from monitoring.metrics import Metrics
from schemas.control import Review, Signal
from schemas.decode import Decoder, Invalid
from schemas.pseudonym import Pseudonyms
from schemas.topics import SCREENING_INPUTS, TOPIC_OF
from state import EmbeddedRedis, Layout, Span, Store
from streams.config import Settings
from streams.control import ControlDesk, told
from streams.heap import settle
from streams.messages import Batch, Message, Output
from streams.model_folds import LearnerFold, ProfilingFold
from streams.outputs import dead_letter
from streams.screening import Screener
from streams.waiting import Waiting

CHECKPOINT = 128
Instant = Annotated[dt.datetime, msgspec.Meta(tz=True)] | None
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
CONTROL_TOPICS = frozenset(topic.name for topic in TOPIC_OF.values()) - frozenset(SCREENING_INPUTS)


class _Peek(msgspec.Struct):
    type: str = ""
    ingest_time: Any = None


_peek = msgspec.json.Decoder(_Peek)


@dataclass(slots=True)
class EventLogRun:
    """Screens an event log from its first line to its last.

    Args:
        name: what the log is called in the fences; another name is another log.
        emit: takes the outputs of each batch, in order.
        progress: told how many lines are done.
    """

    screener: Screener
    decoder: Decoder
    desk: ControlDesk
    book: ReferentialBook
    name: str
    emit: Callable[[list[Output]], None]
    size: int = 128
    progress: Callable[[int], None] | None = None
    waiting: Waiting | None = None
    """Held files that are answered again when the log changes the tables; None: nobody asks (history)."""
    _again: deque[bytes] = field(default_factory=deque)
    _changed: dt.datetime | None = None
    """When the last line came that changed registries or tables, while nobody has looked."""
    _last: int = -1
    _again_last: int = -1

    def run(self, lines: Iterable[bytes]) -> int:
        """Screen every line; returns how many there were."""
        count = 0
        for chunk in _chunks(lines, self.size, self.input("log")):
            if isinstance(chunk, list):
                self._screen(chunk)
                count = chunk[-1].offset + 1
            else:
                self._control(chunk)
                count = chunk.offset + 1
            if count % CHECKPOINT == 0:
                self._answer_again()
                if self.progress:
                    self.progress(count)
        self._look()
        self._answer_again()
        if self.progress:
            self.progress(count)
        return count

    def _look(self) -> None:
        """Ask again for what waits for tables, where the lines before this one changed them."""
        if self._changed is not None and self.waiting is not None:
            self._take(self.waiting.due((0,), self._changed.isoformat()))
        self._changed = None

    def _screen(self, messages: list[Message]) -> None:
        self._look()
        end = messages[-1].offset
        span = Span(self.input("log"), self._last, end)
        self._last = end
        self._publish(Batch(messages, [span]), messages)

    def _answer_again(self) -> None:
        while self._again:
            messages: list[Message] = []
            while self._again and len(messages) < self.size:
                offset = self._again_last + 1 + len(messages)
                messages.append(
                    Message("rescreens", self.input("rescreens"), 0, offset, None, self._again.popleft())
                )
            end = messages[-1].offset
            span = Span(self.input("rescreens"), self._again_last, end)
            self._again_last = end
            self._publish(Batch(messages, [span]), messages)

    def _publish(self, batch: Batch, messages: list[Message]) -> None:
        outputs = self.screener.screen(batch)
        self._take(outputs)
        self.screener.committed(batch)

    def _take(self, outputs: list[Output]) -> None:
        for output in outputs:
            if output.topic == "rescreens":
                self._again.append(output.value)
        self.emit(outputs)

    def _control(self, message: Message) -> None:
        try:
            event = self.decoder.decode(message.value, timestamp=message.timestamp)
        except Invalid as invalid:
            self.emit([dead_letter(message, invalid, message.timestamp or EPOCH)])
            return
        if isinstance(event, Review):
            outputs = self.desk.review(event)
            self.screener.learn(LearnerFold(), told(outputs, "learning"))
            self.screener.learn(ProfilingFold(), told(outputs, "provider-activity"))
            self._take([output for output in outputs if output.topic == "rescreens"])
        elif isinstance(event, Signal):
            self._take(self.desk.signal(event))
        else:
            load = self.book.apply(event)
            self._changed = event.arrived
            if load is not None and load.reason is not None:
                refused = Invalid("rejected-load", expected=load.reason, event_id=event.event_id)
                self.emit([dead_letter(message, refused, event.arrived)])

    def input(self, kind: str) -> str:
        """The name of one of the run's logs in the fences."""
        return f"{kind}|{self.name}|0"


def _chunks(lines: Iterable[bytes], size: int, input_name: str) -> Iterator[list[Message] | Message]:
    """Runs of screening messages that cross neither a control event nor a checkpoint; control events one by
    one.
    """
    run: list[Message] = []
    for offset, line in enumerate(lines):
        topic, at = _kind(line)
        message = Message(topic, input_name, 0, offset, None, line.rstrip(b"\r\n"), at)
        if topic in CONTROL_TOPICS:
            if run:
                yield run
                run = []
            yield message
        else:
            run.append(message)
        if run and (len(run) >= size or (offset + 1) % CHECKPOINT == 0):
            yield run
            run = []
    if run:
        yield run


def _kind(line: bytes) -> tuple[str, dt.datetime | None]:
    """The topic that this line would have come on, or the control type it is; and its ingest_time."""
    try:
        peek = _peek.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return "claims", None  # the screening loop says what is wrong with it
    try:
        at = msgspec.convert(peek.ingest_time, Instant)
    except msgspec.ValidationError:
        at = None  # likewise
    topic = TOPIC_OF.get(peek.type)
    return topic.name if topic else "claims", at


@dataclass(frozen=True, slots=True)
class LogScreening:
    """What to screen a log with. `redis` None = a private, empty server that ends with the run."""

    settings: Settings
    redis: str | None
    name: str
    size: int
    observe_only: bool = False


def screen_log(
    job: LogScreening,
    lines: Iterable[bytes],
    emit: Callable[[list[Output]], None],
    progress: Callable[[int], None] | None = None,
) -> int:
    """Screen a log from beginning to end, profiling and learner in line; returns the number of lines."""
    with ExitStack() as stack:
        url = job.redis or stack.enter_context(EmbeddedRedis()).url
        store = Store(url, tags=job.settings.tags, require_aof=job.redis is not None)
        stack.callback(store.close)
        key_file = job.settings.pseudonym_key_file
        pseudonyms = Pseudonyms.from_file(key_file) if key_file else None
        store.check(Layout(pseudonyms=pseudonyms.fingerprint() if pseudonyms else ""))
        decoder = Decoder(pseudonyms)
        book = ReferentialBook()
        screener = Screener(
            store,
            decoder,
            book.snapshot,
            Metrics(),
            inline=True,
            observe_only=job.observe_only,
            verdict_days=job.settings.verdict_days,
        )
        run = EventLogRun(
            screener,
            decoder,
            ControlDesk(store),
            book,
            job.name,
            emit,
            job.size,
            progress,
            None if job.observe_only else Waiting(store, book.snapshot),
        )
        store.own([run.input("log"), run.input("rescreens")])
        settle()
        return run.run(lines)

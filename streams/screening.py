"""The screening loop, top to bottom: decode, observe, detect, decide, record, publish.

Transport is elsewhere: a batch comes in, outputs go out, and what makes the answers right whatever crashes is in the
order of the steps. Redis applies a batch once and remembers what it answered; a verdict is recorded before it is
published, what was recorded first wins, and every output derives from the record.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from detectors import catalogue
from detectors.base import Context
from detectors.models import RecordError, assessed, coverage, score, view
from detectors.models.folds import fold_beneficiary, learning, provider_activity
from detectors.models.keys import SINGLE
from detectors.referentials import Referentials
from monitoring.metrics import Metrics
from schemas.claim import Claim
from schemas.control import Rescreen
from schemas.decode import Decoder, Invalid
from schemas.liquidation import Liquidation
from schemas.observation import event_ref
from schemas.payment import Payment
from schemas.registries import Beneficiary
from state import Ask, Store
from streams import (
    answering,
    asking,
    cases,
    entity_files,
    follower_asks,
    following,
    model_folds,
    outputs,
    reanswering,
    recording,
    residence,
    settling,
    signals,
)
from streams.effects import Effects
from streams.folding import Fold
from streams.items import Item, Shelf
from streams.messages import Batch, Message, Output
from streams.numbers import NameOf

log = logging.getLogger("crible.screening")

T = TypeVar("T")
FIRST = "1"  # revision of the verdict that an event gets at its own offset
COVERAGE_SECONDS = 5.0
"""How often the share of lines with an INPE is told: it moves over days."""


class Screener:
    """Screens batches against one store.

    Args:
        referentials: gives the snapshot in force; taken once a batch.
        inline: provider models and the learner are updated here, event by event, instead of by their own loops.
        observe_only: windows and models are fed; nothing is decided, and nothing published but to the models' own loops
            (history, cold start).
        verdict_days: how long Redis keeps a full verdict.
    """

    def __init__(
        self,
        store: Store,
        decoder: Decoder,
        referentials: Callable[[], Referentials],
        metrics: Metrics,
        *,
        inline: bool,
        observe_only: bool = False,
        verdict_days: int = 90,
    ) -> None:
        self._store, self._decoder, self._referentials, self._metrics = store, decoder, referentials, metrics
        self._inline, self._observe_only, self._verdict_days = inline, observe_only, verdict_days
        self._now = dt.datetime.now(dt.UTC)
        self._items: list[Item] = []
        self._spent: defaultdict[str, float] = defaultdict(float)
        self._since = 0.0
        self._numbers, self._names = store.numbers, NameOf(store)
        self._effects = Effects(store)
        self._covered: Mapping[str, float] = {}
        self._told = 0.0

    def screen(self, batch: Batch) -> list[Output]:
        """Everything that this batch says, in the order of its messages.

        Raises redis and state errors before anything is published: the batch is then taken again and answered alike.
        """
        self._now = dt.datetime.now(dt.UTC)
        shelf = Shelf(self._effects.in_force(batch, self._referentials))
        items = self._timed("decode", lambda: [self._decode(message) for message in batch.messages])
        self._timed("observe", lambda: self._observe(batch, items, shelf))
        self._since = time.perf_counter()
        for item in items:
            self._detect(item, shelf)
            self._decide(item, shelf)
            self._lap("decide")
            self._teach(item, shelf)
            self._lap("models")
        self._timed("record", lambda: self._record(batch, items, shelf))
        for stage, seconds in self._spent.items():
            self._metrics.stage(stage, seconds)
        self._spent.clear()
        self._items, self._covered = items, shelf.referentials.coverage
        for kind in shelf.records.damaged or ():
            log.error("a model record of kind %r was damaged: rules alone until it has learned again", kind)
            self._metrics.model_error()
        return self._timed("publish", lambda: self._publish(items, shelf))

    # -- decode: bytes to an event that everybody may trust, or to the reason why not

    def _decode(self, message: Message) -> Item:
        item = Item(message)
        try:
            item.event = self._decoder.decode(
                message.value,
                key=message.key,
                timestamp=message.timestamp,
                accepts=asking.ACCEPTS.get(message.topic),
            )
        except Invalid as invalid:
            item.invalid = invalid
        item.content = asking.content_hash(item.event, message.value)
        return item

    # -- observe: Redis applies the batch, once, and says what its windows held for each event

    def _observe(self, batch: Batch, items: Sequence[Item], shelf: Shelf) -> None:
        places = residence.communes([(item.event, item.message.offset) for item in items], self._store)
        self._store.intern(
            [name for item in items if item.event is not None for name in asking.names(item.event)]
        )
        inputs = {span.input: index for index, span in enumerate(batch.spans)}
        answers = self._store.observe(
            batch.spans,
            [
                self._ask(item, inputs[item.message.input], shelf, place)
                for item, place in zip(items, places, strict=True)
            ],
        )
        wanted: list[tuple[str, str]] = []
        reported: list[str] = []
        for item, answer in zip(items, answers, strict=True):
            item.answer = answer
            item.again = answer.status == "SAME"
            if (
                answer.gone and item.claim_id
            ):  # the windows of then are gone: only what it was answered counts
                answer.recorded = self._store.verdict(item.beneficiary, item.event_id, FIRST)
            item.standing = batch.given.get((item.message.input, item.message.offset), answer.recorded)
            if isinstance(item.event, Rescreen):
                wanted += (("fusion", SINGLE), ("coverage", SINGLE))
            elif answer.gone:
                continue
            elif isinstance(item.event, Claim) and answer.status == "NEW":
                item.seen = asking.observation(item.question, [*answer.home, *answer.away])
                item.view = view(item.event, item.seen, shelf.referentials)
                wanted += item.view.wanted
                wanted.append(("coverage", SINGLE))
                reported += signals.names(item.event, shelf.referentials)
                if self._inline:
                    groups = [group for bill in item.view.bills for group in bill.peers]
                    wanted += [(kind, group) for kind in ("members", "habits") for group in groups]
            elif isinstance(item.event, Liquidation | Payment) and answer.status == "NEW":
                item.followed = follower_asks.followed(
                    item.question, answer.away, answer.home[0] if answer.home else None
                )
                wanted.append(("fusion", SINGLE))
        pairs, reports = list(dict.fromkeys(wanted)), list(dict.fromkeys(reported))
        blobs = self._store.models([*(model_folds.name(pair) for pair in pairs), *reports])
        shelf.records.add(dict(zip(pairs, blobs[: len(pairs)], strict=True)))
        stored = zip(reports, blobs[len(pairs) :], strict=True)
        shelf.signals = {name: blob for name, blob in stored if blob is not None}

    def _ask(self, item: Item, index: int, shelf: Shelf, commune: str | None) -> Ask:
        event, message = item.event, item.message
        event_id = item.event_id or None
        if event is None or isinstance(event, Rescreen):  # a rescreen repeats another event's id
            event_id = event_id if answering.answerable(item.invalid) else None
        if event is not None:
            item.question = asking.question(
                event, shelf.referentials, self._store.numbers.__getitem__, message.offset, commune
            )
        asked = item.question
        return Ask(
            input=index,
            offset=message.offset,
            content=item.content,
            event_id=event_id,
            ref=None if event_id is None else event_ref(event_id),
            claim_id=item.claim_id,
            beneficiary=item.beneficiary,
            undo=asked.undo,
            undo_payment=asked.undo_payment,
            home=asked.home,
            away=asked.away,
            home_reads=asked.reads,
            answers=event.event_id if isinstance(event, Rescreen) else None,
        )

    # -- detect: pure rules and models over event, windows and referentials

    def _detect(self, item: Item, shelf: Shelf) -> None:
        if isinstance(item.event, Liquidation | Payment):
            if item.followed is not None and not (self._settled(item) or self._observe_only):
                state = shelf.claim(item.claim_id, following.claim_fields(item))
                settling.detect(item, item.event, shelf, state)
            return
        if not isinstance(item.event, Claim) or item.view is None or self._settled(item):
            return
        if item.event.action == "CANCEL":
            return  # nothing is asked for
        item.evidence = assessed(item.view, shelf.records)
        self._lap("models")
        if not self._observe_only:
            context = Context(
                item.event,
                item.seen,
                shelf.referentials,
                shelf.referentials.thresholds(item.event.deposit_date),
                item.evidence,
                self._numbers,
                self._names,
            )
            item.say(catalogue.run(context))
            self._lap("detect")
        else:
            item.findings = item.evidence.findings
        item.score = score(item.findings, shelf.records.fusion)

    # -- decide: one verdict for each claim, liquidation and payment; what stands already is never decided again

    def _decide(self, item: Item, shelf: Shelf) -> None:
        status = item.answer.status if item.answer else "NONE"
        if status == "FOREIGN":
            item.invalid = answering.foreign(item)
        if self._settled(item):
            answering.restore(item, shelf)
        elif status == "OTHER":
            item.invalid = answering.reused(item)
        elif item.invalid is None and item.claim_id and item.answer is not None and item.answer.gone:
            item.invalid = answering.forgotten(item)
        elif item.invalid is not None:
            answering.cannot_screen(item, shelf, self._now)
        elif isinstance(item.event, Claim):
            answering.claim(item, shelf, self._now, observe_only=self._observe_only)
        elif isinstance(item.event, Liquidation | Payment):
            answering.follower(item, item.event, shelf, self._now, observe_only=self._observe_only)
        elif isinstance(item.event, Rescreen):
            if not item.message.answered:  # else its answer was that nothing changes
                reanswering.answer(item, item.event, shelf, self._now)
        elif isinstance(item.event, Beneficiary):
            reanswering.person_changed(item, item.event, shelf, self._store)
        if not item.again:
            following.note(item, shelf)
            cases.note(item, shelf, self._store)

    # -- learn: after the score, never before it

    def _teach(self, item: Item, shelf: Shelf) -> None:
        """Learn from a claim; one on which the models fail teaches nothing, and its verdict stands."""
        try:
            self._learn(item, shelf)
        except RecordError:
            raise  # of a newer release
        except Exception as error:
            log.error("the models learn nothing of a claim: %s", type(error).__name__)
            self._metrics.model_error()

    def _learn(self, item: Item, shelf: Shelf) -> None:
        if item.view is None:
            return
        records = shelf.records
        told = provider_activity(item.view, records)
        value = item.score.value if item.score else (item.record.score if item.record else None)
        lesson = None
        if value is not None and isinstance(item.event, Claim):
            held = item.record is not None and item.record.decision == "HOLD"
            inpe = coverage.told(item.event, shelf.referentials) if item.view.feeds else None
            lesson = learning(item.view, value, held=held, inpe=inpe)
        if not self._inline:
            item.follow_ups += recording.private(told, lesson)
        if (
            item.answer is not None and item.answer.recorded is None
        ):  # else its models were written with its verdict
            if item.view.feeds:
                usual = records.get(("beneficiary", item.view.beneficiary))
                records.put("beneficiary", item.view.beneficiary, fold_beneficiary(usual, item.view, records))
            if self._inline:
                model_folds.learn_inline(records, told, lesson)

    def learn(self, fold: Fold, lessons: Iterable[dict[str, Any]]) -> None:
        """Learn in line what did not come with a claim (event log). The records are written at once."""
        for lesson in lessons:
            keys = fold.keys([lesson])
            held = dict(zip(keys, self._store.models(keys), strict=True))
            self._store.put_models(fold.apply(held, [lesson]))

    # -- record: verdicts and model records in one step, fenced; what was recorded first wins

    def _record(self, batch: Batch, items: Sequence[Item], shelf: Shelf) -> None:
        recording.identify_evidence(items, self._store)
        marks = following.schemes(items, self._store)
        following.families(items, self._store)
        index = {span.input: position for position, span in enumerate(batch.spans)}
        entries, owners = [], []
        for item in items:
            entry = recording.entry(
                item,
                index[item.message.input],
                self._verdict_days,
                shelf.referentials,
                observe_only=self._observe_only,
            )
            if entry is not None:
                entries.append(entry)
                owners.append(item)
        changed = {model_folds.name(pair): blob for pair, blob in shelf.records.changed().items()} | marks
        changed |= {entity_files.name(key): entity_files.packed(file) for key, file in shelf.files.items()}
        changed |= self._effects.due(
            (item.message.input, item.message.offset) for item in items if item.standing is None
        )
        stand: dict[str, bytes] = {}
        for item, blob in zip(owners, self._store.record(batch.spans, entries, changed), strict=True):
            recording.stands(item, blob)
            if item.record is not None and item.blob:
                stand[item.record.event_id] = item.blob
        recording.count_effects(self._metrics, self._effects.recorded(batch))
        for item in items:
            if item.again and item.record is None and item.event_id:  # its first submission is in this batch
                item.standing = stand.get(item.event_id)
                answering.restore(item, shelf)

    # -- publish: everything derives from the record

    def _publish(self, items: Sequence[Item], shelf: Shelf) -> list[Output]:
        return [output for item in items for output in self._outputs(item, shelf)]

    def _outputs(self, item: Item, shelf: Shelf) -> list[Output]:
        if item.message.answered:
            return []
        if self._observe_only:  # the models' own loops learn from history too; nobody else is told of it
            return [output for output in item.follow_ups if output.topic in model_folds.TOPICS]
        said = []
        if item.invalid is not None:
            said.append(outputs.dead_letter(item.message, item.invalid, self._now))
        if item.record is not None and item.blob is not None:
            said += outputs.of_record(
                item.record, item.blob, item.message, again=item.again, before=item.before
            )
        return said + item.follow_ups

    def committed(self, batch: Batch) -> None:
        """Count a batch whose outputs are out, and let go of memo that no replay will ask for."""
        recording.count(self._metrics, self._items, self._now)
        if time.monotonic() - self._told > COVERAGE_SECONDS:
            self._told = time.monotonic()
            self._metrics.inpe_coverage(self._covered)
        self._metrics.batch(len(self._items), sum(1 for item in self._items if item.standing is not None))
        for span in batch.spans:
            self._store.forget_memo(span.input, span.end + 1)

    def _settled(self, item: Item) -> bool:
        """Whether a verdict stands for this message: recorded, published, or given to its first submission."""
        return item.standing is not None or (item.answer is not None and item.answer.status == "SAME")

    def _timed(self, stage: str, step: Callable[[], T]) -> T:
        started = time.perf_counter()
        result = step()
        self._metrics.stage(stage, time.perf_counter() - started)
        return result

    def _lap(self, stage: str) -> None:
        """What has passed since the last lap was spent in this stage."""
        now = time.perf_counter()
        self._spent[stage] += now - self._since
        self._since = now

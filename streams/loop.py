"""Turns the screening loop: read a batch, screen it, publish it; on trouble wait, rewind or stop."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Callable

from confluent_kafka import KafkaException
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisSlow

from monitoring.metrics import Metrics
from state import Gap, Layout, OtherLog, Stale, Store
from streams.away import Away
from streams.kafka_source import KafkaSource
from streams.messages import Batch
from streams.screening import Screener
from streams.shut_out import ShutOut, is_fatal
from streams.transactions import Rewind
from streams.waiting import Waiting

log = logging.getLogger("crible.loop")

HOUSEKEEPING_SECONDS = 1.0
WAIT_SECONDS = 0.5
SILENCE_SECONDS = 2.0  # after which a worker that loads history has read what there is


class ScreeningLoop:
    """Runs until `stop` is set; a batch under way is finished first.

    Args:
        on_ready: called once, when the first assignment is settled.
        on_caught_up: called once, when nothing has come for two seconds, nothing is waited for, and the models' loops
            have folded what they were told.
        learnt: whether they have folded what they were told before an instant of time.monotonic.
        waiting: held files that are answered again when tables change; None: nobody asks (history).
    """

    def __init__(
        self,
        source: KafkaSource,
        screener: Screener,
        store: Store,
        layout: Layout,
        metrics: Metrics,
        on_ready: Callable[[], None],
        on_caught_up: Callable[[], None] | None = None,
        learnt: Callable[[float], bool] = lambda since: True,
        waiting: Waiting | None = None,
    ) -> None:
        self._source, self._screener, self._store, self._metrics = source, screener, store, metrics
        self._layout = layout
        self._on_ready, self._ready = on_ready, False
        self._on_caught_up, self._learnt, self._quiet_since = on_caught_up, learnt, 0.0
        self._away, self._waiting = Away(metrics), waiting
        self._run_id = ""
        self._tidied = 0.0
        self._told: set[tuple[str, int]] = set()

    def run(self, stop: threading.Event) -> None:
        """Screen until told to stop. Raises what cannot be cured by waiting or rewinding."""
        self._open(stop)
        try:
            while not stop.is_set():
                self._turn(stop)
                self._housekeeping(stop)
        finally:
            self._source.close()

    def _open(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self._source.open()
                self._away.back("broker")
                return
            except KafkaException as error:
                self._away.missing("broker", error.args[0])
                stop.wait(WAIT_SECONDS)

    def _turn(self, stop: threading.Event) -> None:
        batch = None
        try:
            batch = self._source.next()
            if self._source.trouble is not None:
                self._away.missing("broker", self._source.trouble)
            else:
                self._away.back("broker")
            if batch is not None:
                self._screen(batch)
            if self._on_caught_up is not None:
                self._listen(batch is None and self._source.idle)
        except (RedisAway, RedisSlow) as error:
            self._wait_for_redis(stop, error)
        except Gap as gap:
            log.warning(
                "Redis has less of %s than this worker handed it (fence %d): going back to the fence",
                gap.input,
                gap.fence,
            )
            self._source.resettle()
        except Stale as stale:
            log.warning("another worker owns %s now: this batch is dropped", stale.input)
            self._source.confirm()
        except OtherLog as other:
            topic, _, number = other.input.split("|")
            log.error(
                "%s: the topic was made anew or lost its tail. This partition is stopped; the others go on. "
                "Check the topic, then run `crible state adopt-log %s:%s --after %d`",
                other,
                topic,
                number,
                other.offset - 1,
            )
            self._source.refuse(other.input)
        except Rewind as rewind:
            log.warning("rewinding: %s", rewind)
            self._metrics.aborted()
            assert batch is not None
            if rewind.uncertain:
                self._source.resettle(reopen=True)
            else:
                self._source.rewind(batch)
            stop.wait(0.05)
        except KafkaException as error:
            if is_fatal(error.args[0]):
                raise ShutOut(error.args[0]) from error
            self._away.missing("broker", error.args[0])
            stop.wait(WAIT_SECONDS)
        if not self._ready and self._source.settled:
            self._ready = True
            self._on_ready()

    def _listen(self, silent: bool) -> None:
        """Tell, once, when it has been silent long enough."""
        now = time.monotonic()
        if not silent:
            self._quiet_since = 0.0
        elif not self._quiet_since:
            self._quiet_since = now
        elif (
            now - self._quiet_since > SILENCE_SECONDS
            and self._on_caught_up is not None
            and self._learnt(self._quiet_since)
        ):
            self._on_caught_up()
            self._on_caught_up = None

    def _screen(self, batch: Batch) -> None:
        outputs = self._screener.screen(batch)
        started = time.perf_counter()
        self._source.commit(batch, outputs)
        self._metrics.stage("publish", time.perf_counter() - started)
        self._screener.committed(batch)

    def _wait_for_redis(self, stop: threading.Event, error: RedisError) -> None:
        """Wait until Redis answers and is sound, keeping the group alive; then settle from its fences."""
        self._away.missing("redis", error)
        while not stop.is_set():
            self._source.keep_alive()
            try:
                self._store.check(self._layout)
                self._away.back("redis")
                break
            except (RedisAway, RedisSlow):
                stop.wait(WAIT_SECONDS)
        self._source.resettle()

    def _housekeeping(self, stop: threading.Event) -> None:
        now = time.monotonic()
        if now - self._tidied < HOUSEKEEPING_SECONDS:
            return
        self._tidied = now
        self._source.probe()
        try:
            run_id = self._store.run_id()
            self._ask_again()
        except RedisError as error:
            self._wait_for_redis(stop, error)
            return
        if self._run_id and run_id != self._run_id:
            log.warning("Redis restarted or failed over: settling again from its fences")
            self._source.resettle()
        self._run_id = run_id
        if self._source.settled:
            self._tell_positions()

    def _ask_again(self) -> None:
        """Have held files answered again about which the tables say otherwise now."""
        if self._waiting is None or not self._source.settled:
            return
        numbers = {number for _, number in self._source.positions()}
        due = self._waiting.due(numbers, dt.datetime.now(dt.UTC).isoformat())
        if not due:
            return
        try:
            self._source.say(due)
        except Rewind as rewind:
            log.warning("files that wait for tables are asked again later: %s", rewind)
            self._waiting.forget()
            self._source.resettle(reopen=True)

    def _tell_positions(self) -> None:
        """Tell where each partition stands; what another worker has now is his to tell."""
        positions = self._source.positions()
        for topic, number in self._told - positions.keys():
            self._metrics.revoked(topic, number)
        self._told = set(positions)
        for (topic, number), lag in self._source.lag().items():
            self._metrics.lag(topic, number, lag)
        for (topic, number), position in positions.items():
            self._metrics.fence(topic, number, position.last)

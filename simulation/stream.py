"""The stream: days of care, filed claims, late batches, corrections, back office, in order of arrival."""

from __future__ import annotations

import datetime as dt
import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from simulation import clock
from simulation import truth as facts
from simulation.backoffice import BackOffice
from simulation.care import GAP, Care
from simulation.claims import Blame, Dossier, Filed
from simulation.draw import Draw
from simulation.hospital import Hospital
from simulation.mistakes import Mistakes
from simulation.requests import Requests
from simulation.schemes import MONTH_END, Stage, stage_all
from simulation.tables import Event, campaign_update
from simulation.world import World

HOSPITAL_SHARE = 0.07
CORRECTED, CANCELLED, RETRIED = 0.010, 0.003, 0.005
WAVE_DAYS = 24  # the last care of a wave is filed long before the year's end


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to simulate. `claims` files over `days` of care; the last `live_days` are the live part.

    Late files arrive after the last day of care, so that the live part holds more than its share of days.
    `settle` says which claims get a liquidation and a payment: "live" = those that arrive in the live part.
    """

    claims: int = 45_000
    days: int = 210
    live_days: int = 20
    schemes: bool = True
    settle: Literal["live", "all", "none"] = "live"
    waves: int = 0
    """How often every scheme and look-alike is played, evenly over the days after `warm_up`; beside the live part"""
    warm_up: int = 60
    played: frozenset[str] | None = None
    """The frauds that are committed, by name (`simulation.schemes.FRAUDS`); None = all"""
    requests: float = 0.0
    """Requests for each claim of care: agreements asked for and given, illnesses, invalidity, disability"""

    @property
    def people(self) -> int:
        """How many beneficiaries suit this rate: each files a little more than once in two months."""
        return max(1500, round(self.claims / self.days * 56))

    def wave_days(self, first: int) -> dict[int, int]:
        """The day on which each wave begins -> its number from 1; the last ends with the year."""
        room = self.days - self.warm_up - WAVE_DAYS
        return {
            first + self.warm_up + (room * wave // max(self.waves - 1, 1)): wave + 1
            for wave in range(self.waves)
        }

    def boundary(self, world: World) -> dt.datetime:
        """The instant (UTC) that parts history from live: `ingest_time` at or after it is live."""
        at = clock.instant(world.start + self.days - self.live_days, 0)
        return dt.datetime.fromtimestamp(at, dt.UTC)


def generate(world: World, plan: Plan | None = None) -> Iterator[tuple[Event, Event | None]]:
    """Every event in order of `ingest_time`, with its line of truth where it is a claim.

    Registries come first. A world lives through one stream; the same seed and plan give the same bytes.
    Raises `ValueError` for a plan without room for its parts, or a world that has lived already.
    """
    plan = plan or Plan()
    if not 0 <= plan.live_days < plan.days or plan.claims < 1:
        raise ValueError(f"live_days must lie in [0, days) and claims be positive, got {plan}")
    if plan.waves and plan.days - plan.warm_up - WAVE_DAYS < plan.waves:
        raise ValueError(f"{plan.waves} waves do not fit into {plan.days} days after {plan.warm_up}")
    if world.lived:
        raise ValueError("this world has lived already: build another World from the same seed")
    world.lived = True
    return _Stream(world, plan).run()


class _Stream:
    """One run: a heap of what has yet to arrive, drained day by day."""

    def __init__(self, world: World, plan: Plan) -> None:
        self.world = world
        self.plan = plan
        self.care = Care(world)
        self.hospital = Hospital(self.care)
        self.mistakes = Mistakes(world)
        self.office = BackOffice(world)
        self.draw = Draw(world.seed, "stream")
        self.live = int(plan.boundary(world).timestamp())
        self._heap: list[tuple[int, int, Event, Event | None]] = []
        self._sequence = 0
        self._recent: list[Filed] = []
        self._cast: dict[str, int] = {}
        self._campaigns: list[Event] = []
        self.requests = Requests(world)
        last = world.start + plan.days
        loads = sum(clock.load(day) for day in range(world.start, last))
        self._per_load = plan.claims / loads

    def run(self) -> Iterator[tuple[Event, Event | None]]:
        """All events."""
        world, plan = self.world, self.plan
        first, last = world.start, world.start + plan.days
        for event in world.registries(last):
            yield event, None
        for person in world.people:
            if person.death is not None and world.start - 15 <= person.death < last:
                known = clock.instant(max(person.death, first) + self.draw.integer(2, 12), 36_000)
                self._push(known, world.update(person, known, death=person.death))
        stage_day = last - plan.live_days
        waves = plan.wave_days(first)
        for day in range(first, last):
            if plan.schemes and day == stage_day and plan.live_days:
                self._stage(day, plan.live_days)
            if day in waves:
                self._stage(day, WAVE_DAYS, waves[day])
            self._live_day(day)
            yield from self._drain(clock.instant(day + 1, 0))
        yield from self._drain(None)

    def _live_day(self, day: int) -> None:
        """One day of care."""
        due = [
            p
            for p in self.world.ill
            if p.due <= day and p.alive(day + 8) and abs(day - p.seen) > GAP and p.away < day
        ]
        if clock.rest(day):
            due = []
        for person in due:
            self._file(self.care.renewal(person, day))
        wanted = self._per_load * clock.load(day)
        if clock.month_end(day):
            for person in self.world.dialysed:
                dossier = self.hospital.dialysis(person, day)
                if self._schemes_on(day):
                    dossier.truth, dossier.scheme = "LOOKALIKE", MONTH_END
                if dossier.lines:
                    self._file(dossier)
        # Renewals have their own rhythm: the rest of the day's files fills up to the expected number.
        others = max(wanted * 0.25, wanted - self._renewals_per_load() * clock.load(day))
        count = int(others + self.draw.unit())
        for _ in range(count):
            hospital = self.draw.chance(HOSPITAL_SHARE)
            self._file(self.hospital.episode(day) if hospital else self.care.episode(day))
        for at, event in self.requests.of_day(day, wanted * self.plan.requests):
            self._push(at, event, facts.of_lines(event, "HONEST", None) if event["type"] == "claim" else None)

    def _schemes_on(self, day: int) -> bool:
        first, plan = self.world.start, self.plan
        if plan.waves:
            return day >= first + plan.warm_up
        return plan.schemes and day >= first + plan.days - plan.live_days

    def _renewals_per_load(self) -> float:
        """Renewals expected on a plain day."""
        return len(self.world.ill) / 34.0 * 7 / 6.3

    def _file(self, dossier: Dossier) -> None:
        """File a dossier, with an error now and then, and let the back office follow."""
        if not dossier.lines:
            return
        for approval in dossier.approvals:
            at = clock.instant(dossier.day, 28_800 + self.draw.integer(0, 7200))
            self._push(
                at, {**self.world.desk.person_envelope("prior_approval", at, dossier.person), **approval}
            )
        plain = dossier.truth == "HONEST" and dossier.case is None
        if plain and dossier.kind == "AMBULATOIRE" and self.mistakes.happens():
            spoiled = self.mistakes.spoil(dossier, self.world.desk)
            self._submit(spoiled.filed)
            for at, event, twin in spoiled.around:
                if twin is None:
                    self._push(at, event)
                else:
                    self._submit(twin)
            return
        filed = self.world.desk.file(dossier, delay=dossier.delay)
        self._submit(filed)
        if plain:
            self._recent.append(filed)
            self._second_thoughts(filed)

    def _submit(self, filed: Filed) -> None:
        """Put a claim on the stream, with its liquidation and payment where the plan wants them."""
        dossier = filed.dossier
        if dossier.truth in ("HONEST", "LOOKALIKE") and self.mistakes.meets_late_rights(filed):
            dossier.truth, dossier.scheme = "ERROR", "rights_late"
        self._push(filed.ingest, filed.event, facts.of_claim(filed.event, dossier))
        if self.plan.settle == "all" or (self.plan.settle == "live" and filed.ingest >= self.live):
            for at, event, fault in self.office.settle(filed):
                judged = self.plan.waves and "claim_id" in event
                self._push(at, event, self._of_step(event, dossier, fault) if judged else None)

    @staticmethod
    def _of_step(event: Event, dossier: Dossier, fault: bool | Blame) -> Event:
        """What is true of a step: a fault of its own, or what is true of its claim."""
        if isinstance(fault, tuple):
            return facts.of_step(event, *fault)
        if fault and dossier.handled is not None:
            return facts.of_step(event, *dossier.handled, dossier.case)
        return facts.of_step(event, dossier.truth, dossier.scheme, dossier.case)

    def _second_thoughts(self, filed: Filed) -> None:
        """Corrections, cancellations, and producers that retry."""
        point = self.draw.unit()
        if point < RETRIED:
            self._push(filed.ingest, dict(filed.event))
            return
        if point >= RETRIED + CORRECTED + CANCELLED or filed.event["kind"] != "AMBULATOIRE":
            return
        # Before the liquidation, which comes a working day later at the earliest.
        at = filed.ingest + self.draw.integer(600, 30_000)
        event = self.world.desk.again(filed, at - 30, at)
        event["replaces"] = filed.event["event_id"]
        if point < RETRIED + CORRECTED:
            event["action"] = "CORRECT"
            lines = [dict(line) for line in filed.event["lines"]]
            lines[0]["service_time"] = f"{self.draw.integer(9, 16):02d}:00"
            event["lines"] = lines
            late = self.mistakes.meets_late_rights(Filed(event, filed.dossier, at))
            truth = ("ERROR", "rights_late") if late else ("HONEST", "correction")
            self._push(at, event, facts.of_lines(event, *truth))
        else:
            event["action"] = "CANCEL"
            event["lines"], event["documents"] = [], []
            self._push(at, event, facts.of_lines(event, "HONEST", "cancellation"))

    def _stage(self, day: int, days: int, wave: int = 0) -> None:
        """Let the schemes and their honest look-alikes begin: those of the live part, or a wave of all there are."""
        boundary = clock.instant(day, 0)
        stage = Stage(self.world, self.care, self.hospital, day, days, wave=wave)
        stage.known = [f for f in self._recent[-4000:] if f.ingest < boundary]
        stage.cast = self._cast if wave else stage.cast
        for dossier in stage_all(stage, self.plan.played):
            self._file(dossier)
        for at, event in stage.updates:
            self._push(at, event)
        self.office.habits.update(stage.habits)
        if stage.campaigns:
            self._campaigns += stage.campaigns
            at = boundary + 3600
            envelope = self.world.desk.envelope("referential", at, "ANAM")
            self._push(at, campaign_update(envelope, list(self._campaigns), max(wave, 1)))

    def _push(self, at: int, event: Event, line: Event | None = None) -> None:
        self._sequence += 1
        heapq.heappush(self._heap, (at, self._sequence, event, line))

    def _drain(self, until: int | None) -> Iterator[tuple[Event, Event | None]]:
        """What arrives before an instant, or everything."""
        heap = self._heap
        while heap and (until is None or heap[0][0] < until):
            _, _, event, line = heapq.heappop(heap)
            yield event, line

"""A claim of care as the state is told of it: what it adds to the log, the facts, the papers and the windows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence

from detectors import plan
from detectors.documents import document_key
from detectors.referentials import Referentials
from schemas.claim import Claim, Line
from schemas.enums import CARE_GROUPS, CLAIM_KINDS, COVERAGES
from schemas.observation import (
    EPOCH_ORDINAL,
    MINUTE_AT,
    TYPED_AT,
    CloneUse,
    LogLine,
    day_number,
    entity_ref,
    event_ref,
    marked,
)
from state import codecs, ops
from state.keys import Role
from streams.questions import Question

MONTHS_24 = 731  # days: no window of care looks further back
CLONE_DAYS = 90
BUCKET_DAYS = 30
COVERAGE_INDEX = {name: index for index, name in enumerate(COVERAGES)}
KIND_INDEX = {name: index for index, name in enumerate(CLAIM_KINDS)}
BY_MACHINE = frozenset({"FSE", "TP"})
"""Channels whose date of care nobody types at the counter."""
GROUP_INDEX = {name: index for index, name in enumerate(CARE_GROUPS)}

Number = Callable[[str], int]


def site(line: Line) -> str | None:
    """Where on the body: teeth and side, as one name."""
    if not line.teeth and line.side is None:
        return None
    return f"@{','.join(map(str, sorted(line.teeth or ())))}|{line.side or ''}"


class Told:
    """A claim of care as the state is told of it: references, and its lines' names as numbers, made once.

    `bills` are each executor's lines, `newest` the last day of care of each; both in the order of the lines.
    """

    def __init__(self, claim: Claim, referentials: Referentials, number: Number) -> None:
        self._claim, self._referentials, self._number = claim, referentials, number
        self._event, self._reference = event_ref(claim.event_id), entity_ref(claim.claim_id)
        self.beneficiary = entity_ref(claim.beneficiary)
        self.arrival = int(claim.event_time.timestamp())
        self.day = day_number(referentials.local_date(claim.event_time))
        self._coverage = COVERAGE_INDEX[claim.coverage or "BASE"]
        self._marked = marked(self.arrival, KIND_INDEX[claim.kind])
        by_hand = claim.channel not in BY_MACHINE and claim.kind != "FACTURE_TP"
        self._deposit = day_number(claim.deposit_date) if by_hand else None
        self._numbered: list[tuple[Line, int, int]] = []
        numbered = self._numbered
        self.bills: dict[str, list[Line]] = {}
        self.newest: dict[str, int] = {}
        bills, newest = self.bills, self.newest
        for line in claim.lines:
            executor, day = line.executor, line.service_date.toordinal() - EPOCH_ORDINAL
            numbered.append((line, number(executor or ""), number(f"{line.nomenclature}|{line.code}")))
            if executor is None:
                continue
            if executor in bills:
                bills[executor].append(line)
                if day > newest[executor]:
                    newest[executor] = day
            else:
                bills[executor], newest[executor] = [line], day

    def own(self) -> list[LogLine]:
        """The lines as the log keeps them; one that lists its sessions is an entry a session, shared evenly."""
        event, claim, coverage, deposit = self._event, self._reference, self._coverage, self._deposit
        make, number = tuple.__new__, self._number
        own = []
        for line, executor, act in self._numbered:
            where = site(line)
            prescriber, place = number(line.prescriber or ""), 0 if where is None else number(where)
            quantity, amount, group = round(line.quantity * 100), line.amount, GROUP_INDEX[line.care_group]
            came, at = self._marked, line.service_time
            if at is not None:
                came += (int(at[:2]) * 60 + int(at[3:]) + 1) << MINUTE_AT
            if line.sessions is None or len(line.sessions) < 2:
                days = line.sessions or (line.service_date,)
                shares: Iterable[tuple[dt.date, int, int]] = ((days[0], quantity, amount),)
            else:
                count = len(line.sessions)
                shares = zip(line.sessions, _shares(quantity, count), _shares(amount, count), strict=True)
            who, last = (executor, prescriber, act, place), (line.line, group, coverage)
            for day, units, money in shares:
                number_of_day = day.toordinal() - EPOCH_ORDINAL
                arrived = came + (1 << TYPED_AT) if number_of_day == deposit else came
                fields = (event, claim, number_of_day, arrived, *who, units, money, *last)
                own.append(make(LogLine, fields))
        return own

    def facts(self) -> list[codecs.FactFields]:
        """What stays known of the beneficiary for good."""
        number = self._number
        return [
            (
                self._event,
                fact.day,
                fact.until,
                fact.kind,
                fact.key if isinstance(fact.key, int) else number(fact.key),
                number(fact.provider or ""),
                fact.detail,
            )
            for fact in plan.facts(self._claim, self._referentials)
        ]

    def documents(self, asked: Question) -> None:
        """Each paper with the lines it serves."""
        claim = self._claim
        if not claim.documents:
            return
        insured = entity_ref(claim.insured)
        deposit = day_number(claim.deposit_date)
        common = (self._event, deposit, self._reference, self.beneficiary, insured)
        by_line: dict[int, bytes] = {}
        for line, executor, act in self._numbered:
            by_line[line.line] = codecs.pack_document((*common, executor, act, self._coverage))
        for index, document in enumerate(claim.documents):
            key = document_key(document, claim)
            if key is None:
                continue
            served = document.lines
            if served is None:
                executors = dict.fromkeys([executor for _, executor, _ in self._numbered])
                uses = [codecs.pack_document((*common, who, 0, self._coverage)) for who in executors]
            else:
                uses = [use for number, use in by_line.items() if number in served]
            asked.documents.append((index, key))
            records = uses[0] if len(uses) == 1 else b"".join(dict.fromkeys(uses))
            asked.away.append(ops.append_document(key, records, deposit - MONTHS_24))

    def providers(self, asked: Question) -> None:
        """What each executor and each prescriber bills or orders with this claim."""
        prescribers: dict[str, list[Line]] = {}
        for line in self._claim.lines:
            if line.prescriber is not None:
                prescribers.setdefault(line.prescriber, []).append(line)
        asked.away += [self.tile("p", name, lines) for name, lines in self.bills.items()]
        asked.away += [self.tile("q", name, lines) for name, lines in prescribers.items()]
        asked.executors, asked.prescribers = list(self.bills), list(prescribers)

    def tile(self, role: Role, name: str, lines: Sequence[Line]) -> ops.Op:
        """What the lines add to the windows of one who stands behind them."""
        return ops.tile(
            role,
            name,
            instant=self.arrival,
            day=self.day,
            lines=len(lines),
            amount=sum([line.amount for line in lines]),
            beneficiary=self.beneficiary,
        )

    def clones(self, asked: Question) -> None:
        """The signature of each executor's lines, for the families of P04."""
        for inpe, lines in self.bills.items():
            if not plan.has_signature(lines):
                continue
            signature, day = plan.signature(lines), self.newest[inpe]
            provider = self._referentials.provider(inpe)
            group = plan.peer_group(provider) if provider is not None else "unknown"
            use = CloneUse(self._event, day, self.beneficiary, sum([line.amount for line in lines]))
            asked.clones.append((inpe, signature))
            bucket = day // BUCKET_DAYS
            asked.away += [
                ops.append_clone(inpe, signature, codecs.pack_clones([use]), day - CLONE_DAYS),
                ops.count(f"sig|{group}|{signature}", bucket, inpe),
                ops.count(f"all|{group}", bucket, inpe),
            ]


def _shares(total: int, parts: int) -> list[int]:
    """A total in even parts; what does not divide goes to the first ones."""
    share, rest = divmod(total, parts)
    return [share + (index < rest) for index in range(parts)]

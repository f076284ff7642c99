"""Answers held against the truth: what each detector found, what was held for nothing, scheme by scheme."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from detectors.catalogue import BY_CODE
from streams.evaluation.typologies import OWN, REACHES, WITHIN
from streams.messages import Output

CONTROLS = frozenset(("FRAUD_REVIEW", "MEDICAL_REVIEW", "INTERNAL_AUDIT"))
WRONG = frozenset(("FRAUD", "ERROR"))
ALERTS = frozenset(("fraud-alerts", "internal-alerts"))
Truth = Mapping[str, Any]


@dataclass(slots=True)
class Answer:
    """What all revisions of one event's answer come to. Lines of a finding: None = the whole event."""

    kind: str
    found: dict[str, set[int] | None] = field(default_factory=dict)
    held: dict[str, set[int] | None] = field(default_factory=dict)
    """By rules that hold alone, in a revision that held"""
    purposes: set[str] = field(default_factory=set)
    holding: set[str] = field(default_factory=set)
    """Codes of the findings in the revisions that held for a control"""
    flagged: bool = False


@dataclass(slots=True)
class Detector:
    """One detector's sums: events and lines, money in centimes."""

    fired: int = 0
    right: int = 0
    held_lines: int = 0
    held_right: int = 0
    own_lines: int = 0
    own_found: int = 0
    own_money: int = 0
    own_money_found: int = 0
    rule_lines: int = 0
    rule_found: int = 0
    """Own lines of typologies that are not measured by scheme"""
    cannot: int = 0
    false: Counter[str] = field(default_factory=Counter)
    """What honest events it held by itself were: look-alikes by name, "honest" """
    wrong: Counter[str] = field(default_factory=Counter)
    """The same of what it fired on, held or not"""
    missed: Counter[str] = field(default_factory=Counter)

    def lines_held(self, lines: Iterator[tuple[str, str | None]]) -> None:
        """Count the lines of a hold by their truth."""
        for class_, typology in lines:
            self.held_lines += 1
            self.held_right += class_ in WRONG
            if class_ not in WRONG:
                self.false[typology or "honest"] += 1


class Scores:
    """Takes outputs and truths as they come; `tell` sums them up."""

    def __init__(self) -> None:
        self.truths: dict[str, Truth] = {}
        self.kinds: dict[str, str] = {}
        self.order: list[str] = []
        self.answers: dict[str, Answer] = {}
        self.answered: Counter[str] = Counter()
        self.cannot: Counter[str] = Counter()
        self.dead: Counter[str] = Counter()
        self.cases: dict[str, set[str]] = {}
        """Alerts after roll-up -> the events they name"""

    def expect(self, event: Mapping[str, Any], truth: Truth | None) -> None:
        """An event on its way, with what is true of it."""
        if truth is not None and event["event_id"] not in self.truths:
            self.truths[event["event_id"]] = truth
            self.kinds[event["event_id"]] = event["type"]
            self.order.append(event["event_id"])

    def take(self, outputs: list[Output]) -> None:
        """Outputs of the loop."""
        for output in outputs:
            if output.topic == "screened":
                self._record(orjson.loads(output.value))
            elif output.topic in ALERTS:
                alert = orjson.loads(output.value)
                self.cases.setdefault(alert["case_id"], set()).update(
                    claim["verdict_id"].removeprefix("V-").rpartition("-")[0] for claim in alert["claims"]
                )
            elif output.topic == "dead-letters":
                headers = {name: value.decode() for name, value in output.headers}
                self.dead[headers.get("reason", "")] += 1

    def _record(self, record: dict[str, Any]) -> None:
        name = record["event_id"]
        first = name not in self.answers
        answer = self.answers.setdefault(name, Answer(record["type"]))
        if first:
            self.answered[record["type"]] += 1
            self.cannot.update({item["code"] for item in record["cannot_check"]})
        held = record["decision"] == "HOLD"
        for finding in record["features"].get("findings", ()):
            lines = set(finding.get("lines", ())) or None
            _join(answer.found, finding["code"], lines)
            if held and finding.get("cls") == "H" and not finding.get("review"):
                _join(answer.held, finding["code"], lines)
        if held:
            answer.purposes.add(record["purpose"])
            if record["purpose"] in CONTROLS:
                answer.holding.update(item["code"] for item in record["features"].get("findings", ()))
        answer.flagged = record["decision"] == "RELEASE_FLAGGED"

    def detectors(self, codes: list[str]) -> dict[str, Detector]:
        """Every detector's sums."""
        sums = {code: Detector(cannot=self.cannot[code]) for code in codes}
        owners: dict[str, list[str]] = defaultdict(list)
        for code, typologies in OWN.items():
            for typology in typologies:
                owners[typology].append(code)
        for name, answer in self.answers.items():
            truth = self.truths.get(name)
            if truth is None:
                continue
            for code, lines in answer.found.items():
                one = sums.setdefault(code, Detector())
                right = any(class_ in WRONG for class_, _ in _truths(truth, lines))
                one.fired += 1
                one.right += right
                if not right:
                    one.wrong[truth["scheme"] or "honest"] += 1
            for code, lines in answer.held.items():
                sums.setdefault(code, Detector()).lines_held(_truths(truth, lines))
        for name, truth in self.truths.items():
            self._own(name, truth, owners, sums)
        return sums

    def vain_cases(self) -> int:
        """Alerts of which no event is fraud or error."""
        return sum(
            not any(self.truths[name]["class"] in WRONG for name in names if name in self.truths)
            for names in self.cases.values()
        )

    def _own(
        self, name: str, truth: Truth, owners: Mapping[str, list[str]], sums: dict[str, Detector]
    ) -> None:
        """Count what the detectors were there to find."""
        if truth["class"] not in WRONG:
            return
        said = self.answers.get(name)
        for line, typology, amount in _faults(truth):
            for code in owners.get(typology, ()):
                one = sums.setdefault(code, Detector())
                if not _followed(code, self.kinds[name]):
                    continue
                named = said.found.get(code, _NOTHING) if said is not None else _NOTHING
                found = named is None or (line in named if line else bool(named))
                one.own_lines += 1
                one.own_found += found
                one.rule_lines += typology not in REACHES
                one.rule_found += found and typology not in REACHES
                one.own_money += amount
                one.own_money_found += amount * found
                if not found:
                    one.missed[typology] += 1

    def schemes(self) -> dict[tuple[str, str], tuple[int, int]]:
        """(detector, typology) -> schemes that reached its threshold, and those found in time."""
        cases: dict[tuple[str, str], list[str]] = defaultdict(list)
        for name in self.order:
            truth = self.truths[name]
            if truth["class"] == "FRAUD" and truth.get("case"):
                cases[truth["scheme"], truth["case"]].append(name)
        sums: dict[tuple[str, str], tuple[int, int]] = {}
        for code, typologies in OWN.items():
            for typology in typologies:
                if typology not in REACHES:
                    continue
                reached = found = 0
                for (scheme, _), names in cases.items():
                    mine = [name for name in names if _followed(code, self.kinds[name])]
                    if scheme != typology or len(mine) < REACHES[typology]:
                        continue
                    reached += 1
                    in_time = mine[: REACHES[typology] + WITHIN]
                    found += any(code in self.answers[name].found for name in in_time if name in self.answers)
                sums[code, typology] = (reached, found)
        return sums


_NOTHING: frozenset[int] = frozenset()


def _join(into: dict[str, set[int] | None], code: str, lines: set[int] | None) -> None:
    known = into.get(code, set())
    into[code] = None if lines is None or known is None else known | lines


def _truths(truth: Truth, lines: set[int] | None) -> Iterator[tuple[str, str | None]]:
    """(class, typology or look-alike) of the lines named; of the event where it has none."""
    if not truth["lines"]:
        yield truth["class"], truth["scheme"]
        return
    for line in truth["lines"]:
        if lines is None or line["line"] in lines:
            yield line["class"], line["typology"]


def _faults(truth: Truth) -> Iterator[tuple[int, str, int]]:
    """(line, typology, centimes) of what is wrong; line 0 = the event."""
    if not truth["lines"]:
        if truth["scheme"]:
            yield 0, truth["scheme"], truth["amount"]
        return
    for line in truth["lines"]:
        if line["class"] in WRONG and line["typology"]:
            yield line["line"], line["typology"], line["amount"]


def _followed(code: str, kind: str) -> bool:
    """Whether the detector looks at events of that type."""
    declared = BY_CODE.get(code)
    if declared is None:
        return kind == "claim"
    return kind in declared.follows if declared.follows else kind == "claim"

"""U01: more units of an act than the payer's table allows on a line, a day, seven days or a year."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from detectors.base import HARD_WEIGHT, CannotCheck, Class, Context, Declaration, Finding, Threshold
from detectors.reading import DRUGS, at_stake
from schemas.claim import Line
from schemas.observation import LogLine, date_of
from schemas.referential import ActRow

HUNDREDTHS: Final = 100
SPANS: Final = (("cap_day", 1, "1 d"), ("cap_7d", 7, "7 d"), ("cap_year", 365, "365 d"))


class CapExceeded:
    """U01."""

    declaration = Declaration(
        code="U01",
        label_fr="Quantité ou fréquence au-delà du plafond",
        label_en="Quantity or frequency above cap",
        label_ar="كمية أو وتيرة تتجاوز السقف",
        nature="PRE",
        hard=True,
        weight=0.7,
        axis="care",
        case_of="beneficiary",
        reads=("lines.code", "lines.quantity", "lines.service_date", "coverage", "acts.cap_*"),
        windows=("log 24 mo",),
        thresholds={"clinical": Threshold(0.7, "weight", "a clinical cap has documented exceptions")},
        caveats_fr=("Exception clinique documentée",),
        caveats_en=("Clinical exception with documents",),
    )

    def check(self, context: Context) -> Iterable[Finding | CannotCheck]:
        """Each act of the claim, once, against the caps in force on its day."""
        found: list[Finding | CannotCheck] = []
        unknown: set[str] = set()
        numbers = {own.line: own.act for own in context.seen.own}
        acts: dict[int, tuple[ActRow | None, list[Line]]] = {}
        for line, row in context.rows():
            number = numbers.get(line.line)
            if number is None:
                continue
            if number in acts:
                acts[number][1].append(line)
            else:
                acts[number] = row, [line]
        for number, (row, lines) in acts.items():
            if row is None:
                if lines[0].nomenclature != DRUGS:
                    unknown.add("acts")
            elif row.cap_line is None and row.cap_day is None and row.cap_7d is None and row.cap_year is None:
                pass
            elif row.cap_kind is None:
                unknown.add("acts.cap_kind")
            else:
                finding = self._judge(context, number, row, lines)
                if finding is not None:
                    found.append(finding)
        if unknown:
            found += [CannotCheck("U01", missing) for missing in sorted(unknown)]
        return found

    def _judge(self, context: Context, number: int, row: ActRow, lines: list[Line]) -> Finding | None:
        if row.cap_line is not None:
            over = [line for line in lines if line.quantity > row.cap_line]
            if over:
                value = max(line.quantity for line in over)
                return self._finding(context, row, over, value, row.cap_line, "line", ())
        if row.cap_day is None and row.cap_7d is None and row.cap_year is None:
            return None
        before = context.near() if row.cap_year is None else context.seen.log
        most = 0
        for held in (context.seen.own, before):
            for each in held:
                if each.act == number:
                    most += each.quantity
        if _within(most, row.cap_day) and _within(most, row.cap_7d) and _within(most, row.cap_year):
            return None
        own_lines = [own for own in context.seen.own if own.act == number]
        claim, coverage = own_lines[0].claim, own_lines[0].coverage
        earlier = [
            line
            for line in before
            if line.act == number and line.coverage == coverage and line.claim != claim
        ]
        if earlier and not row.repeatable_same_day:
            # what stands already in another claim to the letter is D01's: a file sent twice exceeds no cap
            copies = {_body(own) for own in own_lines}
            earlier = [line for line in earlier if _body(line) not in copies]
        everything = sum([own.quantity for own in own_lines]) + sum([line.quantity for line in earlier])
        for column, length, window in SPANS:
            cap: float | None = getattr(row, column)
            if cap is None or everything <= cap * HUNDREDTHS:
                continue
            total, start = _worst(own_lines, earlier, length, cap * HUNDREDTHS)
            if total <= cap * HUNDREDTHS:
                continue
            inside = [own for own in own_lines if start <= own.day < start + length]
            numbers = {own.line for own in inside}
            if row.cap_kind == "LINE":
                taken = sum(e.quantity for e in earlier if start <= e.day < start + length)
                numbers = set(_beyond(inside, taken, cap * HUNDREDTHS))
            beyond = [line for line in lines if line.line in numbers]
            events = [e.event for e in earlier if start <= e.day < start + length]
            return self._finding(context, row, beyond, total / HUNDREDTHS, cap, window, events, start)
        return None

    @staticmethod
    def _finding(
        context: Context,
        row: ActRow,
        lines: list[Line],
        value: float,
        cap: float,
        window: str,
        events: Iterable[bytes],
        start: int | None = None,
    ) -> Finding:
        clinical = row.cap_kind == "CLINICAL"
        cls: Class = "S" if clinical else "H"
        numbers = tuple(sorted(line.line for line in lines))
        entity = context.claim.beneficiary
        day = date_of(start) if start is not None else lines[0].service_date
        return Finding(
            "U01",
            cls,
            weight=context.value("U01", "clinical") if clinical else HARD_WEIGHT,
            lines=numbers,
            amount=at_stake(context.claim, numbers),
            value=value,
            threshold=cap,
            window=window,
            n=len(numbers),
            variant={"line": "line", "1 d": "day"}.get(window, "window"),
            facts={
                "act": row.code,
                "label_fr": row.label_fr or row.code,
                "label_en": row.label_en or row.code,
                "quantity": value,
                "cap": cap,
                "days": 365 if window == "365 d" else 7,
                "day": day.isoformat(),
                "kind": row.cap_kind,
            },
            evidence=tuple(dict.fromkeys((entity, event) for event in events)),
        )


def _within(quantity: int, cap: float | None) -> bool:
    return cap is None or quantity <= cap * HUNDREDTHS


def _worst(own: list[LogLine], earlier: list[LogLine], length: int, cap: float) -> tuple[int, int]:
    """The largest sum (hundredths) of any `length` days that hold an own line, and their first day.

    Care may arrive late, so that the span can end after it. Sums that cannot exceed the cap are not compared.
    """
    days = [line.day for line in own]
    first, last = min(days), max(days)
    near = [line for line in earlier if first - length < line.day < last + length]
    near += own
    everything = sum([line.quantity for line in near])
    if everything <= cap:
        return everything, first
    best = (0, first)
    for end in sorted({line.day for line in near}):
        start = end - length + 1
        if any(start <= line.day <= end for line in own):
            total = sum(line.quantity for line in near if start <= line.day <= end)
            best = max(best, (total, start), key=lambda found: found[0])
    return best


def _beyond(own: list[LogLine], before: int, cap: float) -> Iterator[int]:
    """The lines with which the running sum goes beyond the cap, and those after."""
    running = before
    for line in sorted(own, key=lambda each: (each.day, each.line)):
        running += line.quantity
        if running > cap:
            yield line.line


def _body(line: LogLine) -> tuple[int, int, int, int, int]:
    """What makes two lines of one act the same care (D01)."""
    return line.day, line.amount, line.executor, line.quantity, line.site

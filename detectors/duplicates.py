"""D01: the same line, to the letter, in another claim."""

from __future__ import annotations

from collections.abc import Iterator

from detectors.base import HARD_WEIGHT, CannotCheck, Context, Declaration, Finding
from detectors.reading import LEAVE, at_stake, inpe, same_body, unlawful_twice
from schemas.observation import LogLine, date_of


class ExactDuplicate:
    """D01."""

    declaration = Declaration(
        code="D01",
        label_fr="Doublon strict",
        label_en="Exact duplicate line",
        label_ar="سطر مكرر بالضبط",
        nature="TAR",
        hard=True,
        weight=HARD_WEIGHT,
        axis="care",
        reads=(
            "lines.executor",
            "lines.code",
            "lines.service_date",
            "lines.quantity",
            "lines.amount",
            "lines.teeth",
            "coverage",
            "acts.repeatable_same_day",
        ),
        windows=("log 24 mo",),
        needs="same_day",
        caveats_fr=(
            "Deux séances le même jour",
            "Acte bilatéral facturé en deux fois",
        ),
        caveats_en=(
            "Two sessions on one day",
            "A bilateral act billed in two parts",
        ),
        visibility="LIQUIDATOR",
    )

    def check(self, context: Context) -> Iterator[Finding | CannotCheck]:
        """Compares every own line with the beneficiary's lines of other claims of the same coverage."""
        others = context.same_day()
        if not others:
            return
        duplicates: dict[int, list[LogLine]] = {}
        for own in context.seen.own:
            same = [line for line in others if same_body(line, own)]
            if same:
                missing = self._missing(context, own, len(same))
                if missing is None:
                    duplicates.setdefault(own.line, []).extend(same)
                elif missing:
                    yield CannotCheck("D01", missing)
        if duplicates:
            yield self._finding(context, duplicates)

    @staticmethod
    def _missing(context: Context, own: LogLine, copies: int) -> str | None:
        """None = a duplicate; a field = it cannot be said; empty = a lawful repetition."""
        line = next((each for each in context.claim.lines if each.line == own.line), None)
        if line is None or (copies == 1 and "BILATERAL" in (line.modifiers or ())):
            return ""
        if own.executor == 0 and line.care_group != LEAVE:
            return "lines.executor"
        row = context.referentials.act(line.nomenclature, line.code, line.service_date)
        return unlawful_twice(line, row)

    @staticmethod
    def _finding(context: Context, duplicates: dict[int, list[LogLine]]) -> Finding:
        lines = tuple(sorted(duplicates))
        found = [line for number in lines for line in duplicates[number]]
        first = found[0]
        entity = context.claim.beneficiary
        return Finding(
            "D01",
            "H",
            weight=HARD_WEIGHT,
            nature="TAR",
            lines=lines,
            amount=at_stake(context.claim, lines),
            n=len({line.claim for line in found}),
            window="24 mo",
            variant="one" if len(lines) == 1 else "many",
            facts={
                "lines": len(lines),
                "day": date_of(first.day).isoformat(),
                "line_amount": first.amount,
                "inpe": inpe(context, first.executor),
            },
            evidence=tuple(dict.fromkeys((entity, line.event) for line in found)),
        )

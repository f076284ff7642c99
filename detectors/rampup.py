"""P03: a provider or a network brings in far more files than it used to, or than others that have just opened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from detectors.base import CannotCheck, Context, Declaration, Finding, Threshold, sorted_out
from detectors.findings import soft
from detectors.models import ramp
from detectors.models.keys import network_key, opened
from detectors.reading import sector
from schemas.claim import Line
from schemas.observation import EPOCH_ORDINAL, ProviderWindow, day_number

CODE: Final = "P03"


class RampUp:
    """P03."""

    declaration = Declaration(
        code=CODE,
        label_fr="Montée en charge brutale",
        label_en="Ramp-up",
        label_ar="ارتفاع مفاجئ في حجم النشاط",
        nature="PRE",
        hard=False,
        weight=0.5,
        axis="arrival",
        case_of="provider",
        habit=True,
        reads=("lines.executor", "lines.service_date", "event_time", "providers.active", "providers.network"),
        windows=("provider 7 d", "network 7 d", "provider record 12 weeks", "peers' habits"),
        thresholds={
            "ratio": Threshold(
                3, "ratio", "of the last days' pace to the eight weeks before, by arrival and by care"
            ),
            "claims": Threshold(50, "claims in 7 days", "fewer make a ratio of chance"),
            "newcomer": Threshold(
                1, "ratio", "of seven days' claims to what 95 % of newcomers do not exceed"
            ),
            "peers": Threshold(20, "providers", "newcomers of the same group: fewer are no group"),
        },
        caveats_fr=(
            "Ouverture récente : comparée aux autres nouveaux prestataires",
            "Arriéré déposé en une fois, lots papier : les dates de soins ne montent pas",
        ),
        caveats_en=(
            "A recent opening: compared with other newcomers",
            "A backlog deposited at once, paper batches: dates of care do not rise",
        ),
    )

    def check(self, context: Context) -> Iterable[Finding | CannotCheck]:
        """One finding for each executor and each network."""
        seen, least = context.seen, context.thresholds.lowest(CODE, "claims")
        for windows in (seen.executors, seen.networks):
            for window in windows.values():
                if window.claims_7d >= least:
                    return sorted_out(CODE, self._answers(context))
        return ()

    def _answers(self, context: Context) -> Iterator[Finding | str | None]:
        seen, today = context.seen, context.claim.event_time.toordinal() - EPOCH_ORDINAL
        for number, window in sorted(seen.executors.items()):
            area = sector(context, number)
            if window.claims_7d < context.value(CODE, "claims", area):
                continue
            lines = [line for line in context.claim.lines if line.executor == number]
            entry = context.referentials.provider(number)
            if entry is not None and opened(entry, today):
                yield self._opening(context, number, lines, window, area)
            else:
                about = {"inpe": number, "network": None}
                yield self._grown(context, number, lines, window, today, area, "ramp", about)
        for network, window in sorted(seen.networks.items()):
            if window.claims_7d >= context.value(CODE, "claims"):
                lines = [line for line in context.claim.lines if _network(context, line) == network]
                name, about = network_key(network), {"inpe": None, "network": network}
                yield self._grown(context, name, lines, window, today, None, "network", about)

    @staticmethod
    def _opening(
        context: Context, number: str, lines: list[Line], window: ProviderWindow, area: str | None
    ) -> Finding | str | None:
        """A newcomer beside newcomers; the name of what is missing where there are too few."""
        fewest = context.value(CODE, "peers", area)
        evidence = context.evidence
        norm = None if evidence is None else evidence.norm(number, fewest, lambda norms: norms.newcomers)
        if norm is None:
            return "newcomers"
        limit = norm[2] * context.value(CODE, "newcomer", area)
        if window.claims_7d <= limit:
            return None
        facts = {"inpe": number, "count": round(window.claims_7d), "usual": norm[2], "peers": norm[0]}
        return _finding(context, lines, window, window.claims_7d, limit, "opening", area, facts)

    @staticmethod
    def _grown(
        context: Context,
        name: str,
        lines: list[Line],
        window: ProviderWindow,
        today: int,
        area: str | None,
        variant: str,
        about: Mapping[str, str | None],
    ) -> Finding | str | None:
        """Against its own past, by arrival and by date of care; the name of what is missing where that is too short."""
        record = None if context.evidence is None else context.evidence.habit(name)
        usual = None if record is None else ramp.usual(record.ramp, today)
        if record is None or usual is None:
            return "history"
        care = max(day_number(line.service_date) for line in lines)
        grown = ramp.fold(record.ramp, today, care)
        limit = context.value(CODE, "ratio", area)
        ratio = ramp.weekly_pace(grown, today) / max(usual, 1.0)
        if ratio < limit or ramp.care_growth(grown, today) < limit:
            return None
        facts = {**about, "count": round(window.claims_7d), "usual": usual, "times": round(ratio, 1)}
        return _finding(context, lines, window, ratio, limit, variant, area, facts)


def _network(context: Context, line: Line) -> str | None:
    entry = None if line.executor is None else context.referentials.provider(line.executor)
    return None if entry is None else entry.network


def _finding(
    context: Context,
    lines: list[Line],
    window: ProviderWindow,
    value: float,
    limit: float,
    variant: str,
    area: str | None,
    facts: dict[str, Any],
) -> Finding:
    numbers = tuple(line.line for line in lines)
    return soft(
        context,
        CODE,
        numbers,
        area,
        value=round(value, 2),
        threshold=limit,
        window="7 d",
        n=round(window.claims_7d),
        variant=variant,
        facts=facts,
        scheme=f"{CODE}:{facts.get('network') or facts['inpe']}",
    )

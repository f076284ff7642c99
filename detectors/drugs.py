"""T02: a box that is not on the payer's list, or dearer than the list says."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from functools import lru_cache

from detectors.base import CannotCheck, Context, Declaration, Finding, Threshold
from detectors.reading import at_stake
from schemas.claim import Line

Facts = dict[str, str | int | float | None]
Defect = tuple[Line, Facts, float | None, float | None]
"""The line, what is said of it, the value and the limit."""


@lru_cache(maxsize=1 << 16)
def is_ean13(code: str) -> bool:
    """Whether the text is thirteen digits whose last one is the GS1 check digit of the others."""
    if len(code) != 13 or not (code.isascii() and code.isdigit()):
        return False
    digits = code.encode()  # ASCII digits are 48 more than their values: 25 x 48 in all, a multiple of ten
    return (sum(digits[::2]) + 3 * sum(digits[1::2])) % 10 == 0


class InvalidDrug:
    """T02. The reimbursed unit against the base price is judged on liquidations."""

    declaration = Declaration(
        code="T02",
        label_fr="Code ou prix de médicament invalide",
        label_en="Drug code or price invalid",
        label_ar="رمز الدواء أو ثمنه غير صالح",
        nature="ADM",
        hard=True,
        weight=0.1,
        axis="care",
        reads=("lines.code", "lines.unit_price", "lines.service_date", "drugs"),
        windows=(),
        needs="drugs",
        thresholds={
            "price_ratio": Threshold(1.005, "ratio to the public price", "rounding of printed prices"),
            "tolerance": Threshold(30, "days", "boxes bought at the old price are still on the shelf"),
        },
        caveats_fr=(
            "Codes officiels dont la clé EAN est fausse (19 sur 5 917 de la liste 2014) : liste d'exemption",
            "Changement de prix récent",
        ),
        caveats_en=(
            "Official codes with a wrong EAN key (19 of 5,917 in the 2014 list): whitelist",
            "Recent change of price",
        ),
        visibility="LIQUIDATOR",
    )

    def check(self, context: Context) -> Iterable[Finding | CannotCheck]:
        """One finding for each kind of defect, on its lines only."""
        defects: dict[str, list[Defect]] = {}
        unknown: set[str] = set()
        ratio = context.value("T02", "price_ratio")
        for line in context.drugs():
            defect = self._defect(context, line, ratio)
            if isinstance(defect, str):
                unknown.add(defect)
            elif defect is not None:
                variant, facts, value, limit = defect
                defects.setdefault(variant, []).append((line, facts, value, limit))
        return self._answers(context, defects, unknown) if defects or unknown else ()

    @staticmethod
    def _answers(
        context: Context, defects: dict[str, list[Defect]], unknown: set[str]
    ) -> Iterator[Finding | CannotCheck]:
        for missing in sorted(unknown):
            yield CannotCheck("T02", missing)
        for variant, found in sorted(defects.items()):
            line, facts, value, limit = found[0]
            numbers = tuple(sorted(each.line for each, *_ in found))
            yield Finding(
                "T02",
                "H",
                weight=0.1,
                nature="ADM",
                lines=numbers,
                amount=at_stake(context.claim, numbers),
                value=value,
                threshold=limit,
                n=len(numbers),
                variant=variant,
                facts={
                    "code": line.code,
                    "day": line.service_date.isoformat(),
                    "lines": len(numbers),
                    **facts,
                },
            )

    @staticmethod
    def _defect(
        context: Context, line: Line, ratio: float
    ) -> tuple[str, Facts, float | None, float | None] | str | None:
        """(variant, facts, value, limit), or the field that is not known, or None."""
        tables, day = context.referentials, line.service_date
        row = tables.drug(line.code, day)
        exempt = row is not None and row.checksum_exempt
        if not is_ean13(line.code) and not exempt:
            return "checksum", {}, None, None
        if row is None:
            if not tables.known("drugs", day):
                return "drugs"
            return "not_listed", {}, None, None
        if row.ppv is None:
            return "drugs.ppv"
        price = line.unit_price if line.unit_price is not None else line.amount / line.quantity
        if price <= row.ppv * ratio:
            return None
        first = day - dt.timedelta(days=context.value("T02", "tolerance"))
        listed = max(tables.drug_prices(line.code, first, day), default=row.ppv)
        if price <= listed * ratio:
            return None
        return "price", {"price": round(price), "listed": listed}, float(price), listed * ratio

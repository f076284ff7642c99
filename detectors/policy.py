"""Thresholds and modes in force: the declared defaults, overridden by the payer's `detectors` policy table.

A row may name a flow, a sector and an organism; the row that names most of what applies wins, the later one
among equals. Beside the detectors' own codes, `POLICY` holds the parameters of the decision itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, TypeVar

from detectors.base import Declaration, Need, Threshold
from schemas.enums import DetectorMode
from schemas.referential import DetectorRow

if TYPE_CHECKING:
    from detectors.catalogue import Applied

T = TypeVar("T")
Mode = DetectorMode
RULES: Final = "1"
"""Version of the rules' code; raise it with any change that may alter a verdict on the same thresholds."""
POLICY: Final = "POLICY"
ENFORCED: Final = frozenset((
    "E01", "E02", "E03", "E04", "E05", "ORD", "D01", "D02", "D03", "D04", "D05", "T01", "T02", "T03", "T04",
    "U01", "U02", "U03", "U04", "U05", "U06", "U07", "B01", "B02", "B03", "B04", "B05", "P01", "P04",
    "R02", "L01", "L02", "L03", "L04", "L05", "Y01", "M01", "M02", "M03",
))  # fmt: skip
"""The detectors that this release enforces. Any other is new: it starts in shadow, computed and counted without any
effect, until the payer's policy says `enforce` after having seen what it would have held."""

DECISION: Final[Mapping[str, Threshold]] = {
    "floor": Threshold(
        50_000, "centimes", "small amounts are left to hard rules, group holds and later control"
    ),
    "review_cost": Threshold(6_000, "centimes", "20 minutes of a reviewer"),
    "delay_cost": Threshold(2_000, "centimes", "an honest file held for nothing"),
    "delay_rate": Threshold(0.001, "share of the amount per week", "what waiting costs whoever is owed"),
    "delay_weeks": Threshold(1, "weeks", "usual length of a control"),
    "essential_factor": Threshold(2, "factor", "waiting costs twice as much in ALD, dialysis and oncology"),
    "recovered_before": Threshold(1.0, "share", "what is not paid is not lost"),
    "recovered_after": Threshold(0.25, "share", "recovered once paid: between .2 and .3"),
    "strong_weight": Threshold(0.7, "weight", "a finding that needs no second one"),
    "independent": Threshold(2, "findings", "corroboration asked of a soft hold"),
    "flagged": Threshold(0.03, "score", "start of the rolling quantile that keeps flags under 2 % of claims"),
    "review_minutes": Threshold(20, "minutes", "length of a control, for ranking against capacity"),
    "ttl_complete_file": Threshold(15, "days", "time to complete a file"),
    "ttl_medical": Threshold(10, "days", "time of a medical control"),
    "ttl_fraud": Threshold(30, "days", "time of an inquiry; extendable once by a named person"),
    "ttl_internal": Threshold(30, "days", "time of an internal audit"),
    "ttl_essential": Threshold(7, "days", "ALD, dialysis and oncology do not wait"),
    "ttl_request": Threshold(1, "days", "a request for prise en charge is answered within 48 hours"),
    "ttl_cap": Threshold(180, "days", "no hold is longer without a court"),
    "pay_limit": Threshold(60, "days", "the payer's limit from deposit, where `deadlines` says nothing"),
    "pay_limit_floor": Threshold(10, "days", "a hold that is useful at all"),
    "valid_release": Threshold(90, "days", "after which a payment asks again"),
    "stale_days": Threshold(7, "days", "a table that nobody has loaded or told again since is not held on"),
    "alert_days": Threshold(
        90, "days", "without anything new a case is closed; what comes then opens another"
    ),
    "alert_claims": Threshold(3, "claims", "of one habit, all paid, before somebody is asked to look"),
    "regional_amount": Threshold(1_000_000, "centimes", "from 10,000 MAD a file is controlled regionally"),
}


class PolicyError(ValueError):
    """A policy row names a detector or a parameter that does not exist, or gives no number.

    `field` is the column, `value` what stands there, `expected` what should.
    """

    def __init__(self, code: str, field: str, value: str, expected: str) -> None:
        super().__init__(f"{code}: {field} {value!r}: expected {expected}")
        self.field, self.value, self.expected = field, value, expected


class Thresholds:
    """The thresholds and modes of one policy edition. Immutable; cheap to ask where nothing is overridden."""

    def __init__(self, declarations: Iterable[Declaration], rows: Iterable[DetectorRow] = ()) -> None:
        """Raises PolicyError naming the row, the value seen and what is known."""
        declarations = tuple(declarations)
        self.defaults: dict[tuple[str, str], float] = {
            (POLICY, name): t.value for name, t in DECISION.items()
        }
        for declaration in declarations:
            self.defaults[declaration.code, "weight"] = declaration.weight
            for name, threshold in declaration.thresholds.items():
                self.defaults[declaration.code, name] = threshold.value
        self._starts: dict[str, Mode] = {
            declaration.code: "shadow" for declaration in declarations if declaration.code not in ENFORCED
        }
        codes = {code for code, _ in self.defaults}
        self._values: dict[tuple[str, str], list[tuple[DetectorRow, float]]] = {}
        self.modes: dict[str, list[tuple[DetectorRow, Mode]]] = {}
        self.chosen: dict[tuple[str, str | None, str, str | None, frozenset[Need]], tuple[Applied, ...]] = {}
        """(kind, flow, organism, sector, what the claim has) -> the catalogue's detectors that run on such a claim."""
        kept = [self._admit(row, codes) for row in rows]
        self._lowest: dict[tuple[str, str], float] = {}
        self.plain = not self._values
        """Whether the defaults stand, all of them."""
        text = repr((RULES, sorted(self.defaults.items()), sorted(self._starts), sorted(map(repr, kept))))
        self.ruleset = f"{RULES}-{blake2b(text.encode(), digest_size=6).hexdigest()}"

    def _admit(self, row: DetectorRow, codes: set[str]) -> DetectorRow:
        if row.code not in codes:
            raise PolicyError(row.code, "code", row.code, "one of " + ", ".join(sorted(codes)))
        if row.mode is not None:
            self.modes.setdefault(row.code, []).append((row, row.mode))
        if row.parameter is not None and row.value is not None:
            if (row.code, row.parameter) not in self.defaults:
                known = sorted(name for code, name in self.defaults if code == row.code)
                raise PolicyError(row.code, "parameter", row.parameter, "one of " + ", ".join(known))
            if isinstance(row.value, str):
                raise PolicyError(row.code, "value", row.value, f"a number for {row.parameter}")
            self._values.setdefault((row.code, row.parameter), []).append((row, float(row.value)))
        return row

    def value(
        self,
        code: str,
        parameter: str,
        flow: str | None = None,
        organism: str | None = None,
        sector: str | None = None,
    ) -> float:
        """The value in force; raises KeyError for a parameter that nobody declared."""
        if self.plain:
            return self.defaults[code, parameter]
        rows = self._values.get((code, parameter))
        if rows is not None:
            found = _best(rows, flow, organism, sector)
            if found is not None:
                return found
        return self.defaults[code, parameter]

    def lowest(self, code: str, parameter: str) -> float:
        """The least value that any row gives: what lies below it lies below the value in force. Raises KeyError as
        `value` does."""
        if self.plain:
            return self.defaults[code, parameter]
        of = code, parameter
        if of not in self._lowest:
            rows = self._values.get(of, ())
            self._lowest[of] = min(self.defaults[of], *(value for _, value in rows), float("inf"))
        return self._lowest[of]

    def mode(
        self, code: str, flow: str | None = None, organism: str | None = None, sector: str | None = None
    ) -> Mode:
        """Whether the detector is off, in shadow, or enforced; where no row says, a new one is in shadow."""
        rows = self.modes.get(code)
        said = None if rows is None else _best(rows, flow, organism, sector)
        return said or self._starts.get(code, "enforce")

    def policy(self, parameter: str, flow: str | None = None, organism: str | None = None) -> float:
        """A parameter of the decision (`DECISION`)."""
        return self.value(POLICY, parameter, flow, organism)


def _best(
    rows: list[tuple[DetectorRow, T]], flow: str | None, organism: str | None, sector: str | None
) -> T | None:
    best, rank = None, -1
    for row, value in rows:
        named = 0
        for wanted, actual in ((row.flow, flow), (row.organism, organism), (row.sector, sector)):
            if wanted is None:
                continue
            if wanted != actual:
                break
            named += 1
        else:
            if named >= rank:
                best, rank = value, named
    return best

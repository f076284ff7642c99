"""The models' evidence on one claim: findings M01-M03, what they could not check, and the peers' activity
for P01."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Final

import msgspec

from detectors.base import CannotCheck, Finding
from detectors.models import activity, amounts, beneficiary, provider
from detectors.models.activity import Activity
from detectors.models.keys import View
from detectors.models.records import Norm, NormsRecord, ProviderRecord, RecordError
from detectors.models.store import Records


class Evidence(msgspec.Struct):
    """What the records say about one claim, before it teaches them."""

    findings: list[Finding] = []
    cannot: list[CannotCheck] = []
    activity_of: dict[str, list[Activity]] = {}
    """Each executor beside its peers, by INPE; absent where there are too few."""
    models: dict[str, str] = {}
    """How many observations stood behind each model: the versions that the verdict names."""

    groups: dict[str, tuple[str, ...]] = {}
    """Executor INPE -> its peer groups, the narrowest first."""
    records: Records | None = None
    """What was known when the claim came, for those who ask about more than the models do."""

    def norm(self, inpe: str, fewest: float, of: Callable[[NormsRecord], Norm | None]) -> Norm | None:
        """A habit of a provider's peers: of the narrowest group with so many members of whom it is known."""
        for group in self.groups.get(inpe, ()):
            held = None if self.records is None else self.records.get(("norms", group))
            found = None if held is None else of(held)
            if found is not None and found[0] >= fewest:
                return found
        return None

    def habit(self, name: str) -> ProviderRecord | None:
        """The record of a provider by its INPE, or of a network by its `network_key`."""
        return None if self.records is None else self.records.provider(name)

    @property
    def activity(self) -> list[Activity]:
        """Of the executor that stands out most among its peers; empty where no group is large enough."""
        return max(self.activity_of.values(), key=activity.excess, default=[])

    def of(self, code: str) -> list[Finding | CannotCheck]:
        """One model's answer: a finding, a CannotCheck, or nothing."""
        found: list[Finding | CannotCheck] = [answer for answer in self.findings if answer.code == code]
        found += [answer for answer in self.cannot if answer.code == code]
        return found


CHECKS: Final = (("M01", amounts.check), ("M02", beneficiary.check), ("M03", provider.check))


def assessed(view: View, records: Records) -> Evidence:
    """`assess`, and where the models fail or say what is no number, nothing but that: the rules decide alone.

    Raises RecordError for the records of a newer release, which this one must not work beside.
    """
    try:
        found = assess(view, records)
    except RecordError:
        raise
    except (
        Exception
    ) as error:  # a model's defect must not stop the stream; it is told by type, as a detector's is
        lacking = f"error:{type(error).__name__}"
        return Evidence(cannot=[CannotCheck(code, lacking) for code, _ in CHECKS] if view.care else [])
    for one in [one for one in found.findings if not isfinite(one.strength * one.weight)]:
        found.findings.remove(one)
        found.cannot.append(CannotCheck(one.code, "error:not-finite"))
    return found


def assess(view: View, records: Records) -> Evidence:
    """Score a claim against the records. Changes nothing; raises RecordError when a record cannot be used."""
    result = Evidence(models={"fusion": str(records.fusion.edition)})
    if not view.care:
        return result
    result.records = records
    for code, check in CHECKS:
        answer, n = check(view, records)
        result.models[code] = str(n)
        if answer is None:
            continue
        if isinstance(answer, Finding):
            result.findings.append(answer)
        else:
            result.cannot.append(answer)
    for bill in view.bills:
        if bill.inpe is not None:
            result.groups[bill.inpe] = bill.peers
        if bill.inpe is not None and (figures := activity.figures(bill, records)):
            result.activity_of[bill.inpe] = figures
    return result

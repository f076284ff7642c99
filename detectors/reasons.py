"""Findings as reasons that a person reads, and what a liquidator may read of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from detectors.base import Finding, Visibility
from detectors.catalogue import BY_CODE
from detectors.sentences import write
from schemas.outputs import Reason

CONTROL: Final = Reason(
    code="CTRL", label_fr="Contrôle en cours", label_en="Control under way", label_ar="مراقبة جارية"
)
"""What stands for every reason that is not the liquidator's: the same for fraud and for internal audit."""


def visibility(finding: Finding) -> Visibility:
    """Who may read the reason: internal matters are the auditors' alone, whatever the detector declares."""
    if finding.nature == "INT":
        return "AUDIT_ONLY"
    declaration = BY_CODE.get(finding.code)
    return "FRAUD_TEAM" if declaration is None else declaration.visibility


def reason(finding: Finding, identities: Mapping[bytes, str] | None = None) -> Reason:
    """The full reason. `identities`: event ids of evidence references; unknown ones are left out."""
    declaration = BY_CODE.get(finding.code)
    french, english = write(finding.code, finding.variant, finding.facts, finding.amount)
    known = identities or {}
    events = dict.fromkeys(known[reference] for _, reference in finding.evidence if reference in known)
    return Reason(
        code=finding.code,
        label_fr=declaration.label_fr if declaration else finding.code,
        label_en=declaration.label_en if declaration else finding.code,
        label_ar=declaration.label_ar if declaration else finding.code,
        nature=finding.nature,
        cls=finding.cls,
        strength=round(float(finding.strength), 4),
        lines=finding.lines,
        amount=finding.amount,
        value=_number(finding.value),
        threshold=_number(finding.threshold),
        window=finding.window,
        n=finding.n,
        facts_fr=french,
        facts_en=english,
        evidence=tuple(events),
        visibility=visibility(finding),
    )


def _number(value: float | None) -> float | None:
    """A whole number reads back from a record as 16.0: an alert written from either has to be the same."""
    return None if value is None else float(value)


def public_reasons(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """The liquidator's reasons without strength, threshold or count, and one `CTRL` for the others."""
    shown: list[Reason] = []
    masked = False
    for each in reasons:
        if each.visibility == "LIQUIDATOR":
            shown.append(
                Reason(
                    code=each.code,
                    label_fr=each.label_fr,
                    label_en=each.label_en,
                    label_ar=each.label_ar,
                    nature=each.nature,
                    cls=each.cls,
                    lines=each.lines,
                    amount=each.amount,
                    value=each.value,
                    window=each.window,
                    facts_fr=each.facts_fr,
                    facts_en=each.facts_en,
                    evidence=each.evidence,
                    visibility="LIQUIDATOR",
                )
            )
        else:
            masked = True
    return (*shown, CONTROL) if masked else tuple(shown)

"""From findings and a score to hold or release: scope, purpose, time limit, and what a person should do next.

Pure and complete: `Case` holds plain values, so that a stored verdict can be decided again with one finding
removed or added. There is no refusal here: only a person refuses.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from detectors.base import REQUEST_KINDS, Finding
from detectors.catalogue import BY_CODE
from detectors.policy import Thresholds
from schemas.enums import ControlLevel, Nature, OnExpiry, Purpose, Scope
from schemas.enums import Decision as Answer

GRAVITY: Final[tuple[Nature, ...]] = ("INT", "PRE", "MED", "TAR", "ADM")
PURPOSES: Final[dict[Nature, Purpose]] = {
    "INT": "INTERNAL_AUDIT",
    "PRE": "FRAUD_REVIEW",
    "MED": "MEDICAL_REVIEW",
    "TAR": "COMPLETE_FILE",
    "ADM": "COMPLETE_FILE",
}
AFTER_DEATH: Final = "E02"
OF_HABIT: Final = {"B03": "M02"}
"""Rules that compare a person with his or her own habit, and the model that does so too: one finding, not two."""
TTL: Final = {
    "INTERNAL_AUDIT": "ttl_internal",
    "FRAUD_REVIEW": "ttl_fraud",
    "MEDICAL_REVIEW": "ttl_medical",
    "COMPLETE_FILE": "ttl_complete_file",
}
LEGAL_BASIS: Final = "Loi n° 03-01, art. 1 (décision motivée) ; loi n° 09-08, art. 11 (une personne décide)"
GOOD_CAUSE: Final = (
    "Soins essentiels chez le seul prestataire de sa catégorie dans la commune : contrôle après paiement"
)
CONTROLS: Final[dict[str, tuple[str, ...]]] = {
    "E01": ("PIECES",),
    "E02": ("PIECES", "CONTROLE_SUR_PLACE"),
    "E03": ("PIECES",),
    "E04": ("PIECES", "CONTROLE_SUR_PLACE"),
    "E05": ("PIECES",),
    "ORD": ("PIECES",),
    "D01": ("PIECES",),
    "D02": ("PIECES",),
    "D03": ("PIECES", "CONTROLE_SUR_PLACE"),
    "D04": ("PIECES",),
    "T02": ("PIECES",),
    "T03": ("PIECES",),
    "T04": ("PIECES", "CONTROLE_SUR_PLACE"),
    "U01": ("CONTROLE_MEDICAL", "PIECES"),
    "U02": ("PIECES", "CONTROLE_MEDICAL"),
    "U03": ("CONTROLE_MEDICAL", "CONTROLE_SUR_PLACE"),
    "U04": ("CONTROLE_MEDICAL", "EXAMEN_ASSURE"),
    "U05": ("PIECES",),
    "U06": ("CONTROLE_SUR_PLACE", "EXAMEN_ASSURE"),
    "U07": ("PIECES", "CONTROLE_SUR_PLACE"),
    "B01": ("CONTROLE_MEDICAL", "EXAMEN_ASSURE"),
    "B02": ("CONTROLE_MEDICAL", "EXAMEN_ASSURE"),
    "B03": ("CONTROLE_MEDICAL", "EXAMEN_ASSURE"),
    "B04": ("EXAMEN_ASSURE", "CONTROLE_SUR_PLACE"),
    "B05": ("CONTROLE_MEDICAL", "PIECES"),
    "P01": ("CONTROLE_SUR_PLACE", "CONTROLE_MEDICAL"),
    "P02": ("CONTROLE_MEDICAL", "CONTROLE_SUR_PLACE"),
    "P03": ("CONTROLE_SUR_PLACE",),
    "P04": ("CONTROLE_SUR_PLACE", "EXAMEN_ASSURE"),
    "P05": ("CONTROLE_SUR_PLACE", "EXAMEN_ASSURE"),
    "P06": ("PIECES", "CONTROLE_SUR_PLACE"),
    "R01": ("CONTROLE_SUR_PLACE", "PIECES"),
    "M01": ("PIECES", "CONTROLE_MEDICAL"),
    "M02": ("CONTROLE_MEDICAL",),
    "M03": ("CONTROLE_SUR_PLACE",),
    **dict.fromkeys(("T01", "R02"), ("PIECES",)),
    **dict.fromkeys(("D05", "L01", "L02", "L03", "L04", "L05", "Y01"), ("AUDIT_INTERNE",)),
    **{code: declared.controls for code, declared in BY_CODE.items() if declared.controls},
}
DOCUMENTS: Final[dict[str, tuple[str, ...]]] = {
    "E01": ("ATTESTATION_DROITS",),
    "E03": ("FEUILLE_SOINS", "ORDONNANCE"),
    "E05": ("FEUILLE_SOINS",),
    "D01": ("FACTURE",),
    "D04": ("FACTURE", "FEUILLE_SOINS"),
    "T02": ("FACTURE", "VIGNETTE"),
    "T03": ("ACCORD",),
    "U02": ("COMPTE_RENDU",),
    "U05": ("ORDONNANCE", "ACCORD"),
}
"""Asked for where the reason itself is told to the liquidator; a request must not reveal another control."""


class Case(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What the decision needs beside the findings. Amounts in centimes, payable ones once liquidated."""

    organism: str
    arrived: dt.datetime
    amounts: dict[int, int]
    score: float
    kind: str = "AMBULATOIRE"
    flow: str | None = None
    deposit: dt.date | None = None
    calibrated: bool = False
    essential: bool = False  # ALD, dialysis, oncology
    sole_provider: bool = False  # of its kind in its commune
    agencies: int = 1  # agencies concerned by the scheme
    days_to_pay: int | None = None  # from `deadlines`
    capacity: float | None = (
        None  # expected loss a minute (centimes) admitted to soft holds; None = no ceiling
    )
    flagged: float | None = None  # rolling quantile of the score; None = the policy's start
    sampled: bool = False  # drawn at random for a review after payment


class Decision(msgspec.Struct, kw_only=True, frozen=True):
    """The answer. Amounts in centimes; `priority` is the expected loss in MAD per minute of control."""

    decision: Answer
    scope: Scope | None = None
    lines: tuple[int, ...] = ()
    purpose: Purpose | None = None
    control_level: ControlLevel | None = None
    suggested_control: tuple[str, ...] = ()
    documents_requested: tuple[str, ...] = ()
    valid_until: dt.datetime | None = None
    expires_at: dt.datetime | None = None
    on_expiry: OnExpiry | None = None
    legal_basis: str | None = None
    good_cause: str | None = None
    amount_at_risk: int = 0
    expected_loss: float = 0.0
    priority: float = 0.0


def to_record(case: Case) -> dict[str, Any]:
    """The case as JSON-able values."""
    record: dict[str, Any] = msgspec.to_builtins(case, str_keys=True)
    return record


def from_record(record: dict[str, Any] | Case) -> Case:
    """The case of a record, written or not yet; raises msgspec.ValidationError when it is not one."""
    return record if isinstance(record, Case) else msgspec.convert(record, Case, str_keys=True)


def decide(case: Case, findings: Iterable[Finding], thresholds: Thresholds) -> Decision:
    """Hold what a checked rule names or what is worth a control, flag what is worth a look."""
    findings = list(findings)
    if not findings:
        return _release(case, findings, thresholds)
    holding = [finding for finding in findings if finding.cls == "H" and not finding.review]
    rest = [finding for finding in findings if finding.cls == "S" and not finding.review]
    holding += _worth_holding(case, rest, _named(case, holding) if holding else frozenset(), thresholds)
    ordered = any(finding.scope for finding in holding)
    lines = _named(case, holding) if holding else frozenset()
    reachable = not any(
        finding.code == AFTER_DEATH for finding in holding
    )  # whom a hold could keep from care
    whole = lines >= case.amounts.keys()
    if holding and case.essential and case.sole_provider and whole and reachable and not ordered:
        return _release(case, findings, thresholds, good_cause=GOOD_CAUSE)
    if holding:
        return _hold(case, holding, lines, thresholds)
    return _release(case, findings, thresholds)


def _named(case: Case, findings: Iterable[Finding]) -> frozenset[int]:
    """The lines that the findings name; a finding without lines names the whole claim."""
    named: set[int] = set()
    for finding in findings:
        if not finding.lines:
            return frozenset(case.amounts)
        named.update(finding.lines)
    return frozenset(named & case.amounts.keys()) if case.amounts else frozenset(named)


def _amount(case: Case, lines: Iterable[int]) -> int:
    return sum(case.amounts.get(line, 0) for line in lines)


def _worth_holding(
    case: Case, soft: Sequence[Finding], held: frozenset[int], thresholds: Thresholds
) -> list[Finding]:
    """The soft findings, when holding their lines saves more than it costs; else none.

    Lines that a rule holds already do not count: nor do they shield the others.
    """
    candidates = [finding for finding in soft if finding.strength > 0]
    if not candidates or case.kind in REQUEST_KINDS or not _supported(case, candidates, thresholds):
        return []

    def policy(parameter: str) -> float:
        return thresholds.policy(parameter, case.flow, case.organism)

    amount = _amount(case, _named(case, candidates) - held)
    if amount < policy("floor"):
        return []
    saved = case.score * amount * (policy("recovered_before") - policy("recovered_after"))
    delay = policy("delay_cost") + policy("delay_rate") * amount * policy("delay_weeks")
    if case.essential:
        delay *= policy("essential_factor")
    if saved <= policy("review_cost") + (1 - case.score) * delay:
        return []
    rank = case.score * amount * policy("recovered_before") / policy("review_minutes")
    return candidates if case.capacity is None or rank >= case.capacity else []


def _supported(case: Case, candidates: Sequence[Finding], thresholds: Thresholds) -> bool:
    """Two independent findings or a strong one; until the score is calibrated, not on models and habits alone."""
    if not case.calibrated and all(finding.model or finding.code in OF_HABIT for finding in candidates):
        return False
    strong = thresholds.policy("strong_weight", case.flow, case.organism)
    if any(finding.weight >= strong for finding in candidates):
        return True
    needed = thresholds.policy("independent", case.flow, case.organism)
    return len({OF_HABIT.get(finding.code, finding.code) for finding in candidates}) >= needed


def _hold(case: Case, holding: list[Finding], lines: frozenset[int], thresholds: Thresholds) -> Decision:
    purpose = _purpose(holding)
    scope: Scope = "LINES" if all(finding.lines for finding in holding) else "CLAIM"
    wide = [
        finding for finding in holding if finding.scope and _named(case, [finding]) >= case.amounts.keys()
    ]
    if wide:
        # an order on one payee of several leaves the others' lines alone
        scope = "NETWORK" if any(finding.scope == "NETWORK" for finding in wide) else "PAYEE"
    grave = any(f.nature == "INT" or (f.nature == "PRE" and f.cls == "H") for f in holding)
    on_expiry: OnExpiry = "ESCALATE" if grave and case.kind != "PEC_DEMANDE" else "RELEASE_FLAGGED"
    return Decision(
        decision="HOLD",
        scope=scope,
        lines=tuple(sorted(lines)),
        purpose=purpose,
        expires_at=_expiry(case, holding, purpose, grave, thresholds),
        on_expiry=on_expiry,
        legal_basis=LEGAL_BASIS,
        **_control(case, holding, lines, scope, thresholds),
    )


def _release(
    case: Case, findings: Sequence[Finding], thresholds: Thresholds, good_cause: str | None = None
) -> Decision:
    flagged = case.flagged
    if flagged is None:
        flagged = thresholds.policy("flagged", case.flow, case.organism)
    valid = dt.timedelta(days=thresholds.policy("valid_release", case.flow, case.organism))
    review = any(finding.review for finding in findings)
    score_flags = case.score >= flagged
    if not (review or score_flags or good_cause or case.sampled):
        return Decision(decision="RELEASE", valid_until=case.arrived + valid)
    lines = _named(case, findings) if findings else frozenset(case.amounts)
    return Decision(
        decision="RELEASE_FLAGGED",
        purpose=_purpose(findings) if findings else None,
        valid_until=case.arrived + valid,
        good_cause=good_cause,
        **_control(case, findings, lines, None, thresholds),
    )


def _purpose(findings: Sequence[Finding]) -> Purpose:
    return PURPOSES[min((finding.nature for finding in findings), key=GRAVITY.index)]


def _expiry(
    case: Case, holding: Sequence[Finding], purpose: Purpose, grave: bool, thresholds: Thresholds
) -> dt.datetime:
    """A row's own time limit, else the purpose's; the longest of those that the purpose rests on."""

    def days(parameter: str) -> float:
        return thresholds.policy(parameter, case.flow, case.organism)

    if case.kind == "PEC_DEMANDE":
        return case.arrived + dt.timedelta(days=days("ttl_request"))
    usual = days(TTL[purpose])
    resting = [finding for finding in holding if PURPOSES[finding.nature] == purpose]
    length = max(usual if f.hold_ttl_days is None else f.hold_ttl_days for f in resting)
    if case.essential:
        length = min(length, days("ttl_essential"))
    expires = case.arrived + dt.timedelta(days=min(length, days("ttl_cap")))
    if grave or case.deposit is None:
        return expires
    allowed = case.days_to_pay if case.days_to_pay is not None else days("pay_limit")
    limit = dt.datetime.combine(case.deposit, dt.time(), dt.UTC) + dt.timedelta(days=allowed)
    return min(expires, max(limit, case.arrived + dt.timedelta(days=days("pay_limit_floor"))))


def _control(
    case: Case,
    findings: Sequence[Finding],
    lines: frozenset[int],
    scope: Scope | None,
    thresholds: Thresholds,
) -> dict[str, Any]:
    """Who should look, how, with which documents, and how much it matters."""

    def policy(parameter: str) -> float:
        return thresholds.policy(parameter, case.flow, case.organism)

    amount = _amount(case, lines)
    level: ControlLevel = "LOCAL"
    if (
        amount >= policy("regional_amount")
        or case.agencies > 1
        or any(finding.cls == "H" and finding.nature == "PRE" and not finding.review for finding in findings)
    ):
        level = "REGIONAL"
    if scope == "NETWORK" or case.kind == "ETRANGER" or any(finding.nature == "INT" for finding in findings):
        level = "CENTRAL"
    codes = list(dict.fromkeys(finding.code for finding in findings))
    told = [code for code in codes if code in BY_CODE and BY_CODE[code].visibility == "LIQUIDATOR"]
    loss = case.score * amount * policy("recovered_before")
    return {
        "control_level": level,
        "suggested_control": tuple(dict.fromkeys(c for code in codes for c in CONTROLS.get(code, ()))),
        "documents_requested": tuple(dict.fromkeys(d for code in told for d in DOCUMENTS.get(code, ()))),
        "amount_at_risk": amount,
        "expected_loss": round(loss, 2),
        "priority": round(loss / 100 / policy("review_minutes"), 4),
    }

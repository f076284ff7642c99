"""The closed sets of the wire: what a field may say, as types for checkers and as tuples for loops.

An index in one of the tuples is stored by the state (`observation.LogLine.group`): append, never reorder.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

Flow = Literal["AMO", "RG", "CONV"]
Channel = Literal["PAPER", "FSE", "PORTAL", "TP"]

ClaimKind = Literal[
    "AMBULATOIRE", "FACTURE_TP", "ETRANGER", "IJ",
    "PEC_DEMANDE", "PEC_ACCORD", "ALD_OUVERTURE", "INVALIDITE", "HANDICAP",
]  # fmt: skip
ClaimAction = Literal["SUBMIT", "CORRECT", "CANCEL"]
Coverage = Literal["BASE", "COMPLEMENTARY", "BOTH"]
DocumentType = Literal["FEUILLE_SOINS", "ORDONNANCE", "FACTURE", "CERTIFICAT", "ACCORD", "IMAGE"]
CareGroup = Literal[
    "CONSULTATION", "HOSPITALISATION", "PHARMACY", "RADIOLOGY", "EXPLORATION", "BIOLOGY", "DENTAL",
    "ONCOLOGY", "DIALYSIS", "CARDIOLOGY", "DEVICE", "OPTICAL", "PARAMEDICAL", "SICK_LEAVE",
]  # fmt: skip
Nomenclature = Literal["NGAP", "NABM", "MED", "DM", "SEJOUR", "FORFAIT", "IJ"]
Unit = Literal["BOX", "SESSION", "ACT", "DAY", "ITEM"]
Side = Literal["L", "R", "B"]
Discharge = Literal["HOME", "TRANSFER", "DEATH"]

LiquidationAction = Literal["REGISTER", "COMPUTE", "MODIFY", "OVERRIDE", "VALIDATE", "CANCEL", "RELEASE"]
LiquidationRole = Literal["SAISIE", "LIQUIDATION", "VALIDATION", "ORDONNANCEMENT", "BATCH"]
RateGround = Literal["ALD", "ALC", "HOSPITAL", "EXEMPTION"]
Payee = Literal["INSURED", "PROVIDER"]
ControlResult = Literal["PASSED", "FAILED", "OVERRIDDEN"]
PaymentStatus = Literal["ORDERED", "PAID", "RETURNED", "CANCELLED"]
ApprovalDecision = Literal["PENDING", "GRANTED", "REFUSED"]

Link = Literal["ASSURE", "CONJOINT", "ENFANT", "ASCENDANT"]
Sex = Literal["M", "F"]
Regime = Literal["SALARIE", "TNS", "TADAMON", "ACHAMIL", "PUBLIC", "ETUDIANT"]
RightStatus = Literal["OPEN", "MAINTAINED", "SUSPENDED"]
ProviderKind = Literal[
    "MEDECIN", "DENTISTE", "PHARMACIE", "LABO", "RADIOLOGIE", "KINE", "INFIRMIER", "OPTICIEN", "SAGE_FEMME",
    "ORTHOPHONISTE", "PROTHESISTE", "CLINIQUE", "CENTRE_ONCO", "CENTRE_CARDIO", "ASSOC_DIALYSE", "CHU",
    "HOPITAL_PUBLIC", "HOPITAL_MILITAIRE", "CENTRE_DENTAIRE", "TRANSPORT",
]  # fmt: skip
Sector = Literal["PUBLIC", "PRIVATE", "MUTUALIST", "ABROAD"]
ConventionStatus = Literal["YES", "NO", "SUSPENDED"]

ToothClass = Literal["EXTRACTION", "ENDODONTIC", "CONSERVATIVE", "CROWN", "BRIDGE", "IMPLANT"]
CapKind = Literal["LINE", "ABSOLUTE", "CLINICAL"]
CalendarKind = Literal["SUNDAY", "FIXED", "MOVEABLE", "RAMADAN"]
ControlLevel = Literal["LOCAL", "REGIONAL", "CENTRAL"]
DetectorMode = Literal["off", "shadow", "enforce"]

OrderScope = Literal["PAYEE", "NETWORK"]
ReviewOutcome = Literal[
    "CONFIRMED_FRAUD", "ABUSE", "ERROR", "LEGITIMATE", "INSUFFICIENT", "EXPERTISE",
    "APPEAL_UPHELD", "APPEAL_REJECTED",
]  # fmt: skip
ReasonOutcome = Literal["CONFIRMED", "REJECTED", "NOT_EXAMINED"]
SignalSource = Literal["CAISSE", "ASSURE", "CIBLAGE_REG", "CIBLAGE_NAT", "AUTORITE", "PARTNER"]

Decision = Literal["RELEASE", "RELEASE_FLAGGED", "HOLD", "CANNOT_SCREEN"]
Scope = Literal["LINES", "CLAIM", "PAYEE", "NETWORK"]
Purpose = Literal["COMPLETE_FILE", "MEDICAL_REVIEW", "FRAUD_REVIEW", "INTERNAL_AUDIT", "CONTROL"]
OnExpiry = Literal["RELEASE", "RELEASE_FLAGGED", "ESCALATE"]
Nature = Literal["ADM", "TAR", "MED", "PRE", "INT"]
ReasonClass = Literal["H", "S"]
Visibility = Literal["LIQUIDATOR", "FRAUD_TEAM", "AUDIT_ONLY"]
ScoreState = Literal["UNCALIBRATED", "CALIBRATED"]
SuspensionState = Literal["HELD", "EXTENDED", "RELEASED", "CONFIRMED", "EXPIRED", "ESCALATED"]
FactKind = Literal["TOOTH", "ONCE", "DEVICE", "STAY"]

CARE_GROUPS: Final[tuple[CareGroup, ...]] = get_args(CareGroup)
COVERAGES: Final[tuple[Coverage, ...]] = get_args(Coverage)
FACT_KINDS: Final[tuple[FactKind, ...]] = get_args(FactKind)
CLAIM_KINDS: Final[tuple[ClaimKind, ...]] = get_args(ClaimKind)
TOOTH_CLASSES: Final[tuple[ToothClass, ...]] = get_args(ToothClass)
SIDES: Final[tuple[Side, ...]] = get_args(Side)
APPROVAL_DECISIONS: Final[tuple[ApprovalDecision, ...]] = get_args(ApprovalDecision)
PROVIDER_KINDS: Final[tuple[ProviderKind, ...]] = get_args(ProviderKind)

CARE_KINDS: Final[tuple[ClaimKind, ...]] = CLAIM_KINDS[:4]
"""Care to pay for: what enters consumption windows."""
REQUEST_KINDS: Final[tuple[ClaimKind, ...]] = CLAIM_KINDS[4:]
"""Requests: they block care rather than money and may come without lines."""

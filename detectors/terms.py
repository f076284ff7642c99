"""M01-M03 as detectors: the models' evidence, computed before, with the modes of any row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from detectors.base import CannotCheck, Context, Declaration, Finding


class ModelTerm:
    """One model of `detectors.models`; its findings cannot hold alone before calibration."""

    def __init__(self, declaration: Declaration) -> None:
        self.declaration = declaration

    def check(self, context: Context) -> Iterator[Finding | CannotCheck]:
        """What the evidence says under this code."""
        evidence = context.evidence
        if evidence is None or not (evidence.findings or evidence.cannot):
            return iter(())
        return iter(evidence.of(self.declaration.code))


def _model(
    code: str,
    label_fr: str,
    label_en: str,
    label_ar: str,
    reads: tuple[str, ...],
    *,
    french: tuple[str, ...],
    english: tuple[str, ...],
    case_of: Literal["provider", "beneficiary"],
    habit: bool,
) -> ModelTerm:
    return ModelTerm(
        Declaration(
            code=code,
            label_fr=label_fr,
            label_en=label_en,
            label_ar=label_ar,
            nature="PRE",
            hard=False,
            weight=0.21,  # 1 - exp(-0.7 / 3): the catalogue weight whose start weight is a model's 0.7
            axis="arrival",
            reads=reads,
            windows=("model records",),
            needs="models",
            caveats_fr=french,
            caveats_en=english,
            case_of=case_of,
            habit=habit,
        )
    )


MODELS = (
    _model(
        "M01",
        "Montant inhabituel par rapport aux pairs",
        "Amount unusual against peers",
        "مبلغ غير معتاد مقارنة بالنظراء",
        ("lines.amount", "lines.code", "providers"),
        french=("Cas plus lourd que d'ordinaire", "Tarif récemment modifié"),
        english=("A graver case than usual", "A recent change of tariff"),
        case_of="provider",
        habit=False,
    ),
    _model(
        "M02",
        "Consommation inhabituelle pour l'assuré",
        "Use unusual for the beneficiary",
        "استهلاك غير معتاد للمؤمن",
        ("lines.amount", "lines.executor", "lines.service_date"),
        french=("Nouvelle maladie, opération, accouchement", "Déménagement"),
        english=("New illness, surgery, childbirth", "A move"),
        case_of="beneficiary",
        habit=True,
    ),
    _model(
        "M03",
        "Activité du professionnel inhabituelle par rapport à son passé",
        "Provider's activity unusual against its own past",
        "نشاط المهني غير معتاد مقارنة بماضيه",
        ("lines.amount", "lines.executor", "event_time"),
        french=("Dépôt groupé de dossiers papier", "Nouvel associé ou nouveau matériel"),
        english=("Paper files deposited in one batch", "A new partner or new equipment"),
        case_of="provider",
        habit=True,
    ),
)

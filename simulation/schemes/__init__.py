"""Six frauds of known truth, each in one module with the honest thing that looks like it.

Frauds are filed by the same counter, with the same documents and delays as everything else.
"""

from __future__ import annotations

from collections.abc import Callable

from simulation.claims import Dossier
from simulation.schemes import clones, death, documents, ring, shopping, workload
from simulation.schemes.stage import Stage

__all__ = ["LOOKALIKES", "SCHEMES", "Stage", "stage_all"]

SCHEMES: dict[str, Callable[[Stage], list[Dossier]]] = {
    "dental_ring": ring.false_files,
    "clone_campaign": clones.recruiting,
    "doctor_shopping": shopping.shoppers,
    "phantom_after_death": death.phantoms,
    "recycled_documents": documents.recycled,
    "impossible_day": workload.impossible_day,
}
LOOKALIKES: dict[str, Callable[[Stage], list[Dossier]]] = {
    "care_before_strike_off": ring.earlier_care,
    "screening_campaign": clones.caravan,
    "village_pharmacy": shopping.village,
    "hospital_discharge": shopping.discharge,
    "after_death_lawful": death.lawful,
    "siblings_receipt": documents.siblings,
    "renewable_ordonnance": documents.renewals,
    "duty_night": workload.duty_night,
    "establishment_day": workload.establishment_day,
}
MONTH_END = "month_end_dialysis"


def stage_all(stage: Stage) -> list[Dossier]:
    """Every fraud and every look-alike of a live part, each dossier with its truth."""
    dossiers: list[Dossier] = []
    for truth, plays in (("FRAUD", SCHEMES), ("LOOKALIKE", LOOKALIKES)):
        for name, play in plays.items():
            for dossier in play(stage):
                _mark(dossier, truth, name, stage)
                dossiers.append(dossier)
    return dossiers


def _mark(dossier: Dossier, truth: str, name: str, stage: Stage) -> None:
    """Say what is true of a dossier. What is done to it in the back office is no fault of the claim itself."""
    dossier.case = f"{name}-{stage.wave:02d}" + (f"-{dossier.case}" if dossier.case else "")
    dossier.last = max(dossier.last, stage.day)
    if dossier.handling is not None:
        dossier.handled = truth, name
    else:
        dossier.truth, dossier.scheme = truth, name
    if stage.wave:  # honest care keeps its distance
        dossier.person.seen = max(dossier.person.seen, dossier.day)

"""Frauds of known truth, each beside the honest thing that looks like it.

Frauds are filed by the same counter, with the same documents and delays as everything else. Six are played once in the
live part of a plan; waves play them all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from simulation.claims import Dossier
from simulation.schemes import (
    accounts,
    amounts,
    boxes,
    clones,
    coding,
    copies,
    death,
    desk,
    documents,
    habits,
    payments,
    presence,
    ring,
    sessions,
    shopping,
    teeth,
    workload,
)
from simulation.schemes.stage import Stage

__all__ = ["BESIDE", "FRAUDS", "LOOKALIKES", "MONTH_END", "SCHEMES", "Stage", "stage_all"]

Play = Callable[[Stage], list[Dossier]]
SCHEMES: dict[str, Play] = {
    "dental_ring": ring.false_files,
    "clone_campaign": clones.recruiting,
    "doctor_shopping": shopping.shoppers,
    "phantom_after_death": death.phantoms,
    "recycled_documents": documents.recycled,
    "impossible_day": workload.impossible_day,
}
LOOKALIKES: dict[str, Play] = {
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
FRAUDS: dict[str, Play] = {
    **SCHEMES,
    "upcoding": coding.upcoding,
    "unbundling": coding.unbundling,
    "crown_after_extraction": teeth.crown_after_extraction,
    "shell_centre": teeth.shell_centre,
    "extra_dialysis": sessions.extra_dialysis,
    "false_sick_notes": sessions.false_sick_notes,
    "elsewhere_in_hospital": presence.elsewhere_in_hospital,
    "identity_lending": presence.identity_lending,
    "early_refills": boxes.early_refills,
    "collusion": boxes.collusion,
    "just_under": amounts.just_under,
    "split_claims": amounts.split_claims,
    "early_glasses": amounts.early_glasses,
    "cosmetic_copy": copies.cosmetic_copy,
    "double_channel": copies.double_channel,
    "stamps_at_work": habits.stamps_at_work,
    "weekend_billing": habits.weekend_billing,
    "shared_account": accounts.shared_account,
    "changed_account": accounts.changed_account,
    "unlinked_account": desk.unlinked_account,
    "override_habit": desk.override_habit,
    "liquidator_concentration": desk.liquidator_concentration,
    "scripted_nights": desk.scripted_nights,
    "hold_override": payments.hold_override,
    "payment_changed": payments.payment_changed,
    "double_payment": payments.double_payment,
    "over_liquidated": payments.over_liquidated,
}
"""Every typology that waves play."""
HONEST: dict[str, Play] = {
    **LOOKALIKES,
    "case_mix": coding.case_mix,
    "distinct_teeth": coding.distinct_teeth,
    "crown_on_root": teeth.crown_on_root,
    "opening_centre": teeth.opening_centre,
    "acute_dialysis": sessions.acute_dialysis,
    "influenza": sessions.influenza,
    "given_out": presence.given_out,
    "fetched_far": presence.fetched_far,
    "travel_supply": boxes.travel_supply,
    "village_doctor": boxes.village_doctor,
    "dear_glasses": amounts.dear_glasses,
    "two_sittings": amounts.two_sittings,
    "broken_glasses": amounts.broken_glasses,
    "second_visit": copies.second_visit,
    "mutuelle_share": copies.mutuelle_share,
    "after_operation": habits.after_operation,
    "duty_sunday": habits.duty_sunday,
    "joint_account": accounts.joint_account,
    "account_of_last_year": accounts.account_of_last_year,
    "delegated_colleague": desk.delegated_colleague,
    "complex_files": desk.complex_files,
    "dedicated_portfolio": desk.dedicated_portfolio,
    "batch_account": desk.batch_account,
    "checked_by_another": payments.checked_by_another,
    "part_payments": payments.part_payments,
    "returned_payment": payments.returned_payment,
    "full_rate": payments.full_rate,
}
BESIDE: dict[str, tuple[str, ...]] = {
    "dental_ring": ("care_before_strike_off",),
    "clone_campaign": ("screening_campaign",),
    "doctor_shopping": ("village_pharmacy", "hospital_discharge"),
    "phantom_after_death": ("after_death_lawful",),
    "recycled_documents": ("siblings_receipt", "renewable_ordonnance"),
    "impossible_day": ("duty_night", "establishment_day"),
    "upcoding": ("case_mix",),
    "unbundling": ("distinct_teeth",),
    "crown_after_extraction": ("crown_on_root",),
    "shell_centre": ("opening_centre",),
    "extra_dialysis": ("acute_dialysis", "month_end_dialysis"),
    "false_sick_notes": ("influenza",),
    "elsewhere_in_hospital": ("given_out",),
    "identity_lending": ("fetched_far",),
    "early_refills": ("travel_supply",),
    "collusion": ("village_doctor",),
    "just_under": ("dear_glasses",),
    "split_claims": ("two_sittings",),
    "early_glasses": ("broken_glasses",),
    "cosmetic_copy": ("second_visit",),
    "double_channel": ("mutuelle_share",),
    "stamps_at_work": ("after_operation",),
    "weekend_billing": ("duty_sunday",),
    "shared_account": ("joint_account",),
    "changed_account": ("account_of_last_year",),
    "unlinked_account": ("delegated_colleague",),
    "override_habit": ("complex_files",),
    "liquidator_concentration": ("dedicated_portfolio",),
    "scripted_nights": ("batch_account",),
    "hold_override": ("checked_by_another",),
    "payment_changed": ("part_payments",),
    "double_payment": ("returned_payment",),
    "over_liquidated": ("full_rate",),
}
"""Typology -> its honest look-alikes."""
MONTH_END = "month_end_dialysis"


def stage_all(stage: Stage, played: Collection[str] | None = None) -> list[Dossier]:
    """Every fraud and every look-alike of a live part or of a wave, each dossier with its truth.

    `played`: the frauds that are committed, None = all; what looks like them is there in any case.
    """
    dossiers: list[Dossier] = []
    groups = (
        (("FRAUD", FRAUDS), ("LOOKALIKE", HONEST))
        if stage.wave
        else (("FRAUD", SCHEMES), ("LOOKALIKE", LOOKALIKES))
    )
    for truth, plays in groups:
        for name, play in plays.items():
            if truth == "FRAUD" and played is not None and name not in played:
                continue
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
    elif dossier.faults == {}:
        dossier.faults = None  # an honest file that the scheme needs
    else:
        dossier.truth, dossier.scheme = truth, name
    if stage.wave:  # honest care keeps its distance
        dossier.person.away = max(dossier.person.away, dossier.last)

"""What each detector is there to find, by the simulator's names; and when a scheme has become visible.

A typology is named in the truth file: a scheme's name, or what is wrong with a line.
"""

from __future__ import annotations

from typing import Final

OWN: Final[dict[str, tuple[str, ...]]] = {
    "E01": ("rights_late",),
    "E02": ("phantom_after_death",),
    "E03": ("missing_inpe",),
    "E04": ("dental_ring",),
    "E05": ("wrong_sex",),
    "D01": ("sent_twice", "copied_file"),
    "D02": ("cosmetic_copy",),
    "D03": ("recycled_documents",),
    "D04": ("double_channel",),
    "D05": ("double_payment",),
    "T01": ("over_liquidated",),
    "T02": ("old_price",),
    "T03": ("agreement_forgotten",),
    "T04": ("just_under", "split_claims"),
    "U01": ("quantity_typo",),
    "U02": ("unbundling",),
    "U03": ("extra_dialysis",),
    "U04": ("crown_after_extraction",),
    "U05": ("early_glasses",),
    "U06": ("impossible_day",),
    "U07": ("elsewhere_in_hospital",),
    "B01": ("doctor_shopping",),
    "B02": ("early_refills",),
    "B03": ("stamps_at_work",),
    "B04": ("identity_lending",),
    "B05": ("false_sick_notes",),
    "P02": ("upcoding",),
    "P03": ("shell_centre",),
    "P04": ("clone_campaign",),
    "P05": ("clone_campaign",),
    "P06": ("weekend_billing",),
    "R01": ("collusion",),
    "R02": ("shared_account", "changed_account"),
    "L01": ("unlinked_account",),
    "L02": ("hold_override",),
    "L03": ("override_habit",),
    "L04": ("liquidator_concentration",),
    "L05": ("scripted_nights",),
    "Y01": ("payment_changed",),
}
"""Detector -> typologies whose lines or schemes it should find. P01 and the models have none of their own."""

REACHES: Final[dict[str, int]] = {
    "cosmetic_copy": 1,
    "just_under": 20,
    "split_claims": 2,
    "extra_dialysis": 1,
    "early_glasses": 1,
    "impossible_day": 16,
    "doctor_shopping": 4,
    "early_refills": 4,
    "stamps_at_work": 8,
    "identity_lending": 2,
    "false_sick_notes": 5,
    "upcoding": 30,
    "shell_centre": 50,
    "clone_campaign": 10,
    "weekend_billing": 30,
    "collusion": 50,
    "shared_account": 3,
    "override_habit": 40,
    "liquidator_concentration": 10,
    "scripted_nights": 1,
}
"""Typology -> how many of a scheme's claims (in order of arrival) bring it to its detector's threshold, by the
catalogue. Only these typologies are measured by scheme; the others are rules, measured by line."""

WITHIN: Final = 10
"""Claims after the threshold within which a scheme has to be found."""

"""Whose case a finding is, who should look at it, and by which roads it may end: what a fraud team needs beside the
reasons. Pure knowledge about codes; thresholds of the roll-up are the policy's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

from detectors.base import Finding
from detectors.catalogue import BY_CODE
from detectors.decision import CONTROLS
from schemas.enums import Nature

Kind = Literal["provider", "network", "beneficiary", "liquidator", "claim"]

OF_A_PROVIDER: Final = frozenset(
    ("E04", "U03", "U04", "U06", "T04", "P01", "P02", "P03", "P04", "P05", "P06", "R01", "M01", "M03")
)
OF_A_BENEFICIARY: Final = frozenset(
    ("E02", "ORD", "U01", "U05", "U07", "B01", "B02", "B03", "B04", "B05", "R02", "M02")
)
OF_A_LIQUIDATOR: Final = frozenset(("L01", "L02", "L03", "L04", "L05"))
HABITS: Final = frozenset(
    ("B01", "B02", "B03", "B04", "B05", "M02", "P01", "P02", "P03", "P05", "P06", "R01", "M03")
)
"""Behaviour rather than one file: worth an alert on whoever shows it, also while every claim of it is paid."""
BEHAVIOUR: Final = frozenset(("beneficiary", "provider", "network"))
DOCTORS: Final = frozenset(("CONTROLE_MEDICAL", "EXAMEN_ASSURE"))
"""Controls that a doctor makes: of the speciality of whoever billed."""
ROUTES: Final[Mapping[Nature, tuple[str, ...]]] = {
    "ADM": ("INDU",),
    "TAR": ("INDU",),
    "MED": ("INDU", "ORDINAL"),
    "PRE": ("INDU", "PENALITE_FINANCIERE", "PENAL"),
    "INT": ("DISCIPLINAIRE", "PENAL"),
}
"""Roads to litigation that a person may choose from: the engine proposes, two named people decide."""
OF_CARE: Final = ("DECONVENTIONNEMENT", "ORDINAL")
"""Roads open against whoever gives care, beside those of the nature."""
MILDEST_FIRST: Final = ("INDU", "PENALITE_FINANCIERE", "ORDINAL", "DECONVENTIONNEMENT", "PENAL")


def subject(
    lead: Finding, executors: Mapping[str, Sequence[int]], beneficiary: str, liquidator: str | None
) -> tuple[Kind, str] | None:
    """Kind and id of whose case it is; None where it is the claim's own.

    Args:
        executors: INPE -> the lines that it bills.
        liquidator: who took the step, of a liquidation.
    """
    if lead.code in OF_A_LIQUIDATOR:
        return None if liquidator is None else ("liquidator", liquidator)
    if lead.code in OF_A_BENEFICIARY:
        return "beneficiary", beneficiary
    if lead.code not in OF_A_PROVIDER:
        return None
    named = lead.facts.get("inpe")
    if named is not None:
        return "provider", str(named)
    if lead.facts.get("network") is not None:
        return "network", str(lead.facts["network"])
    billed = [
        inpe for inpe, lines in sorted(executors.items()) if not lead.lines or set(lines) & set(lead.lines)
    ]
    return ("provider", billed[0]) if billed else None


def habits(found: Iterable[Finding]) -> list[Finding]:
    """The findings that tell of behaviour, or of a scheme."""
    return [one for one in found if one.code in HABITS or one.scheme is not None]


def routes(nature: Nature, kind: Kind) -> tuple[str, ...]:
    """Roads that are open against that kind of subject, the mildest first."""
    if kind in ("provider", "network") and nature in ("MED", "PRE"):
        return tuple(road for road in MILDEST_FIRST if road in (*ROUTES[nature], *OF_CARE))
    return ROUTES[nature]


def innocent(codes: Iterable[str], *, french: bool = True) -> tuple[str, ...]:
    """The innocent explanations of these codes, each once, to be checked before anything else."""
    known = [BY_CODE[code] for code in dict.fromkeys(codes) if code in BY_CODE]
    told = (one.caveats_fr if french else one.caveats_en for one in known)
    return tuple(dict.fromkeys(caveat for caveats in told for caveat in caveats))


def doctor(codes: Iterable[str]) -> bool:
    """Whether a doctor has to look."""
    return any(control in DOCTORS for code in codes for control in CONTROLS.get(code, ()))

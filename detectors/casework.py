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
    declared = BY_CODE.get(lead.code)
    of = None if declared is None else declared.case_of
    if of is None:
        return None
    if of == "liquidator":
        return None if liquidator is None else ("liquidator", liquidator)
    if of == "beneficiary":
        return "beneficiary", beneficiary
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
    return [one for one in found if one.scheme is not None or _tells_of_habit(one.code)]


def _tells_of_habit(code: str) -> bool:
    declared = BY_CODE.get(code)
    return declared is not None and declared.habit


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

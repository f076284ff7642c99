"""The list of reimbursable drugs as CNOPS published it in 2014, as rows of the table `drugs`.

Prices in dirhams become centimes; `-` and `nan` mean that nothing is known. The reimbursement base is PRIX_BR: the
public price is above it for some. A few official codes fail the EAN-13 check; they are kept and exempted from it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from detectors.drugs import is_ean13

FORMAT: Final = "cnops-2014"
TABLE: Final = "drugs"
EDITION: Final = "cnops-2014"
VALID_FROM: Final = "2014-01-01"
COLUMNS: Final = (
    "CODE", "NOM", "DCI1", "DOSAGE1", "UNITE_DOSAGE1", "FORME", "PRESENTATION", "PPV", "PH", "PRIX_BR",
    "PRINCEPS_GENERIQUE", "TAUX_REMBOURSEMENT",
)  # fmt: skip
UNKNOWN: Final = frozenset(("", "-", "nan"))

UNIT_FORMS: Final = (
    "CAPSULE", "COMPRIME", "DRAGEE", "GELULE", "GLOBULE", "LYOPHILISAT ORAL", "OVULE", "PASTILLE", "SUPPOSITOIRE",
)  # fmt: skip
"""How the forms begin that are taken piece by piece."""
_DOSES: Final = (
    "AMPOULE|BOULETTE|CAPSULE|CARTOUCHE|COMPRESSE|COMPRIME|DISPOSITIF|DOSE|DRAGEE|FLACON|GELULE|GLOBULE|INHALATEUR|"
    "KIT|LYOPHILISAT|OVULE|PANSEMENT|PASTILLE|PATCH|PULVERISATION|RECIPIENT|SACHET|SERINGUE|STYLO|SUPPOSITOIRE|TAMPON|"
    "UNIDOSE"
)
_NESTED: Final = re.compile(rf"(\d+) [A-Z]+ (\d+) (?:{_DOSES})")
"""`1 BOITE 30 COMPRIME`: thirty, in each of one box."""
_PLAIN: Final = re.compile(
    r"(\d+) (?:AMPOULE|CARTOUCHE|RECIPIENT|SERINGUE|STYLO|COMPRIME|GELULE|SACHET|SUPPOSITOIRE)"
)
"""`10 AMPOULE 5 ML`: ten. A bottle or tube with a volume is not a number of doses."""
_MONEY: Final = re.compile(r"(\d{1,9})(?:[.,](\d{1,2}))?")
_RATE: Final = re.compile(r"(\d{1,3}) ?%")


def row_of(cells: Mapping[str, str]) -> dict[str, Any]:
    """One line of the list as a row; what cannot be read stays as it stands, for the checks to tell."""
    known = {name: text for name in COLUMNS if (text := cells.get(name, "").strip()) not in UNKNOWN}
    code = known.get("CODE")
    dose = " ".join(known[name] for name in ("DOSAGE1", "UNITE_DOSAGE1") if name in known)
    row: dict[str, Any] = {
        "ean13": code,
        "name": known.get("NOM"),
        "dci": known.get("DCI1"),
        "dose": dose or None,
        "form": known.get("FORME"),
        "units_per_box": units(known.get("PRESENTATION", "")),
        "ppv": centimes(known.get("PPV")),
        "ph": centimes(known.get("PH")),
        "base_price": centimes(known.get("PRIX_BR")),
        "rate": percent(known.get("TAUX_REMBOURSEMENT")),
        "generic": {"G": True, "P": False}.get(known.get("PRINCEPS_GENERIQUE", "")),
        "checksum_exempt": True if code is not None and not is_ean13(code) else None,
    }
    return {name: value for name, value in row.items() if value is not None}


def units(presentation: str) -> int | None:
    """Pieces in a box: `1 BOITE 30 COMPRIME` has thirty; None where the presentation gives a volume or a weight."""
    nested = _NESTED.match(presentation)
    if nested:
        return int(nested[1]) * int(nested[2])
    plain = _PLAIN.match(presentation)
    return int(plain[1]) if plain else None


def centimes(dirhams: str | None) -> int | str | None:
    """`95.00` is 9500; a text that is no amount is given back."""
    if dirhams is None:
        return None
    amount = _MONEY.fullmatch(dirhams)
    return dirhams if amount is None else int(amount[1]) * 100 + int((amount[2] or "0").ljust(2, "0"))


def percent(text: str | None) -> int | str | None:
    """`70%` is 70; a text that is no percentage is given back."""
    rate = _RATE.fullmatch(text) if text is not None else None
    return text if rate is None else int(rate[1])

"""Writes the facts of a finding from `sentences.toml`, for a French and for an English reader."""

from __future__ import annotations

import string
import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

SORTS: Final = {
    "psychotropic": ("psychotropes", "psychotropic drugs"),
    "opioid": ("opioïdes", "opioids"),
    "antidiabetic": ("antidiabétiques", "antidiabetic drugs"),
    "costly": ("médicaments coûteux", "costly drugs"),
}
PAPERS: Final = {
    "FEUILLE_SOINS": ("La feuille de soins", "The care form"),
    "ORDONNANCE": ("L'ordonnance", "The prescription"),
    "FACTURE": ("La facture", "The invoice"),
    "CERTIFICAT": ("Le certificat", "The certificate"),
    "IMAGE": ("L'image de la pièce", "The image of the document"),
}
STAKE: Final = (" Montant concerné : {amount:mad}.", " Amount concerned: {amount:mad}.")

_TABLES: Final[dict[str, dict[str, dict[str, str]]]] = tomllib.loads(
    files("detectors").joinpath("sentences.toml").read_text(encoding="utf-8")
)
TEMPLATES: Final[dict[tuple[str, str], tuple[str, str]]] = {
    (code, variant): (texts["fr"], texts["en"])
    for code, variants in _TABLES.items()
    for variant, texts in variants.items()
}
"""(code, variant) -> (French, English); the variant `any` serves those that have no text of their own."""


def declared(code: str, texts: Mapping[str, tuple[str, str]]) -> None:
    """Take up the sentences that a detector declares itself, by variant."""
    TEMPLATES.update({(code, variant): pair for variant, pair in texts.items()})


Part = tuple[str, str | None, str]
"""Text, and the fact that follows it with the form in which it is told; no fact at the end."""


@lru_cache(maxsize=1024)
def _parts(text: str) -> Sequence[Part]:
    """The parts of a text, taken apart once: there are as many texts as templates."""
    return tuple((before, fact, form or "") for before, fact, form, _ in string.Formatter().parse(text))


class _French:
    """Formats facts for a French reader."""

    column = 0
    unknown = "non indiqué"
    numero = "n°"

    def write(self, text: str, facts: Mapping[str, Any]) -> str:
        """The text with its facts. Raises KeyError where one is missing."""
        told = []
        for before, fact, form in _parts(text):
            told.append(before)
            if fact is not None:
                told.append(self.format_field(facts[fact], form))
        return "".join(told)

    def format_field(self, value: Any, format_spec: str) -> str:
        if value is None:
            return self.unknown
        if format_spec == "mad":
            return self.money(value)
        if format_spec == "num":
            return self.number(value)
        if format_spec == "day":
            year, month, day = str(value).split("-")
            return f"{day}/{month}/{year}"
        if format_spec == "inpe":
            return f"{self.numero} …{str(value)[-3:]}"
        if format_spec.startswith("plural "):
            one, more = format_spec.removeprefix("plural ").split("|")
            return f"{self.number(value)} {one if abs(value) < 2 else more}"
        if format_spec == "sort":
            return SORTS[value][self.column]
        if format_spec == "paper":
            return PAPERS[value][self.column]
        return str(value)

    def number(self, value: float) -> str:
        """1 234,5: at most two decimals, none where there is nothing after the point."""
        text = f"{value:,.2f}".rstrip("0").rstrip(".")
        return text.replace(",", " ").replace(".", ",")

    def money(self, centimes: int) -> str:
        """1 234,50 MAD."""
        return f"{centimes / 100:,.2f} MAD".replace(",", " ").replace(".", ",")


class _English(_French):
    """Formats facts for an English reader."""

    column = 1
    unknown = "not given"
    numero = "no."

    def number(self, value: float) -> str:
        return f"{value:,.2f}".rstrip("0").rstrip(".")

    def money(self, centimes: int) -> str:
        return f"MAD {centimes / 100:,.2f}"


_WRITERS: Final = (_French(), _English())


def write(code: str, variant: str, facts: Mapping[str, Any], amount: int) -> tuple[str | None, str | None]:
    """(French, English); None where no template exists or a fact that it needs is missing."""
    pair = TEMPLATES.get((code, variant)) or TEMPLATES.get((code, "any"))
    if pair is None:
        return None, None
    stake = STAKE if amount > 0 and "{amount:" not in pair[0] else ("", "")
    told = {"amount": amount, **facts}
    try:
        french, english = (
            writer.write(text + end, told) for writer, text, end in zip(_WRITERS, pair, stake, strict=True)
        )
    except KeyError:
        return None, None
    return french, english

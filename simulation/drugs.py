"""The synthetic payer's drugs: EAN-13, ATC class, public price, base, and price cuts in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulation import clock
from simulation.draw import Draw

# (name of the substance, ATC, dose, units a box, lowest and highest price in MAD, units a day)
SUBSTANCES = [
    ("paracetamol", "N02BE01", "500 mg", 16, 12, 25, 3.0),
    ("ibuprofene", "M01AE01", "400 mg", 20, 18, 45, 3.0),
    ("diclofenac", "M01AB05", "50 mg", 20, 20, 60, 2.0),
    ("amoxicilline", "J01CA04", "1 g", 14, 45, 95, 2.0),
    ("amoxicilline-clavulanate", "J01CR02", "1 g", 16, 90, 170, 2.0),
    ("azithromycine", "J01FA10", "500 mg", 3, 60, 120, 1.0),
    ("cefixime", "J01DD08", "200 mg", 8, 90, 180, 2.0),
    ("omeprazole", "A02BC01", "20 mg", 14, 40, 110, 1.0),
    ("esomeprazole", "A02BC05", "40 mg", 14, 70, 150, 1.0),
    ("salbutamol", "R03AC02", "100 ug", 200, 40, 60, 4.0),
    ("budesonide-formoterol", "R03AK07", "200 ug", 120, 280, 420, 4.0),
    ("desloratadine", "R06AX27", "5 mg", 15, 45, 90, 1.0),
    ("amlodipine", "C08CA01", "5 mg", 28, 60, 130, 1.0),
    ("ramipril", "C09AA05", "5 mg", 28, 70, 140, 1.0),
    ("valsartan", "C09CA03", "160 mg", 28, 110, 190, 1.0),
    ("bisoprolol", "C07AB07", "5 mg", 28, 50, 100, 1.0),
    ("atorvastatine", "C10AA05", "20 mg", 28, 110, 220, 1.0),
    ("rosuvastatine", "C10AA07", "10 mg", 28, 130, 240, 1.0),
    ("clopidogrel", "B01AC04", "75 mg", 28, 180, 320, 1.0),
    ("metformine", "A10BA02", "850 mg", 60, 45, 90, 2.0),
    ("gliclazide", "A10BB09", "60 mg", 30, 70, 120, 1.0),
    ("sitagliptine", "A10BH01", "100 mg", 28, 290, 410, 1.0),
    ("insuline glargine", "A10AE04", "100 U/ml", 5, 480, 640, 0.1),
    ("semaglutide", "A10BJ06", "1 mg", 4, 900, 1250, 0.15),
    ("levothyroxine", "H03AA01", "100 ug", 28, 20, 40, 1.0),
    ("alprazolam", "N05BA12", "0.5 mg", 30, 30, 55, 1.5),
    ("bromazepam", "N05BA08", "6 mg", 30, 25, 45, 1.0),
    ("zolpidem", "N05CF02", "10 mg", 20, 45, 80, 1.0),
    ("olanzapine", "N05AH03", "10 mg", 28, 290, 480, 1.0),
    ("risperidone", "N05AX08", "4 mg", 30, 320, 520, 1.0),
    ("quetiapine", "N05AH04", "300 mg", 60, 420, 640, 1.0),
    ("sertraline", "N06AB06", "50 mg", 28, 110, 190, 1.0),
    ("escitalopram", "N06AB10", "10 mg", 28, 140, 230, 1.0),
    ("tramadol", "N02AX02", "100 mg", 30, 50, 110, 2.0),
    ("fentanyl patch", "N02AB03", "50 ug/h", 5, 420, 610, 0.33),
    ("oxycodone", "N02AA05", "20 mg", 28, 240, 380, 2.0),
    ("latanoprost", "S01EE01", "0.005 %", 1, 110, 180, 0.03),
    ("tobramycine collyre", "S01AA12", "0.3 %", 1, 25, 50, 0.1),
    ("progesterone", "G03DA04", "200 mg", 15, 90, 140, 1.0),
    ("acide folique fer", "B03AD03", "50 mg", 30, 35, 70, 1.0),
    ("vitamine D3", "A11CC05", "100000 UI", 1, 20, 40, 0.03),
    ("prednisolone", "H02AB06", "20 mg", 20, 40, 80, 1.0),
    ("erythropoietine", "B03XA01", "4000 UI", 6, 1400, 2100, 0.4),
    ("adalimumab", "L04AB04", "40 mg", 2, 6200, 8400, 0.07),
    ("trastuzumab", "L01FD01", "440 mg", 1, 9000, 12500, 0.05),
    ("tacrolimus", "L04AD02", "1 mg", 60, 1100, 1700, 4.0),
]
FIRST_NUMBER = 899_000_00  # far from the numbers of the real list, under the same national prefix
CUT = 0.82  # a price cut takes the public price to this share


@dataclass(frozen=True, slots=True)
class Drug:
    """One product. Prices in centimes; `cut_day` is the first day of the new price, None = never cut."""

    ean13: str
    name: str
    dci: str
    atc: str
    dose: str
    units: int
    price: int
    base: int
    rate: int
    generic: bool
    per_day: float
    cut_day: int | None
    exempt: bool = False

    def ppv(self, day: int) -> int:
        """The public price in force on a day."""
        return self.price if self.cut_day is None or day < self.cut_day else self.new_price

    @property
    def new_price(self) -> int:
        """The public price after the cut."""
        return round(self.price * CUT / 5) * 5


def check_digit(twelve: str) -> int:
    """The EAN-13 check digit of twelve digits."""
    total = sum(int(digit) * (3 if i % 2 else 1) for i, digit in enumerate(twelve))
    return -total % 10


def make_drugs(draw: Draw, cut_day: int) -> list[Drug]:
    """Three products a substance: a brand and two generics. Every ninth is cut on `cut_day`."""
    drugs: list[Drug] = []
    for dci, atc, dose, units, low, high, per_day in SUBSTANCES:
        for variant in range(3):
            number = FIRST_NUMBER + len(drugs) * 7 + variant
            twelve = f"6118{number:08d}"
            digit = check_digit(twelve)
            exempt = (
                len(drugs) == 100
            )  # official lists hold a few codes that fail the check: one here, exempted
            generic = variant > 0
            price = round((low + (high - low) * draw.unit()) * (0.8 if generic else 1.0) * 20) * 5
            base = price if draw.chance(0.9) else round(price * 0.85)
            cut = cut_day if len(drugs) % 9 == 4 else None
            name = f"{dci.upper()} SYN{variant + 1} {dose}"
            rate = 0 if dci == "vitamine D3" else 70
            drugs.append(
                Drug(
                    f"{twelve}{(digit + exempt) % 10}",
                    name,
                    dci,
                    atc,
                    dose,
                    units,
                    price,
                    base,
                    rate,
                    generic,
                    per_day,
                    cut,
                    exempt,
                )
            )
    return drugs


def rows(drugs: list[Drug]) -> list[dict[str, Any]]:
    """The `drugs` referential: a row with its own `from`, `to` for each price in time."""
    table: list[dict[str, Any]] = []
    for drug in drugs:
        row = {
            "ean13": drug.ean13,
            "name": drug.name,
            "dci": drug.dci,
            "dose": drug.dose,
            "form": "COMPRIME" if drug.units > 6 else "UNITE",
            "units_per_box": drug.units,
            "ppv": drug.price,
            "ph": round(drug.price * 0.7),
            "base_price": drug.base,
            "rate": drug.rate,
            "generic": drug.generic,
            "atc": drug.atc,
            "brand": None if drug.generic else drug.dci.upper(),
            "ddd": drug.per_day,
            "checksum_exempt": drug.exempt,
            "from": "2015-01-01",
            "to": None,
        }
        if drug.cut_day is None:
            table.append(row)
            continue
        new = drug.new_price
        table.append({**row, "to": clock.text(drug.cut_day - 1)})
        cut = {
            "ppv": new,
            "ph": round(new * 0.7),
            "base_price": min(drug.base, new),
            "from": clock.text(drug.cut_day),
        }
        table.append({**row, **cut})
    return table

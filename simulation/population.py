"""Households of the synthetic AMO: insured, dependants, rights, long-term illness, home and habits."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from simulation import clock
from simulation.draw import Draw
from simulation.drugs import Drug
from simulation.places import COMMUNES, distance
from simulation.providers import Market, Provider

REACH = 60  # km to a dialysis centre, where one is nearer
MUTUELLES = ("MGPAP", "OMFAM", "MGEN", "FAR", "MDII")
# ALD code -> (label_fr, label_en, rate, ICD-10, ATC prefixes of its treatment, share of the ill)
ILLNESSES: dict[str, tuple[str, str, int, str, tuple[str, ...], float]] = {
    "ALD-DIAB": ("Diabète", "Diabetes", 90, "E11", ("A10",), 0.34),
    "ALD-HTA": ("Hypertension sévère", "Severe hypertension", 90, "I10", ("C0", "C10"), 0.34),
    "ALD-COR": ("Maladie coronaire", "Coronary disease", 90, "I25", ("C07", "C10", "B01"), 0.10),
    "ALD-ASTH": ("Asthme sévère", "Severe asthma", 90, "J45", ("R03",), 0.07),
    "ALD-PSY": ("Psychose", "Psychosis", 95, "F20", ("N05A", "N06A"), 0.06),
    "ALD-RHUM": ("Rhumatisme inflammatoire", "Inflammatory rheumatism", 95, "M06", ("L04AB", "M01"), 0.03),
    "ALD-CANC": ("Cancer", "Cancer", 100, "C50", ("N02A", "A02"), 0.04),
    "ALD-IRC": (
        "Insuffisance rénale chronique",
        "Chronic kidney failure",
        100,
        "N18",
        ("B03XA", "C08"),
        0.02,
    ),
}


@dataclass(slots=True)
class Household:
    """A family under one insured: one home, one organism, one bank account."""

    insured: str
    commune: int
    organism: str
    mutuelle: str | None
    agency: str
    regime: str
    account: str
    doctor: Provider
    pharmacy: Provider
    members: list[Person] = field(default_factory=list)


@dataclass(slots=True)
class Person:
    """One beneficiary. Days are ordinals; `due` is the day of the next renewal of a treatment (0 = none)."""

    beneficiary: str
    household: Household
    rank: int
    link: str
    sex: str
    birth: int
    ald: str | None = None
    death: int | None = None
    treatment: list[Drug] = field(default_factory=list)
    dialysis: Provider | None = None
    prescriber: Provider | None = None
    prescription: tuple[str, int, int] = ("", 0, 0)  # number, day written, deliveries left
    due: int = 0
    seen: int = 0  # day of the latest episode: nobody falls ill twice in one week
    away: int = 0  # last day in hospital
    supplied: dict[str, int] = field(
        default_factory=dict
    )  # device or drug -> day from which on it is due again
    course: int = 0  # last day of a series of sessions: one at a time
    dentist: Provider | None = None
    mouth: int = 0  # teeth treated so far: nobody has the same tooth done twice by accident

    def age(self, day: int) -> int:
        """Whole years, near enough for a simulation."""
        return (day - self.birth) // 365

    def alive(self, day: int) -> bool:
        """Whether the person lives on that day."""
        return self.death is None or day <= self.death

    def entry(self, rights: list[dict[str, Any]], death: int | None) -> dict[str, Any]:
        """The registry entry without the envelope; the registry may learn late of a death."""
        home = self.household
        ald = (
            []
            if self.ald is None
            else [{"code": self.ald, "from": "2021-01-01", "to": None, "rate": ILLNESSES[self.ald][2]}]
        )
        return {
            "beneficiary": self.beneficiary,
            "insured": home.insured,
            "rank": self.rank,
            "link": self.link,
            "sex": self.sex,
            "birth_date": clock.text(self.birth),
            "death_date": None if death is None else clock.text(death),
            "commune": COMMUNES[home.commune].code,
            "regime": home.regime,
            "rights": rights,
            "ald": ald,
            "bank_account": home.account,
            "bank_account_since": "2019-01-01",
        }

    def rights(self, until: int | None = None) -> list[dict[str, Any]]:
        """Open rights, up to `until` where the renewal has not reached the registry yet."""
        return [
            {
                "from": clock.text(max(self.birth, clock.ordinal("2016-01-01"))),
                "to": None if until is None else clock.text(until),
                "manager": self.household.organism,
                "status": "OPEN",
            }
        ]


def _household(draw: Draw, market: Market, commune: int, agencies: int) -> Household:
    """An empty household."""
    public = draw.chance(0.55)
    regime = "PUBLIC" if public else draw.pick(("SALARIE", "SALARIE", "SALARIE", "TNS", "TADAMON", "ACHAMIL"))
    region = COMMUNES[commune].region
    return Household(
        insured=f"A-{draw.hexadecimal(10)}",
        commune=commune,
        organism="CNOPS" if public else "CNSS",
        mutuelle=draw.pick(MUTUELLES) if public else None,
        agency=f"{region}-{draw.integer(1, agencies):02d}",
        regime=regime,
        account=f"K-{draw.hexadecimal(12)}",
        doctor=market.pick(draw, commune, "MEDECIN", "GENERALISTE"),
        pharmacy=market.pick(draw, commune, "PHARMACIE"),
    )


def _members(draw: Draw, home: Household, today: int) -> None:
    """Fill a household: the insured, perhaps a spouse, children and an elder."""

    def add(link: str, sex: str, age: int) -> None:
        birth = today - age * 365 - draw.integer(0, 364)
        rank = len(home.members)
        home.members.append(Person(f"B-{draw.hexadecimal(12)}", home, rank, link, sex, birth))

    age = draw.integer(26, 74)
    sex = draw.pick("MF")
    add("ASSURE", sex, age)
    if draw.chance(0.62):
        add("CONJOINT", "F" if sex == "M" else "M", max(22, age + draw.integer(-7, 5)))
        for _ in range(min(draw.geometric(1.6), 4) if age < 56 else 0):
            add("ENFANT", draw.pick("MF"), draw.integer(0, max(0, min(25, age - 24))))
    if draw.chance(0.05):
        add("ASCENDANT", draw.pick("MF"), min(age + draw.integer(21, 28), 92))


def _illness(
    draw: Draw, person: Person, today: int, market: Market, drugs: list[Drug], by_share: list[float]
) -> None:
    """Give a person a long-term illness and its treatment, the likelier the older."""
    age = person.age(today)
    if not draw.chance(0.01 if age < 30 else 0.06 if age < 50 else 0.2 if age < 65 else 0.33):
        return
    code = draw.weighted(list(ILLNESSES), by_share)
    person.ald = code
    known = [drug for drug in drugs if drug.atc.startswith(ILLNESSES[code][4])]
    chosen = draw.sample(known, 1 if code == "ALD-RHUM" else draw.integer(1, 3))
    person.treatment = list({drug.dci: drug for drug in chosen}.values())
    person.due = today + draw.integer(0, 34)
    specialty = {"ALD-PSY": "PSYCHIATRIE", "ALD-HTA": "CARDIOLOGIE", "ALD-COR": "CARDIOLOGIE"}.get(code)
    home = person.household
    person.prescriber = market.pick(draw, home.commune, "MEDECIN", specialty) if specialty else home.doctor
    if code == "ALD-IRC":
        person.dialysis = market.pick(draw, home.commune, "ASSOC_DIALYSE")
        here = COMMUNES[home.commune]
        if distance(here, COMMUNES[person.dialysis.commune]) > REACH:  # nobody goes so far three times a week
            centres = market.groups["ASSOC_DIALYSE", ""]
            person.dialysis = min(centres, key=lambda c: (distance(here, COMMUNES[c.commune]), c.inpe))


def make_population(
    draw: Draw, market: Market, drugs: list[Drug], count: int, start: int, agencies: int = 3
) -> list[Person]:
    """About `count` people, with `agencies` in each region. Some 0.8 % die a year; a few are dead before `start`."""
    people: list[Person] = []
    communes = list(range(len(COMMUNES)))
    cumulative = list(accumulate(float(c.weight) for c in COMMUNES))
    by_share = list(accumulate(illness[5] for illness in ILLNESSES.values()))
    while len(people) < count:
        home = _household(draw, market, draw.weighted(communes, cumulative), agencies)
        _members(draw, home, start)
        for person in home.members:
            _illness(draw, person, start, market, drugs, by_share)
            risk = 0.001 if person.age(start) < 60 else 0.025
            if draw.chance(risk * 1.5):
                person.death = start - 180 + draw.integer(0, 540)
        people += home.members
    # Dialysis centres see a dozen patients each at least, wherever the draw put the ill.
    old = [p for p in people if p.ald is None and p.age(start) > 45 and p.death is None]
    for centre in market.groups["ASSOC_DIALYSE", ""]:
        patients = [p for p in people if p.dialysis is centre]
        near = [p for p in old if p.household.commune == centre.commune and p.dialysis is None]
        for person in draw.sample(near, max(0, round(count / 1500) - len(patients))):
            person.ald, person.dialysis, person.prescriber = "ALD-IRC", centre, person.household.doctor
    return people

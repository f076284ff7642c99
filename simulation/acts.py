"""The synthetic payer's acts: minutes, caps, who may do them, and a tariff in centimes.

Letters and coefficients have the shape of the Moroccan nomenclatures; values are this world's own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Act:
    """One act; `tariff` in centimes is the price of one unit, `fee` the usual private fee over it."""

    nomenclature: str
    code: str
    group: str
    letter: str
    coefficient: float
    tariff: int
    minutes: int | None
    kinds: tuple[str, ...]
    label_fr: str
    label_en: str
    prescribed: bool = False
    fee: float = 1.0
    extra: dict[str, Any] = field(default_factory=dict)


HOSPITALS = ("CLINIQUE", "CHU", "HOPITAL_PUBLIC", "HOPITAL_MILITAIRE")
DENTISTS = ("DENTISTE", "CENTRE_DENTAIRE")
DOCTORS = ("MEDECIN", *HOSPITALS)
SERIES = {"series": True}
OF_WOMEN = {"sex": "F"}


def _dental(
    code: str, coefficient: float, minutes: int, fr: str, en: str, tooth: str | None, **extra: Any
) -> Act:
    """A dental act, D at 15 MAD."""
    extra = {"tooth_class": tooth, **extra} if tooth else extra
    tariff = int(coefficient * 1500)
    return Act(
        "NGAP", code, "DENTAL", "D", coefficient, tariff, minutes, DENTISTS, fr, en, fee=1.25, extra=extra
    )


def _biology(code: str, coefficient: float, fr: str, en: str) -> Act:
    """A laboratory act, B at 1.10 MAD."""
    extra = {"cap_day": 2, "cap_kind": "LINE"}
    return Act(
        "NABM",
        code,
        "BIOLOGY",
        "B",
        coefficient,
        round(coefficient * 110),
        5,
        ("LABO", *HOSPITALS),
        fr,
        en,
        True,
        1.0,
        extra,
    )


def _imaging(code: str, coefficient: float, minutes: int, fr: str, en: str, **extra: Any) -> Act:
    """An imaging act, Z at 10 MAD."""
    kinds = ("RADIOLOGIE", *HOSPITALS)
    tariff = int(coefficient * 1000)
    return Act("NGAP", code, "RADIOLOGY", "Z", coefficient, tariff, minutes, kinds, fr, en, True, 1.15, extra)


def _stay(
    nomenclature: str, code: str, tariff: int, fr: str, en: str, kinds: tuple[str, ...], **extra: Any
) -> Act:
    """A day, package or session of an establishment, flat tariff in MAD."""
    group = extra.pop("group", "HOSPITALISATION")
    minutes = extra.pop("minutes", 60)
    return Act(nomenclature, code, group, code, 1, tariff * 100, minutes, kinds, fr, en, False, 1.0, extra)


def _device(
    code: str, tariff: int, fr: str, en: str, device: str, kinds: tuple[str, ...], **extra: Any
) -> Act:
    """A device at a flat tariff in MAD."""
    group = extra.pop("group", "DEVICE")
    extra = {"device_class": device, **extra}
    return Act("DM", code, group, code, 1, tariff * 100, 15, kinds, fr, en, True, 1.3, extra)


# fmt: off
ACTS = [
    Act("NGAP", "C", "CONSULTATION", "C", 1, 15000, 15, DOCTORS, "Consultation de généraliste",
        "General consultation", fee=1.1, extra={"cap_day": 2, "cap_kind": "LINE"}),
    Act("NGAP", "CS", "CONSULTATION", "CS", 1, 25000, 20, DOCTORS, "Consultation de spécialiste",
        "Specialist consultation", fee=1.15, extra={"cap_day": 2, "cap_kind": "LINE"}),
    Act("NGAP", "CNPSY", "CONSULTATION", "CNPSY", 1, 30000, 40, DOCTORS, "Consultation de psychiatre",
        "Psychiatric consultation", fee=1.15),
    Act("NGAP", "V", "CONSULTATION", "V", 1, 20000, 30, DOCTORS, "Visite à domicile", "Home visit",
        fee=1.2),
    Act("NGAP", "CERTDC", "CONSULTATION", "CERTDC", 1, 20000, 20, DOCTORS, "Certificat de décès",
        "Death certificate", extra={"post_mortem": True, "physical_presence": False}),
    Act("NGAP", "ECG", "CARDIOLOGY", "K", 10, 15000, 15, DOCTORS, "Électrocardiogramme",
        "Electrocardiogram", fee=1.1),
    Act("NGAP", "ECHOC", "CARDIOLOGY", "K", 40, 60000, 40, DOCTORS, "Échocardiographie", "Echocardiography",
        fee=1.1),
    Act("NGAP", "EFFORT", "CARDIOLOGY", "K", 45, 67500, 45, DOCTORS, "Épreuve d'effort", "Stress test",
        fee=1.1),
    Act("NGAP", "HOLTER", "CARDIOLOGY", "K", 50, 75000, 30, DOCTORS, "Holter rythmique", "Holter recording",
        fee=1.1),
    Act("NGAP", "ECHOG", "EXPLORATION", "K", 20, 30000, 20, DOCTORS, "Échographie obstétricale",
        "Obstetric ultrasound", fee=1.1, extra=OF_WOMEN),
    Act("NGAP", "FCV", "EXPLORATION", "K", 10, 15000, 10, DOCTORS, "Frottis cervico-vaginal",
        "Cervical smear", extra=OF_WOMEN),
    Act("NGAP", "FO", "EXPLORATION", "K", 10, 15000, 10, DOCTORS, "Fond d'œil", "Fundus examination",
        fee=1.1),
    Act("NGAP", "OCT", "EXPLORATION", "K", 40, 60000, 15, DOCTORS, "Tomographie rétinienne",
        "Retinal tomography", fee=1.1),
    Act("NGAP", "VACC", "CONSULTATION", "VACC", 1, 10000, 10, DOCTORS, "Acte de vaccination",
        "Vaccination act", fee=1.1),
    Act("NGAP", "AEROS", "EXPLORATION", "K", 6, 9000, 10, DOCTORS, "Aérosol", "Nebulisation", fee=1.1),
    Act("NGAP", "AUDIM", "EXPLORATION", "K", 12, 18000, 15, DOCTORS, "Audiométrie de l'enfant",
        "Child audiometry", fee=1.1),
    Act("NGAP", "TONO", "EXPLORATION", "K", 6, 9000, 5, DOCTORS, "Tonométrie", "Tonometry", fee=1.1),
    _biology("NFS", 70, "Numération formule", "Blood count"),
    _biology("GLY", 30, "Glycémie", "Blood glucose"),
    _biology("HBA1C", 100, "Hémoglobine glyquée", "Glycated haemoglobin"),
    _biology("LIPID", 120, "Bilan lipidique", "Lipid panel"),
    _biology("CREAT", 30, "Créatinine", "Creatinine"),
    _biology("TSH", 200, "TSH", "TSH"),
    _biology("CRP", 100, "Protéine C réactive", "C-reactive protein"),
    _biology("ECBU", 90, "ECBU", "Urine culture"),
    _biology("FERR", 250, "Ferritine", "Ferritin"),
    _biology("IONO", 160, "Ionogramme complet", "Full electrolytes"),
    _biology("NAK", 60, "Sodium et potassium", "Sodium and potassium"),
    _biology("VITD", 450, "Vitamine D", "Vitamin D"),
    _imaging("RXTHX", 20, 10, "Radiographie du thorax", "Chest X-ray"),
    _imaging("RXOS", 15, 10, "Radiographie osseuse", "Bone X-ray"),
    _imaging("ECHOA", 40, 20, "Échographie abdominale", "Abdominal ultrasound"),
    _imaging("MAMMO", 60, 20, "Mammographie", "Mammography", sex="F"),
    _imaging("SCAN", 100, 20, "Scanner", "CT scan"),
    _imaging("IRM", 200, 30, "IRM", "MRI"),
    _dental("CD", 10, 20, "Consultation dentaire", "Dental consultation", None),
    _dental("DETAR", 15, 30, "Détartrage", "Scaling", None, cap_year=4, cap_kind="CLINICAL"),
    _dental("OBTUR", 20, 30, "Obturation", "Filling", "CONSERVATIVE"),
    _dental("ENDO", 30, 45, "Traitement endodontique", "Root canal", "ENDODONTIC"),
    _dental("EXTR", 10, 20, "Extraction", "Extraction", "EXTRACTION"),
    _dental("COUR", 80, 60, "Couronne", "Crown", "CROWN"),
    _dental("BRIDGE", 180, 90, "Bridge trois éléments", "Three-unit bridge", "BRIDGE", prior_approval=True),
    Act("NGAP", "AMM", "PARAMEDICAL", "AMM", 1, 8000, 30, ("KINE",), "Séance de kinésithérapie",
        "Physiotherapy session", True, 1.2,
        {**SERIES, "prior_approval": True, "cap_day": 1, "cap_kind": "LINE"}),
    Act("NGAP", "AMO", "PARAMEDICAL", "AMO", 1, 9000, 30, ("ORTHOPHONISTE",), "Séance d'orthophonie",
        "Speech therapy session", True, 1.2, {**SERIES, "prior_approval": True}),
    Act("NGAP", "AMI", "PARAMEDICAL", "AMI", 1, 3000, 10, ("INFIRMIER",), "Injection ou pansement",
        "Injection or dressing", True, 1.3, {**SERIES, "repeatable_same_day": True}),
    Act("NGAP", "SF", "CONSULTATION", "SF", 1, 12000, 20, ("SAGE_FEMME",), "Consultation de sage-femme",
        "Midwife consultation", extra=OF_WOMEN),
    _device("VERRE", 250, "Paire de verres", "Pair of lenses", "OPTICAL", ("OPTICIEN",), group="OPTICAL",
        min_interval_days=730, min_interval_days_child=365),
    _device("MONT", 200, "Monture", "Frame", "FRAME", ("OPTICIEN",), group="OPTICAL", min_interval_days=730,
        min_interval_days_child=365),
    _device("ORTHES", 600, "Orthèse", "Orthosis", "ORTHOSIS", ("PROTHESISTE",), min_interval_days=365),
    _device("AUDIO", 3500, "Appareil auditif", "Hearing aid", "HEARING", ("PROTHESISTE",),
        min_interval_days=1460, prior_approval=True),
    # Ordered while the patient lived, delivered or taken back after death: payable.
    _device("OXYG", 900, "Location d'oxygénothérapie, mois", "Oxygen rental, month", "OXYGEN",
        ("PROTHESISTE",), post_mortem=True, physical_presence=False),
    _stay("SEJOUR", "JMED", 550, "Journée de médecine", "Medical day", HOSPITALS, cap_line=60,
        cap_kind="LINE"),
    _stay("SEJOUR", "JREA", 1500, "Journée de réanimation", "Intensive care day", HOSPITALS, cap_line=60,
        cap_kind="LINE"),
    _stay("FORFAIT", "CATAR", 4500, "Forfait cataracte", "Cataract package", HOSPITALS),
    _stay("FORFAIT", "CHOLE", 8500, "Forfait cholécystectomie", "Gall-bladder package", HOSPITALS,
        once_in_life=True),
    _stay("FORFAIT", "APPEN", 6500, "Forfait appendicectomie", "Appendectomy package", HOSPITALS,
        once_in_life=True),
    _stay("FORFAIT", "ACCOU", 3000, "Forfait accouchement", "Delivery package", HOSPITALS, sex="F",
        min_interval_days=180),
    _stay("FORFAIT", "HERNI", 6000, "Forfait hernie", "Hernia package", HOSPITALS),
    _stay("FORFAIT", "IMPLI", 1800, "Implant intraoculaire", "Intraocular implant", HOSPITALS,
        group="DEVICE"),
    _stay("FORFAIT", "CONSO", 400, "Pharmacie et consommables du séjour", "Drugs and supplies of the stay",
        HOSPITALS, minutes=None),
    _stay("FORFAIT", "HD", 850, "Séance d'hémodialyse", "Haemodialysis session",
        ("ASSOC_DIALYSE", *HOSPITALS), group="DIALYSIS", minutes=240, series=True, prior_approval=True,
        cap_line=16, cap_kind="LINE"),
    _stay("FORFAIT", "CHIMIO", 2500, "Séance de chimiothérapie", "Chemotherapy session",
        ("CENTRE_ONCO", *HOSPITALS), group="ONCOLOGY", minutes=180, prior_approval=True),
    _stay("FORFAIT", "CORO", 7000, "Coronarographie", "Coronary angiography", ("CENTRE_CARDIO", *HOSPITALS),
        group="CARDIOLOGY"),
    _stay("FORFAIT", "AMB", 300, "Transport en ambulance", "Ambulance transport", ("TRANSPORT",),
        minutes=45),
    _stay("FORFAIT", "AMBPM", 400, "Transport de corps", "Transport of the deceased", ("TRANSPORT",),
        minutes=45, post_mortem=True),
    _stay("IJ", "IJ", 0, "Indemnité journalière", "Daily sickness allowance", (), group="SICK_LEAVE",
        minutes=None, series=True),
]
# fmt: on
ACT = {act.code: act for act in ACTS}

PAIRS = [  # (first, second, indicator, reason): 0 never together, 1 with a modifier
    ("C", "CS", 0, "une seule consultation par praticien et par jour"),
    ("C", "V", 0, "visite et consultation ne se cumulent pas"),
    ("IONO", "NAK", 0, "le ionogramme comprend sodium et potassium"),
    ("ENDO", "EXTR", 1, "dents distinctes seulement"),
    ("OBTUR", "COUR", 1, "dents distinctes seulement"),
]


def rows() -> list[dict[str, Any]]:
    """The `acts` referential."""
    table = []
    for act in ACTS:
        row: dict[str, Any] = {
            "nomenclature": act.nomenclature,
            "code": act.code,
            "letter": act.letter,
            "coefficient": act.coefficient,
            "label_fr": act.label_fr,
            "label_en": act.label_en,
            "care_group": act.group,
            "minutes": act.minutes,
            "allowed_kinds": list(act.kinds) or None,
            "needs_prescription": act.prescribed,
            "prior_approval": False,
            "once_in_life": False,
            "repeatable_same_day": False,
            "series": False,
            "physical_presence": act.group not in ("BIOLOGY", "SICK_LEAVE"),
            "post_mortem": False,
        }
        row.update(act.extra)
        table.append(row)
    return table


def pair_rows() -> list[dict[str, Any]]:
    """The `act_pairs` referential."""
    return [{"code_1": a, "code_2": b, "indicator": i, "reason": reason} for a, b, i, reason in PAIRS]


def letter_rows() -> list[dict[str, Any]]:
    """The `letter_values` referential: centimes for one point, or the flat tariff of a letter of its own.

    A letter that is paid by no tariff stands there without a value.
    """
    values: dict[str, int | None] = {}
    for act in ACTS:
        if act.tariff:
            values[act.letter] = round(act.tariff / act.coefficient)
        else:
            values.setdefault(act.letter, None)
    return [
        {"letter": letter, "kind": None, "sector": "PRIVATE", "organism": None, "value": value}
        for letter, value in sorted(values.items())
    ]

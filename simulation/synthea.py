"""Synthea's CSV export as an event log: 9,000 claims that nobody here made up.

`import_synthea(directory)` reads `claims`, `encounters`, `medications`, `patients`, `providers` and
`organizations` (`.csv` or `.csv.gz`) and yields events in order of arrival. `MAPPING` says where every field
comes from and what is derived; a field that is not in it is left out, which on the wire means *not known*.

- One claim per row of `claims.csv`. Synthea writes, for each encounter, its own claim first, then one claim
  per medication of that encounter, in the order of `medications.csv`; no identifier joins them, only order
  does, and the import refuses an export whose counts do not agree.
- Amounts are US cents, carried in the field for centimes: thresholds in MAD read dollars.
- Dates and times are those of the export (UTC).
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import statistics
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from simulation.tables import checksum

Row = dict[str, str]
Event = dict[str, Any]

ORGANISM: Final = "SYNTHEA"
MAPPING: Final[tuple[tuple[str, str, str], ...]] = (
    # (field of the wire, source, how it is derived)
    (
        "*.organism",
        "-",
        "the constant SYNTHEA; the export's payers are American insurers and are not carried",
    ),
    ("*.event_id", "Id", "a letter for the type and the source's identifier"),
    (
        "claim.event_time, ingest_time",
        "claims.LASTBILLEDDATE1",
        "when it was billed; the service where that is later",
    ),
    ("claim.claim_id", "claims.Id", "as it is"),
    (
        "claim.kind",
        "-",
        "AMBULATOIRE for all: the export does not say whether the insured or the provider is paid",
    ),
    ("claim.beneficiary", "claims.PATIENTID", "as it is"),
    ("claim.insured", "claims.PATIENTID", "the patient: the export has no households"),
    ("claim.deposit_date", "claims.LASTBILLEDDATE1", "the date of event_time"),
    ("claim.declared_total", "encounters.TOTAL_CLAIM_COST, medications.TOTALCOST", "the line's amount"),
    ("line.service_date, service_time", "claims.SERVICEDATE, medications.START", "encounter, drug; UTC"),
    ("line.service_end", "encounters.STOP", "for inpatient, nursing and hospice encounters"),
    ("line.executor", "claims.PROVIDERID", "its number; the export names no pharmacy, so drugs too"),
    ("line.place", "encounters.ORGANIZATION", "its number"),
    (
        "line.prescriber, prescribed_on",
        "claims.PROVIDERID, medications.START",
        "drugs only: who held the encounter",
    ),
    ("line.code (encounter)", "encounters.CODE", "`SNOMED-` and the code, nomenclature FORFAIT"),
    (
        "line.care_group (encounter)",
        "encounters.ENCOUNTERCLASS",
        "stays HOSPITALISATION, all else CONSULTATION",
    ),
    ("line.amount (encounter)", "encounters.TOTAL_CLAIM_COST", "US cents; procedures included, drugs not"),
    (
        "line.code (drug)",
        "medications.CODE",
        "the RxNorm code, nomenclature MED; it is no EAN-13, see drugs.*",
    ),
    (
        "line.quantity, unit (drug)",
        "medications.DISPENSES",
        "boxes; the whole course is billed when it begins",
    ),
    ("line.unit_price, amount (drug)", "medications.BASE_COST, TOTALCOST", "US cents"),
    ("line.diagnosis", "-", "left out: the export has SNOMED codes, the wire wants ICD-10"),
    (
        "beneficiary.*",
        "patients",
        "BIRTHDATE, DEATHDATE, GENDER, CITY; an event at birth, another the day after death",
    ),
    ("beneficiary.rights, ald", "-", "not known"),
    (
        "provider.inpe",
        "providers.Id, organizations.Id",
        "9 and eight digits of the identifier's SHA-256; next free one",
    ),
    ("provider.kind", "-", "MEDECIN for providers.csv, CLINIQUE (the nearest kind) for organizations.csv"),
    (
        "provider.individual",
        "-",
        "true for providers.csv, where each row is a person; false for organisations",
    ),
    ("provider.specialty, commune, lat, lon", "SPECIALITY, CITY, LAT, LON", "as they are"),
    ("provider.sector, conventions, active, network", "-", "not known"),
    ("provider.excluded", "-", "empty: the export has no exclusions"),
    (
        "acts.minutes",
        "encounters.START, STOP",
        "median duration of the code; not known for a code mostly of stays",
    ),
    (
        "acts.needs_prescription, repeatable_same_day",
        "-",
        "false: an encounter needs none and is not repeated",
    ),
    ("acts.post_mortem", "encounters.DESCRIPTION", "true for death certification"),
    (
        "drugs.ean13",
        "medications.CODE",
        "the RxNorm code, exempt from the EAN-13 key; price, ATC and base not known",
    ),
    ("communes.lat, lon", "patients, organizations", "mean of the places in the city"),
)
STAYS: Final = frozenset(("inpatient", "snf", "hospice"))
FILES: Final = ("claims", "encounters", "medications", "patients", "providers", "organizations")


class ImportFailure(ValueError):
    """The directory is not a Synthea CSV export that can be read."""


def import_synthea(directory: Path | str) -> Iterator[Event]:
    """Events in order of `ingest_time`, registries before the claims that need them.

    Raises `ImportFailure`, naming the file and what was expected.
    """
    tables = {name: _read(Path(directory), name) for name in FILES}
    events = [*_people(tables["patients"]), *_claims(tables)]
    events.sort(key=lambda event: event["ingest_time"])
    first = datetime.fromisoformat(events[0]["ingest_time"]) - timedelta(days=1)
    yield from _registries(tables, _stamp(first))
    yield from events


def number_of(identifiers: list[str]) -> dict[str, str]:
    """Nine-digit numbers for source identifiers: 9 and eight digits of the SHA-256, or the next free."""
    numbers: dict[str, str] = {}
    used: set[int] = set()
    for identifier in identifiers:
        number = int(hashlib.sha256(identifier.encode()).hexdigest(), 16) % 10**8
        while number in used:
            number = (number + 1) % 10**8
        used.add(number)
        numbers[identifier] = f"9{number:08d}"
    return numbers


def _read(directory: Path, name: str) -> list[Row]:
    """The rows of one file of the export."""
    plain, packed = directory / f"{name}.csv", directory / f"{name}.csv.gz"
    if not (plain.is_file() or packed.is_file()):
        raise ImportFailure(f"{directory}: expected {name}.csv or {name}.csv.gz")
    text = gzip.decompress(packed.read_bytes()) if packed.is_file() else plain.read_bytes()
    rows = list(csv.DictReader(io.StringIO(text.decode("utf-8"), newline="")))
    if not rows:
        raise ImportFailure(f"{directory}/{name}: expected rows, found none")
    return rows


def _stamp(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def _envelope(type_: str, event_id: str, at: str) -> Event:
    return {
        "type": type_,
        "version": 1,
        "event_id": event_id,
        "event_time": at,
        "ingest_time": at,
        "organism": ORGANISM,
    }


def _cents(dollars: str) -> int:
    """US cents of a decimal text."""
    return round(float(dollars or 0) * 100)


def _city(row: Row) -> str:
    return row["CITY"].upper()


def _people(patients: list[Row]) -> Iterator[Event]:
    """A registry entry at birth, and one the day after a death, when the registry can know of it."""
    for row in patients:
        entry = {
            "beneficiary": row["Id"],
            "insured": row["Id"],
            "link": "ASSURE",
            "sex": row["GENDER"],
            "birth_date": row["BIRTHDATE"],
            "commune": _city(row),
            "rights": None,
            "ald": None,
        }
        born = _stamp(datetime.fromisoformat(row["BIRTHDATE"]))
        yield {**_envelope("beneficiary", f"B-{row['Id']}", born), **entry}
        if death := row["DEATHDATE"][:10]:
            known = _stamp(datetime.fromisoformat(death) + timedelta(days=1))
            yield {**_envelope("beneficiary", f"X-{row['Id']}", known), **entry, "death_date": death}


def _claims(tables: dict[str, list[Row]]) -> Iterator[Event]:
    """One claim per row, its line from the encounter or from the medication that it bills."""
    encounters = {row["Id"]: row for row in tables["encounters"]}
    courses: dict[str, list[Row]] = defaultdict(list)
    for row in tables["medications"]:
        courses[row["ENCOUNTER"]].append(row)
    billed: dict[str, int] = defaultdict(int)
    numbers = _numbers(tables)
    for row in tables["claims"]:
        visit = row["APPOINTMENTID"]
        position = billed[visit]
        billed[visit] += 1
        if visit not in encounters or position > len(courses[visit]):
            raise ImportFailure(
                f"claims: {row['Id']}: expected its encounter {visit} and one claim per medication"
            )
        line = _care(row, encounters[visit]) if position == 0 else _drug(courses[visit][position - 1])
        moment = courses[visit][position - 1]["START"] if position else row["SERVICEDATE"]
        line = {
            "line": 1,
            **line,
            "service_date": moment[:10],
            "service_time": moment[11:16],
            "executor": numbers[row["PROVIDERID"]],
            "place": numbers[encounters[visit]["ORGANIZATION"]],
        }
        if position:
            line["prescriber"], line["prescribed_on"] = line["executor"], line["service_date"]
        at = max(row["LASTBILLEDDATE1"], moment)  # one format, so that texts compare as instants
        yield {
            **_envelope("claim", f"C-{row['Id']}", at),
            "claim_id": row["Id"],
            "kind": "AMBULATOIRE",
            "beneficiary": row["PATIENTID"],
            "insured": row["PATIENTID"],
            "deposit_date": at[:10],
            "declared_total": line["amount"],
            "lines": [line],
        }


def _care(claim: Row, encounter: Row) -> Event:
    """The line of an encounter."""
    amount = _cents(encounter["TOTAL_CLAIM_COST"])
    stay = encounter["ENCOUNTERCLASS"] in STAYS
    line: Event = {
        "care_group": "HOSPITALISATION" if stay else "CONSULTATION",
        "nomenclature": "FORFAIT",
        "code": f"SNOMED-{encounter['CODE']}",
        "quantity": 1,
        "unit": "ACT",
        "unit_price": amount,
        "amount": amount,
    }
    if stay:
        line["service_end"] = max(encounter["STOP"], claim["SERVICEDATE"])[:10]
    return line


def _drug(course: Row) -> Event:
    """The line of a medication course."""
    return {
        "care_group": "PHARMACY",
        "nomenclature": "MED",
        "code": course["CODE"],
        "quantity": max(int(course["DISPENSES"] or 1), 1),
        "unit": "BOX",
        "unit_price": _cents(course["BASE_COST"]),
        "amount": _cents(course["TOTALCOST"]),
    }


def _numbers(tables: dict[str, list[Row]]) -> dict[str, str]:
    return number_of([row["Id"] for row in tables["providers"] + tables["organizations"]])


def _registries(tables: dict[str, list[Row]], at: str) -> Iterator[Event]:
    """Referentials, then providers and organisations, before everything else."""
    numbers = _numbers(tables)
    for name, rows in (
        ("acts", _acts(tables["encounters"])),
        ("drugs", _drugs(tables["medications"])),
        ("communes", _communes(tables["patients"] + tables["organizations"])),
    ):
        yield {
            **_envelope("referential", f"R-{name}", at),
            "name": name,
            "edition": "synthea-import-1",
            "valid_from": "1900-01-01",
            "checksum": checksum(rows),
            "rows": rows,
        }
    for kind, individual, table in (("MEDECIN", True, "providers"), ("CLINIQUE", False, "organizations")):
        for row in tables[table]:
            yield {
                **_envelope("provider", f"P-{row['Id']}", at),
                "inpe": numbers[row["Id"]],
                "kind": kind,
                "specialty": row.get("SPECIALITY"),
                "commune": _city(row),
                "lat": float(row["LAT"]),
                "lon": float(row["LON"]),
                "individual": individual,
                "excluded": [],
            }


def _acts(encounters: list[Row]) -> list[Event]:
    """One act per encounter code; its minutes are the median of what the export shows."""
    durations: dict[str, list[float]] = defaultdict(list)
    stays: dict[str, int] = defaultdict(int)
    labels: dict[str, str] = {}
    for row in encounters:
        span = datetime.fromisoformat(row["STOP"]) - datetime.fromisoformat(row["START"])
        durations[row["CODE"]].append(span.total_seconds() / 60)
        stays[row["CODE"]] += row["ENCOUNTERCLASS"] in STAYS
        labels.setdefault(row["CODE"], row["DESCRIPTION"])
    return [
        {
            "nomenclature": "FORFAIT",
            "code": f"SNOMED-{code}",
            "label_en": labels[code],
            "minutes": None if stays[code] * 2 > len(spans) else round(statistics.median(spans)),
            "needs_prescription": False,
            "repeatable_same_day": False,
            "post_mortem": "death certification" in labels[code].lower(),
        }
        for code, spans in sorted(durations.items())
    ]


def _drugs(medications: list[Row]) -> list[Event]:
    """The drugs that occur, by RxNorm code; what a payer's list would say of them is not known."""
    names = {row["CODE"]: row["DESCRIPTION"] for row in medications}
    return [{"ean13": code, "name": name, "checksum_exempt": True} for code, name in sorted(names.items())]


def _communes(rows: list[Row]) -> list[Event]:
    """Cities with the mean of the places known in them."""
    places: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in rows:
        places[_city(row)].append((float(row["LAT"]), float(row["LON"])))
    return [
        {
            "commune": city,
            "name": city.title(),
            "lat": round(statistics.fmean(lat for lat, _ in known), 5),
            "lon": round(statistics.fmean(lon for _, lon in known), 5),
        }
        for city, known in sorted(places.items())
    ]

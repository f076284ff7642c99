"""A tiny export in Synthea's layout, written by the tests."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

PEOPLE = 36


def write_export(directory: Path, packed: bool = False) -> None:
    """Thirty-six patients, three of them dead, twelve visits each; every third visit brings a drug."""
    organizations = [
        {"Id": f"org-{i}", "NAME": "CLINIC", "CITY": "Quincy", "LAT": "42.25", "LON": "-71.0"} for i in (1, 2)
    ]
    providers = [
        {"Id": f"doc-{i}", "SPECIALITY": "GENERAL PRACTICE", "CITY": "Quincy", "LAT": "42.25", "LON": "-71.0"}
        for i in (1, 2)
    ]
    patients, encounters, medications, claims = [], [], [], []
    for p in range(PEOPLE):
        dead = "2020-06-01" if p < 3 else ""
        patients.append(
            {
                "Id": f"patient-{p:02d}",
                "BIRTHDATE": "1970-01-01",
                "DEATHDATE": dead,
                "GENDER": "MF"[p % 2],
                "CITY": "Stoneham",
                "LAT": "42.4",
                "LON": "-71.1",
            }
        )
        for v in range(12):
            start = f"2019-{v + 1:02d}-{p % 27 + 1:02d}T09:00:00Z"
            stop = start.replace("T09:00", "T09:15")
            visit, doctor = f"visit-{p:02d}-{v:02d}", f"doc-{v % 2 + 1}"
            encounters.append(
                {
                    "Id": visit,
                    "START": start,
                    "STOP": stop,
                    "ORGANIZATION": f"org-{v % 2 + 1}",
                    "CODE": "185347001",
                    "ENCOUNTERCLASS": "inpatient" if v == 11 else "ambulatory",
                    "DESCRIPTION": "Encounter for problem",
                    "TOTAL_CLAIM_COST": f"{100 + p + v}.50",
                }
            )
            claim = {
                "PATIENTID": f"patient-{p:02d}",
                "PROVIDERID": doctor,
                "APPOINTMENTID": visit,
                "SERVICEDATE": start,
                "LASTBILLEDDATE1": stop,
            }
            claims.append({"Id": f"claim-{p:02d}-{v:02d}-0", **claim})
            if v % 3 == 0:
                claims.append({"Id": f"claim-{p:02d}-{v:02d}-1", **claim})
                medications.append(
                    {
                        "START": start,
                        "ENCOUNTER": visit,
                        "CODE": "212033",
                        "DESCRIPTION": "aspirin 325 MG",
                        "BASE_COST": "1.25",
                        "DISPENSES": "2",
                        "TOTALCOST": "2.50",
                    }
                )
    for name, rows in {
        "organizations": organizations,
        "providers": providers,
        "patients": patients,
        "encounters": encounters,
        "medications": medications,
        "claims": claims,
    }.items():
        write_table(directory, name, rows, packed)


def write_table(directory: Path, name: str, rows: list[dict[str, str]], packed: bool = False) -> None:
    """One file of the export."""
    path = directory / f"{name}.csv{'.gz' if packed else ''}"
    with gzip.open(path, "wt", newline="") if packed else path.open("w", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)

"""What is learned of peers reaches the detectors that compare with them: one loop, windows, habits and answers."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.streams.stage import DOCTOR, PHARMACY, START, Desk, Event, Said, Stage, visit

PEERS = [f"1046000{number:02d}" for number in range(20)]
PEER_CLAIMS, OWN_CLAIMS = 10, 60
OPENED = [{"from": "2026-02-15"}]
SUNDAY, MONDAY = "2026-03-08", "2026-03-02"


def knee(executor: str, coefficient: int, day: str, **fields: object) -> Event:
    """A line in K at its tariff of ten dirhams a unit."""
    more = {"code": f"K{coefficient}", "amount": coefficient * 1_000, "service_date": day, **fields}
    return visit(executor, care_group="EXPLORATION", **more)


def tables(desk: Desk) -> list[Event]:
    acts = [
        {"nomenclature": "NGAP", "code": f"K{coefficient}", "letter": "K", "coefficient": coefficient}
        for coefficient in (10, 20, 30, 90)
    ]
    products = [{"ean13": f"61180012300{n}", "atc": f"N02BE0{n % 7}", "name": f"BRAND {n}"} for n in (10, 11)]
    communes = [
        {"commune": "C1", "lat": 34.0, "lon": -6.8, "population": 900_000},
        {"commune": "C22", "name": "Azilal", "lat": 31.96, "lon": -6.57, "population": 9_000},
    ]
    return [
        *desk.world(),
        desk.table(
            "acts", *acts, {"nomenclature": "NGAP", "code": "C", "letter": "C", "coefficient": 1}, edition="2"
        ),
        desk.table("letter_values", {"letter": "K", "value": 1_000}),
        desk.table("calendar", {"date": "2026-01-11", "kind": "FIXED"}),
        desk.table("communes", *communes),
        desk.table("drugs", *products),
        *(desk.provider(inpe, active=OPENED) for inpe in (DOCTOR, *PEERS)),
        desk.provider(PHARMACY, "PHARMACIE", specialty=None, lat=34.0, lon=-6.8),
        *(desk.provider(f"2077110{n:02d}", "PHARMACIE", specialty=None) for n in range(9)),
    ]


def log(desk: Desk) -> list[Event]:
    """Twenty doctors who have just opened, and one like them who codes high, works on Sundays, sees patients from far
    away, sends them to one pharmacy and prescribes one brand."""
    events = tables(desk)
    at = START - dt.timedelta(days=6)
    for number in range(PEER_CLAIMS):
        for inpe in PEERS:
            at += dt.timedelta(minutes=5)
            coefficient = 90 if number == 0 else 10
            lines = [knee(inpe, coefficient, MONDAY), knee(inpe, 20, MONDAY), knee(inpe, 30, MONDAY)]
            box = drug("6118001230010" if number % 2 else "6118001230011", inpe)
            events.append(desk.claim(f"P-{inpe}-{number}", *lines, box, who=f"P-{inpe}-{number}", at=at))
    people = [desk.person(f"F-{number}", commune="C22", at=START) for number in range(OWN_CLAIMS)]
    claims = []
    for number in range(OWN_CLAIMS):
        at = START + dt.timedelta(minutes=10 * number)
        line = knee(DOCTOR, 90, SUNDAY)
        claims.append(
            desk.claim(f"C-{number}", line, drug("6118001230010", DOCTOR), who=f"F-{number}", at=at)
        )
    return [*events, *people, *claims]


def drug(ean13: str, prescriber: str) -> Event:
    """A box from the one pharmacy."""
    more = {"nomenclature": "MED", "code": ean13, "unit": "BOX", "amount": 2_000, "prescriber": prescriber}
    return visit(PHARMACY, care_group="PHARMACY", **more)


def shadows(said: Said, event_id: str) -> dict[str, str]:
    """Code -> French facts of what was only observed."""
    return {reason["code"]: reason["facts_fr"] for reason in said.live(event_id).get("shadow", ())}


@pytest.mark.parametrize("size", [1, 128])
def test_what_the_peers_do_reaches_those_who_compare(stage: Stage, size: int) -> None:
    said = stage.screen(log(Desk()), size=size)
    told = [set(shadows(said, f"C-{number}")) for number in range(OWN_CLAIMS)]
    first = {code: min((n for n, codes in enumerate(told, 1) if code in codes), default=0) for code in SEEN}
    assert first == SEEN
    assert told[-1] == set(SEEN)
    last = shadows(said, f"C-{OWN_CLAIMS - 1}")
    assert "100 % de ses 60 lignes en K sur 90 jours" in last["P02"]
    assert "60 dossiers en 7 jours ; 95 % des 21 nouveaux" in last["P03"]  # it is one of them
    assert "60 assurés de la commune « Azilal », à 228 km" in last["P05"]
    assert "100 % de ses 60 lignes sur 90 jours un dimanche" in last["P06"]
    assert "vont au prestataire n° …223" in last["R01"]
    assert not any(shadows(said, f"P-{inpe}-{number}") for inpe in PEERS for number in range(PEER_CLAIMS))
    live = said.live("C-59")
    assert {reason["code"] for reason in live["reasons"]}.isdisjoint(SEEN), (
        "what is only observed decides nothing"
    )


SEEN = {"P02": 30, "P03": 50, "P05": 10, "P06": 30, "R01": 50}
"""Code -> its first claim of the doctor's."""

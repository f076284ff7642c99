"""No model sees what it must not judge by: sex, age, regime, family, commune of the person, ALD (domain, 3.1)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest
import redis

import detectors.models
from detectors.models.records import KINDS
from schemas.envelope import Envelope
from schemas.registries import Beneficiary
from state import EmbeddedRedis
from streams.stored_readers import readers
from tests.streams.stage import Event, Stage

FORBIDDEN = {
    "sex", "birth_date", "age", "age_min", "age_max", "nationality", "regime", "tadamon", "rank", "link", "family",
    "disability", "ald", "diagnosis"
}  # fmt: skip
OF_THE_PERSON = {"sex", "birth_date", "commune", "regime", "rank", "link", "ald"}
"""Fields of a person's registry entry that must make no difference."""
NO_FEATURE = {"beneficiary", "insured", "death_date", "rights", "bank_account", "bank_account_since"}
"""Those that say who it is, what is covered since when, and where money goes: matters of rules."""
SCORED = frozenset(("fusion", "quantile"))
"""These learn from the score, to which rules contribute too: a rule may ask whether an act fits a person's sex."""
MODELS = ("M01", "M02", "M03")
FOLDER = Path(detectors.models.__path__[0])


def names(tree: ast.AST) -> Iterator[str]:
    """Every name that code reads, or spells out as a key."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.arg | ast.keyword):
            yield node.arg or ""
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def refused(code: str) -> set[str]:
    """What a module of the models names and must not."""
    return set(names(ast.parse(code))) & FORBIDDEN


@pytest.mark.parametrize("module", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_no_model_names_a_forbidden_feature(module: Path) -> None:
    assert refused(module.read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize(
    "code",
    [
        "z = 1.0 if entry.sex == 'F' else 0.0",
        "def component(view, age): return age / 10",
        "weight = person['regime']",
        "Component('young', z=1.0, n=3, facts=dict(birth_date=1))",
    ],
)
def test_one_that_did_would_be_refused(code: str) -> None:
    assert refused(code)


def test_every_field_of_a_person_is_accounted_for() -> None:
    """A field that is new in the registry must be put to one side or the other."""
    own = set(Beneficiary.__struct_fields__) - set(Envelope.__struct_fields__)
    assert own == OF_THE_PERSON | NO_FEATURE


def another(person: Event) -> Event:
    """The same person as registries might have it of anybody else."""
    other: Event = {
        "sex": "M" if person.get("sex") == "F" else "F",
        "birth_date": "1991-02-03" if person.get("birth_date", "") < "1980" else "1961-02-03",
        "regime": "TADAMON" if person.get("regime") != "TADAMON" else "PUBLIC",
        "commune": "elsewhere",
        "link": "ENFANT" if person.get("link") != "ENFANT" else "CONJOINT",
        "rank": 7,
        "ald": [],
    }
    return {**person, **other}


def run(stage: Stage, lines: list[Event]) -> tuple[dict[str, Any], dict[bytes, Any]]:
    """What the models said of each claim, and every model record afterwards."""
    assert stage.url is not None
    read = readers()
    with redis.Redis.from_url(stage.url) as client:
        client.flushall()
        said = stage.screen(lines)
        terms = {
            record["event_id"]: [
                term for term in record["features"].get("terms", ()) if term["code"] in MODELS
            ]
            for record in said.records
        }
        kept = {}
        for key in client.scan_iter("*m:*"):
            kind = key.decode().partition("}:m:")[2].partition(":")[0]
            if kind in set(KINDS) - SCORED:
                kept[key] = read[f"m:{kind}"](client.get(key))
    return terms, kept


def test_models_learn_and_say_the_same_of_other_people(server: EmbeddedRedis, simulated: Path) -> None:
    """Everybody's sex, age, regime, family, commune and ALD exchanged: no model record and no model's term differs."""
    events = [orjson.loads(line) for line in simulated.read_bytes().splitlines()]
    events = [event for event in events if event["type"] != "review"]  # they teach the score
    others = [another(event) if event["type"] == "beneficiary" else event for event in events]
    for event in others:
        if event["type"] == "beneficiary":
            msgspec.convert(event, Beneficiary)  # as lawful as what it replaces
    terms, kept = run(Stage(server.url), events)
    assert sum(map(len, terms.values())) > 10
    assert {kind for kind in KINDS if any(b":m:" + kind.encode() + b":" in key for key in kept)} >= {
        "peers",
        "beneficiary",
        "provider",
        "activity",
    }
    assert run(Stage(server.url), others) == (terms, kept)
    claim = next(event for event in events if event["type"] == "claim" and event["lines"])
    claim["lines"][0]["amount"] += 1
    assert run(Stage(server.url), events)[1] != kept  # a centime would have shown

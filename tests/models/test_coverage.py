"""The share of INPE in use: seven days of arrival, by kind, and nothing said of kinds hardly seen."""

from __future__ import annotations

import random

from detectors.models import Records
from detectors.models.coverage import DAYS, LEAST_LINES, Coverage, fold, told
from detectors.models.records import CoverageRecord, encode
from tests.detectors.scene import DOCTOR, OTHER, PHARMACY, Scene, box, consultation


def _share(record: CoverageRecord | None) -> dict[str, float]:
    return dict(Coverage(Records({("coverage", "score"): None if record is None else encode(record)})))


def test_any_order_of_days_counts_the_last_seven() -> None:
    random_ = random.Random(5)
    claims = [(20_000 + random_.randrange(12), [("LABO", random_.randrange(3), 2)]) for _ in range(900)]
    record = None
    for day, counts in claims:
        record = fold(record, day, [(kind, min(known, lines), lines) for kind, known, lines in counts])
    assert record is not None
    newest = max(day for day, _ in claims)
    inside = [(min(counts[0][1], 2), 2) for day, counts in claims if day > newest - DAYS]
    known, lines = (sum(column) for column in zip(*inside, strict=True))
    assert _share(record) == {"LABO": known / lines}
    assert set(record.kinds["LABO"]) <= set(range(newest - DAYS + 1, newest + 1))


def test_a_kind_hardly_seen_is_not_known() -> None:
    record = fold(None, 1, [("LABO", LEAST_LINES - 1, LEAST_LINES - 1)])
    assert _share(record) == {}
    assert _share(fold(record, 1, [("LABO", 0, 1)])) == {"LABO": 1 - 1 / LEAST_LINES}
    assert _share(fold(record, 1 + DAYS, [("KINE", 1, 1)])) == {}
    assert fold(record, 1 - DAYS, [("LABO", 5, 5)]) == record
    assert _share(None) == {}


def test_who_counts_where() -> None:
    scene = Scene().act("CS", allowed_kinds=["MEDECIN", "CLINIQUE"], needs_prescription=False)
    scene.act("X", needs_prescription=True).provider(DOCTOR, "CLINIQUE").provider(PHARMACY, "PHARMACIE")
    claim = scene.claim(
        consultation(),
        consultation(executor=None),
        consultation(executor="12"),
        consultation(executor=OTHER),
        consultation(code="X", executor=None),
        box(executor=None, prescriber=OTHER),
        consultation(executor=None, country="FR"),
    )
    tables = scene.book.snapshot()
    assert {kind: (known, lines) for kind, known, lines in told(claim, tables)} == {
        "CLINIQUE": (1, 1),
        "MEDECIN": (2, 5),
        "PHARMACIE": (0, 1),
    }
    assert told(scene.claim(consultation(), kind="ETRANGER"), tables) == []

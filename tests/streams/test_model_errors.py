"""A model that fails, says what is no number or has lost its record: rules decide alone, and the stream goes on."""

from __future__ import annotations

import msgspec
import pytest

from detectors.base import CannotCheck, Finding
from detectors.models import RecordError, Records, assessed, evidence, view
from detectors.models.keys import View
from detectors.models.records import VERSION
from schemas.observation import Observation
from state import Store
from streams import outcomes
from tests.models.stage import Registry, claim, line, provider
from tests.streams.stage import DOCTOR, STRUCK_OFF, Desk, Stage, held, visit

RECORDS = ("fusion:score", "quantile:score", "beneficiary:B-1", f"provider:{DOCTOR}", "coverage:score")


@pytest.fixture
def desk() -> Desk:
    return Desk()


def _models(stage: Stage) -> Store:
    assert stage.url is not None
    return Store(stage.url, tags=1)


@pytest.mark.parametrize("blob", [b"\x00\xffnothing", msgspec.msgpack.encode([VERSION, float("nan"), 1, 1])])
def test_records_that_are_damaged_leave_the_rules_to_decide_and_begin_anew(
    stage: Stage, desk: Desk, blob: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """All records of the models at once: whole verdicts, nobody stopped, and sound records afterwards."""
    world = desk.world()
    stage.screen([*world, *(desk.claim(f"C-{n}", visit(service_date=f"2026-03-0{n}")) for n in range(1, 4))])
    store = _models(stage)
    names = [*RECORDS, *(f"peers:{key}" for key in _peers(store))]
    assert all(store.models(names[1:])), "no review has taught the score yet"
    store.put_models(dict.fromkeys(names, blob))
    claims = [desk.claim("C-8", held()), desk.claim("C-9", visit(service_date="2026-03-08"))]
    said = stage.screen(
        [*world, *claims, desk.payment(claims[1], "P-9", 1), desk.review(claims[0], "LEGITIMATE")]
    )
    assert [one["decision"] for one in said.of("C-8")] == ["HOLD", "RELEASE"]
    assert said.live("C-9")["decision"] == said.live("P-9")["decision"] == "RELEASE"
    assert {"M01", "M02"} <= {one["code"] for one in said.live("C-9")["cannot_check"]}
    assert "was damaged" in caplog.text
    assert DOCTOR not in caplog.text
    left = store.models(names)
    assert sum(one == blob for one in left) < len(names)
    again = stage.screen([*world, desk.claim("C-10", visit(service_date="2026-03-09"))])
    assert again.live("C-10")["decision"] == "RELEASE"
    store.close()


def test_a_damaged_case_or_history_begins_anew(stage: Stage, desk: Desk) -> None:
    world, claims = desk.world(), [desk.claim(f"C-{n}", held(), who=f"F-{n}") for n in range(2)]
    stage.screen([*world, claims[0]])
    store = _models(stage)
    kept = [f"{kind}:provider:{STRUCK_OFF}" for kind in ("alerts", "outcomes")]
    store.put_models(dict.fromkeys([*kept, "outcomes:code:E04", "outcomes:beneficiary:F-1"], b"\xc1"))
    said = stage.screen([*world, claims[1], desk.review(claims[1], "ABUSE")])
    (alert,) = said.alerts
    assert (alert["revision"], alert["count"], alert["history"]) == (1, 1, {})
    assert outcomes.read(store.models(["outcomes:beneficiary:F-1"])[0]).counts == {"ABUSE": 1}
    store.close()


def _peers(store: Store) -> list[str]:
    server = store._servers.connect().primaries()[0]
    return [key.decode().partition("m:peers:")[2] for key in server.scan_iter("*m:peers:*")]


def _view() -> View:
    return view(claim(line()), Observation(), Registry(provider("100000001")))


@pytest.mark.parametrize(
    ("error", "told"),
    [(ZeroDivisionError("x"), "error:ZeroDivisionError"), (ValueError("x"), "error:ValueError")],
)
def test_a_model_that_raises_is_said_by_type(
    monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    def broken(view: View, records: Records) -> tuple[None, int]:
        raise error

    monkeypatch.setattr(evidence, "CHECKS", (("M01", broken), *evidence.CHECKS[1:]))
    found = assessed(_view(), Records())
    assert found.findings == []
    assert found.cannot == [CannotCheck(code, told) for code in ("M01", "M02", "M03")]


@pytest.mark.parametrize("strength", [float("nan"), float("inf")])
def test_what_is_no_number_never_reaches_the_score(monkeypatch: pytest.MonkeyPatch, strength: float) -> None:
    def odd(view: View, records: Records) -> tuple[Finding, int]:
        return Finding("M01", "S", strength=strength, model=True), 1

    monkeypatch.setattr(evidence, "CHECKS", (("M01", odd),))
    found = assessed(_view(), Records())
    assert (found.findings, found.cannot) == ([], [CannotCheck("M01", "error:not-finite")])


def test_records_of_a_newer_release_are_nobody_elses_to_overwrite() -> None:
    newer = msgspec.msgpack.encode([VERSION + 1])
    damaged: list[str] = []
    records = Records({("fusion", "score"): newer}, damaged)
    with pytest.raises(RecordError, match="run the release that wrote it"):
        assessed(_view(), records)
    assert damaged == []

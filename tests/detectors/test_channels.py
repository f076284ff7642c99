"""D04: the same care invoiced by the provider and refunded to the insured."""

from __future__ import annotations

from typing import Any

import pytest

from tests.detectors.scene import OTHER, Scene, box, consultation, day


def scene(**columns: Any) -> Scene:
    return Scene().act("CS", **{"repeatable_same_day": False, **columns})


@pytest.mark.parametrize(("first", "second"), [("FACTURE_TP", "AMBULATOIRE"), ("AMBULATOIRE", "FACTURE_TP")])
@pytest.mark.parametrize("line", [consultation(), box()])
def test_either_way_round(first: str, second: str, line: dict[str, Any]) -> None:
    stage = scene().earlier({**line, "amount": 9_000}, kind=first)
    findings, cannot = stage.play("D04", line, kind=second)
    assert cannot == []
    assert [(f.cls, f.nature, f.lines, f.n) for f in findings] == [("H", "TAR", (1,), 1)]


@pytest.mark.parametrize(
    ("before", "fields", "own"),
    [
        ({}, {"kind": "AMBULATOIRE"}, {}),
        ({}, {"kind": "ETRANGER"}, {}),
        ({}, {"coverage": "COMPLEMENTARY"}, {}),  # the patient's share
        ({}, {}, {"coverage": "COMPLEMENTARY"}),
        ({"service_date": day(1)}, {}, {}),
        ({"code": "V"}, {}, {}),
    ],
)
def test_what_is_no_double(before: dict[str, Any], fields: dict[str, Any], own: dict[str, Any]) -> None:
    stage = scene().earlier(consultation(**before), **{"kind": "FACTURE_TP", **fields})
    assert stage.play("D04", consultation(), **own) == ([], [])


def test_an_act_done_twice_a_day_may_go_both_ways() -> None:
    stage = scene(repeatable_same_day=True).earlier(consultation(executor=OTHER), kind="FACTURE_TP")
    assert stage.play("D04", consultation()) == ([], [])


@pytest.mark.parametrize(("offset", "fires"), [(-364 + 8, True), (-365 + 7, False)])
def test_within_twelve_months_of_the_deposit(offset: int, fires: bool) -> None:
    line = consultation(service_date=day(offset))
    stage = scene().earlier(line, kind="FACTURE_TP")
    assert bool(stage.play("D04", line)[0]) is fires


def test_what_is_not_known() -> None:
    stage = Scene().earlier(consultation(), kind="FACTURE_TP")
    assert [item.missing for item in stage.play("D04", consultation())[1]] == ["acts"]
    stage = Scene().act("CS").earlier(consultation(), kind="FACTURE_TP")
    assert [item.missing for item in stage.play("D04", consultation())[1]] == ["acts.repeatable_same_day"]
    stage = scene().earlier(consultation(), kind="FACTURE_TP")
    stage.seen.log = [
        line._replace(arrival=line.arrived) for line in stage.seen.log
    ]  # as an older version wrote it
    findings, cannot = stage.play("D04", consultation())
    assert (findings, [item.missing for item in cannot]) == ([], ["kind"])

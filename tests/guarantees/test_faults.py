"""The fault campaign in small: twenty faults leave no trace, and it sees the harm that four broken builds do."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from bench import faults
from bench.deployment import SHAPES, Shape
from bench.fault_kinds import FAULTS, chosen, possible
from bench.faults import Plan, Result, harmed, plans, run
from bench.harm import HARMS
from bench.stream import pieces, shares
from tests.support import apache_kafka
from tests.support.traffic import Message, Traffic

SEED = 11


def _told(result: Result) -> str:
    return json.dumps(result, indent=1)


@pytest.mark.kafka
@pytest.mark.slow
@apache_kafka.needed
@pytest.mark.parametrize("shape", ["kafka-strict", "kafka"])
def test_ten_faults_leave_no_trace(shape: str) -> None:
    """With one partition, all that is published and stored is compared; with two, both workers answer."""
    result = run(Plan(SEED, 0, SHAPES[shape], 10))
    assert not harmed(result), _told(result)
    assert len(result["faults"]) == 10
    assert all(result["sent"].values()), "it was to be sent plainly, in transactions, and after aborted ones"


@pytest.mark.kafka
@pytest.mark.slow
@apache_kafka.needed
@pytest.mark.parametrize(
    ("build", "kinds", "harms"),
    [
        ("no-fence", ["worker-killed-after-observe"] * 3, {"changed", "counters"}),
        ("no-memo", ["worker-killed-after-observe"] * 3, {"lost", "changed"}),
        ("retries", ["redis-tail-cut"] * 4, {"changed", "counters", "lost"}),
        ("late-metadata", ["rebalance-before-an-answer"] * 3, {"duplicated"}),
    ],
)
def test_the_campaign_sees_what_a_broken_build_does(build: str, kinds: list[str], harms: set[str]) -> None:
    result = run(Plan(SEED, 0, SHAPES["kafka-strict"], len(kinds), build), only=kinds)
    seen = {name for name, count in result["harm"].items() if count}
    assert seen & harms, _told(result)


def test_a_campaign_is_the_same_for_the_same_seed() -> None:
    shapes = [SHAPES["kafka"], SHAPES["cluster"]]
    first, second = (plans(5, 50, shapes) for _ in range(2))
    assert first == second
    assert [plan.faults for plan in first] == [20, 20, 10]
    assert [plan.shape.name for plan in first] == ["kafka", "cluster", "kafka"]
    for plan in first:
        drawn = [[fault.name for fault in chosen(plan.shape, plan.draw, plan.faults)] for _ in range(2)]
        assert drawn[0] == drawn[1]
        assert set(drawn[0]) <= {fault.name for fault in possible(plan.shape)}
    assert [chosen(first[0].shape, plan.draw, 20) for plan in (first[0], first[2])]


def test_every_fault_has_a_deployment_that_it_can_be_done_to() -> None:
    for fault in FAULTS.values():
        assert any(fault.needs(shape) for shape in SHAPES.values()), fault.name


def test_every_message_is_dealt_once_and_in_order() -> None:
    traffic = Traffic(phases=[[Message("claims", b"", b"")] * count for count in (3, 0, 95, 41)])
    cut = pieces(traffic)
    assert [number for piece in cut for number, _ in piece] == list(range(139))
    assert max(map(len, cut)) <= 40
    dealt = shares(cut, 3)
    assert len(dealt) == 3
    assert [piece for share in dealt for piece in share] == cut


def _line(number: int, kind: str, harm: int) -> Result:
    return {
        "seed": 1,
        "deployment": number,
        "shape": "kafka",
        "build": None,
        "asked": 1,
        "faults": [{"fault": kind, "note": "", "events": 3, "struck": 1.0, "seconds": 2.0}],
        "harm": {**dict.fromkeys(HARMS, 0), "lost": harm},
        "examples": {},
        "stuck": "",
        "exits": {"75": 1},
        "sent": {"plainly": 3},
        "seconds": 2.0,
    }


def test_a_campaign_is_taken_up_again_and_told_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in the file is not run again; the total counts both sittings."""
    done: list[int] = []

    def one(plan: Plan, *args: object) -> Result:
        done.append(plan.number)
        return _line(plan.number, "worker-killed", harm=plan.number) | {"asked": plan.faults}

    monkeypatch.setattr(faults, "run", one)
    monkeypatch.setattr(Shape, "missing", lambda self: None)
    sitting = ["--shapes", "kafka", "--out", str(tmp_path), "--resume"]
    assert faults.main([*sitting, "--faults", "20"]) == 0
    assert faults.main([*sitting, "--faults", "60"]) == 1
    assert done == [0, 1, 2]
    told = json.loads((tmp_path / "faults-1.json").read_text())
    assert (told["faults"], told["harm"]["lost"], told["exits"]) == (3, 3, {"75": 3})
    text = io.StringIO()
    faults.show(told, Console(file=text, width=120))
    assert "worker-killed" in text.getvalue()


@pytest.mark.parametrize(
    ("wrong", "said"), [(["--shapes", "kafak"], "kafka-strict"), (["--only", "redis-kiled"], "redis-killed")]
)
def test_a_name_that_is_none_is_told_with_those_that_are(
    wrong: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        faults.main(wrong)
    assert left.value.code == 2
    assert said in capsys.readouterr().err


def test_a_campaign_that_can_try_nothing_is_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Shape, "missing", lambda self: "no java here")
    assert faults.main(["--out", str(tmp_path), "--faults", "2"]) == 2
    assert not list(tmp_path.iterdir())

"""B03: a sudden rise of files or amounts."""

from __future__ import annotations

from typing import Any

import pytest
from scipy import stats

from detectors.bursts import own_rate
from schemas.observation import LogLine
from tests.detectors.scene import Scene, consultation, day


def scene(files: int, born: str | None = "1980-01-01", history: int = 0, **person: Any) -> Scene:
    """So many files in the last 30 days beside the claim, and one every 30 days before."""
    stage = Scene().person(birth_date=born, **person)
    for number in range(files):
        stage.earlier(consultation(service_date=day(-number - 1)), number=number + 1)
    for number in range(history):
        stage.earlier(consultation(service_date=day(-31 - 30 * number)), number=100 + number)
    return stage


@pytest.mark.parametrize(("files", "fires"), [(6, False), (7, True), (8, True)])
def test_many_files(files: int, fires: bool) -> None:
    findings, cannot = scene(files).play("B03", consultation())
    assert cannot == []
    told = [(f.cls, f.weight, f.variant, f.value, f.n) for f in findings]
    assert told == ([("S", 0.5, "files", files + 1.0, files + 1)] if fires else [])


@pytest.mark.parametrize(("ill", "usual"), [(False, 1.2), (True, 2.4)])
@pytest.mark.parametrize("files", range(7, 14))
def test_an_elder_has_more_and_with_an_illness_more_again(files: int, ill: bool, usual: float) -> None:
    ald = [{"code": "HTA", "from": "2020-01-01"}] if ill else []
    findings, _ = scene(files, "1950-01-01", ald=ald).play("B03", consultation())
    assert bool(findings) is (float(stats.poisson.sf(files, usual)) < 1e-5)


def test_a_habit_of_ones_own_counts() -> None:
    stage = scene(8)
    for number in range(60):
        stage.earlier(consultation(service_date=day(-31 - 5 * number)), number=200 + number)
    assert stage.play("B03", consultation()) == ([], [])


def test_the_papers_of_one_visit_are_one_file() -> None:
    stage = Scene().person(birth_date="1980-01-01")
    for number in range(12):
        stage.earlier(consultation(service_date=day(-1 - number // 6)), number=number + 1)
    assert stage.play("B03", consultation()) == ([], [])


@pytest.mark.parametrize(("amount", "fires"), [(1_000_000, False), (1_000_001, True), (5_000_000, True)])
def test_far_more_money_than_ever(amount: int, fires: bool) -> None:
    findings, cannot = scene(0, history=5).play("B03", consultation(amount=amount))
    assert cannot == []
    assert [f.variant for f in findings] == (["amounts"] if fires else [])


@pytest.mark.parametrize(("usual", "fires"), [(100_000, False), (50_000, True)])
def test_beside_what_is_usual(usual: int, fires: bool) -> None:
    """Amounts that double every other month: z is 3.8 where 1,000 and 2,000 MAD are usual, 5.1 at half of that."""
    stage = Scene().person(birth_date="1980-01-01")
    for number in range(6):
        amount = usual * (2 if number % 2 else 1)
        stage.earlier(consultation(amount=amount, service_date=day(-31 - 30 * number)), number=number + 1)
    assert bool(stage.play("B03", consultation(amount=1_000_001))[0]) is fires


@pytest.mark.parametrize(
    ("lines", "fields", "person"),
    [
        ((consultation(amount=5_000_000, care_group="HOSPITALISATION"),), {}, {}),
        ((consultation(amount=5_000_000, prior_approval="PEC-1"),), {}, {}),
        ((consultation(amount=5_000_000),), {}, {"ald": [{"code": "CANC", "from": day(-60)}]}),
        ((consultation(amount=5_000_000), consultation(code="ACCOU", care_group="HOSPITALISATION")), {}, {}),
    ],
)
def test_illness_surgery_and_childbirth_explain_it(
    lines: tuple[dict[str, Any], ...], fields: dict[str, Any], person: dict[str, Any]
) -> None:
    assert scene(9, history=5, **person).play("B03", *lines, **fields) == ([], [])


@pytest.mark.parametrize(("ended", "fires"), [(-90, False), (-91, True)])
def test_a_stay_not_long_ago(ended: int, fires: bool) -> None:
    stage = scene(9)
    line = consultation(service_date=day(ended - 3), service_end=day(ended), care_group="HOSPITALISATION")
    stage.facts(line, number=300)
    assert bool(stage.play("B03", consultation())[0]) is fires


@pytest.mark.parametrize(
    ("stage", "amount", "missing"),
    [
        (scene(9, None), 100, "beneficiary.birth_date"),
        (scene(1, history=3), 5_000_000, "history"),
    ],
)
def test_what_is_not_known(stage: Scene, amount: int, missing: str) -> None:
    findings, cannot = stage.play("B03", consultation(amount=amount))
    assert (findings, [item.missing for item in cannot]) == ([], [missing])
    bare = scene(9)
    bare.seen.beneficiary = None
    assert [item.missing for item in bare.play("B03", consultation())[1]] == ["beneficiary"]


@pytest.mark.parametrize("days", [[0], [0, 10, 20, 200], list(range(0, 700, 7))])
def test_the_rate_is_the_weighted_mean_of_its_days(days: list[int]) -> None:
    """Against the sum written out day by day."""
    until = 700
    lines = [LogLine(b"", bytes([n]), day_, 0, n, 0, 0, 0, 100, 1, 1, 0, 0) for n, day_ in enumerate(days, 1)]
    weights = [0.5 ** ((until - at) / 90) for at in range(min(days), until + 1)]
    seen = sum(0.5 ** ((until - at) / 90) for at in days)
    assert own_rate(lines, until) == pytest.approx(30 * seen / sum(weights))

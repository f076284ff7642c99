"""P01: far above one's peers."""

from __future__ import annotations

from math import log

import pytest

from detectors.models.activity import Activity
from detectors.models.evidence import Evidence
from schemas.observation import ProviderWindow
from tests.detectors.scene import DOCTOR, Scene, consultation


def window(claims: float) -> ProviderWindow:
    return ProviderWindow(0, 0, 0, 0, claims, 0, 0, 0, 0, 0, 0, 0, 0)


def standing(z: float, n_peers: int = 20, claims: float = 30) -> Scene:
    scene = Scene()
    scene.seen.executors = {DOCTOR: window(claims)}
    value = log(8) + z * 0.2 / 0.6745
    figures = [
        Activity("mad_per_beneficiary", log(300), log(300), 0.2, n_peers),
        Activity("beneficiaries_per_day", value, log(8), 0.2, n_peers),
    ]
    scene.evidence = Evidence(activity_of={DOCTOR: figures})
    return scene


@pytest.mark.parametrize(("z", "weight"), [(3.49, None), (3.51, 0.3), (4.99, 0.3), (5.01, 0.5), (-9.0, None)])
def test_robust_z(z: float, weight: float | None) -> None:
    findings, cannot = standing(z).play("P01", consultation())
    assert cannot == []
    assert [f.weight for f in findings] == ([weight] if weight else [])
    if findings:
        (finding,) = findings
        assert (finding.cls, finding.nature, finding.variant) == ("S", "PRE", "beneficiaries_per_day")
        assert (finding.lines, finding.n, finding.facts["median"]) == ((1,), 20, 8.0)


def test_few_claims_say_nothing() -> None:
    assert standing(9, claims=29).play("P01", consultation()) == ([], [])


def test_few_peers_are_no_group() -> None:
    assert [item.missing for item in standing(9, n_peers=19).play("P01", consultation())[1]] == ["peers"]
    scene = standing(9)
    scene.evidence = None
    assert [item.missing for item in scene.play("P01", consultation())[1]] == ["peers"]

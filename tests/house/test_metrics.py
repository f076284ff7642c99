"""The catalogue is what is exposed, and no identifier ever is."""

from __future__ import annotations

import re
import socket
import urllib.request
from collections.abc import Iterator
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest

from monitoring.catalogue import CATALOGUE, LABELS, OTHER, bounded
from monitoring.metrics import Endpoint, Metrics, PortError
from schemas.enums import ProviderKind
from schemas.referential import TABLES
from schemas.topics import TOPICS
from streams.embedded import free_port
from streams.recording import REGISTRIES

IDENTIFIERS = ("B-77a1f0", "104512345", "L-0142", "D-2026-000123", "9f" * 32, "V-01KD7-1", "K-7781", "A-01f3")


def _exposed(metrics: Metrics) -> str:
    return generate_latest(metrics.registry).decode()


def test_one_of_each_is_exposed() -> None:
    metrics = Metrics()
    metrics.events({("claims", "AMO"): 3})
    metrics.verdicts({("HOLD", "FRAUD_REVIEW"): 1, ("RELEASE", ""): 2})
    metrics.fired({("D01", "H"): 1})
    metrics.shadowed({("P02", "S"): 4})
    metrics.cannot_check({("B01", "drugs"): 2})
    metrics.model_error()
    metrics.rejected("drugs")
    metrics.ages({"acts": 86_400.0})
    metrics.effect("claims", 1, 17)
    metrics.inpe_coverage({"MEDECIN": 0.75})
    metrics.dead_letters({"not-json": 1})
    metrics.held({"FRAUD_REVIEW": 12_345})
    metrics.batch(3, replayed=2)
    metrics.stage("decode", 0.001)
    metrics.latencies([0.002, 0.003])
    metrics.aborted()
    metrics.lag("claims", 0, 5)
    metrics.fence("claims", 0, 41)
    metrics.waiting("redis", True)
    metrics.ready(True)
    text = _exposed(metrics)
    for line in (
        'crible_events_total{flow="AMO",topic="claims"} 3.0',
        'crible_verdicts_total{decision="HOLD",purpose="FRAUD_REVIEW"} 1.0',
        'crible_detector_fired_total{class="H",code="D01"} 1.0',
        'crible_detector_shadow_fired_total{class="S",code="P02"} 4.0',
        'crible_cannot_check_total{code="B01",referential="drugs"} 2.0',
        "crible_model_errors_total 1.0",
        'crible_referential_rejected_total{referential="drugs"} 1.0',
        'crible_referential_age_seconds{referential="acts"} 86400.0',
        'crible_referential_effect_offset{partition="1",topic="claims"} 17.0',
        'crible_inpe_coverage_ratio{kind="MEDECIN"} 0.75',
        'crible_dead_letters_total{reason="not-json"} 1.0',
        'crible_held_amount_mad_total{purpose="FRAUD_REVIEW"} 123.45',
        "crible_replays_total 2.0",
        "crible_transactions_aborted_total 1.0",
        'crible_batch_events_bucket{le="4.0"} 1.0',
        'crible_stage_seconds_count{stage="decode"} 1.0',
        "crible_verdict_latency_seconds_count 2.0",
        'crible_consumer_lag{partition="0",topic="claims"} 5.0',
        'crible_fence_position{partition="0",topic="claims"} 41.0',
        'crible_waiting{what="redis"} 1.0',
        'crible_waiting{what="broker"} 0.0',
        "crible_up 1.0",
        "crible_ready 1.0",
    ):
        assert line in text
    assert all(f"# HELP {metric.name}" in text for metric in CATALOGUE)
    metrics.revoked("claims", 0)
    metrics.down()
    text = _exposed(metrics)
    assert "crible_up 0.0" in text
    assert "crible_consumer_lag{" not in text


@pytest.mark.parametrize("label", sorted(LABELS))
@pytest.mark.parametrize("identifier", IDENTIFIERS)
def test_no_identifier_becomes_a_label(label: str, identifier: str) -> None:
    if label == "partition" and identifier.isdigit():
        identifier += "0"
    assert bounded(label, identifier) == OTHER


def test_identifiers_given_by_mistake_are_counted_as_other() -> None:
    metrics = Metrics()
    for one in IDENTIFIERS:
        metrics.events({(one, one): 1})
        metrics.verdicts({(one, one): 1})
        metrics.fired({(one, one): 1})
        metrics.cannot_check({(one, one): 1})
        metrics.rejected(one)
        metrics.ages({one: 1.0})
        metrics.effect(one, 0, 1)
        metrics.inpe_coverage({one: 0.5})
        metrics.dead_letters({one: 1})
        metrics.held({one: 1})
        metrics.stage(one, 0.1)
        metrics.lag(one, 0, 1)
        metrics.fence(one, 0, 1)
        metrics.waiting(one, True)
    text = _exposed(metrics)
    assert not [one for one in IDENTIFIERS if one in text]
    assert f'crible_events_total{{flow="{OTHER}",topic="{OTHER}"}} {len(IDENTIFIERS)}.0' in text


@given(st.sampled_from(sorted(LABELS)), st.text(max_size=40))
def test_a_label_value_is_short_and_of_its_alphabet(label: str, value: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_.+-]{0,31}", bounded(label, value))


def test_every_table_and_every_kind_of_provider_is_a_label() -> None:
    assert all(bounded("referential", name) == name for name in (*TABLES, *REGISTRIES, ""))
    assert all(bounded("kind", kind) == kind for kind in get_args(ProviderKind))


def test_every_topic_and_every_label_is_known() -> None:
    assert {name for metric in CATALOGUE for name in metric.labels} == set(LABELS)
    assert all(bounded("topic", name) == name for name in TOPICS)


@pytest.fixture
def endpoint() -> Iterator[int]:
    port = free_port()
    server = Endpoint(Metrics(), port)
    yield port
    server.close()
    server.close()


def test_metrics_are_served_on_loopback(endpoint: int) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{endpoint}/metrics", timeout=5) as answer:
        assert "crible_up 1.0" in answer.read().decode()
    with pytest.raises(PortError, match=f"{endpoint} .*in use.*CRIBLE_METRICS_PORT"):
        Endpoint(Metrics(), endpoint)


def test_port_zero_serves_nothing_and_a_closed_port_is_free() -> None:
    Endpoint(Metrics(), 0).close()
    port = free_port()
    Endpoint(Metrics(), port).close()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0

"""Every metric of Crible: its name, type, help and labels, with the values a label may take.

No label ever carries an identifier: a value outside its label's pattern is counted as `other`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

OTHER = "other"

LABELS = {
    "class": re.compile(r"[HS]|"),
    "code": re.compile(r"[A-Z]\d{2}|CTRL|ORD"),
    "decision": re.compile(r"RELEASE|RELEASE_FLAGGED|HOLD|CANNOT_SCREEN"),
    "flow": re.compile(r"AMO|RG|CONV|"),
    "partition": re.compile(r"\d{1,5}"),
    "purpose": re.compile(r"COMPLETE_FILE|MEDICAL_REVIEW|FRAUD_REVIEW|INTERNAL_AUDIT|"),
    "kind": re.compile(
        "ASSOC_DIALYSE|CENTRE_CARDIO|CENTRE_DENTAIRE|CENTRE_ONCO|CHU|CLINIQUE|DENTISTE|HOPITAL_MILITAIRE|HOPITAL_PUBLIC|"
        "INFIRMIER|KINE|LABO|MEDECIN|OPTICIEN|ORTHOPHONISTE|PHARMACIE|PROTHESISTE|RADIOLOGIE|SAGE_FEMME|TRANSPORT"
    ),
    "reason": re.compile(r"[a-z][a-z-]{1,30}"),
    "referential": re.compile(
        "act_pairs|acts|ald|calendar|campaigns|capacity|communes|deadlines|detectors|drugs|letter_values|rates|routing|"
        "thresholds|beneficiary|liquidators|orders|providers|"
    ),
    "stage": re.compile(r"decode|observe|models|detect|decide|record|publish"),
    "topic": re.compile(r"[a-z][a-z-]{1,30}"),
    "version": re.compile(r"\d+\.\d+[0-9A-Za-z.+-]{0,20}"),
    "what": re.compile(r"redis|broker"),
}

STAGE_BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0)
BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. A counter is exposed with `_total` at the end of its name."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = field(default=())


CATALOGUE = (
    Metric("crible_events", "counter", "Events read, by topic and flow.", ("topic", "flow")),
    Metric(
        "crible_verdicts", "counter", "Verdicts issued, by decision and purpose.", ("decision", "purpose")
    ),
    Metric(
        "crible_detector_fired",
        "counter",
        "Findings, by detector and class (H hard, S soft).",
        ("code", "class"),
    ),
    Metric(
        "crible_detector_shadow_fired",
        "counter",
        "Findings of detectors in shadow, which decide nothing, by detector and class.",
        ("code", "class"),
    ),
    Metric(
        "crible_cannot_check",
        "counter",
        "Checks that lacked data, by detector and the table or registry that lacked it.",
        ("code", "referential"),
    ),
    Metric(
        "crible_model_errors",
        "counter",
        "Model records that were damaged, and claims of which the models learned nothing: rules decided alone.",
    ),
    Metric(
        "crible_referential_rejected",
        "counter",
        "Loads of tables that were refused; what was in force stayed.",
        ("referential",),
    ),
    Metric(
        "crible_referential_age_seconds",
        "gauge",
        "Time since a table in force was last loaded or told again.",
        ("referential",),
    ),
    Metric(
        "crible_referential_effect_offset",
        "gauge",
        "First offset that was decided under the tables now in force.",
        ("topic", "partition"),
    ),
    Metric(
        "crible_inpe_coverage_ratio",
        "gauge",
        "Share of lines with an INPE over seven days, by kind of provider.",
        ("kind",),
    ),
    Metric("crible_dead_letters", "counter", "Messages that could not be read, by reason.", ("reason",)),
    Metric(
        "crible_replays",
        "counter",
        "Events applied again after a restart or an abort, without being counted twice.",
    ),
    Metric("crible_transactions_aborted", "counter", "Kafka transactions that were aborted and taken again."),
    Metric("crible_held_amount_mad", "counter", "Money put on hold, in dirhams, by purpose.", ("purpose",)),
    Metric(
        "crible_verdict_latency_seconds",
        "histogram",
        "From the broker's timestamp of an event to the commit of its verdict.",
        buckets=LATENCY_BUCKETS,
    ),
    Metric("crible_stage_seconds", "histogram", "Time of one batch in one stage.", ("stage",), STAGE_BUCKETS),
    Metric("crible_batch_events", "histogram", "Events in one batch.", buckets=BATCH_BUCKETS),
    Metric("crible_consumer_lag", "gauge", "Messages not yet answered.", ("topic", "partition")),
    Metric("crible_fence_position", "gauge", "Last offset applied to Redis.", ("topic", "partition")),
    Metric("crible_waiting", "gauge", "1 while this server is away and the worker waits for it.", ("what",)),
    Metric("crible_up", "gauge", "1 while the worker runs."),
    Metric("crible_ready", "gauge", "1 once the worker takes traffic."),
    Metric("crible_build_info", "gauge", "Always 1; the version is in the label.", ("version",)),
)


def bounded(label: str, value: str) -> str:
    """The value if the label may carry it, else `other`."""
    return value if LABELS[label].fullmatch(value) else OTHER

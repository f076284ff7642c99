"""The alerts on tables: a load that is refused, a table that has grown stale. Each derives from the load alone:
whoever raises it says the same bytes.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final

from confluent_kafka import KafkaError, Producer
from confluent_kafka import Message as Record

from detectors.loads.problem import Problem, summary
from schemas.outputs import Alert, Reason, encode
from streams.messages import Output

log = logging.getLogger("crible.alerts")

FLUSH_SECONDS: Final = 10.0
TOPIC: Final = "fraud-alerts"
KIND: Final = "REFERENTIAL_REJECTED"
STALE: Final = "REFERENTIAL_STALE"
CODE: Final = "REF"


def rejected(
    name: str,
    edition: str,
    loaded: dt.datetime,
    problems: Sequence[Problem],
    lines: Sequence[int] | None = None,
) -> Output:
    """One alert a refused load, one case a table. Its id is the same whichever worker raises it, and when.

    Args:
        loaded: the load's own time.
        lines: line numbers of the rows, where the file is at hand.
    """
    entity = f"referential:{name}"
    first = summary(problems, lines)
    digest = blake2b(repr((name, edition, loaded.isoformat(), first)).encode(), digest_size=8).hexdigest()
    reason = Reason(
        code=CODE,
        label_fr="Chargement de référentiel refusé",
        label_en="Load of a referential refused",
        label_ar="رفض تحميل المرجع",
        nature="ADM",
        n=len(problems),
        facts_fr=f"{name}, édition {edition} : {len(problems)} anomalies ; l'édition en vigueur reste. {first}",
        facts_en=f"{name}, edition {edition}: {len(problems)} problems; what was in force stays. {first}",
        visibility="FRAUD_TEAM",
    )
    return _alert(entity, digest, KIND, reason, loaded)


def stale(name: str, told: dt.datetime, days: int) -> Output:
    """One alert a table that was last told at that instant, the same whichever worker raises it. `days`: the limit."""
    entity = f"referential:{name}"
    digest = blake2b(repr((name, told.isoformat(), "stale")).encode(), digest_size=8).hexdigest()
    since = told.astimezone(dt.UTC)
    reason = Reason(
        code=CODE,
        label_fr="Référentiel périmé",
        label_en="Referential out of date",
        label_ar="مرجع متقادم",
        nature="ADM",
        threshold=float(days),
        facts_fr=f"{name} : dernier chargement le {since:%d/%m/%Y}, il y a plus de {days} jours ; plus rien n'est "
        "suspendu sur sa foi, une revue est proposée.",
        facts_en=f"{name}: last loaded on {since:%d/%m/%Y}, more than {days} days ago; nothing is held on it any "
        "more, a review is proposed.",
        visibility="FRAUD_TEAM",
    )
    return _alert(entity, digest, STALE, reason, told)


def _alert(entity: str, digest: str, kind: str, reason: Reason, at: dt.datetime) -> Output:
    alert = Alert(
        alert_id=f"A-{digest}",
        case_id=f"C-{blake2b(entity.encode(), digest_size=8).hexdigest()}",
        entity=entity,
        kind=kind,
        severity="HIGH",
        reasons=(reason,),
        first_seen=at,
        last_seen=at,
    )
    return Output(TOPIC, entity.encode(), encode(alert))


class Alarm:
    """Sends alerts beside the screening loop; one that the broker does not take stays in the log.

    Args:
        client: librdkafka settings.
    """

    def __init__(self, client: Mapping[str, Any]) -> None:
        self._client = dict(client)
        self._producer: Producer | None = None

    def __call__(self, alert: Output) -> None:
        """Hand an alert to the producer, which is made with the first one: most workers never need it."""
        if self._producer is None:
            safe = {"partitioner": "murmur2_random", "enable.idempotence": True}
            self._producer = Producer({**self._client, **safe})
        self._producer.produce(alert.topic, alert.value, alert.key, on_delivery=_delivered)
        self._producer.flush(FLUSH_SECONDS)


def _delivered(error: KafkaError | None, record: Record) -> None:
    if error is not None:
        log.error("the alert of a refused load was not taken: %s", error.str())

"""The alert that a refused load raises. It derives from the load alone: whoever raises it says the same bytes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from detectors.loads.problem import Problem, summary
from schemas.outputs import Alert, Reason, encode
from streams.messages import Output

TOPIC: Final = "fraud-alerts"
KIND: Final = "REFERENTIAL_REJECTED"
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
    alert = Alert(
        alert_id=f"A-{digest}",
        case_id=f"C-{blake2b(entity.encode(), digest_size=8).hexdigest()}",
        entity=entity,
        kind=KIND,
        severity="HIGH",
        reasons=(reason,),
        first_seen=loaded,
        last_seen=loaded,
    )
    return Output(TOPIC, entity.encode(), encode(alert))

"""River evidence and the one score: what is usual for peers, a beneficiary and a provider, and how findings
add up.

Pure: records come as bytes and leave as bytes. A claim is taken apart once (`view`), scored against the
records (`assess`, `score`), and only then teaches them (`folds`).
"""

from detectors.models.evidence import Evidence, assess, assessed
from detectors.models.keys import Pair, View, view
from detectors.models.quantile import flag_from
from detectors.models.records import RecordError
from detectors.models.score import Score, Term, score
from detectors.models.store import Records

__all__ = [
    "Evidence",
    "Pair",
    "RecordError",
    "Records",
    "Score",
    "Term",
    "View",
    "assess",
    "assessed",
    "flag_from",
    "score",
    "view",
]

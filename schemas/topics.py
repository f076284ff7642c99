"""The topics: one table from which they are created, checked, documented and subscribed to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

DAY_MS: Final = 86_400_000
MEGABYTE: Final = 1_048_576


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. Retention and sizes are defaults that a deployment may raise.

    `with_screening`: it has the number of partitions and the partitioner (murmur2) of the screening inputs.
    `partitions`: a fixed number of them, or None. `restricted`: what stands there is not for liquidators.
    """

    name: str
    key: str
    types: tuple[str, ...]
    cleanup: Literal["delete", "compact"] = "delete"
    retention_ms: int | None = 90 * DAY_MS  # full verdicts live 90 days; the inputs must outlive any fence
    max_message_bytes: int = MEGABYTE
    with_screening: bool = False
    partitions: int | None = None
    direction: Literal["in", "out", "private"] = "in"
    restricted: bool = False
    summary: str = ""

    def key_of(self, event: Mapping[str, Any]) -> str:
        """The key of an event given as plain values; `name:edition` joins two fields."""
        return ":".join(str(event[field]) for field in self.key.split(":"))


def _table(*topics: Topic) -> dict[str, Topic]:
    return {topic.name: topic for topic in topics}


def _registry(
    name: str, key: str, event: str, summary: str, *, size: int = MEGABYTE, joined: bool = False
) -> Topic:
    """A compacted topic that holds the last word on each key for ever."""
    return Topic(
        name, key, (event,), cleanup="compact", retention_ms=None, max_message_bytes=size,
        with_screening=joined, summary=summary,
    )  # fmt: skip


TOPICS: Final = _table(
    Topic(
        "claims",
        "beneficiary",
        ("claim",),
        with_screening=True,
        summary="Claims from the liquidation systems.",
    ),
    Topic(
        "liquidations", "beneficiary", ("liquidation",), with_screening=True, summary="Steps of liquidation."
    ),
    Topic(
        "payments", "beneficiary", ("payment",), with_screening=True, summary="Payment orders and their fate."
    ),
    Topic(
        "prior-approvals",
        "beneficiary",
        ("prior_approval",),
        with_screening=True,
        summary="Prises en charge.",
    ),
    _registry("beneficiaries", "beneficiary", "beneficiary", "Who is covered, when, by whom.", joined=True),
    _registry("providers", "inpe", "provider", "Professionals and establishments."),
    _registry("liquidators", "liquidator", "liquidator", "Liquidation agents and their rights."),
    _registry("referentials", "name:edition", "referential", "The payer's tables.", size=16 * MEGABYTE),
    _registry("policies", "name:edition", "policy", "Thresholds and modes of detectors.", size=16 * MEGABYTE),
    _registry("orders", "entity", "order", "Named human orders that suspend a payee or a network."),
    Topic("reviews", "beneficiary", ("review",), restricted=True, summary="Outcomes of human reviews."),
    _registry("signals", "entity", "signal", "Reports, targeting and watch-lists."),
    Topic(
        "rescreens",
        "beneficiary",
        ("rescreen",),
        with_screening=True,
        direction="private",
        restricted=True,
        summary="Open events to answer again.",
    ),
    Topic(
        "verdicts",
        "beneficiary",
        ("verdict",),
        with_screening=True,
        direction="out",
        summary="One answer to every claim, liquidation and payment; only what a liquidator may read.",
    ),
    Topic(
        "payment-suspensions",
        "claim_id",
        ("suspension",),
        direction="out",
        summary="Holds and their lifecycle.",
    ),
    Topic(
        "fraud-alerts",
        "entity",
        ("alert",),
        direction="out",
        restricted=True,
        summary="Cases for the fraud team.",
    ),
    Topic(
        "internal-alerts",
        "entity",
        ("alert",),
        direction="out",
        restricted=True,
        summary="Cases for internal audit alone.",
    ),
    Topic(
        "screened",
        "beneficiary",
        ("screened",),
        with_screening=True,
        direction="out",
        restricted=True,
        max_message_bytes=2 * MEGABYTE,
        summary="The full verdict with its input position and features.",
    ),
    Topic(
        "learning",
        "(one partition)",
        ("lesson",),
        direction="private",
        restricted=True,
        partitions=1,
        retention_ms=30 * DAY_MS,
        summary="What the learner learns from.",
    ),
    Topic(
        "provider-activity",
        "entity",
        ("activity",),
        direction="private",
        restricted=True,
        retention_ms=30 * DAY_MS,
        summary="One record per provider, network or liquidator that an event touched.",
    ),
    Topic(
        "dead-letters",
        "as received",
        ("dead_letter",),
        direction="out",
        restricted=True,
        retention_ms=7 * DAY_MS,
        max_message_bytes=2 * MEGABYTE,
        summary="Received bytes that are no event, with headers that say why.",
    ),
)

SCREENING_INPUTS: Final = tuple(t.name for t in TOPICS.values() if t.with_screening and t.direction != "out")
"""Topics that the screening loop shares out over its group."""
SNAPSHOTS: Final = ("providers", "liquidators", "referentials", "policies", "orders")
"""Topics that every worker reads whole before it is ready."""
TOPIC_OF: Final = {
    kind: topic for topic in TOPICS.values() if topic.direction != "out" for kind in topic.types
}
"""Event type -> the topic that carries it."""

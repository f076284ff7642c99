"""What the embedded broker, noida-db, is known not to do. The README tells users; a test holds it to exactly this."""

from __future__ import annotations

EMBEDDED = {
    "topics.ids": "topics have no ids: a log is named by its topic alone",
    "groups.crashed": "a dead member is never expired: one worker, restarted under its own name",
    "transactions.timeout": "an abandoned transaction stays open until its transactional.id is taken over",
    "transactions.unstable-offsets": "an offset that is under way in a transaction is told as the old one",
    "transactions.stale-member": "offsets are accepted with group metadata from before a rebalance",
}

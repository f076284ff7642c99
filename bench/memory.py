"""What Redis keeps of a beneficiary: bytes a line of care, a beneficiary, and all that stands beside it."""

from __future__ import annotations

from typing import Any

import redis

from state import EmbeddedRedis, codecs

SAMPLE = 2_000


def measure(server: EmbeddedRedis, claims: int) -> dict[str, float]:
    """Sizes in bytes, as Redis accounts them (MEMORY USAGE: key, value and overhead).

    `claims`: how many were applied, for the share of everything else.
    """
    client: Any = redis.Redis(port=server.port)
    try:
        logs = list(client.scan_iter(match="*:b:*", count=1_000))
        sample = logs[:SAMPLE]
        with client.pipeline(transaction=False) as pipe:
            for key in sample:
                pipe.strlen(key)
                pipe.memory_usage(key)
            answers = pipe.execute()
        stored, used = answers[::2], answers[1::2]
        lines = sum(size // codecs.LOG_BYTES for size in stored)
        whole = float(client.info("memory")["used_memory_dataset"])
        return {
            "beneficiaries": len(logs),
            "lines_per_beneficiary": round(lines / len(sample), 2),
            "log_bytes_per_line": round(sum(used) / lines, 1),
            "log_bytes_per_beneficiary": round(sum(used) / len(sample), 1),
            "record_bytes": codecs.LOG_BYTES,
            "dataset_bytes_per_claim": round(whole / claims, 1),
            "dataset_bytes_per_beneficiary": round(whole / len(logs), 1),
        }
    finally:
        client.close()

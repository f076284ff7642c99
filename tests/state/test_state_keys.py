"""The key layout: tags evenly over the slots, tag 0 always the same, entities always in the same tag."""

from __future__ import annotations

import pytest
from redis.crc import key_slot

from state import keys


@pytest.mark.parametrize("count", [1, 2, 3, 16, 64, 256])
def test_tags_lie_evenly_over_the_slots(count: int) -> None:
    prefixes = keys.prefixes(count)
    assert len(set(prefixes)) == count
    assert prefixes[0] == "{s0}:"
    slots = sorted(key_slot(prefix.encode()) for prefix in prefixes)
    gaps = [b - a for a, b in zip(slots, [*slots[1:], slots[0] + keys.SLOTS], strict=True)]
    assert min(gaps) >= 0.7 * keys.SLOTS / count
    assert max(gaps) <= 1.3 * keys.SLOTS / count


def test_entities_spread_over_the_tags() -> None:
    counts = [0] * 16
    for number in range(16_000):
        counts[keys.tag_of(f"{100_000_000 + number}", 16)] += 1
    assert min(counts) > 800
    assert max(counts) < 1200


def test_a_model_lies_with_its_entity() -> None:
    assert keys.model_entity("provider:123456789") == "123456789"
    assert keys.model_entity("pair:123|456") == "123|456"
    assert keys.model("provider:123456789") == "m:provider:123456789"

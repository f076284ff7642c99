"""Findings: soft ones are made alike, and as plain values a stored verdict keeps them to be decided again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import fields

from detectors.base import Context, Finding
from detectors.reading import at_stake

_DEFAULTS = {
    spec.name: spec.default if spec.default_factory is msgspec.NODEFAULT else spec.default_factory()
    for spec in fields(Finding)
}


def to_record(finding: Finding) -> dict[str, Any]:
    """JSON-able values of a finding; defaults are left out, references become base64."""
    return {
        name: msgspec.to_builtins(value)
        for name, default in _DEFAULTS.items()
        if (value := getattr(finding, name)) != default
    }


def from_record(record: dict[str, Any]) -> Finding:
    """The finding of a record; raises msgspec.ValidationError when it is not one."""
    return msgspec.convert(record, Finding)


def kept(features: Mapping[str, Any]) -> list[Finding]:
    """The findings that a verdict was decided from, out of the features recorded with it."""
    return [from_record(one) for one in features.get("findings", ())]


def soft(context: Context, code: str, lines: tuple[int, ...], area: str | None, **fields: Any) -> Finding:
    """A soft finding on these lines: what is billed on them is at stake, and it weighs as the sector's policy says."""
    weight, amount = context.value(code, "weight", area), at_stake(context.claim, lines)
    return Finding(code, "S", weight=weight, lines=lines, amount=amount, **fields)

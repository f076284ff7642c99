"""What the peers of a provider do, and what is known of itself, as the records that the models keep."""

from __future__ import annotations

from detectors.models.evidence import Evidence
from detectors.models.records import NormsRecord, ProviderRecord, Record, encode
from detectors.models.store import Records
from tests.detectors.scene import DOCTOR

GROUPS = ("MEDECIN|GP|PRIVATE|RSK", "MEDECIN|GP|PRIVATE")


def evidence(
    *norms: NormsRecord, inpe: str = DOCTOR, habits: dict[str, ProviderRecord] | None = None
) -> Evidence:
    """The norms of the peer groups, the narrowest first."""
    held: dict[tuple[str, str], Record] = {
        ("norms", group): record for group, record in zip(GROUPS, norms, strict=False)
    }
    held |= {("provider", name): record for name, record in (habits or {}).items()}
    blobs = {pair: encode(record) for pair, record in held.items()}
    return Evidence(groups={inpe: GROUPS}, records=Records(blobs))

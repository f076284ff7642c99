"""What a claim adds to the windows: minutes, clone signatures, permanent facts; and its peer groups.

Pure functions of the claim and the referentials in force when it was applied; the stream turns names into
numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from detectors.reading import DRUGS, act_name, actor, days
from detectors.referentials import Referentials
from detectors.workload import UNCOUNTED
from schemas.claim import Claim, Line
from schemas.enums import CARE_KINDS, FACT_KINDS, SIDES, TOOTH_CLASSES
from schemas.observation import clone_signature, day_number
from schemas.registries import Beneficiary, Provider

CLONE_LINES: Final = 2
CLONE_AMOUNT: Final = 100_000
"""P04's row: a signature has two lines or more, or 1,000 MAD or more."""
TOOTH, ONCE, DEVICE, STAY = (FACT_KINDS.index(name) for name in ("TOOTH", "ONCE", "DEVICE", "STAY"))
MOST_MINUTES: Final = 100_000
"""Of one claim on one day: 69 days' worth. A quantity mistyped by any factor cannot make a day sheet overflow."""
ESSENTIAL_GROUPS: Final = frozenset({"DIALYSIS", "ONCOLOGY"})


class PlannedFact(NamedTuple):
    """A permanent fact before its names are numbers: a text key is an act's name or `device|class`."""

    kind: int
    key: int | str
    day: int
    until: int
    provider: str | None
    detail: int = 0  # as `observation.Fact.detail`


def minutes(claim: Claim, referentials: Referentials) -> dict[tuple[str, int], int]:
    """(INPE of who acted, day of care) -> standard minutes of the claim's lines.

    A series dated on one day counts as one session, night and emergency lines not at all, establishments
    never: many people share their INPE. At most MOST_MINUTES each.
    """
    sheet: dict[tuple[str, int], float] = {}
    if claim.kind not in CARE_KINDS:
        return {}
    for line in claim.lines:
        number = actor(line)
        if number is None or line.nomenclature == DRUGS or not UNCOUNTED.isdisjoint(line.modifiers or ()):
            continue
        entry = referentials.provider(number)
        if entry is not None and entry.individual is False:
            continue
        act = referentials.act(line.nomenclature, line.code, line.service_date)
        if act is None or act.minutes is None:
            continue
        if line.sessions:
            for day in line.sessions:
                key = (number, day_number(day))
                sheet[key] = sheet.get(key, 0.0) + act.minutes
        else:
            key = (number, day_number(line.service_date))
            sheet[key] = sheet.get(key, 0.0) + act.minutes * (1.0 if act.series else line.quantity)
    return {key: round(min(total, MOST_MINUTES)) for key, total in sheet.items()}


def dialysed(claim: Claim, referentials: Referentials) -> list[tuple[str, int]]:
    """(centre, day) of the claim's dialysis, where the registry knows how many machines the centre has (U03)."""
    found = []
    for line in claim.lines:
        if line.care_group == "DIALYSIS" and line.executor is not None and claim.coverage != "COMPLEMENTARY":
            entry = referentials.provider(line.executor)
            if entry is not None and entry.capacity is not None and entry.capacity.machines is not None:
                found += [(line.executor, day_number(day)) for day in days(line)]
    return found


def signatures(claim: Claim, referentials: Referentials) -> dict[str, str]:
    """Executor INPE -> P04's signature of its lines; amounts to the nearest MAD, half upwards."""
    if claim.kind not in CARE_KINDS:
        return {}
    by_executor: dict[str, list[Line]] = {}
    for line in claim.lines:
        if line.executor is not None:
            by_executor.setdefault(line.executor, []).append(line)
    return {number: signature(lines) for number, lines in by_executor.items() if has_signature(lines)}


def has_signature(lines: Sequence[Line]) -> bool:
    """Whether an executor's lines are enough for one (`CLONE_LINES`, `CLONE_AMOUNT`)."""
    return len(lines) >= CLONE_LINES or sum([line.amount for line in lines]) >= CLONE_AMOUNT


def signature(lines: Iterable[Line]) -> str:
    """P04's signature of an executor's lines."""
    return clone_signature(
        [(act_name(line), round(line.quantity * 100), (line.amount + 50) // 100) for line in lines]
    )


def peer_group(provider: Provider) -> str:
    """The group a provider is compared with: kind, speciality and sector."""
    return f"{provider.kind}:{provider.specialty or '-'}:{provider.sector or '-'}"


def regional_peer_group(provider: Provider, referentials: Referentials) -> str | None:
    """The same within the provider's region; None where the region is not known."""
    region = referentials.region(provider.commune)
    return None if region is None else f"{peer_group(provider)}:{region}"


def facts(claim: Claim, referentials: Referentials) -> list[PlannedFact]:
    """Teeth treated, once-in-life acts, devices and stays of a claim of care."""
    found: list[PlannedFact] = []
    if claim.kind not in CARE_KINDS:
        return found
    for line in claim.lines:
        if line.service_end is not None and line.care_group == "HOSPITALISATION":
            house = line.place or line.executor
            for day, until in presence(line):
                found.append(PlannedFact(STAY, act_name(line), day, until, house))
        act = referentials.act(line.nomenclature, line.code, line.service_date)
        if act is None or not (act.tooth_class or act.once_in_life or act.device_class):
            continue
        last = max(map(day_number, days(line)))
        if act.tooth_class is not None:
            done = TOOTH_CLASSES.index(act.tooth_class) + 1
            found.extend(
                PlannedFact(TOOTH, tooth, last, last, line.executor, done) for tooth in line.teeth or ()
            )
        if act.once_in_life:
            side = 0 if line.side is None else SIDES.index(line.side) + 1
            found.append(PlannedFact(ONCE, act_name(line), last, last, line.executor, side))
        if act.device_class is not None:
            found.append(PlannedFact(DEVICE, f"device|{act.device_class}", last, last, line.executor))
    return found


def presence(line: Line) -> list[tuple[int, int]]:
    """First and last days of a stay, one pair for each part between days of leave: those end and begin a part."""
    first = day_number(line.service_date)
    last = first if line.service_end is None else max(first, day_number(line.service_end))
    parts = []
    for leave in sorted(line.leaves or (), key=lambda leave: leave.from_ or line.service_date):
        if leave.from_ is None:
            continue
        out, back = day_number(leave.from_), last if leave.to is None else day_number(leave.to)
        if first <= out <= back <= last:
            parts.append((first, out))
            first = back
    return [*parts, (first, last)]


def essential(claim: Claim, referentials: Referentials, person: Beneficiary | None) -> bool:
    """Whether care that must not wait is concerned: dialysis, oncology, or a long-term illness.

    A line counts when it names an illness that the `ald` table does not call non-essential; a request to open
    one does too.
    """
    if claim.kind == "ALD_OUVERTURE":
        return True
    for line in claim.lines:
        if line.care_group in ESSENTIAL_GROUPS:
            return True
        if line.ald is not None:
            row = referentials.ald(line.ald, line.service_date)
            on_record = person is None or person.ald is None or any(p.code == line.ald for p in person.ald)
            if on_record and (row is None or row.essential is not False):
                return True
    return False


def sole_provider(claim: Claim, referentials: Referentials) -> bool:
    """Whether some line's executor is the only provider of its kind in its commune."""
    executors = {line.executor for line in claim.lines if line.executor is not None}
    return any(map(referentials.sole_of_kind, executors))

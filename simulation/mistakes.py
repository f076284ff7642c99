"""Honest errors: what tired people type, forget, or send twice. Truth class ERROR, never fraud."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from simulation import clock
from simulation.acts import ACT
from simulation.claims import Desk, Dossier, Filed
from simulation.draw import Draw
from simulation.drugs import Drug
from simulation.population import Person
from simulation.world import World

KINDS = (
    ("rights_late", 18.0),
    ("wrong_rank", 14.0),
    ("missing_inpe", 24.0),
    ("deposit_as_care", 12.0),
    ("tooth_typo", 8.0),
    ("old_price", 10.0),
    ("sent_twice", 14.0),
    ("agreement_forgotten", 5.0),
    ("quantity_typo", 5.0),
)
SHARE = 0.052
TOLERANCE = 35  # days after a price cut; the payer tolerates the old price for 30


@dataclass(slots=True)
class Spoiled:
    """A filed dossier with its error, and the events around it: (instant, event, filed again or None)."""

    filed: Filed
    around: list[tuple[int, dict[str, object], Filed | None]]


class Mistakes:
    """Draws errors and makes them, before or after the dossier reaches the counter."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.draw = Draw(world.seed, "mistakes")
        self._names = [name for name, _ in KINDS]
        self._shares = list(accumulate(share for _, share in KINDS))
        self._by_code: dict[str, Drug] = {drug.ean13: drug for drug in world.drugs}
        self._recheck: set[str] = set()
        self._blind: dict[str, tuple[int, int, str]] = {}

    def happens(self) -> bool:
        """Whether the next dossier is spoiled."""
        return self.draw.chance(SHARE)

    def spoil(self, dossier: Dossier, desk: Desk) -> Spoiled:
        """File the dossier with an error that fits it."""
        # What few dossiers allow is tried first where they do, or it would hardly ever happen.
        rare = ["tooth_typo"] if self.draw.chance(0.5) else []
        rare += ["old_price"] if self.draw.chance(0.7) else []
        rare += ["agreement_forgotten"] if self.draw.chance(0.25) else []
        for name in rare + [self.draw.weighted(self._names, self._shares) for _ in range(12)]:
            spoiled = self._try(name, dossier, desk)
            if spoiled is not None:
                return spoiled
        dossier.truth, dossier.scheme = "ERROR", "missing_inpe"
        dossier.lines[0].pop("executor", None)
        dossier.faults = {dossier.lines[0]["line"]: "missing_inpe"}
        return Spoiled(desk.file(dossier), [])

    def _try(self, name: str, dossier: Dossier, desk: Desk) -> Spoiled | None:
        person: Person | None = None
        if name == "wrong_rank":
            family = [
                p for p in dossier.person.household.members if p is not dossier.person and p.death is None
            ]
            if not family:
                return None
            person = self.draw.pick(family)
            sex = person.sex
            dossier.faults = {
                line["line"]: "wrong_sex" if _of_other_sex(line["code"], sex) else name
                for line in dossier.lines
            }
        elif name == "missing_inpe":
            line = self.draw.pick(dossier.lines)
            if (
                line.pop("prescriber" if "prescriber" in line and self.draw.chance(0.4) else "executor", None)
                is None
            ):
                return None
            dossier.faults = {line["line"]: name}
        elif name == "agreement_forgotten":
            agreed = [line for line in dossier.lines if "prior_approval" in line]
            if not agreed:
                return None
            dossier.faults = {line["line"]: name for line in agreed}
            for line in agreed:
                del line["prior_approval"]
        elif name == "quantity_typo":
            if not self._quantity(dossier):
                return None
        elif name == "tooth_typo":
            if not self._tooth(dossier):
                return None
        elif name == "old_price":
            if not self._old_price(dossier):
                return None
        elif (name == "rights_late" and dossier.person.beneficiary in self._recheck) or (
            name == "deposit_as_care"
            and (dossier.person.death is not None or any("sessions" in x for x in dossier.lines))
        ):
            return None
        if name != "sent_twice":
            dossier.truth, dossier.scheme = "ERROR", name
        filed = desk.file(dossier, person=person)
        if name == "deposit_as_care":
            if filed.event["deposit_date"] == clock.text(dossier.last):
                dossier.truth, dossier.scheme = "HONEST", None
                return None
            for line in dossier.lines:
                line["service_date"] = filed.event["deposit_date"]
                if "service_end" in line:
                    line["service_end"] = max(line["service_end"], line["service_date"])
        if name == "sent_twice":
            return Spoiled(filed, [self._twice(filed, desk)])
        if name == "rights_late":
            return Spoiled(filed, self._rights(filed))
        return Spoiled(filed, [])

    def _tooth(self, dossier: Dossier) -> bool:
        """The neighbour's number, or one that no mouth has."""
        for line in dossier.lines:
            if "teeth" in line:
                tooth = line["teeth"][0]
                dossier.faults = {line["line"]: "tooth_typo"}
                line["teeth"] = [tooth + 1 if self.draw.chance(0.7) else tooth + 10 * 4]
                return True
        return False

    def _quantity(self, dossier: Dossier) -> bool:
        """A digit typed twice: eleven consultations instead of one."""
        for line in dossier.lines:
            act = ACT.get(line["code"])
            if (
                act is not None
                and act.extra.get("cap_day")
                and line["quantity"] == 1
                and line["unit"] == "ACT"
            ):
                line["quantity"] = 11
                line["amount"] = 11 * line["unit_price"]
                dossier.faults = {line["line"]: "quantity_typo"}
                return True
        return False

    def _old_price(self, dossier: Dossier) -> bool:
        """The price before the cut, still on the box or in the shop's computer."""
        for i, line in enumerate(dossier.lines):
            drug = self._by_code.get(line["code"])
            if drug is None or drug.cut_day is None or dossier.day < drug.cut_day + TOLERANCE:
                continue
            dossier.faults = {line["line"]: "old_price"}
            line["unit_price"] = drug.price
            line["amount"] = round(drug.price * line["quantity"])
            dossier.dues[i] = (line["line"], *dossier.dues[i][1:])
            return True
        return False

    def _twice(self, filed: Filed, desk: Desk) -> tuple[int, dict[str, object], Filed]:
        """The same file once more under new numbers, some days later."""
        at = filed.ingest + self.draw.integer(1, 20) * clock.DAY
        event = desk.again(filed, at - 60, at)
        event["claim_id"] = desk.claim_id(at // clock.DAY + clock.EPOCH)
        event["deposit_date"] = clock.text((at - 60 + 3600) // clock.DAY + clock.EPOCH)
        original = filed.dossier
        twin = Dossier(
            original.person,
            original.day,
            original.kind,
            original.lines,
            original.documents,
            original.dues,
            original.last,
            original.payee,
        )
        twin.truth, twin.scheme = "ERROR", "sent_twice"
        twin.faults = {line["line"]: "sent_twice" for line in original.lines}
        for line in original.lines:
            if line["code"] in ACT and ACT[line["code"]].extra.get("repeatable_same_day"):
                twin.faults[line["line"]] = "sent_twice_repeatable"  # nobody can tell it from a second one
        return at, event, Filed(event, twin, at)

    def meets_late_rights(self, filed: Filed) -> bool:
        """Whether another file of a person reaches the counter while the registry believes the rights over."""
        seen = self._blind.get(filed.event["beneficiary"])
        return (
            seen is not None
            and seen[0] <= filed.ingest < seen[1]
            and any(line["service_date"] > seen[2] for line in filed.event["lines"])
        )

    def _rights(self, filed: Filed) -> list[tuple[int, dict[str, object], Filed | None]]:
        """The registry believes the rights have ended before the care, and learns better after some days."""
        person = filed.dossier.person
        self._recheck.add(person.beneficiary)
        ended_on = filed.dossier.day - self.draw.integer(1, 4)
        before = filed.ingest - 7200
        after = filed.ingest + self.draw.integer(4, 18) * clock.DAY
        self._blind[person.beneficiary] = (before, after, clock.text(ended_on))
        ended = self.world.update(person, before, until=ended_on)
        renewed = self.world.update(person, after)
        return [(before, ended, None), (after, renewed, None)]


def _of_other_sex(code: str, sex: str) -> bool:
    """Whether the act is for the other sex than that of whoever was named."""
    act = ACT.get(code)
    return act is not None and act.extra.get("sex", sex) != sex

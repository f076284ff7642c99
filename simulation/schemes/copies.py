"""A copy with another date, the same care by two channels; a second visit, and the share of the mutuelle."""

from __future__ import annotations

from simulation import clock
from simulation.claims import Dossier, Filed
from simulation.schemes.parts import grown, prelude, sheet
from simulation.schemes.stage import Stage

COPIES, SECOND, TWICE, SHARES = 8, 13, 8, 13


def _copyable(filed: Filed) -> bool:
    lines = filed.event["lines"]
    return (
        filed.event["kind"] == "AMBULATOIRE"
        and filed.dossier.amount >= 40_000
        and filed.dossier.person.ald is None
        and all(
            line["nomenclature"] == "NGAP" and "teeth" not in line and "sessions" not in line
            for line in lines
            if line is lines[0]
        )
        and all("executor" in line and "sessions" not in line for line in lines)
    )


def cosmetic_copy(stage: Stage) -> list[Dossier]:
    """A file that was paid already, with the dates moved by a day or two and new numbers on its papers."""
    draw = stage.draws("cosmetic")
    recent = [
        filed
        for filed in stage.known[-1200:]
        if _copyable(filed)
        and filed.ingest < clock.instant(stage.day, 0)
        and not stage.taken(filed.dossier.person.beneficiary)
    ]
    dossiers = []
    for i, source in enumerate(draw.sample(recent, COPIES)):
        original, moved = source.dossier, draw.integer(1, 2)
        copy = Dossier(original.person, original.day + moved)
        stage.take(original.person.beneficiary)
        for line in original.lines:
            mine = {**line, "service_date": clock.text(clock.ordinal(line["service_date"]) + moved)}
            mine.pop("service_end", None)
            copy.lines.append(mine)
        copy.documents = [
            {
                **paper,
                "number": f"{draw.integer(1, 999_999):06d}",
                "date": clock.text(clock.ordinal(paper["date"]) + moved),
            }
            for paper in original.documents
        ]
        copy.dues = list(original.dues)
        copy.last = max(stage.day + draw.integer(0, 8), original.last + moved)
        copy.case = f"{i}"
        dossiers.append(copy)
    return dossiers


def second_visit(stage: Stage) -> list[Dossier]:
    """The doctor sees a patient again at the end of the week."""
    draw = stage.draws("second_visit")
    dossiers = []
    for person in stage.people(draw, SECOND, grown(stage, 2)):
        doctor = person.household.doctor
        first = stage.working_day(draw, 0, 10, doctor)
        second = first + draw.integer(5, 7)
        while not doctor.open_on(second):
            second += 1
        visit = sheet(draw, person, doctor, first, "C")
        stage.care.prescribe(visit, doctor, first, draw.integer(1, 3))
        dossiers += [visit, sheet(draw, person, doctor, second, "C")]
    return dossiers


def _twice(stage: Stage, scheme: str, count: int, coverage: str | None) -> list[Dossier]:
    """An examination that the centre invoices, and a refund that the insured asks for it."""
    draw = stage.draws(scheme)
    dossiers = []
    for person in stage.people(
        draw, count, lambda p: grown(stage, 40)(p) and (coverage is None or p.household.mutuelle is not None)
    ):
        centre = stage.world.market.pick(draw, person.household.commune, "CENTRE_CARDIO")
        day = stage.day + draw.integer(0, 8)
        invoiced = Dossier(person, day)
        invoiced.act("CORO", centre, day)
        stage.hospital.invoice(invoiced, centre)
        refund = Dossier(person, day)
        line = refund.act("CORO", centre, day)
        refund.document("FACTURE", centre.number(draw), centre, day, [line])
        refund.delay = draw.integer(8, 14)
        if coverage is None:
            prelude(invoiced)
        else:
            invoiced.coverage, refund.coverage = "BASE", coverage
        dossiers += [invoiced, refund]
    return dossiers


def double_channel(stage: Stage) -> list[Dossier]:
    """The insured asks a refund for what the centre was paid already."""
    return _twice(stage, "double_channel", TWICE, None)


def mutuelle_share(stage: Stage) -> list[Dossier]:
    """The insured asks the mutuelle for the share that was left to pay."""
    return _twice(stage, "mutuelle_share", SHARES, "COMPLEMENTARY")

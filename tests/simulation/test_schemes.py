from __future__ import annotations

from collections import Counter, defaultdict

from simulation.schemes import LOOKALIKES, MONTH_END, SCHEMES
from tests.simulation.conftest import Run

FEW = 15


def test_all_schemes_and_look_alikes_are_played(run: Run) -> None:
    counts = Counter((truth["class"], truth["scheme"]) for _, truth in run.pairs if truth)
    for scheme in SCHEMES:
        assert counts["FRAUD", scheme] >= FEW, scheme
    for scheme in (*LOOKALIKES, MONTH_END):
        assert counts["LOOKALIKE", scheme] >= 1, scheme


def test_soft_schemes_are_worth_the_delay_of_a_control(run: Run) -> None:
    for scheme in ("clone_campaign", "doctor_shopping", "impossible_day"):
        for claim in run.claims("FRAUD", scheme):
            assert claim["declared_total"] >= 50_000


def test_clones_are_thirty_people_of_one_week_one_clinic_one_amount(run: Run) -> None:
    claims = run.claims("FRAUD", "clone_campaign")
    assert len({claim["beneficiary"] for claim in claims}) >= 30
    assert len({claim["declared_total"] for claim in claims}) == 1
    assert len({line["executor"] for claim in claims for line in claim["lines"]}) == 1
    days = sorted(claim["lines"][0]["service_date"] for claim in claims)
    assert int(days[-1][8:]) - int(days[0][8:]) <= 6


def test_the_caravan_is_announced(run: Run) -> None:
    rows = [e for e in run.of("referential") if e["name"] == "campaigns"][-1]["rows"]
    for claim in run.claims("LOOKALIKE", "screening_campaign"):
        line = claim["lines"][0]
        assert rows[0]["provider"] == line["executor"]
        assert rows[0]["from"] <= line["service_date"] <= rows[0]["to"]
        assert {each["code"] for each in claim["lines"]} <= set(rows[0]["acts"])


def test_most_ring_money_names_the_struck_off_dentist_and_no_honest_file_does(run: Run) -> None:
    struck = next(e for e in run.of("provider") if e["excluded"])
    since = struck["excluded"][0]["from"]
    held = total = 0
    for claim in run.claims("FRAUD", "dental_ring"):
        total += claim["declared_total"]
        named = {line.get(role) for line in claim["lines"] for role in ("executor", "performer")}
        held += claim["declared_total"] * (struck["inpe"] in named)
    assert held > 0.6 * total
    for class_ in ("HONEST", "LOOKALIKE"):
        for claim in run.claims(class_):
            for line in claim["lines"]:
                assert (
                    line.get("executor") != struck["inpe"]
                    or line["service_date"] < since
                    or "action" in claim
                )


def test_shoppers_meet_many_prescribers_and_pharmacies(run: Run) -> None:
    met: dict[str, set[str]] = defaultdict(set)
    for claim in run.claims("FRAUD", "doctor_shopping"):
        for line in claim["lines"]:
            if line["nomenclature"] == "MED":
                met[claim["beneficiary"]].add(line["prescriber"])
    assert len(met) >= 2
    assert all(len(doctors) >= 8 for doctors in met.values())


def test_phantoms_are_dead_and_the_registry_knows(run: Run) -> None:
    death: dict[str, str] = {}
    for event, truth in run.pairs:
        if event["type"] == "beneficiary" and event["death_date"]:
            death[event["beneficiary"]] = event["death_date"]
        if truth and truth["scheme"] == "phantom_after_death":
            assert min(line["service_date"] for line in event["lines"]) > death[event["beneficiary"]]
        if truth and truth["class"] == "HONEST" and event["beneficiary"] in death:
            assert all(line["service_date"] <= death[event["beneficiary"]] for line in event["lines"])


def test_recycled_papers_were_another_insureds(run: Run) -> None:
    papers: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for event, truth in run.pairs:
        if truth is None or "action" in event:
            continue
        keys = [
            (paper["type"], paper["issuer"], paper["number"])
            for paper in event["documents"]
            if paper["type"] != "ORDONNANCE" and "issuer" in paper
        ]
        foreign = any(papers[key] - {event["insured"]} for key in keys)
        assert foreign == (truth["scheme"] == "recycled_documents")
        for key in keys:
            papers[key].add(event["insured"])


def test_the_impossible_day_is_one_and_no_honest_individual_has_another(run: Run) -> None:
    acts = {row["code"]: row["minutes"] for row in run.of("referential")[0]["rows"]}
    individual = {event["inpe"] for event in run.of("provider") if event["individual"]}
    days: Counter[tuple[str, str]] = Counter()
    seen: set[str] = set()
    for event, truth in run.pairs:
        if truth is None or event["event_id"] in seen or "action" in event or truth["scheme"] == "sent_twice":
            continue
        seen.add(event["event_id"])
        for line in event["lines"]:
            if line.get("executor") in individual and acts.get(line["code"]):
                dates = line.get("sessions", [line["service_date"]])
                for day in dates:
                    share = 1 if "sessions" in line else line["quantity"]
                    days[line["executor"], day] += acts[line["code"]] * share
    over = [key for key, minutes in days.items() if minutes > 16 * 60]
    fraud = {
        (line["executor"], line["service_date"])
        for claim in run.claims("FRAUD", "impossible_day")
        for line in claim["lines"]
    }
    assert set(over) == fraud
    assert days[next(iter(fraud))] > 40 * 60


def test_frauds_have_no_give_away(run: Run) -> None:
    """Channels, hours of filing and complete papers are those of everybody."""
    frauds, honest = run.claims("FRAUD"), run.claims("HONEST")
    assert {claim["channel"] for claim in frauds} == {claim["channel"] for claim in honest}
    hours = {claim["event_time"][11:13] for claim in frauds}
    assert hours <= {claim["event_time"][11:13] for claim in honest}
    for claim in frauds:
        assert all("executor" in line for line in claim["lines"])
        assert all("prescriber" in line for line in claim["lines"] if line["nomenclature"] == "MED")
        assert claim["documents"]

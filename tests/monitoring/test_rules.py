"""Rules ask for metrics that exist; each alert has a runbook and its two cases, and promtool agrees with all of it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import typer

from detectors.policy import DECISION
from monitoring.catalogue import CATALOGUE, LABELS
from schemas.referential import POLICIES
from streams.cli import app
from tests.monitoring.pack import HOUSE, PROMETHEUS, RUNBOOKS, Rule, rules
from tests.monitoring.servers import tool

ALERTS = rules("alert")
RECORDS = rules("record")
EVERY = [*ALERTS.values(), *RECORDS.values()]
# Prometheus's own, and those of every Python process (prometheus_client.ProcessCollector).
FOREIGN = {"up", "process_start_time_seconds"}
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
EXPOSED = {metric.name + suffix: metric for metric in CATALOGUE for suffix in SUFFIXES[metric.kind]}
# Labels that every scraped series has, and the one of a histogram's bucket.
GIVEN = {"job", "instance", "le"}
SELECTOR = re.compile(r"([a-z_:][a-z0-9_:]*)\{([^}]*)\}")
WORDS = {
    "absent",
    "and",
    "by",
    "changes",
    "group_left",
    "increase",
    "job",
    "max",
    "min_over_time",
    "offset",
    "on",
}
WORDS |= {"or", "rate", "sum", "unless", *LABELS}
HEADINGS = ["Meaning", "Impact on payments", "First look", "Likely causes", "Fix", "Verify", "Escalate"]
PAGES = sorted(RUNBOOKS.glob("*.md"))


def names(expression: str) -> set[str]:
    """The metrics of an expression: its words that are no function, operator, label, number or string."""
    bare = re.sub(r'"[^"]*"|\[[^]]*\]|\boffset \w+', "", expression)
    bare = re.sub(r"\{[^}]*\}", "", bare)
    return set(re.findall(r"(?<![\w.:])[a-z_:][a-z0-9_:]*", bare)) - WORDS


def test_the_files_are_read_whole() -> None:
    text = "".join(file.read_text(encoding="utf-8") for file in (PROMETHEUS / "rules").glob("*.yml"))
    assert len(ALERTS) == text.count("alert:") > 0
    assert len(RECORDS) == text.count("record:") > 0


@pytest.mark.parametrize("rule", EVERY, ids=lambda rule: rule.name)
def test_a_rule_asks_for_what_exists(rule: Rule) -> None:
    asked = names(rule.expression())
    assert asked
    assert asked - EXPOSED.keys() - RECORDS.keys() - FOREIGN == set()


@pytest.mark.parametrize("rule", EVERY, ids=lambda rule: rule.name)
def test_a_selector_asks_for_labels_and_values_that_exist(rule: Rule) -> None:
    for name, inside in SELECTOR.findall(rule.expression()):
        for label, sign, value in re.findall(r'(\w+)(!?=~?)"([^"]*)"', inside):
            known = set(EXPOSED[name].labels) if name in EXPOSED else set()
            assert label in known | GIVEN, f"{name} has no label {label}"
            assert "~" not in sign
            if label == "le":
                assert float(value) in EXPOSED[name].buckets
                assert value == str(float(value)), "as the client writes it"
            elif label in LABELS:
                assert LABELS[label].fullmatch(value), f"{label} is never {value}"


def test_every_recorded_series_is_asked_for() -> None:
    asked = set().union(*(names(rule.expression()) for rule in EVERY))
    assert set(RECORDS) - asked == set()


@pytest.mark.parametrize("alert", list(ALERTS.values()), ids=lambda rule: rule.name)
def test_an_alert_says_how_bad_what_where_and_what_to_do(alert: Rule) -> None:
    assert alert.field("labels") in (
        "{ severity: page, team: on-call }",
        "{ severity: ticket, team: soc }",
        "{ severity: ticket, team: fraud }",
    )
    assert "$labels." in alert.field("summary")
    assert alert.field("description")
    assert alert.field("runbook_url") == f"docs/runbooks/{alert.name}.md"
    assert (HOUSE / alert.field("runbook_url")).is_file()


def test_the_age_of_a_stale_table_is_the_products() -> None:
    expression = ALERTS["CribleReferentialStale"].expression()
    assert f"> {DECISION['stale_days'].value} * 86400" in expression
    assert re.findall(r'referential!="(\w+)"', expression) == sorted(POLICIES)


def test_each_alert_has_its_tests_and_its_page_and_nothing_else_has() -> None:
    assert {file.stem for file in (PROMETHEUS / "tests").glob("*.yml")} == set(ALERTS)
    assert {page.stem for page in PAGES} == set(ALERTS)


@pytest.mark.parametrize("alert", sorted(ALERTS))
def test_an_alert_has_a_case_that_fires_and_a_near_one_that_does_not(alert: str) -> None:
    text = (PROMETHEUS / "tests" / f"{alert}.yml").read_text(encoding="utf-8")
    cases = re.split(r"^  - name: ", text, flags=re.MULTILINE)[1:]
    assert cases
    for case in cases:
        assert case.count(f"alertname: {alert}\n") == 1
        silent = case.count("exp_alerts: []")
        assert (silent, case.count("- exp_labels:") > 0) == (
            (1, False) if case.startswith("stays silent") else (0, True)
        ), case
        assert case.startswith(("fires", "stays silent"))
        series = re.findall(r"- series: (\w+)", case)
        assert set(series) <= EXPOSED.keys() | FOREIGN
    said = {case.startswith("fires") for case in cases}
    assert said == {True, False}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_runbook_has_its_parts_and_commands_that_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {page.stem}\n\nFires: ")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS
    group = typer.main.get_group(app)
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)) + "\n".join(
        re.findall(r"`(crible [a-z][^`]*)`", text)
    )
    assert blocks.strip()
    for line in re.findall(r"^crible (.*)$", blocks, re.MULTILINE):
        first, *rest = line.split()
        command = group.commands[first]
        inner = getattr(command, "commands", None)
        if inner is not None:
            command = inner[rest[0]]
        options = {name for one in command.params for name in one.opts}
        assert {word for word in rest if word.startswith("--")} <= options
    series = set(re.findall(r"\bcrible_[a-z_]+", text))
    assert {one for one in series if not any(name.startswith(one) for name in EXPOSED)} == set()
    assert set(re.findall(r"\bCrible[A-Z]\w+", text)) <= set(ALERTS)
    assert set(re.findall(r"\bcrible:[a-z0-9_:]+", text)) <= set(RECORDS)


@pytest.fixture(scope="module")
def promtool() -> str:
    return tool("promtool")


def _promtool(promtool: str, *words: str) -> None:
    done = subprocess.run(
        [promtool, *words], cwd=PROMETHEUS, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_the_configuration_and_its_rules(promtool: str) -> None:
    _promtool(promtool, "check", "config", "prometheus.yml")


@pytest.mark.parametrize("alert", sorted(ALERTS))
def test_it_fires_and_stays_silent_as_its_cases_say(promtool: str, alert: str) -> None:
    _promtool(promtool, "test", "rules", f"tests/{alert}.yml")

"""`crible referentials` as a script uses it, with a real broker: exit codes, messages, what stands on the topics."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner, Result

from schemas.decode import Decoder
from schemas.referential import Referential
from streams import cli
from streams.broker import EmbeddedBroker
from streams.config import Settings
from streams.topics import Topics
from tests.support.published import read_all
from tests.support.reference_data import folder

BAD = "code,rate\nD1,70\nD2,seventy\nD1,80\n"
ALD = "code,label_fr,rate\n" + "".join(f"D{n},maladie {n},70\n" for n in range(40))


@pytest.fixture(scope="module")
def running() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as broker:
        yield broker


@pytest.fixture
def broker() -> Iterator[str]:
    """The address of a broker with topics and nothing on them."""
    with EmbeddedBroker() as own:
        Topics(Settings(brokers=own.bootstrap).client()).create(1)
        yield own.bootstrap


def crible(*arguments: str | Path, broker: str = "127.0.0.1:1") -> Result:
    environment = {"CRIBLE_BROKERS": broker, "COLUMNS": "200", "NO_COLOR": "1"}
    words = ["referentials", *map(str, arguments)]
    return CliRunner().invoke(cli.app, words, env=environment, catch_exceptions=True)


def told(*arguments: str | Path, broker: str = "127.0.0.1:1", code: int = 0) -> dict[str, Any]:
    done = crible(*arguments, "--json", broker=broker)
    assert done.exit_code == code, done.output
    said: dict[str, Any] = orjson.loads(done.stdout)
    return said


@pytest.fixture
def ald(tmp_path: Path) -> Path:
    file = tmp_path / "ald.csv"
    file.write_text(ALD)
    return file


def test_check_needs_no_broker_and_tells_every_line(tmp_path: Path, ald: Path) -> None:
    assert crible("check", "ald", ald).stdout == "ald: 40 rows, nothing is wrong\n"
    bad = tmp_path / "bad.csv"
    bad.write_text(BAD)
    done = crible("check", "ald", bad)
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "ald: 2 problems in 3 rows",
        "  line 3: rate: 'seventy', expected a number",
        "  line 4: code: 'D1', expected a key that is there once on any date (line 2 has it too)",
    ]
    assert crible("check", "ald", bad, "--first", "1").stdout.splitlines()[2].startswith("  and 1 more")
    said = told("check", "ald", bad, code=1)
    assert [(one["line"], one["field"], one["value"]) for one in said["problems"]] == [
        (3, "rate", "seventy"),
        (4, "code", "D1"),
    ]


def test_diff_of_two_files_needs_no_broker(tmp_path: Path, ald: Path) -> None:
    new = tmp_path / "new.csv"
    new.write_text(
        ALD.replace("D3,maladie 3,70\n", "").replace("D5,maladie 5,70", "D5,maladie 5,100") + "X,,70\n"
    )
    done = crible("diff", "ald", new, "--against", ald)
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        f"ald against {ald}: 1 added, 1 removed, 1 changed, 38 as they were",
        "changed columns: rate 1",
        "  - D3",
        "  ~ line 6: D5: rate 70.0 -> 100.0",
        "  + line 41: X",
    ]
    said = told("diff", "ald", new, "--against", ald)
    assert (said["added"], said["removed"], said["changed"], said["same"]) == (1, 1, 1, 38)
    assert said["changes"][1]["columns"] == {"rate": [70.0, 100.0]}


def test_a_table_is_loaded_listed_shown_and_compared(broker: str, tmp_path: Path, ald: Path) -> None:
    terms = ("--edition", "2026-1", "--from", "2026-01-01")
    assert "nothing was sent" in crible("load", "ald", ald, *terms, "--dry-run", broker=broker).stdout
    assert crible("list", broker=broker).stdout == "no table is loaded\n"
    assert crible("load", "ald", ald, *terms, broker=broker).exit_code == 0
    (record,) = read_all(broker, ("referentials",))
    assert record.key() == b"ald:2026-1"
    event = Decoder().decode(record.value())
    assert isinstance(event, Referential)
    assert (event.name, event.edition, len(event.rows)) == ("ald", "2026-1", 40)
    again = crible("load", "ald", ald, *terms, broker=broker)
    told_twice = [Decoder().decode(record.value()) for record in read_all(broker, ("referentials",))]
    assert (again.exit_code, len(told_twice)) == (0, 2)
    assert told_twice[0].event_time == told_twice[1].event_time, (
        "it is the load that it was: nothing takes effect"
    )
    assert "edition 2026-1 is in force already" in again.stdout
    (one,) = told("list", broker=broker)["loads"]
    assert (one["table"], one["edition"], one["state"], one["rows"]) == ("ald", "2026-1", "in force", 40)
    assert one["position"] == "referentials/0@1"
    assert told("show", "ald", "D7", "--on", "2026-03-02", broker=broker)["rows"] == [
        {"code": "D7", "label_fr": "maladie 7", "rate": 70.0}
    ]
    for arguments, why in (
        (("ald", "D99", "--on", "2026-03-02"), "no row of that key of ald is in force on 2026-03-02"),
        (("ald", "--on", "2025-12-31"), "no edition of ald is in force on 2025-12-31"),
    ):
        done = crible("show", *arguments, broker=broker)
        assert (done.exit_code, why in done.stderr) == (1, True)
    new = tmp_path / "new.csv"
    new.write_text(ALD.replace("D5,maladie 5,70", "D5,maladie 5,100"))
    said = told("diff", "ald", new, broker=broker)
    assert (said["against"], said["changed"], said["same"]) == ("edition 2026-1", 1, 39)


def test_a_refused_load_is_not_sent_and_raises_an_alert(broker: str, tmp_path: Path, ald: Path) -> None:
    assert crible("load", "ald", ald, "-e", "2026-1", "--from", "2026-01-01", broker=broker).exit_code == 0
    bad, short, other = (tmp_path / f"{name}.csv" for name in ("bad", "short", "other"))
    bad.write_text(BAD)
    short.write_text("".join(ALD.splitlines(keepends=True)[:31]))
    other.write_text(ALD.replace("70", "80"))
    for file, edition, message in (
        (bad, "2026-2", "line 3: rate: 'seventy', expected a number"),
        (
            short,
            "2026-2",
            "rows: '30', expected at least 95% of the 40 keys of edition '2026-1' (25.0% are gone)",
        ),
        (other, "2026-1", "edition: '2026-1', expected a name of its own: this one is there with other rows"),
    ):
        done = crible("load", "ald", file, "-e", edition, "--from", "2026-02-01", broker=broker)
        assert done.exit_code == 1, done.output
        assert message in done.stdout
        assert "refused: what is in force stays; an alert went out" in done.stdout
    assert len(read_all(broker, ("referentials",))) == 1
    alerts = [orjson.loads(record.value() or b"") for record in read_all(broker, ("fraud-alerts",))]
    assert {alert["entity"] for alert in alerts} == {"referential:ald"}
    assert {alert["kind"] for alert in alerts} == {"REFERENTIAL_REJECTED"}
    assert len({alert["case_id"] for alert in alerts}) == 1
    assert len({alert["alert_id"] for alert in alerts}) == 3
    assert "line 3: rate: 'seventy'" in alerts[0]["reasons"][0]["facts_en"]
    meant = ("load", "ald", short, "-e", "2026-2", "--from", "2026-02-01", "--accept-loss")
    assert crible(*meant, broker=broker).exit_code == 0
    assert [one["state"] for one in told("list", broker=broker)["loads"]] == ["in force", "in force"]


def test_check_can_look_at_what_is_in_force(broker: str, tmp_path: Path) -> None:
    acts, pairs = tmp_path / "acts.csv", tmp_path / "pairs.jsonl"
    acts.write_text("nomenclature,code\nNGAP,CS\nNGAP,V\n")
    pairs.write_text('{"code_1": "CS", "code_2": "V"}\n\n{"code_1": "CS", "code_2": "ECG"}\n')
    said = told("load", "acts", acts, "-e", "zeta", "--from", "2026-01-01", broker=broker)
    assert said["sent"] == "referentials/0@0"
    assert crible("check", "act_pairs", pairs).exit_code == 0
    done = crible("check", "act_pairs", pairs, "--broker", broker=broker)
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "act_pairs: 1 problem in 2 rows",
        "  line 3: code_2: 'ECG', expected a code of the table acts",
    ]
    assert told("check", "acts", acts, "--broker", broker=broker)["wrong"] == 0


def test_a_policy_goes_to_its_own_topic(broker: str, tmp_path: Path) -> None:
    file = tmp_path / "detectors.csv"
    file.write_text(
        "code,parameter,value,unit,reason,mode\nT02,price_ratio,1.1,ratio,a pilot,\nU06,,,,,shadow\n"
    )
    assert crible("load", "detectors", file, "-e", "1", "--from", "2026-01-01", broker=broker).exit_code == 0
    assert [record.key() for record in read_all(broker, ("policies",))] == [b"detectors:1"]
    rows = told("show", "detectors", "T02", "--on", "2026-03-02", broker=broker)["rows"]
    assert [row["value"] for row in rows] == [1.1]


def test_the_official_list_is_loaded(broker: str) -> None:
    file = folder("cnops-drugs") / "ref-des-medicaments-cnops-2014.csv.gz"
    done = crible("load", "drugs", file, "--format", "cnops-2014", broker=broker)
    assert done.exit_code == 0, done.output
    assert "drugs: 5,917 rows, nothing is wrong" in done.stdout
    (one,) = told("list", broker=broker)["loads"]
    assert (one["edition"], one["rows"], one["valid_from"]) == ("cnops-2014", 5_917, "2014-01-01")
    (row,) = told("show", "drugs", "6118000140213", "--on", "2026-03-02", broker=broker)["rows"]
    assert row["checksum_exempt"] is True


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("load", "ald", "{file}"), 2),
        (("check", "ald", "{file}", "--format", "xlsx"), 2),
        (("check", "ald", "nowhere.csv"), 2),
    ],
)
def test_wrong_options_end_with_two(ald: Path, arguments: tuple[str, ...], code: int) -> None:
    done = crible(*(word.format(file=ald) for word in arguments))
    assert done.exit_code == code
    assert "Traceback" not in done.output


def test_without_broker_or_topics_one_line_says_so(
    running: EmbeddedBroker, ald: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for address, message in (
        ("127.0.0.1:1", "crible: no Kafka broker answers at 127.0.0.1:1"),
        (running.bootstrap, "crible: topics missing: referentials, policies: run `crible topics create`"),
    ):
        monkeypatch.setenv("CRIBLE_BROKERS", address)
        monkeypatch.setattr("sys.argv", ["crible", "referentials", "list"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 2
        said = capfd.readouterr().err
        assert said.startswith(message)
        assert "Traceback" not in said

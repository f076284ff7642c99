"""Settings come from the environment, a TOML file and defaults; a wrong one is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.config import FIELDS, Settings, SettingsError, load
from streams.config_page import PAGE, page

ROOT = Path(__file__).parents[2]


def test_environment_wins_over_file_over_defaults(tmp_path: Path) -> None:
    file = tmp_path / "crible.toml"
    file.write_text('group = "pilot"\nbatch_size = 64\n[kafka]\n"security.protocol" = "SSL"\n')
    settings = load({"CRIBLE_CONFIG": str(file), "CRIBLE_BATCH_SIZE": "32", "PATH": "/bin"})
    assert (settings.group, settings.batch_size, settings.metrics_port) == ("pilot", 32, 0)
    assert settings.client() == {"security.protocol": "SSL", "bootstrap.servers": "127.0.0.1:9092"}
    assert load({}, file).batch_size == 64


def test_defaults_are_those_of_the_contract() -> None:
    settings = load({})
    assert (settings.batch_size, settings.calendar, settings.metrics_host) == (
        128,
        "Africa/Casablanca",
        "127.0.0.1",
    )
    assert settings.zone().key == "Africa/Casablanca"
    assert settings.worker_id


def test_an_empty_variable_is_an_unset_one() -> None:
    assert load({"CRIBLE_METRICS_PORT": "", "CRIBLE_CONFIG": ""}).metrics_port == 0


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"CRIBLE_BROKER": "b:1"}, "CRIBLE_BROKER; did you mean 'CRIBLE_BROKERS'"),
        ({"CRIBLE_CONFG": "x"}, "did you mean 'CRIBLE_CONFIG'"),
        ({"CRIBLE_QQQQQQ": "x"}, "known: .*CRIBLE_REDIS"),
        ({"CRIBLE_BATCH_SIZE": "257"}, "CRIBLE_BATCH_SIZE: '257' .* 1 to 256"),
        ({"CRIBLE_BATCH_SIZE": "many"}, "CRIBLE_BATCH_SIZE: 'many' .* 1 to 256"),
        ({"CRIBLE_PROFILING": "outside"}, "inline or separate"),
        ({"CRIBLE_BROKERS": "kafka"}, r"host:port\[,host:port...\]"),
        ({"CRIBLE_WORKER_ID": "a b"}, "letters, digits"),
        ({"CRIBLE_CALENDAR": "Africa/Casablnca"}, "did you mean 'Africa/Casablanca'"),
        ({"CRIBLE_CALENDAR": "../etc/passwd"}, "not a time zone"),
        ({"CRIBLE_CONFIG": "/nowhere/crible.toml"}, "cannot read /nowhere/crible.toml"),
    ],
)
def test_a_wrong_variable_is_named(environ: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load(environ)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("batchsize = 3", "unknown key 'batchsize'; did you mean 'batch_size'"),
        ('batch_size = "3"', "batch_size: '3' does not do"),
        ("batch_size = true", "batch_size: True does not do"),
        ("batch_size = 3 3", "not a TOML file"),
        ('[kafka]\n"isolation.level" = "read_uncommitted"', "'isolation.level' is set by Crible"),
        ('[kafka]\n"a" = ["b"]', "kafka: the value given does not do; expected a table"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "crible.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=message) as raised:
        load({}, file)
    assert str(file) in str(raised.value) or "kafka:" in str(raised.value)


def test_passwords_are_never_shown() -> None:
    settings = Settings(redis="redis://:hush@h/0", kafka={"sasl.password": "hush"})
    assert "hush" not in f"{settings} {settings!r}"
    with pytest.raises(SettingsError) as raised:
        load({"CRIBLE_REDIS": "http://u:hush@h"})
    assert "hush" not in str(raised.value)


def test_the_page_is_the_one_of_these_settings() -> None:
    assert (ROOT / PAGE).read_text(encoding="utf-8") == page(), "run: python -m streams.config_page"
    assert all(f"`{name}`" in page() for name in FIELDS)

"""``kado init``: a file that works as it is and explains every option."""

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from command_line import Kado
from facility.schedule_words import CalendarWords
from kado.config import (
    AlarmSettings,
    LandingSettings,
    MetricsSettings,
    PublishSettings,
    ReportSettings,
    Settings,
    load_configuration,
)
from kado.notification_settings import AlertmanagerTarget, AppriseTarget
from kado.page_settings import PageSettings, ProxySettings
from kado.source_kinds import source_classes
from kado.store_settings import EmbeddedSettings, InfluxSettings

VARIANTS = [
    ("nanoterasu_sim", "embedded", "simulator"),
    ("nanoterasu_sim", "influxdb", "mqtt"),
    ("nanoterasu", "embedded", "mqtt"),
    ("nanoterasu", "influxdb", "mqtt"),
]


def options(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


@pytest.mark.parametrize(("facility", "store", "source"), VARIANTS)
def test_what_it_writes_is_right(kado: Kado, facility: str, store: str, source: str) -> None:
    answer = kado("init", "--facility", facility, "--store", store, "--source", source)
    assert (answer.exit_code, answer.out) == (0, "kado.toml written; read it, then: kado check\n")
    configuration = load_configuration()
    assert (configuration.profile.id, configuration.store.kind) == (facility, store)
    # A simulator that is told no signals delivers all of them.
    named = set() if source == "simulator" else {s.id for s in configuration.profile.signals}
    assert set(configuration.sources[0].signals) == named


@pytest.mark.parametrize(("facility", "store", "source"), VARIANTS)
def test_what_stands_behind_a_comment_sign_works_as_well(kado: Kado, facility: str, store: str, source: str) -> None:
    kado("init", "--facility", facility, "--store", store, "--source", source)
    path = Path("kado.toml")
    lines = path.read_text().splitlines()
    either = {"password_env", "token_env", "ca_file", "url_file"}  # stands in for another option, or needs mqtts://
    for i, line in enumerate(lines):
        table = re.fullmatch(r"# \[[\w.]+\]|# \[\[alarms\.target\]\]", line)
        if table or ((option := re.match(r"# (\w+) = ", line)) and option[1] not in either):
            lines[i] = line.removeprefix("# ")
    path.write_text("\n".join(lines))
    Path("mqtt-signals.csv").write_text("topic,signal\n")
    assert load_configuration().profile.id == facility


@pytest.mark.parametrize(("facility", "store", "source"), VARIANTS)
def test_every_option_is_there_and_explained(kado: Kado, facility: str, store: str, source: str) -> None:
    kado("init", "--facility", facility, "--store", store, "--source", source)
    text = Path("kado.toml").read_text()
    models = [
        Settings,
        LandingSettings,
        CalendarWords,
        PageSettings,
        ProxySettings,
        MetricsSettings,
        AlarmSettings,
        AlertmanagerTarget,
        AppriseTarget,
        ReportSettings,
    ]
    models += [InfluxSettings, PublishSettings] if store == "influxdb" else [EmbeddedSettings]
    for model in (*models, source_classes()[source]):
        for option in options(model) - {
            "store",
            "landing",
            "schedule",
            "source",
            "signal",
            "page",
            "metrics",
            "publish",
            "alarms",
            "target",
            "proxy",
            "report",
        }:
            assert re.search(rf"^(# )?{option} = .+", text, re.MULTILINE), option
    before = ""
    for line in text.splitlines():
        if re.match(r"(# )?\w+ = ", line):
            assert before.startswith("# "), f"{line} is not explained"
        before = line


def test_it_holds_no_default_that_is_not_the_default(kado: Kado) -> None:
    kado("init", "--facility", "nanoterasu", "--store", "influxdb")
    text = Path("kado.toml").read_text()
    (mqtt,) = load_configuration().sources
    for option in ("client", "session_expiry_s", "format", "max_payload_bytes", "batch_size", "batch_delay_s"):
        (stated,) = tomllib.loads(re.findall(rf"^# ({option} = .*)$", text, re.MULTILINE)[0]).values()
        assert stated == getattr(mqtt, option)
    (stated,) = tomllib.loads(re.findall(r"^# (max_bytes = .*)$", text, re.MULTILINE)[0]).values()
    assert stated == LandingSettings().max_bytes


def test_a_file_that_is_there_stays_as_it_is(kado: Kado) -> None:
    Path("kado.toml").write_text("mine")
    answer = kado("init")
    assert answer.exit_code == 2
    assert answer.err == "kado: kado.toml exists already and is left as it is: move it away, or name another\n"
    assert Path("kado.toml").read_text() == "mine"


def test_a_real_facility_gets_no_simulator(kado: Kado) -> None:
    answer = kado("init", "--facility", "nanoterasu", "--source", "simulator")
    assert answer.exit_code == 2
    assert "facility nanoterasu is a real one" in answer.err
    assert not Path("kado.toml").exists()
